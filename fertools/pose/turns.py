"""Three turns about the axes to rotations and back, in any order, for many heads at once.

The scalar way for the project's own convention is :mod:`fertools.geometry`. Half a million rows
pass here in a blink, where a general library takes seconds.
"""

from __future__ import annotations

import numpy as np

from fertools.geometry import AxisOrder, FloatArray

__all__ = ["angles_of", "compose"]

_GIMBAL_RAD = 1e-7


def compose(order: AxisOrder, turns: FloatArray) -> FloatArray:
    """Rotations ``R_i(a) R_j(b) R_k(c)``.

    Args:
        order: The axes i, j, k.
        turns: The angles a, b, c, radians, shape ``(N, 3)``; NaN where unknown.

    Returns:
        Shape ``(N, 3, 3)``; NaN where an angle is.
    """
    first, second, third = (
        _about("XYZ".index(axis), turns[:, place]) for place, axis in enumerate(order)
    )
    rotations = first @ second @ third
    rotations[~np.isfinite(turns).all(axis=1)] = np.nan
    return rotations


def angles_of(order: AxisOrder, rotations: FloatArray) -> FloatArray:
    """The inverse of :func:`compose`.

    Args:
        order: The axes i, j, k, all different.
        rotations: Shape ``(N, 3, 3)``; NaN where unknown.

    Returns:
        Radians, shape ``(N, 3)``: a and c in [-π, π], b in [-π/2, π/2]. Where b is at its limit,
        only a ± c is determined, and c is 0. NaN where unknown.
    """
    i, j, k = ("XYZ".index(axis) for axis in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0  # of the permutation
    b = np.arcsin(np.clip(sign * rotations[:, i, k], -1.0, 1.0))
    a = np.arctan2(-sign * rotations[:, j, k], rotations[:, k, k])
    c = np.arctan2(-sign * rotations[:, i, j], rotations[:, i, i])
    is_locked = np.abs(b) > np.pi / 2 - _GIMBAL_RAD
    locked = np.arctan2(sign * rotations[:, k, j], rotations[:, j, j])
    return np.stack([np.where(is_locked, locked, a), b, np.where(is_locked, 0.0, c)], axis=1)


def _about(axis: int, angles: FloatArray) -> FloatArray:
    """Turns about one axis, shape ``(N, 3, 3)``."""
    after, last = (axis + 1) % 3, (axis + 2) % 3
    result = np.zeros((len(angles), 3, 3))
    result[:, axis, axis] = 1.0
    result[:, after, after] = result[:, last, last] = np.cos(angles)
    result[:, last, after] = np.sin(angles)
    result[:, after, last] = -result[:, last, after]
    return result
