"""Head poses that OpenFace has estimated: its CSV files, matched by the pictures' names.

``confidence`` is OpenFace's own. Of several faces of a picture it is the most confident one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from fertools.errors import DatasetError
from fertools.formats.openface import OpenFacePose, OpenFacePoses, read_openface, stem_of
from fertools.pose.conventions import get_convention
from fertools.pose.named_poses import NamedPose, take_named
from fertools.pose.registry import FaceBatch, PoseEstimates, register_estimator

__all__ = ["OpenFaceImport", "OpenFaceOptions", "open_openface"]


class OpenFaceOptions(BaseModel):
    """What the user chooses.

    Attributes:
        file: One CSV file, or the folder of one a picture that FaceLandmarkImg wrote.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path = Field(description="OpenFace's CSV, or its folder of one CSV a picture")


class OpenFaceImport:
    """What OpenFace wrote.

    Args:
        file: Where; stands in the errors.
        read: What was read there.

    Raises:
        DatasetError: If one name stands for two pictures, or one face is there twice.
    """

    def __init__(self, file: Path, read: OpenFacePoses) -> None:
        self._file = file
        self._poses = {
            stem: NamedPose(None, float("nan"), 0, "OpenFace found no face")
            for stem in read.pictures
        } | _chosen(read.poses)
        self.names = self._poses.keys()
        self.version = f"openface 1, files {read.digest[:12]}"

    def estimate(self, batch: FaceBatch) -> PoseEstimates:
        """Look the pictures up by the stems of their names."""
        names = [stem_of(image) for image in batch.images]
        return take_named(batch, names, self._poses, file=str(self._file))


@register_estimator(
    name="openface",
    title="OpenFace's CSV files, matched by the pictures' names",
    reads="records",
    reference="Baltrusaitis et al., OpenFace 2.0, IEEE FG 2018",
    options=OpenFaceOptions,
)
def open_openface(options: OpenFaceOptions) -> OpenFaceImport:
    """Read the files.

    Raises:
        DatasetError: If a file is missing, damaged, or not of OpenFace.
    """
    return OpenFaceImport(options.file, read_openface(options.file))


def _chosen(poses: Sequence[OpenFacePose]) -> dict[str, NamedPose]:
    """The most confident face of each picture that has one."""
    faces: dict[str, list[OpenFacePose]] = defaultdict(list)
    for pose in poses:
        faces[stem_of(pose.picture)].append(pose)
    chosen: dict[str, OpenFacePose] = {}
    for stem, several in faces.items():
        _check(stem, several)
        found = [face for face in several if face.success and np.isfinite(face.angles).all()]
        if found:
            chosen[stem] = max(found, key=lambda face: face.confidence)
    pitch_yaw_roll = np.array([face.angles for face in chosen.values()]).reshape(-1, 3)
    rotations = get_convention("openface").rotations(pitch_yaw_roll[:, [1, 0, 2]])
    return {
        stem: NamedPose(rotation, face.confidence, len(faces[stem]), None)
        for (stem, face), rotation in zip(chosen.items(), rotations, strict=True)
    }


def _check(stem: str, faces: Sequence[OpenFacePose]) -> None:
    """Raise where the rows of a stem are not the faces of one picture."""
    first = faces[0]
    for face in faces[1:]:
        if face.picture != first.picture:
            raise DatasetError(
                f"{face.place}: {face.picture!r} and {first.picture!r} have one stem, {stem!r}; "
                "which picture is meant cannot be told: give them other names"
            )
    numbers = [face.face for face in faces if face.face is not None]
    if len(set(numbers)) < len(numbers):
        raise DatasetError(
            f"{faces[-1].place}: face {numbers[-1]!r} of {first.picture!r} is there twice"
        )
