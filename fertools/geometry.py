"""Head pose: the one convention of the project, as rotation and as angles.

The camera frame is right-handed: x to the image's right, y up, z towards the viewer. At
yaw = pitch = roll = 0 the face looks at the viewer. Yaw > 0 turns the nose to the image's right,
pitch > 0 lifts it, roll > 0 tilts the head clockwise as seen in the image. Head points turn as
``p' = R p`` with ``R = R_y(yaw) @ R_x(-pitch) @ R_z(-roll)``.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["AxisOrder", "FloatArray", "angles_from_rotation", "rotation_from_angles"]

FloatArray = npt.NDArray[np.float64]

AxisOrder = Literal["YXZ", "XYZ", "YZX", "ZYX", "XZY", "ZXY"]
"""Product of the turns about the axes, from left to right: the last is done first."""


def rotation_from_angles(
    yaw_deg: float, pitch_deg: float = 0.0, roll_deg: float = 0.0, *, order: AxisOrder = "YXZ"
) -> FloatArray:
    """Rotation matrix of a head pose.

    Args:
        yaw_deg: Turn about the vertical axis; positive moves the nose to the image's right.
        pitch_deg: Nod; positive moves the nose up.
        roll_deg: Tilt; positive turns the head clockwise as seen in the image.
        order: Of the three turns; ``YXZ``, R = R_y R_x R_z, is the project's convention, and only
            its angles are those that :func:`angles_from_rotation` gives back.

    Returns:
        A proper rotation, shape ``(3, 3)``: head coordinates to camera coordinates.

    Example:
        >>> nose = rotation_from_angles(90.0) @ np.array([0.0, 0.0, 1.0])
        >>> nose.round(6).tolist()
        [1.0, 0.0, 0.0]
    """
    yaw, pitch, roll = (math.radians(a) for a in (yaw_deg, pitch_deg, roll_deg))
    cy, sy = math.cos(yaw), math.sin(yaw)
    cp, sp = math.cos(-pitch), math.sin(-pitch)
    cr, sr = math.cos(-roll), math.sin(-roll)
    r_y = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]])
    r_x = np.array([[1.0, 0.0, 0.0], [0.0, cp, -sp], [0.0, sp, cp]])
    r_z = np.array([[cr, -sr, 0.0], [sr, cr, 0.0], [0.0, 0.0, 1.0]])
    turns = {"X": r_x, "Y": r_y, "Z": r_z}
    first, second, third = (turns[axis] for axis in order)
    return np.asarray(first @ second @ third)


def angles_from_rotation(rotation: FloatArray) -> tuple[float, float, float]:
    """Yaw, pitch and roll of a rotation: the inverse of :func:`rotation_from_angles`.

    Args:
        rotation: Shape ``(3, 3)``, orthonormal with determinant 1.

    Returns:
        ``(yaw, pitch, roll)`` in degrees; yaw and roll in (-180, 180], pitch in [-90, 90].
        At |pitch| = 90 only one angle is left to be known and roll is set to 0.

    Raises:
        ValueError: If the matrix is not a rotation (within 1e-6).

    Example:
        >>> [round(a, 6) for a in angles_from_rotation(rotation_from_angles(30, -20, 10))]
        [30.0, -20.0, 10.0]
    """
    R = np.asarray(rotation, dtype=np.float64)
    if R.shape != (3, 3) or not np.allclose(R @ R.T, np.eye(3), atol=1e-6) or np.linalg.det(R) < 0:
        raise ValueError(f"expected a proper (3, 3) rotation, got {R.tolist()}")
    pitch = math.asin(min(1.0, max(-1.0, float(R[1, 2]))))
    if abs(R[1, 2]) > 1.0 - 1e-10:  # gimbal lock: only yaw ± roll is determined
        return _angle_of(-R[2, 0], R[0, 0]), math.degrees(pitch), 0.0
    return _angle_of(R[0, 2], R[2, 2]), math.degrees(pitch) + 0.0, _angle_of(-R[1, 0], R[1, 1])


def _angle_of(sine: float, cosine: float) -> float:
    """Degrees in (-180, 180], and never -0.0."""
    angle = math.degrees(math.atan2(sine, cosine)) + 0.0
    return 180.0 if angle == -180.0 else angle
