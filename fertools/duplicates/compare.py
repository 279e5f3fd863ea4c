"""Whether two pictures are one and the same: compared by their pixels, not by hashes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["SAME_PICTURE", "picture_differences"]

SAME_PICTURE = 0.04
"""Greatest difference of two thumbnails that are called one picture; see docs/verifying.md."""


def picture_differences(
    first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float64]:
    """How far pictures differ at the place where they differ most, whatever their tones.

    One thumbnail is drawn from the other by the tone curve (a smooth map from grey level to grey
    level) that fits best, which takes brightness and contrast away, and by the small shift and
    stretch that fit best to first order, which takes a cut border of a pixel or two away. Where a
    tone curve bends, as at overexposure, an edge may lie between the curve and its chord, since
    thumbnails are blurred after such a change, not before it. Of what remains the root mean square
    is taken in each square of 7 x 7 pixels, and the largest is divided by the standard deviation of
    the thumbnail that was drawn. The result is the smaller one of both directions: an overexposed
    picture can be drawn from a good one, but not the other way round.

    An altered file differs a little everywhere. Another expression leaves most of a picture as it
    was and changes a few places much: so it is the worst place that counts, not the average.

    Args:
        first: Thumbnails, shape ``(K, 64, 64)``, uint8.
        second: Those that they are compared with, of the same shape.

    Returns:
        Shape ``(K,)``, from 0 (the same up to tones); 1 where one of the two is of one colour.

    Raises:
        ValueError: If the shapes differ or are others.
    """
    from fertools.duplicates.kernels import tone_differences

    if first.shape != second.shape or first.ndim != 3:
        raise ValueError(f"thumbnails of shapes {first.shape} and {second.shape}")
    return np.asarray(
        tone_differences(np.ascontiguousarray(first), np.ascontiguousarray(second)), np.float64
    )
