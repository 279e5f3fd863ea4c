"""Head pose by any network in ONNX that a YAML file declares.

``confidence`` is the face detector's probability; 1 where the set's own box is used, or the whole
picture: these networks say nothing of how sure they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from fertools.pose.crops import (
    NO_FACE,
    FacePlace,
    cut,
    find_faces,
    region_of_face,
    shrunk,
)
from fertools.pose.head_pose_network import HeadPoseNetwork
from fertools.pose.model_files import read_model_bytes
from fertools.pose.network_declaration import NetworkDeclaration, read_declaration
from fertools.pose.registry import FaceBatch, PoseEstimates, register_estimator

__all__ = ["OnnxEstimator", "OnnxOptions", "open_onnx"]

Pixels = npt.NDArray[np.uint8]


class OnnxOptions(BaseModel):
    """What the user chooses.

    Attributes:
        file: The YAML file that declares the network.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path = Field(description="the YAML that declares the network")


class OnnxEstimator:
    """A declared network.

    Args:
        network: Ready to work.
        declaration: Of it.
    """

    def __init__(self, network: HeadPoseNetwork, declaration: NetworkDeclaration) -> None:
        self._network = network
        self._input, self._crop = declaration.input, declaration.crop
        said = hashlib.sha256(declaration.model_dump_json().encode()).hexdigest()
        self.version = (
            f"onnx 1, model {declaration.sha256[:12]}, declaration {said[:12]}, {network.runtime}"
        )

    def estimate(self, batch: FaceBatch) -> PoseEstimates:
        """Cut the faces out, one after the other, and let the network see them."""
        result = PoseEstimates.empty(len(batch), reason=NO_FACE)
        reasons: list[str | None] = list(result.reasons)
        for place in self._places(batch):
            number = place.number
            result.num_faces[number] = place.num_faces
            if place.box is None:
                continue
            pose = self._network.pose(self._cut(place))
            if isinstance(pose, str):
                reasons[number] = pose
                continue
            result.rotations[number] = pose
            result.confidence[number] = min(1.0, max(0.0, place.prob))
            reasons[number] = None
        return PoseEstimates(result.rotations, result.confidence, result.num_faces, reasons)

    def _places(self, batch: FaceBatch) -> Iterable[FacePlace]:
        """The faces, or the whole pictures."""
        if self._crop.source == "face":
            return find_faces(batch)
        return map(_whole, range(len(batch)), map(batch.load, range(len(batch))))

    def _cut(self, place: FacePlace) -> Pixels:
        """What the network sees of a picture."""
        share = 1.0 + 2.0 * self._crop.margin if self._crop.source == "face" else 1.0
        region = region_of_face(place, share=share, turned=False)
        picture, region = shrunk(place.picture, region, size=self._input.size)
        return cut(picture, region, size=self._input.size)


@register_estimator(
    name="onnx",
    title="the pictures: any head-pose network in ONNX that a YAML file declares",
    reads="pictures",
    reference="the network's own",
    options=OnnxOptions,
)
def open_onnx(options: OnnxOptions) -> OnnxEstimator:
    """Read the declaration and the model, and compare both.

    Raises:
        ConfigError: If the declaration is missing or wrong.
        ModelError: If the model is missing, another one, or takes and gives other things.
        MissingExtraError: If onnxruntime is not installed.
    """
    declaration = read_declaration(options.file)
    path = options.file.parent / declaration.model
    data = read_model_bytes(
        path, sha256=declaration.sha256, remedy=f"'model' and 'sha256' stand in {options.file}"
    )
    return OnnxEstimator(HeadPoseNetwork(path, data, declaration), declaration)


def _whole(number: int, picture: Pixels) -> FacePlace:
    """A whole picture as a face."""
    box = (0.0, 0.0, float(picture.shape[1]), float(picture.shape[0]))
    return FacePlace(number, picture, box, None, 1.0, -1)
