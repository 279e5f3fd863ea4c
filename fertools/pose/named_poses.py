"""Poses that stand in a file by the names of pictures or samples, given to the samples they fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from fertools.errors import DatasetError
from fertools.geometry import FloatArray
from fertools.pose.registry import FaceBatch, PoseEstimates

__all__ = ["NOT_NAMED", "NamedPose", "NamesPictures", "take_named"]

NOT_NAMED = "the file says nothing of it"
"""Why a sample has no pose that the file does not name."""


@runtime_checkable
class NamesPictures(Protocol):
    """An estimator whose poses stand in a file by names."""

    @property
    def names(self) -> Collection[str]:
        """All names of the file."""
        ...


@dataclass(frozen=True, slots=True)
class NamedPose:
    """What a file says of one picture.

    Attributes:
        rotation: Head to camera in our frame, shape ``(3, 3)``; None where it has no pose.
        confidence: In [0, 1].
        num_faces: In the picture; -1 where the file does not say.
        reason: Why there is no pose; None where there is one.
    """

    rotation: FloatArray | None
    confidence: float
    num_faces: int
    reason: str | None


def take_named(
    batch: FaceBatch, names: Sequence[str], poses: Mapping[str, NamedPose], *, file: str
) -> PoseEstimates:
    """The poses of a batch.

    Args:
        batch: The samples.
        names: What the file would call each.
        poses: What the file says, by name.
        file: Stands in the errors.

    Raises:
        DatasetError: If one name fits two samples of the batch.
    """
    doubled = [name for name, times in Counter(names).items() if times > 1 and name in poses]
    if doubled:
        samples = [s for s, n in zip(batch.sample_ids, names, strict=True) if n == doubled[0]]
        raise DatasetError(
            f"{file}: {doubled[0]!r} fits {len(samples)} pictures, such as {samples[0]!r} and "
            f"{samples[1]!r}; use a table with a column 'sample_id' (estimator table)"
        )
    result = PoseEstimates.empty(len(batch), reason=NOT_NAMED)
    reasons: list[str | None] = list(result.reasons)
    for number, name in enumerate(names):
        pose = poses.get(name)
        if pose is None:
            continue
        reasons[number] = pose.reason
        result.num_faces[number] = pose.num_faces
        if pose.rotation is not None:
            result.rotations[number] = pose.rotation
            result.confidence[number] = pose.confidence
    return PoseEstimates(result.rotations, result.confidence, result.num_faces, reasons)
