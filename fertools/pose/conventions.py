"""Head-pose angles and rotation matrices of other tools, to and from the project's.

One rotation has other angles in another convention: order of the axes, signs and unit differ. So a
threshold on an angle is always taken in a named one. :mod:`fertools.geometry` states ours; here a
convention is the order of the three turns, the sign that each of its angles has in our frame, and
how the tool's own rotation matrix becomes ours.

=============  =====  ===============================  =======  ===============================
name           order  positive yaw, pitch, roll        unit     the tool's matrix M, ours R
=============  =====  ===============================  =======  ===============================
fertools       Y X Z  right, up, clockwise             degrees  R = M
openface       X Y Z  left, down, clockwise            radians  R = F M F, F = diag(1, -1, -1)
6drepnet       X Y Z  left, up, clockwise              degrees  R = M transposed
whenet         X Y Z  left, up, clockwise              degrees  gives none
mediapipe      Z Y X  right, down, counter-clockwise   degrees  R = M
=============  =====  ===============================  =======  ===============================

Right, left, up and down are where the nose goes in the image; clockwise as seen in the image. The
order is that of the product in OUR frame, from left to right.

Sources, each read in the tool's public code:

openface
    OpenFace's output format and ``RotationHelpers.h``: ``R = Rx Ry Rz`` in a frame with x to the
    right, y down, z away from the camera. Its issues 702 and 966 say the same of the signs:
    ``pose_Rx`` is negative for a head tipped up, ``pose_Ry`` positive for one turned to its own
    right, which is the image's left.
6drepnet
    Networks trained on 300W-LP, whose angles are those of 3DDFA: ``R = Rx(-pitch) Ry(-yaw)
    Rz(-roll)`` in a frame like ours (``angle2matrix_3ddfa`` of face3d and others). Hopenet gives
    these angles, and its ``draw_axis`` draws that matrix. 6DRepNet is trained on ``get_R`` of its
    ``utils.py``, ``Rz(roll) Ry(yaw) Rx(pitch)``: the same angles, and the matrix transposed. The
    angles that it reads from its matrix (``compute_euler_angles_from_rotation_matrices``) are
    300W-LP's again.
whenet
    Trained on 300W-LP and on the Panoptic Studio's heads brought to the same matrix
    (``rotate_zyx`` in its ``utils.py``), drawn by the same ``draw_axis``. Its yaw reaches ±180 with
    pitch and roll within ±99; a head seen from behind has other angles here, where yaw stays within
    ±90, of the same rotation.
mediapipe
    The facial transformation matrix (``geometry_pipeline.cc``) turns the canonical face, x to the
    right, y up, z out of the face, into a camera's frame that is right-handed too. No angles are
    MediaPipe's own; these are the ones that its users read from it most often, ``pitch =
    atan2(M21, M22)``, ``yaw = atan2(-M20, sqrt(M00² + M10²))``, ``roll = atan2(M10, M00)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fertools.errors import ConfigError
from fertools.geometry import AxisOrder, FloatArray
from fertools.pose.turns import angles_of, compose

__all__ = ["CONVENTIONS", "Convention", "get_convention"]


@dataclass(frozen=True)
class Convention:
    """How three angles say a rotation.

    Attributes:
        name: As on the command line.
        order: Product of the turns about the axes of OUR frame, from left to right.
        signs: Of yaw, pitch and roll as turns about y, x and z of our frame.
        unit: Of the angles as the tool writes them.
        axes: Signs of the tool's own axes x, y and z in our frame.
        is_transposed: Whether its matrix turns the camera to the head.
        has_matrix: Whether the tool gives matrices at all.
    """

    name: str
    order: AxisOrder
    signs: tuple[int, int, int]
    unit: Literal["degrees", "radians"] = "degrees"
    axes: tuple[int, int, int] = (1, 1, 1)
    is_transposed: bool = False
    has_matrix: bool = True

    def angles(self, rotations: FloatArray) -> FloatArray:
        """Angles of some rotations.

        Args:
            rotations: Head to camera in our frame, shape ``(N, 3, 3)``; NaN where unknown.

        Returns:
            Shape ``(N, 3)``: yaw, pitch and roll with this convention's signs and unit; the middle
            axis in [-90, 90] degrees, the others in [-180, 180]. Where the middle axis is at ±90
            one angle is left to be known and the last axis's is 0. NaN where unknown.
        """
        turns = angles_of(self.order, np.asarray(rotations, dtype=np.float64))
        angles = turns[:, [self.order.index(axis) for axis in "YXZ"]] * self.signs + 0.0
        return angles if self.unit == "radians" else np.degrees(angles)

    def rotations(self, angles: FloatArray) -> FloatArray:
        """Rotations of some angles: the inverse of :meth:`angles`.

        Args:
            angles: Shape ``(N, 3)``: yaw, pitch and roll with this convention's signs and unit.

        Returns:
            Shape ``(N, 3, 3)``, head to camera in our frame; NaN where an angle is.
        """
        angles = np.asarray(angles, dtype=np.float64) * self.signs
        turns = angles[:, ["YXZ".index(axis) for axis in self.order]]
        return compose(self.order, turns if self.unit == "radians" else np.radians(turns))

    def from_matrices(self, matrices: FloatArray) -> FloatArray:
        """Our rotations of the tool's own matrices; the way back is the same.

        Args:
            matrices: Shape ``(N, 3, 3)``, as the tool gives them, acting on columns.

        Returns:
            Shape ``(N, 3, 3)``, head to camera in our frame.
        """
        turned = np.swapaxes(matrices, 1, 2) if self.is_transposed else matrices
        return np.asarray(turned * np.multiply.outer(self.axes, self.axes), dtype=np.float64)


CONVENTIONS: dict[str, Convention] = {
    convention.name: convention
    for convention in (
        Convention("fertools", "YXZ", (1, -1, -1)),
        Convention("openface", "XYZ", (-1, 1, -1), "radians", axes=(1, -1, -1)),
        Convention("6drepnet", "XYZ", (-1, -1, -1), is_transposed=True),
        Convention("whenet", "XYZ", (-1, -1, -1), has_matrix=False),
        Convention("mediapipe", "ZYX", (1, 1, 1)),
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
