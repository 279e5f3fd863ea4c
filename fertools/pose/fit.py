"""Head pose from landmarks: a deformable face fitted to their places in the picture.

A point X of the head, in millimetres from its centre, is seen at

    u = c + s · w · (x, -y)      (x, y, z) = R X      w = 1 / (1 - z / d)

with the place c of the head's centre, the scale s in pixels a millimetre there, and the camera's
distance d, none of which is known of a cut-out picture. Sought are those, the rotation R, and the
coefficients of a :class:`~fertools.pose.face_shape.FaceShape`, by their largest posterior
probability. Coefficients are normal with variance 1; the logarithm of d - 100 mm is normal, its
mean that of 700 mm, its standard deviation 1, so that 95 % of all cameras are 195 mm to 5 m away;
the points' errors have Student's or the normal distribution. Levenberg and Marquardt's method finds
the maximum from the most similar view of the mean face; weights stand for Student's tails.

R refers to the line of sight through the head's centre, as do the poses of stand-ins. To refer it
to a camera's optical axis that passes the head by some angle, it must be turned by that angle,
which takes the camera's focal length and principal point: nobody has these of a face in the wild.

Reference:
    Saragih, Lucey and Cohn, "Deformable model fitting by regularized landmark mean-shift", IJCV
    91(2), 2011 (the model and its prior); Lange, Little and Taylor, "Robust statistical modeling
    using the t distribution", JASA 84(408), 1989 (the weights); Madsen, Nielsen and Tingleff,
    "Methods for non-linear least squares problems", DTU, 2004, algorithm 3.16 (the damping).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fertools.geometry import FloatArray
from fertools.pose.face_shape import FaceShape
from fertools.pose.head_views import HeadViews, guess_pose, make_views

__all__ = ["FaceModel", "PoseFit", "fit_poses", "make_model"]

_NEAREST_MM = 100.0
_LOG_DISTANCE, _LOG_DISTANCE_SD = math.log(700.0), 1.0  # of what is beyond the nearest


@dataclass(frozen=True)
class FaceModel:
    """What is fitted; see :func:`make_model`.

    Attributes:
        shape: Landmarks and their modes.
        noise_mm: Shape ``(P,)``: standard deviation of a coordinate of each point.
        tail: Degrees of freedom of Student's distribution; None for the normal one.
        views: To start from.
    """

    shape: FaceShape
    noise_mm: FloatArray
    tail: float | None
    views: HeadViews


@dataclass(frozen=True)
class PoseFit:
    """What came out for N faces.

    Attributes:
        rotations: Head to camera, shape ``(N, 3, 3)``.
        surprise: Shape ``(N,)``: twice the negative log posterior, relative to its largest value,
            a coordinate: what is left of a coordinate's error, squared, in units of its variance,
            where the model is right. Near 0 if the points are exactly those of a likely face.
        converged: Shape ``(N,)``: whether the last step was a short one.
    """

    rotations: FloatArray
    surprise: FloatArray
    converged: npt.NDArray[np.bool_]


def make_model(shape: FaceShape, noise_mm: FloatArray | float, *, tail: float | None) -> FaceModel:
    """Prepare a model.

    Args:
        shape: Landmarks and their modes.
        noise_mm: How far annotators are off, standard deviation of a coordinate of each point, mm
            of the head. What the shape's modes leave is added.
        tail: Degrees of freedom of Student's distribution of the errors; None for the normal one.
    """
    noise = np.sqrt(shape.spread**2 + np.asarray(noise_mm) ** 2)
    return FaceModel(shape, noise, tail, make_views(shape.mean, noise**-2.0))


def fit_poses(model: FaceModel, points: FloatArray) -> PoseFit:
    """Fit a model to many faces; what comes out for one does not depend on the others.

    Args:
        model: What is fitted.
        points: Shape ``(N, P, 2)``, pixels, finite, of any size but not all in one place.
    """
    from fertools.pose.fit_loops import fit_faces

    shape = model.shape
    points = points - points.mean(axis=1, keepdims=True)
    points = points / np.sqrt((points**2).mean(axis=(1, 2), keepdims=True))
    guess = guess_pose(model.views, points)
    rests = np.zeros((len(points), 4 + len(shape.modes)))
    rests[:, 0], rests[:, 3] = np.log(guess.scales), np.log(guess.distances - _NEAREST_MM)
    rests[:, 1:3] = guess.centres
    rotations = guess.rotations.copy()  # overwritten with the results, like rests
    costs = np.empty(len(points))
    converged = np.empty(len(points), dtype=np.bool_)
    fit_faces(
        np.ascontiguousarray(points.swapaxes(1, 2)),
        np.ascontiguousarray(shape.mean.T),
        np.ascontiguousarray(shape.modes.swapaxes(1, 2)),
        model.noise_mm,
        model.tail or 0.0,
        np.array([_NEAREST_MM, _LOG_DISTANCE, _LOG_DISTANCE_SD]),
        rotations,
        rests,
        costs,
        converged,
    )
    return PoseFit(rotations, costs / (2 * len(shape.mean)), converged)
