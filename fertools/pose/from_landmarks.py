"""Head poses of a batch of landmarks: which can be fitted, and how far to trust what comes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fertools.geometry import FloatArray
from fertools.pose.fit import FaceModel, fit_poses
from fertools.pose.registry import PoseEstimates

__all__ = ["MIRRORED", "NO_FIT", "NO_LANDMARKS", "estimate_from_landmarks", "find_faults"]

NO_LANDMARKS = "the set has no landmarks of this picture"
NO_FIT = "no head pose fits the landmarks"
MIRRORED = "the landmarks look mirrored: left and right are exchanged"

_FAULTS = (
    "a landmark is not a number",
    "the landmarks lie outside the picture",
    "the landmarks lie in one place",
    "the landmarks are collinear",
    None,
)
_SMALLEST_PX = 0.5  # root mean square distance from the middle
_SLIMMEST = 0.05  # shorter by longer axis of the points' ellipse; faces have 0.2 and more
_FARTHEST_BACK = -0.15  # cosine of a yaw of 99 degrees


def estimate_from_landmarks(
    model: FaceModel,
    faces: Sequence[FloatArray | str],
    sizes: npt.NDArray[np.int64],
    *,
    doubtful: float,
) -> PoseEstimates:
    """Fit a model to the landmarks of some pictures.

    The confidence is ``1 / (1 + (S / doubtful)²)`` with the surprise S of
    :class:`~fertools.pose.fit.PoseFit`: 1 where a likely face lies exactly on the points, 1/2 at a
    surprise of ``doubtful``, near 0 for points that are those of no face.

    Mirrored landmarks, as of a picture that was mirrored while its points kept their names, are
    those of a face seen from behind, which nobody annotates. They are told by that, unless the face
    is turned so far that front and back show nearly the same points: of 68 points 62 % are told at
    a yaw of 60 to 75 degrees, and 1 % beyond, where yaw is then off by 8 degrees (synthetic;
    ``benchmarks/landmark_pose.py``).

    Args:
        model: What is fitted.
        faces: Points of each picture, shape ``(P, 2)``, pixels; or why there are none.
        sizes: Width and height of the pictures, shape ``(N, 2)``.
        doubtful: The surprise at which the confidence is 1/2.
    """
    result = PoseEstimates.empty(len(faces), reason=NO_FIT)
    reasons: list[str | None] = [face if isinstance(face, str) else None for face in faces]
    given = np.array([n for n, reason in enumerate(reasons) if reason is None], dtype=np.int64)
    if not len(given):
        return PoseEstimates(result.rotations, result.confidence, result.num_faces, reasons)
    points = np.array([faces[n] for n in given], dtype=np.float64)
    for number, fault in zip(given, find_faults(points, sizes[given]), strict=True):
        reasons[number] = fault
    is_sound = np.array([reasons[n] is None for n in given])
    fit = fit_poses(model, points[is_sound])
    confidence = 1.0 / (1.0 + (fit.surprise / doubtful) ** 2)
    for place, number in enumerate(given[is_sound].tolist()):
        is_behind = fit.rotations[place, 2, 2] < _FARTHEST_BACK
        if fit.converged[place] and not is_behind:
            result.rotations[number] = fit.rotations[place]
            result.confidence[number] = confidence[place]
        elif fit.converged[place] and confidence[place] >= 0.5:
            reasons[number] = MIRRORED
        else:
            reasons[number] = NO_FIT
    return PoseEstimates(result.rotations, result.confidence, result.num_faces, reasons)


def find_faults(points: FloatArray, sizes: npt.NDArray[np.int64]) -> list[str | None]:
    """Why points cannot be those of a face in a picture; None where they may be.

    Outside the picture are points of which half are, or one is farther away than the picture is
    wide or high.

    Args:
        points: Of N faces, shape ``(N, P, 2)``, pixels.
        sizes: Width and height of the pictures, shape ``(N, 2)``.
    """
    edge = sizes[:, None, :].astype(np.float64)
    is_finite = np.asarray(np.isfinite(points).all(axis=(1, 2)))
    points = np.where(is_finite[:, None, None], points, 0.0)
    is_near = ((points >= -edge) & (points <= 2 * edge)).all(axis=(1, 2))
    share_inside = ((points >= 0) & (points <= edge)).all(axis=2).mean(axis=1)
    points = np.clip(points, -edge, 2 * edge)
    x, y = np.moveaxis(points - points.mean(axis=1, keepdims=True), 2, 0)
    xx, yy, xy = (x * x).mean(axis=1), (y * y).mean(axis=1), (x * y).mean(axis=1)
    half = np.hypot((xx - yy) / 2, xy)
    longer, shorter = (xx + yy) / 2 + half, (xx + yy) / 2 - half  # squares of the ellipse's axes
    fault = np.select(
        [
            ~is_finite,
            ~is_near | (share_inside < 0.5),
            xx + yy < _SMALLEST_PX**2,
            shorter < _SLIMMEST**2 * longer,
        ],
        [0, 1, 2, 3],
        4,
    )
    return [_FAULTS[n] for n in fault.tolist()]
