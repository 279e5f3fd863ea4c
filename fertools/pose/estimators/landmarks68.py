"""Head pose from a set's own 68 landmarks (iBUG; AffectNet has them).

A face of 68 points with twelve ways to differ (:mod:`fertools.pose.face_shape`) is fitted to them
(:mod:`fertools.pose.fit`). Points are taken to be off by 2 % of the distance of the eyes, with the
tails of Student's distribution (5 degrees of freedom), so that a few of them may be anywhere.

The points of the jaw (1 to 17) count little: they are taken to be off by 12 mm of the head. On the
face of the model they are places of the skin, but annotators follow the outline of a turned head,
which slides over the cheek. On stand-ins whose jaw was moved to the outline on the far side, with
2 % noise, yaw beyond 30 degrees is too small by 0.5 degrees with this weight, by 1.1 with full
weight, and right without the jaw; its mean error over all is 1.1, 1.5 and 1.4 degrees (synthetic;
``benchmarks/landmark_pose.py``).

The confidence says how well a face lies on the points. Its median is 0.996 for exact points, 0.92,
0.78 and 0.46 for errors of 3, 5 and 10 % of the eyes' distance in each coordinate, 0.92 with five
points far off, and 0.03 for points of no face (synthetic; the same benchmark).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from fertools.geometry import FloatArray
from fertools.pose.face_shape import face_shape, face_shape_digest
from fertools.pose.fit import FaceModel, make_model
from fertools.pose.from_landmarks import NO_LANDMARKS, estimate_from_landmarks
from fertools.pose.registry import FaceBatch, NoOptions, PoseEstimates, register_estimator

__all__ = ["Landmarks68", "open_landmarks68"]

_NUM_POINTS = 68
_JAW = slice(17)
_NOISE_MM, _JAW_NOISE_MM = 1.2, 12.0
_TAIL = 5.0
_DOUBTFUL = 4.0


class Landmarks68:
    """Fits a face to the set's own landmarks."""

    @property
    def version(self) -> str:
        """Of the method, and a digest of the face's numbers."""
        return f"landmarks68 1, face shape {face_shape_digest()}"

    def estimate(self, batch: FaceBatch) -> PoseEstimates:
        """Head poses of a batch."""
        faces = [_choose(points) for points in batch.landmarks]
        return estimate_from_landmarks(_model(), faces, batch.sizes, doubtful=_DOUBTFUL)


@register_estimator(
    name="landmarks68",
    title="a deformable face fitted to the set's own 68 landmarks (AffectNet)",
    reads="landmarks",
    reference="fertools.pose.fit; scheme: Sagonas et al., Image and Vision Computing 47, 2016",
)
def open_landmarks68(options: NoOptions) -> Landmarks68:
    """It needs nothing."""
    return Landmarks68()


@cache
def _model() -> FaceModel:
    """The face that is fitted."""
    noise = np.full(_NUM_POINTS, _NOISE_MM)
    noise[_JAW] = _JAW_NOISE_MM
    return make_model(face_shape(), noise, tail=_TAIL)


def _choose(points: FloatArray | None) -> FloatArray | str:
    """The landmarks, or why they are none for this estimator."""
    if points is None:
        return NO_LANDMARKS
    if len(points) != _NUM_POINTS:
        return f"the picture has {len(points)} landmarks; this estimator takes {_NUM_POINTS}"
    return points
