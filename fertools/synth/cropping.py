"""What a scanner sees of the head: the cropped face of F3D and the whole head of RAW.

Everything is decided once on the average adult, in canonical millimetres (origin between the eyes).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from fertools.geometry import rotation_from_angles
from fertools.synth import head as parts
from fertools.synth.head import MM, HeadData
from fertools.synth.identity import average_adult
from fertools.synth.shading import visible_share

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

COLLAR = -133.0  # y in canonical mm where the neck is cut
_MOUTH_DEPTH = -20.0  # z in canonical mm where the lining of the mouth is cut and closed
_REVEALING: tuple[dict[str, float], ...] = (  # expressions that uncover lids, lips and mouth
    {"eyeWideLeft": 1.3, "eyeWideRight": 1.3, "jawOpen": 0.9},
    {"eyeBlinkLeft": 0.8, "eyeBlinkRight": 0.8, "mouthFunnel": 0.8, "jawOpen": 0.2},
    {"mouthUpperUpLeft": 1.4, "mouthUpperUpRight": 1.4, "mouthStretchLeft": 1.0}
    | {"mouthLowerDownLeft": 1.4, "mouthLowerDownRight": 1.4, "mouthStretchRight": 1.0},
)


def _visible_inside(middle: FloatArray, quad_parts: IntArray) -> npt.NDArray[np.bool_]:
    """What one can see of eyes, eye sockets and mouth from outside."""
    z = middle[:, 2]
    reach = {
        parts.LEFT_EYE: -7.0,
        parts.RIGHT_EYE: -7.0,
        parts.SOCKETS: -9.0,
        parts.INNER_MOUTH: _MOUTH_DEPTH,
        parts.UPPER_TEETH: -10.0,
        parts.LOWER_TEETH: -10.0,
        parts.TONGUE: -9.0,
    }
    seen = np.zeros(len(z), dtype=bool)
    for part, depth in reach.items():
        seen |= (quad_parts == part) & (z > depth)
    return seen


def beyond_border(points: FloatArray) -> FloatArray:
    """About how many mm a point in canonical mm lies outside the cropped face; negative inside."""
    x, y, z = points.T
    reach = (np.abs(x / 69.0) ** 3.0 + np.abs((y + 26.0) / 83.0) ** 3.0) ** (1 / 3)
    deep = -54.0 - 0.30 * np.minimum(y + 40.0, 0.0)
    return np.asarray(np.maximum(69.0 * (reach - 1.0), deep - z))


def in_face(points: FloatArray, quads: IntArray, quad_parts: IntArray) -> npt.NDArray[np.bool_]:
    """Which quads a face scanner's cropped mesh would keep, those on the border included."""
    touched = (beyond_border(points)[quads] < 0).any(axis=1)
    inside = _visible_inside(points[quads].mean(axis=1), quad_parts)
    return np.asarray((touched & (quad_parts == parts.SKIN)) | inside)


def ever_seen(head: HeadData, matrix: sparse.csr_matrix, quads: IntArray) -> npt.NDArray[np.bool_]:
    """False for quads that no scanner in front sees whatever the face does, as in nostrils."""
    triangles = quads[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3).astype(np.int32)
    seen = np.zeros(matrix.shape[0])
    for units in _REVEALING:
        base = average_adult(head)
        for unit, weight in units.items():
            head.add_unit(base, unit, weight)
        points = (matrix @ base) * MM
        points -= points[points[:, 2].argmax()]
        for yaw in (-75.0, -40.0, 0.0, 40.0, 75.0):
            for pitch in (-35.0, 0.0, 35.0):
                turn = rotation_from_angles(yaw, pitch, 0.0)
                flat = np.stack([(points * axis).sum(axis=1) for axis in turn], axis=1)
                flat[:, :2] += 250.0
                seen = np.maximum(seen, visible_share(flat, triangles, 500, 0.7))
    return np.asarray(seen[quads].max(axis=1) > 0.0)


def in_head(points: FloatArray, quads: IntArray, quad_parts: IntArray) -> npt.NDArray[np.bool_]:
    """Which quads the raw scan keeps: all the outside above the collar, and what F3D has inside."""
    corners = points[quads]
    outside = np.isin(quad_parts, (parts.SKIN, parts.NECK)) & (corners[..., 1] > COLLAR).any(axis=1)
    return np.asarray(outside | _visible_inside(corners.mean(axis=1), quad_parts))
