"""Head pose from five points of the set's own: eyes, nose tip, mouth corners (RAF-DB).

The five points of the face of :mod:`fertools.pose.face_shape` are fitted to them
(:mod:`fertools.pose.fit`); their errors are taken to be normal, 2.5 % of the eyes' distance. Ten
numbers cannot tell a wrong point from an unusual face, so nothing here is robust: on a frontal face
a nose that is marked a tenth of the eyes' distance too far aside turns the head by 9 degrees.

The points must come as seen in the picture: left eye, right eye, nose, left and right mouth corner,
as RAF-DB has them. Where they turn out to be those of a head seen from behind, left and right are
those of the person, or the picture was mirrored: they are exchanged. From about 60 degrees of yaw
on both orders may fit, and the given one is taken.

Of sets of 68 points the same five are taken. The 83 points of BU-3DFE have no nose tip, and the
other four lie in a plane, which looks the same from two sides: they give no pose.

The confidence says how likely a face is that lies on the points. Its median is 0.98 for exact
points, and 0.96, 0.91 and 0.62 for errors of 3, 5 and 10 % of the eyes' distance in each
coordinate; points of no face mostly stay below 0.12 or get no pose (synthetic;
``benchmarks/landmark_pose.py``). It does not see all that is wrong, since many wrong points are
those of some turned face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt

from fertools.geometry import FloatArray
from fertools.pose.face_shape import FIVE_OF_68, face_shape, face_shape_digest
from fertools.pose.fit import FaceModel, make_model
from fertools.pose.from_landmarks import MIRRORED, NO_FIT, NO_LANDMARKS, estimate_from_landmarks
from fertools.pose.registry import FaceBatch, NoOptions, PoseEstimates, register_estimator

__all__ = ["Landmarks5", "estimate_from_five", "open_landmarks5"]

_NOISE_MM = 1.5
_DOUBTFUL = 2.0
_EXCHANGED = [1, 0, 2, 4, 3]


class Landmarks5:
    """Fits five points of a face to the set's own landmarks."""

    @property
    def version(self) -> str:
        """Of the method, and a digest of the face's numbers."""
        return f"landmarks5 1, face shape {face_shape_digest()}"

    def estimate(self, batch: FaceBatch) -> PoseEstimates:
        """Head poses of a batch."""
        faces = [_choose(points) for points in batch.landmarks]
        result = estimate_from_five(faces, batch.sizes)
        reasons = list(result.reasons)
        exchanged = {
            number: face[_EXCHANGED]
            for number, face in enumerate(faces)
            if reasons[number] in (MIRRORED, NO_FIT) and not isinstance(face, str)
        }
        numbers = list(exchanged)
        other = estimate_from_five(list(exchanged.values()), batch.sizes[numbers])
        result.rotations[numbers] = other.rotations
        result.confidence[numbers] = other.confidence
        for number, reason in zip(numbers, other.reasons, strict=True):
            reasons[number] = reason
        return replace(result, reasons=reasons)


@register_estimator(
    name="landmarks5",
    title="a deformable face fitted to five of the set's own landmarks (RAF-DB)",
    reads="landmarks",
    reference="fertools.pose.fit",
)
def open_landmarks5(options: NoOptions) -> Landmarks5:
    """It needs nothing."""
    return Landmarks5()


def estimate_from_five(
    faces: Sequence[FloatArray | str], sizes: npt.NDArray[np.int64]
) -> PoseEstimates:
    """Fit the five points of a face.

    Args:
        faces: Points of each picture, ``(5, 2)``, pixels, as seen in the picture; or why there are
            none.
        sizes: Width and height of the pictures, shape ``(N, 2)``.
    """
    return estimate_from_landmarks(_model(), faces, sizes, doubtful=_DOUBTFUL)


@cache
def _model() -> FaceModel:
    """The five points of the face."""
    return make_model(face_shape().combined(FIVE_OF_68), _NOISE_MM, tail=None)


def _choose(points: FloatArray | None) -> FloatArray | str:
    """Five points of the landmarks, or why there are none."""
    if points is None:
        return NO_LANDMARKS
    if len(points) == 83:
        return "the scheme of 83 landmarks has no nose tip"
    if len(points) not in (5, 68):
        return f"the picture has {len(points)} landmarks; this estimator takes 5 or 68"
    return points if len(points) == 5 else np.asarray(FIVE_OF_68 @ points)
