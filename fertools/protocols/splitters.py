"""Folds of subjects, the same on every machine and for every order of the rows."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fertools.errors import ProtocolError

__all__ = ["subject_folds"]


def subject_folds(subjects: Iterable[str], folds: int, *, seed: int) -> list[tuple[str, ...]]:
    """Part subjects into disjoint groups whose sizes differ by one at most.

    Args:
        subjects: Any order, repeats allowed; they are sorted first.
        folds: How many groups.
        seed: Of the shuffle (numpy's PCG64).

    Returns:
        One sorted group of subjects a fold: those that it tests.

    Raises:
        ProtocolError: If there are fewer subjects than folds.

    Example:
        >>> [len(group) for group in subject_folds([f"S{i:02d}" for i in range(11)], 5, seed=0)]
        [3, 2, 2, 2, 2]
    """
    ordered = sorted(set(subjects))
    if len(ordered) < folds:
        raise ProtocolError(
            f"{len(ordered)} subjects cannot be parted into {folds} folds; "
            f"expected {folds} subjects or more"
        )
    shuffled = np.random.default_rng(seed).permutation(len(ordered))
    return [
        tuple(sorted(ordered[index] for index in group))
        for group in np.array_split(shuffled, folds)
    ]
