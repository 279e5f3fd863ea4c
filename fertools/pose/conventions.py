"""Head-pose angles of other tools, to and from the project's.

One rotation has other angles in another convention: order of the axes, signs and unit differ. So a
threshold on an angle is always taken in a named one. :mod:`fertools.geometry` states ours; here a
convention is the order of the three turns, and the sign that each of its angles has in our frame.

=============  =====  ==============================  =======  ==============================
name           order  positive yaw, pitch, roll       unit     source
=============  =====  ==============================  =======  ==============================
fertools       Y X Z  right, up, clockwise            degrees  :mod:`fertools.geometry`
openface       X Y Z  left, down, clockwise           radians  OpenFace's output format: ``R =
                                                               Rx Ry Rz``, x right, y down, z
                                                               away from the camera
=============  =====  ==============================  =======  ==============================

Right, left, up and down are where the nose goes in the image; clockwise as seen in the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fertools.errors import ConfigError
from fertools.geometry import AxisOrder, FloatArray

__all__ = ["CONVENTIONS", "Convention", "get_convention"]


@dataclass(frozen=True)
class Convention:
    """How three angles say a rotation.

    Attributes:
        name: As on the command line.
        order: Product of the turns about the axes of OUR frame, from left to right.
        signs: Of yaw, pitch and roll as turns about y, x and z of our frame.
        unit: Of the angles as the tool writes them.
    """

    name: str
    order: AxisOrder
    signs: tuple[int, int, int]
    unit: Literal["degrees", "radians"] = "degrees"

    def angles(self, rotations: FloatArray) -> FloatArray:
        """Angles of some rotations.

        Args:
            rotations: Head to camera in our frame, shape ``(N, 3, 3)``; NaN where unknown.

        Returns:
            Shape ``(N, 3)``: yaw, pitch and roll with this convention's signs and unit; the middle
            axis in [-90, 90] degrees, the others in [-180, 180]. Where the middle axis is at ±90
            one angle is left to be known and the last axis's is 0. NaN where unknown.
        """
        import warnings

        from scipy.spatial.transform import Rotation

        result = np.full((len(rotations), 3), np.nan)
        known = np.isfinite(rotations).all(axis=(1, 2))
        if known.any():
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Gimbal lock", UserWarning)
                turns = Rotation.from_matrix(rotations[known]).as_euler(self.order, degrees=True)
            turns = turns[:, [self.order.index(axis) for axis in "YXZ"]]
            result[known] = turns * self.signs
        return np.radians(result) if self.unit == "radians" else result

    def rotations(self, angles: FloatArray) -> FloatArray:
        """Rotations of some angles: the inverse of :meth:`angles`.

        Args:
            angles: Shape ``(N, 3)``: yaw, pitch and roll with this convention's signs and unit.

        Returns:
            Shape ``(N, 3, 3)``, head to camera in our frame; NaN where an angle is.
        """
        from scipy.spatial.transform import Rotation

        angles = np.asarray(angles, dtype=np.float64)
        result = np.full((len(angles), 3, 3), np.nan)
        known = np.isfinite(angles).all(axis=1)
        if known.any():
            turns = angles[known] * self.signs
            turns = turns[:, ["YXZ".index(axis) for axis in self.order]]
            in_degrees = self.unit == "degrees"
            result[known] = Rotation.from_euler(self.order, turns, degrees=in_degrees).as_matrix()
        return result


CONVENTIONS: dict[str, Convention] = {
    convention.name: convention
    for convention in (
        Convention("fertools", "YXZ", (1, -1, -1)),
        Convention("openface", "XYZ", (-1, 1, -1), "radians"),
    )
}
"""Name to convention."""


def get_convention(name: str) -> Convention:
    """A convention by its name.

    Raises:
        ConfigError: If there is none of that name.

    Example:
        >>> ours, theirs = get_convention("fertools"), get_convention("openface")
        >>> pose = ours.rotations(np.array([[46.0, 30.0, 0.0]]))
        >>> np.degrees(theirs.angles(pose)).round(1).tolist()[0][:2]
        [-38.5, -39.7]
    """
    if name not in CONVENTIONS:
        raise ConfigError(
            f"unknown angle convention {name!r}; expected one of {', '.join(CONVENTIONS)}"
        )
    return CONVENTIONS[name]
