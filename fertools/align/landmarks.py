"""Five points from a data set's own landmarks: ``landmarks.parquet`` beside the manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fertools.geometry import FloatArray
from fertools.landmarks import read_landmark_table

__all__ = ["Landmarks", "five_points", "read_landmarks"]

_NO_NOSE = np.full(2, np.nan)


@dataclass(frozen=True)
class Landmarks:
    """A set's landmarks.

    Attributes:
        points: ``sample_id`` to shape ``(K, 2)``, pixels of the picture.
        visible: ``sample_id`` to a list of K, where the set says it; else empty.
    """

    points: dict[str, FloatArray]
    visible: dict[str, list[bool]]


def five_points(landmarks: FloatArray) -> FloatArray | None:
    """Left eye, right eye, nose tip, left and right mouth corner, as seen in the picture.

    5 points are taken as they are (RAF-DB's order is this one), and so is the order of the schemes
    of 68 (iBUG 300-W: eyes 37-42 and 43-48, nose tip 31, mouth 49 and 55, counted from 1) and of 83
    (BU-3DFE: eyes 9-16 and 1-8, mouth 55 and 49). Where left and right turn out to be those of the
    person, or the picture was mirrored, they are exchanged. BU-3DFE has no nose tip: it stays NaN,
    since what it has, the wings and the nose's base, lies elsewhere as soon as the head is turned.
    Schemes of other counts, such as Multi-PIE's 39 points of a profile, give no five points.

    Args:
        landmarks: Shape ``(K, 2)``.

    Returns:
        Shape ``(5, 2)``; None for an unknown scheme, or if a point that is needed is not finite.
    """
    if len(landmarks) == 5:
        points = np.array(landmarks, dtype=np.float64)
    elif len(landmarks) == 68:
        eyes = landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)
        points = np.array([*eyes, landmarks[30], landmarks[48], landmarks[54]], dtype=np.float64)
    elif len(landmarks) == 83:
        eyes = landmarks[8:16].mean(axis=0), landmarks[:8].mean(axis=0)
        points = np.array([*eyes, _NO_NOSE, landmarks[54], landmarks[48]], dtype=np.float64)
    else:
        return None
    if not np.isfinite(points[[0, 1, 3, 4]]).all():
        return None
    across, down = points[1] - points[0], points[3:].mean(axis=0) - points[:2].mean(axis=0)
    is_from_the_other_side = across[0] * down[1] < across[1] * down[0]
    return points[[1, 0, 2, 4, 3]] if is_from_the_other_side else points


def read_landmarks(folder: Path) -> Landmarks:
    """Read ``landmarks.parquet``; empty where there is none.

    Raises:
        ManifestError: If it is damaged.
    """
    table = read_landmark_table(folder)
    ids = table.sample_ids.to_pylist()
    points = {i: p for i, p in zip(ids, table.rows, strict=True) if p is not None}
    return Landmarks(points, dict(zip(ids, table.visible or [], strict=False)))
