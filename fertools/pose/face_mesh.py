"""The face mesh network: 468 points of a face, and whether there is one.

A TFLite model of MediaPipe that ai-edge-litert runs. It looks at a square of 192 pixels about the
face and was trained on squares with 1.5 times the side of the mesh's box, the eyes level. So a face
is looked at more than once, each time in the square that the mesh of the time before asks for; and
each time in the mirror too, since the network is not the same on both sides: the mean of both is
more accurate than either.

Reference:
    Kartynnik, Ablavatski, Grishchenko and Grundmann, "Real-time facial surface geometry from
    monocular video on mobile GPUs", CVPR Workshop on Computer Vision for AR and VR, 2019.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fertools.errors import MissingExtraError, ModelError
from fertools.geometry import FloatArray
from fertools.pose.canonical_face import NUM_POINTS, canonical_face
from fertools.pose.crops import Region, cut

__all__ = ["MESH_SIZE", "FaceMesh", "FaceMeshNetwork", "runtime_version"]

Pixels = npt.NDArray[np.uint8]

MESH_SIZE = 192
"""Side of what the network sees, pixels."""

_MARGIN = 1.5  # side of the square by that of the mesh's box
_EYE_CORNERS = (33, 263)  # the outer ones, at the picture's left and right


@dataclass(frozen=True)
class FaceMesh:
    """What the network says of a face.

    Attributes:
        points: Shape ``(468, 2)``, pixels of the picture: the mean of the two below.
        straight: Shape ``(468, 2)``: of the picture as it is.
        mirrored: Shape ``(468, 2)``: of its mirror image, mirrored back.
        presence: That there is a face, in [0, 1]: the mean of both looks.
    """

    points: FloatArray
    straight: FloatArray
    mirrored: FloatArray
    presence: float


class FaceMeshNetwork:
    """The network, ready to work.

    Args:
        path: Of the model's file; stands in the errors.
        data: Its bytes.

    Raises:
        MissingExtraError: If ai-edge-litert is not installed.
        ModelError: If the bytes are no TFLite model, or one of other shapes.
    """

    def __init__(self, path: Path, data: bytes) -> None:
        _check_installed()
        interpreter = import_module("ai_edge_litert.interpreter").Interpreter
        self._path = path
        try:
            with _no_words():
                self._interpreter: Any = interpreter(model_content=data, num_threads=1)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError, TypeError) as error:
            raise ModelError(
                f"{path}: is not a TFLite model that can be run "
                f"({' '.join(str(error).split())[:120]}); expected face_landmark.tflite"
            ) from error
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        shapes = [[int(n) for n in part["shape"]] for part in (*inputs, *outputs)]
        numbers = [math.prod(shape) for shape in shapes]
        wanted = [[1, MESH_SIZE, MESH_SIZE, 3], 3 * NUM_POINTS, 1]
        is_known = len(inputs) == 1 and inputs[0]["dtype"] is np.float32
        if not is_known or [shapes[0], *numbers[1:]] != wanted:
            raise ModelError(
                f"{path}: takes and gives {shapes}; expected a model that takes {wanted[0]} and "
                f"gives {wanted[1]} numbers ({NUM_POINTS} points) and 1 (whether there is a face)"
            )
        self._input = inputs[0]["index"]
        self._outputs = [part["index"] for part in outputs]

    def find(self, picture: Pixels, region: Region, *, looks: int) -> FaceMesh | None:
        """The mesh of a face.

        Args:
            picture: RGB, shape ``(H, W, 3)``.
            region: Where the first look goes.
            looks: How many; each but the first goes where the mesh before it was.

        Returns:
            None where the network gives no finite points, or all of them in one place.
        """
        mesh = None
        for _ in range(looks):
            mesh = self._look(picture, region)
            if mesh is None:
                return None
            region = _region_of_mesh(mesh.points)
        return mesh

    def _look(self, picture: Pixels, region: Region) -> FaceMesh | None:
        """Straight and in the mirror."""
        crop = cut(picture, region, size=MESH_SIZE)
        straight, presence = self._run(crop)
        mirrored, other = self._run(np.ascontiguousarray(crop[:, ::-1]))
        mirrored = mirrored[canonical_face().mirror]
        mirrored[:, 0] = MESH_SIZE - mirrored[:, 0]
        points = (straight + mirrored) / 2
        if not np.isfinite(points).all() or np.ptp(points, axis=0).min() < 1.0:
            return None
        mean, left, right = (region.undo(p, MESH_SIZE) for p in (points, straight, mirrored))
        return FaceMesh(mean, left, right, (presence + other) / 2)

    def _run(self, crop: Pixels) -> tuple[FloatArray, float]:
        """Points in pixels of the crop, shape ``(468, 2)``, and the face's presence."""
        self._interpreter.set_tensor(self._input, crop[None].astype(np.float32) / np.float32(255))
        self._interpreter.invoke()
        points, flag = (self._interpreter.get_tensor(index) for index in self._outputs)
        flat = np.asarray(points, dtype=np.float64).reshape(NUM_POINTS, 3)[:, :2]
        return flat, float(1.0 / (1.0 + np.exp(-np.clip(np.float64(flag.ravel()[0]), -50, 50))))


def runtime_version() -> str:
    """The package that runs the network, and its version.

    Raises:
        MissingExtraError: If it is not installed.
    """
    _check_installed()
    return f"ai-edge-litert {metadata.version('ai-edge-litert')}"


@contextmanager
def _no_words() -> Iterator[None]:
    """Keep what the runtime prints of itself from standard error; its faults are raised."""
    with Path(os.devnull).open("w") as nowhere:
        before = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)


def _check_installed() -> None:
    """Raise where the extra is missing."""
    if find_spec("ai_edge_litert") is None:
        raise MissingExtraError("ai_edge_litert", "facemesh")


def _region_of_mesh(points: FloatArray) -> Region:
    """The square that the network wants to see, turned so that the eyes are level."""
    left, right = (points[number] for number in _EYE_CORNERS)
    turn = math.atan2(right[1] - left[1], right[0] - left[0])
    axes = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    level = points @ axes.T
    low, high = level.min(axis=0), level.max(axis=0)
    x, y = axes.T @ ((low + high) / 2)
    side = _MARGIN * float((high - low).max())
    return Region(float(x), float(y), side, math.degrees(turn))
