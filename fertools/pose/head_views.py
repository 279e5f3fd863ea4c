"""The mean face seen from many sides: what a fit starts from.

Landmarks, moved, turned in the picture's plane and scaled, are compared with all views at once:
with points as complex numbers, of mean 0, and the view of length 1, the product ``<view, points>``
has as its length how alike they are, and as its angle the roll.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fertools.geometry import FloatArray, rotation_from_angles

__all__ = ["FirstGuess", "HeadViews", "guess_pose", "make_views"]

Complex = npt.NDArray[np.complex128]

_STEP_DEG = 15
_YAW_DEG, _PITCH_DEG = 90, 60
_DISTANCES_MM = (250.0, 800.0)


@dataclass(frozen=True)
class HeadViews:
    """Views of the mean face from G places.

    Attributes:
        weights: Shape ``(P,)``: how much each point counts; they sum to 1.
        shapes: Shape ``(P, G)``, complex, x to the right and y down, of mean 0 and length 1,
            conjugated and weighted: what points are multiplied with.
        sizes: Shape ``(G,)``: length that each had, mm.
        middles: Shape ``(G,)``, complex: mean that each had, mm from the head's centre.
        rotations: Shape ``(G, 3, 3)``, without roll.
        distances: Shape ``(G,)``: of the camera from the head's centre, mm.
    """

    weights: FloatArray
    shapes: Complex
    sizes: FloatArray
    middles: Complex
    rotations: FloatArray
    distances: FloatArray


@dataclass(frozen=True)
class FirstGuess:
    """The most similar view of each of N faces.

    Attributes:
        rotations: Shape ``(N, 3, 3)``.
        scales: Shape ``(N,)``: pixels a millimetre at the head's centre.
        centres: Shape ``(N, 2)``: where the head's centre lies, pixels.
        distances: Shape ``(N,)``, mm.
    """

    rotations: FloatArray
    scales: FloatArray
    centres: FloatArray
    distances: FloatArray


def make_views(mean: FloatArray, weights: FloatArray) -> HeadViews:
    """Look at a face from a grid of yaw and pitch, from near and from far.

    Args:
        mean: Shape ``(P, 3)``, mm, origin in the head's centre.
        weights: Shape ``(P,)``, positive.
    """
    weights = weights / weights.sum()
    sides = [
        (rotation_from_angles(yaw, pitch), distance)
        for yaw in range(-_YAW_DEG, _YAW_DEG + 1, _STEP_DEG)
        for pitch in range(-_PITCH_DEG, _PITCH_DEG + 1, _STEP_DEG)
        for distance in _DISTANCES_MM
    ]
    rotations = np.array([rotation for rotation, _ in sides])
    distances = np.array([distance for _, distance in sides])
    x, y, z = np.moveaxis(mean @ rotations.swapaxes(1, 2), 2, 0)
    seen = (x - 1j * y) / (1.0 - z / distances[:, None])
    middles = seen @ weights
    seen = seen - middles[:, None]
    sizes = np.sqrt(np.abs(seen) ** 2 @ weights)
    shapes = (seen.conj() * weights / sizes[:, None]).T
    return HeadViews(weights, np.ascontiguousarray(shapes), sizes, middles, rotations, distances)


def guess_pose(views: HeadViews, points: FloatArray) -> FirstGuess:
    """Find the most similar view.

    Args:
        views: Of the mean face.
        points: Shape ``(N, P, 2)``, finite, not all in one place.
    """
    flat = points[..., 0] + 1j * points[..., 1]
    middle = (flat * views.weights).sum(axis=1)
    flat = flat - middle[:, None]
    best = np.abs(flat @ views.shapes).argmax(axis=1)
    # summed anew face by face: a matrix product's last digits depend on how many faces there are
    product = (flat * views.shapes.T[best]).sum(axis=1)
    factor = product / views.sizes[best]
    centre = middle - factor * views.middles[best]
    return FirstGuess(
        rotations=_rolled(views.rotations[best], product / np.abs(product)),
        scales=np.abs(factor),
        centres=np.stack([centre.real, centre.imag], axis=1),
        distances=views.distances[best],
    )


def _rolled(rotations: FloatArray, turn: Complex) -> FloatArray:
    """Rotations followed by a clockwise turn in the picture's plane."""
    roll = np.zeros_like(rotations)
    roll[:, 0, 0] = roll[:, 1, 1] = turn.real
    roll[:, 0, 1], roll[:, 1, 0] = turn.imag, -turn.imag
    roll[:, 2, 2] = 1.0
    return np.asarray(roll @ rotations)
