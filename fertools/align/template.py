"""Where eyes, nose and mouth come to lie, and the turn, scale and shift that brings them there.

The template is ours: the middles of the eyes are one unit apart, the nose tip lies 0.58 below
them, the mouth's corners 1.05 below and 0.84 apart. It is the mean, rounded, of what the detector
finds on frontal photographs and of our stand-ins. A crop without margin is the square from 1.0
above the eyes to 1.8 below and 1.4 to either side, about from the hair to the chin; a margin is
added on all sides as a fraction of it.

Pixels count as in :mod:`fertools.render.camera`: the centre of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from fertools.align.scales import Pixels, ScaledPicture, pick_ratio
from fertools.geometry import FloatArray

__all__ = [
    "CORE_SIDE",
    "TEMPLATE",
    "Method",
    "Placement",
    "core_box",
    "place_face",
    "place_whole",
    "template_points",
    "warp",
]

Method = Literal["five-points", "blend", "eyes-mouth", "box", "whole-picture"]
Box = tuple[float, float, float, float]

TEMPLATE: FloatArray = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, 0.58], [-0.42, 1.05], [0.42, 1.05]])
"""Left eye, right eye, nose tip, mouth corners, as seen in the picture; in eye distances, from the
middle between the eyes, x to the right and y down."""

CORE_SIDE = 2.8
"""Side of the crop without margin, in eye distances."""

_ABOVE = 1.0  # of the eyes
_BOX_SIDE, _BOX_MIDDLE = 2.9, (0.0, 0.27)  # of the detector's boxes, measured on frontal faces
_TURNED = (0.35, 0.65)  # eye distance by eye-mouth distance: about 70 and 45 degrees of yaw
_FLAT = 0.3  # eye-mouth distance by eye distance
_SOFT = 0.75  # a warp that shrinks by more is drawn at twice the size first


@dataclass(frozen=True)
class Placement:
    """A similarity from the original's pixels to those of the crop.

    Attributes:
        factor: Scale and turn as one complex number: x + iy of the original times it, plus
            ``offset``, is x + iy of the crop.
        offset: The shift.
        method: What it was found from.
    """

    factor: complex
    offset: complex
    method: Method

    @property
    def scale(self) -> float:
        """Pixels of the crop a pixel of the original."""
        return abs(self.factor)

    @property
    def roll_deg(self) -> float:
        """The tilt that is taken away, in (-180, 180]; positive if the head leans clockwise."""
        return -math.degrees(math.atan2(self.factor.imag, self.factor.real)) + 0.0

    @property
    def matrix(self) -> FloatArray:
        """Shape ``(2, 3)``: crop = matrix @ (x, y, 1)."""
        a, b = self.factor.real, self.factor.imag
        return np.array([[a, -b, self.offset.real], [b, a, self.offset.imag]])

    def apply(self, points: FloatArray) -> FloatArray:
        """Points ``(K, 2)`` of the original in the crop."""
        return _points(_numbers(points) * self.factor + self.offset)

    def undo(self, points: FloatArray) -> FloatArray:
        """Points ``(K, 2)`` of the crop in the original."""
        return _points((_numbers(points) - self.offset) / self.factor)


def template_points(size: int, margin: float) -> FloatArray:
    """The five points in a crop, shape ``(5, 2)``, pixels.

    Args:
        size: Side of the crop.
        margin: Border on every side, as a fraction of :data:`CORE_SIDE`.

    Example:
        >>> template_points(112, 0.1).round(1)[:2].tolist()
        [[39.3, 42.7], [72.7, 42.7]]
    """
    unit = size / (CORE_SIDE * (1.0 + 2.0 * margin))
    return TEMPLATE * unit + [size / 2, (_ABOVE + margin * CORE_SIDE) * unit]


def place_face(
    points: FloatArray | None, box: Box | None, *, size: int, margin: float
) -> Placement | None:
    """The similarity that brings a face into its place.

    Five points are laid over the template by least squares (Umeyama's solution in the plane). On a
    head that is turned far, eyes and mouth are narrow and the nose sticks out, which would make the
    face too large and move it: there the axis from between the eyes to between the mouth's corners
    is laid over the template's. What counts is the distance of the eyes by that from eyes to mouth:
    above 0.65 (to about 45 degrees of yaw) it is the five points, below 0.35 (from about 70) the
    axis, and between them a blend, so that a head that turns does not jump. Points that are no face
    (mouth at the height of the eyes, or above) are not used: then the box is laid over the place
    that boxes have, upright.

    Args:
        points: Shape ``(5, 2)``, pixels of the original, as :data:`TEMPLATE` is ordered; a nose
            that is not known is NaN. None if there are none.
        box: Of the face; None if there is none.
        size: Side of the crop.
        margin: See :func:`template_points`.

    Returns:
        None where points are unusable and there is no box.
    """
    wanted = template_points(size, margin)
    if points is not None and np.isfinite(points[[0, 1, 3, 4]]).all():
        eyes, mouth = points[1] - points[0], points[3:].mean(axis=0) - points[:2].mean(axis=0)
        apart, down = float(np.hypot(*eyes)), float(np.hypot(*mouth))
        is_upright = eyes[0] * mouth[1] - eyes[1] * mouth[0] > 0.0 and down >= _FLAT * apart
        if down > 0.0 and (is_upright or apart < _TURNED[0] * down):
            axis = np.array([points[:2].mean(axis=0), points[3:].mean(axis=0)])
            goal = np.array([wanted[:2].mean(axis=0), wanted[3:].mean(axis=0)])
            known = np.isfinite(points).all(axis=1)
            weight = (apart / down - _TURNED[0]) / (_TURNED[1] - _TURNED[0])
            return _blend(_fit(axis, goal), _fit(points[known], wanted[known]), weight)
    if box is None or not box[0] < box[2] or not box[1] < box[3]:
        return None
    unit = size / (CORE_SIDE * (1.0 + 2.0 * margin))
    factor = unit * _BOX_SIDE / max(box[2] - box[0], box[3] - box[1])
    middle = complex((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    goal_x, goal_y = wanted[:2].mean(axis=0) + np.array(_BOX_MIDDLE) * unit
    return Placement(complex(factor), complex(goal_x, goal_y) - factor * middle, "box")


def place_whole(width: int, height: int, *, size: int) -> Placement:
    """The similarity that brings a whole picture into the crop's middle."""
    factor = size / max(width, height)
    return Placement(
        complex(factor),
        complex((size - factor * width) / 2, (size - factor * height) / 2),
        "whole-picture",
    )


def core_box(placement: Placement, *, size: int, margin: float) -> Box:
    """The upright box in the original about what a crop without margin shows."""
    low = size * margin / (1.0 + 2.0 * margin)
    corners = np.array([[x, y] for x in (low, size - low) for y in (low, size - low)])
    (x0, y0), (x1, y1) = placement.undo(corners).min(axis=0), placement.undo(corners).max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def warp(
    picture: ScaledPicture, placement: Placement, *, size: int, border: tuple[int, int, int]
) -> Pixels:
    """The crop, shape ``(size, size, 3)``, RGB.

    The original is decoded no larger than need be. Where it still has to shrink, the crop is drawn
    at twice its size and every 2 x 2 pixels become one, so that fine patterns do not flicker.

    Args:
        picture: The original.
        placement: Where the face goes.
        size: Side of the crop.
        border: Colour of what lies outside the original.
    """
    ratio = pick_ratio(placement.scale)
    samples = 2 if placement.scale * ratio < _SOFT else 1
    matrix = placement.matrix * samples
    matrix[:, :2] *= ratio
    matrix[:, 2] += (
        0.5 * matrix[:, :2].sum(axis=1) - 0.5
    )  # OpenCV's first pixel has its centre at 0
    crop = cv2.warpAffine(
        picture.at(ratio),
        matrix,
        (size * samples, size * samples),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=border,
    )
    if samples > 1:
        crop = cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(crop, dtype=np.uint8)


def _blend(axis: Placement, five: Placement, weight: float) -> Placement:
    """The first at weight 0 and below, the second at 1 and above."""
    if weight <= 0.0:
        return replace(axis, method="eyes-mouth")
    if weight >= 1.0:
        return five
    factor = (1.0 - weight) * axis.factor + weight * five.factor
    return Placement(factor, (1.0 - weight) * axis.offset + weight * five.offset, "blend")


def _fit(points: FloatArray, goals: FloatArray) -> Placement:
    """Least squares over turns, scales and shifts."""
    here, there = _numbers(points), _numbers(goals)
    centred = here - here.mean()
    factor = complex((centred.conj() @ (there - there.mean())) / (centred.conj() @ centred).real)
    return Placement(factor, complex(there.mean() - factor * here.mean()), "five-points")


def _numbers(points: FloatArray) -> npt.NDArray[np.complex128]:
    """Points as complex numbers."""
    return np.asarray(points[:, 0] + 1j * points[:, 1])


def _points(numbers: npt.NDArray[np.complex128]) -> FloatArray:
    """Complex numbers as points."""
    return np.stack([numbers.real, numbers.imag], axis=1)
