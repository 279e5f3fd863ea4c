"""Which way a scan faces, by its landmarks: a licensed scan's own zero is not exactly frontal."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fertools.errors import ScanError
from fertools.geometry import FloatArray, angles_from_rotation, rotation_from_angles

__all__ = ["FRONTAL_LANDMARKS", "FRONTAL_TEMPLATE_MM", "frontal_rotation"]

FRONTAL_LANDMARKS = (0, 4, 8, 12, 39, 42, 44)
"""0-based numbers in a ``.bnd``: inner and outer corner of the left and the right eye, left wing of
the nose, subnasale, right wing: what moves least with an expression."""

FRONTAL_TEMPLATE_MM = np.array(
    [
        [17.93, 17.90, -4.38],
        [41.05, 18.49, -7.87],
        [-17.93, 17.90, -4.38],
        [-41.05, 18.49, -7.87],
        [16.34, -20.78, 6.32],
        [0.0, -31.23, 11.87],
        [-16.34, -20.78, 6.32],
    ]
)
"""The same points on the mean stand-in head that looks ahead, made symmetric, shape ``(7, 3)``;
printed by ``benchmarks/frontal_template.py``."""

_MIN_EYES_APART_MM = 20.0


def frontal_rotation(landmarks: FloatArray, path: Path) -> FloatArray:
    """The turn that lets a scan look at the viewer.

    The seven points are laid over the template's by the rotation with the least squared distance
    (orthogonal Procrustes), so yaw and roll follow the face's symmetry and pitch is that of the
    mean stand-in head at rest.

    Args:
        landmarks: Shape ``(83, 3)``, millimetres, in the scan's frame.
        path: Their file, for the error.

    Returns:
        Shape ``(3, 3)``: scan to frontal coordinates, its angles rounded to 0.001 degrees.

    Raises:
        ScanError: If the outer corners of the eyes do not lie on two sides of the face.

    Reference:
        Kabsch, "A solution for the best rotation to relate two sets of vectors", Acta
        Crystallographica A32, 1976.
    """
    template = FRONTAL_TEMPLATE_MM
    points = np.asarray(landmarks, dtype=np.float64)[list(FRONTAL_LANDMARKS)]
    left, right = points[1], points[3]
    if abs(left[0] - right[0]) < _MIN_EYES_APART_MM:
        raise ScanError(
            f"{path}: the outer corners of the eyes (landmarks 5 and 13) are "
            f"{abs(left[0] - right[0]):.1f} mm apart from left to right; the scan cannot be "
            "frontalised by them: leave --frontalise out, or mend the landmarks"
        )
    if left[0] < right[0]:  # the numbers run the other way: left and right of the viewer
        template = template[[2, 3, 0, 1, 6, 5, 4]]
    spread = (points - points.mean(axis=0)).T @ (template - template.mean(axis=0))
    u, _, vt = np.linalg.svd(spread)
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(vt.T @ u.T))])
    angles = angles_from_rotation(vt.T @ flip @ u.T)
    return rotation_from_angles(*(round(angle, 3) for angle in angles))
