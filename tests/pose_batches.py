"""Batches for the tests of estimators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fertools.geometry import FloatArray
from fertools.pose.registry import FaceBatch

Pixels = npt.NDArray[np.uint8]


def batch_of(
    pictures: Sequence[Pixels] = (),
    *,
    images: Sequence[str] = (),
    boxes: FloatArray | None = None,
) -> FaceBatch:
    """Some pictures, or names of some that are not there."""
    count = len(pictures) or len(images)
    names = list(images) or [f"{number}.png" for number in range(count)]

    def load(number: int) -> Pixels:
        return pictures[number]

    return FaceBatch(
        sample_ids=[f"set/{name}" for name in names],
        images=names,
        sizes=np.array([p.shape[1::-1] for p in pictures] or [[100, 100]] * count),
        landmarks=[None] * count,
        boxes=np.full((count, 4), np.nan) if boxes is None else boxes,
        angles=np.full((count, 3), np.nan),
        sources=[None] * count,
        load=load,
    )
