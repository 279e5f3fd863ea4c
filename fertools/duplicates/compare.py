"""Whether two pictures are one and the same: compared by their pixels, not by hashes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["SAME_PICTURE", "WHOLE", "picture_differences"]

SAME_PICTURE = 0.6
"""Greatest difference of two thumbnails that are called one picture; see docs/leaks.md."""

WHOLE = (0.0, 1.0, 0.0, 1.0)
"""The frame of a copy that shows all of its source."""


def picture_differences(
    first: npt.NDArray[np.uint8],
    second: npt.NDArray[np.uint8],
    frames: npt.NDArray[np.float64] | None = None,
) -> npt.NDArray[np.float64]:
    """How far pictures differ at the place where they differ most, whatever their tones.

    The second picture may show a part of the first, enlarged: its *frame*. From a rough one a
    better one is found by Gauss-Newton steps on its four edges; then both are sampled on one grid
    within the second and blurred to the same degree.

    One is drawn from the other by the tone curve (a smooth map from grey level to grey level) that
    fits best, which takes brightness and contrast away. Where such a curve bends, as at
    overexposure, an edge may lie between the curve and its chord, since thumbnails are blurred
    after such a change, not before it. From what remains its local mean is taken (another light, or
    a colour of which one channel was overexposed). Then the root mean square is taken in each
    square of a tenth of the side, and the largest is divided by that of the whole picture's fine
    detail (what a mean over 5 x 5 points does not show). The result is the smaller one of both
    directions: an overexposed picture can be drawn from a good one, but not the other way round.

    An altered file differs a little everywhere. Another expression or face leaves most of a picture
    as it was and changes a few places much: so it is the worst place that counts, not the average.
    And it is detail that tells two faces apart before one background, where contrast is mostly that
    of figure and ground.

    Args:
        first: Thumbnails, shape ``(K, 64, 64)``, uint8.
        second: Those that they are compared with, of the same shape.
        frames: Left edge, width, top edge and height of the second as shares of the first, shape
            ``(K, 4)``, right within 2.5 % of the side; else both show the same.

    Returns:
        Shape ``(K,)``, from 0 (the same up to tones); infinite where one of the two shows nothing.

    Raises:
        ValueError: If the shapes differ or are others.
    """
    from fertools.duplicates.fitting import fit_pairs

    if first.shape != second.shape or first.ndim != 3:
        raise ValueError(f"thumbnails of shapes {first.shape} and {second.shape}")
    start = np.tile(WHOLE, (len(first), 1)) if frames is None else frames
    pairs = np.arange(len(first))[:, None].repeat(2, axis=1)
    limits = np.full(len(first), np.inf)
    differences, _, _ = fit_pairs(
        np.ascontiguousarray(first), np.ascontiguousarray(second), pairs, start, limits
    )
    return np.asarray(differences, np.float64)
