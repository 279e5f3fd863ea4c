"""Who is compared with whom: pictures of the kinds that may meet."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["meeting_sides"]

IntArray = npt.NDArray[np.int64]


def meeting_sides(
    kinds: IntArray, may_meet: npt.NDArray[np.bool_]
) -> list[tuple[IntArray, IntArray]]:
    """Split a search in two where there are two sides that only meet each other.

    One side is small where a set is trained on and a few of it are tested. Then either those who
    ask or those who are asked are few.

    Args:
        kinds: Shape ``(N,)``: the kind of each picture.
        may_meet: Shape ``(K, K)``: which kinds are compared, symmetric.

    Returns:
        Pictures that ask, and those that they ask, ascending. Together all pairs that may meet, in
        both directions; where there are more sides than two, all ask all and others are among them.
    """
    present = np.unique(kinds)
    partners = may_meet[np.ix_(present, present)]
    rows, row_of = np.unique(partners, axis=0, return_inverse=True)
    if np.count_nonzero(rows.any(axis=1)) != 2:
        every = np.arange(len(kinds))
        return [(every, every)]
    places = np.searchsorted(present, kinds)
    return [
        (np.flatnonzero(row_of.reshape(-1)[places] == number), np.flatnonzero(row[places]))
        for number, row in enumerate(rows)
        if row.any()
    ]
