"""Any head-pose network in ONNX, run as its declaration says."""

from __future__ import annotations

import math
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fertools.errors import MissingExtraError, ModelError
from fertools.geometry import FloatArray
from fertools.pose.conventions import get_convention
from fertools.pose.network_declaration import (
    Bins,
    BinsOutput,
    EulerOutput,
    InputDeclaration,
    MatrixOutput,
    NetworkDeclaration,
)

__all__ = ["NO_ANGLE", "NO_NUMBER", "NO_ROTATION", "HeadPoseNetwork"]

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

NO_NUMBER = "the network gives no finite number"
NO_ANGLE = "the network's angle is beyond a whole turn"
NO_ROTATION = "the network's matrix is no rotation"

_FARTHEST = 0.2  # Frobenius norm of what separates a matrix from the nearest rotation
_AXES = ("yaw", "pitch", "roll")
_ERRORS = (
    "EPFail",
    "Fail",
    "InvalidArgument",
    "InvalidGraph",
    "InvalidProtobuf",
    "NoModel",
    "NotImplemented",
    "RuntimeException",
)


class HeadPoseNetwork:
    """A network, ready to work, on one thread of the processor.

    Args:
        path: Of its file; stands in the errors.
        data: Its bytes.
        declaration: What it takes and gives.

    Raises:
        MissingExtraError: If onnxruntime is not installed.
        ModelError: If the bytes are no ONNX model, or its inputs or outputs are others than
            declared.
    """

    def __init__(self, path: Path, data: bytes, declaration: NetworkDeclaration) -> None:
        if find_spec("onnxruntime") is None:
            raise MissingExtraError("onnxruntime", "export")
        onnxruntime = import_module("onnxruntime")
        states = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
        self._path, self._declaration = path, declaration
        self._errors = tuple(getattr(states, name) for name in _ERRORS if hasattr(states, name))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what goes wrong is raised
        try:
            self._session: Any = onnxruntime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
        except self._errors as error:
            raise ModelError(
                f"{path}: is not an ONNX model that can be run ({_short(error)})"
            ) from error
        self._names = _output_names(declaration)
        self._check()

    @property
    def runtime(self) -> str:
        """The package that runs it, and its version."""
        return f"onnxruntime {metadata.version('onnxruntime')}"

    def pose(self, crop: Pixels) -> FloatArray | str:
        """Head to camera in our frame, shape ``(3, 3)``, or the reason why there is none.

        Args:
            crop: RGB, shape ``(S, S, 3)`` with the declared size.

        Raises:
            ModelError: If the network cannot be run, or gives other shapes than declared.
        """
        feed = {self._session.get_inputs()[0].name: prepare(crop, self._declaration.input)}
        try:
            given = self._session.run(list(self._names), feed)
        except self._errors as error:
            raise ModelError(f"{self._path}: cannot be run ({_short(error)})") from error
        parts = [np.asarray(part, dtype=np.float64).ravel() for part in given]
        for (name, count), part in zip(self._names.items(), parts, strict=True):
            if part.size != count:
                raise ModelError(
                    f"{self._path}: output {name!r} has {part.size} numbers, {count} are declared"
                )
        if not all(np.isfinite(part).all() for part in parts):
            return NO_NUMBER
        output = self._declaration.output
        convention = get_convention(self._declaration.convention)
        if isinstance(output, MatrixOutput):
            rotation = _nearest_rotation(parts[0].reshape(3, 3))
            return NO_ROTATION if rotation is None else convention.from_matrices(rotation[None])[0]
        if isinstance(output, EulerOutput):
            values = dict(zip(output.order, np.concatenate(parts), strict=True))
            in_degrees = output.unit == "degrees"
        else:
            bins = (output.yaw, output.pitch, output.roll)
            values = {
                axis: _expected(part, kind)
                for axis, part, kind in zip(_AXES, parts, bins, strict=True)
            }
            in_degrees = True
        angles = np.array([[values[axis] for axis in _AXES]])
        if np.abs(angles).max() > (360.0 if in_degrees else 2 * math.pi):
            return NO_ANGLE
        if in_degrees != (convention.unit == "degrees"):
            angles = np.radians(angles) if in_degrees else np.degrees(angles)
        return np.asarray(convention.rotations(angles)[0])

    def _check(self) -> None:
        """Compare inputs and outputs with the declaration."""
        inputs = self._session.get_inputs()
        side, layout = self._declaration.input.size, self._declaration.input.layout
        wanted = [1, 3, side, side] if layout == "nchw" else [1, side, side, 3]
        shape = list(inputs[0].shape) if len(inputs) == 1 else None
        if shape is None or inputs[0].type != "tensor(float)" or not _fits(shape, wanted):
            given = ", ".join(f"{i.name!r} {i.type} {i.shape}" for i in inputs)
            raise ModelError(
                f"{self._path}: takes {given}; declared is one tensor(float) of {wanted} ({layout})"
            )
        outputs = {out.name: out for out in self._session.get_outputs()}
        for name, count in self._names.items():
            if name not in outputs:
                raise ModelError(
                    f"{self._path}: has no output {name!r}; it has {', '.join(map(repr, outputs))}"
                )
            shape = outputs[name].shape
            known = [size for size in shape if isinstance(size, int)]
            if math.prod(known) != count and len(known) == len(shape):
                raise ModelError(
                    f"{self._path}: output {name!r} has the shape {shape}; {count} numbers are "
                    "declared"
                )


def prepare(crop: Pixels, declared: InputDeclaration) -> Floats:
    """A crop ``(S, S, 3)`` of RGB as the network's input, a batch of one."""
    pixels = crop[..., ::-1] if declared.colour == "bgr" else crop
    mean, std = np.array(declared.mean, np.float32), np.array(declared.std, np.float32)
    scaled: Floats = pixels.astype(np.float32) * np.float32(declared.scale)
    values: Floats = np.divide(scaled - mean, std, dtype=np.float32)
    if declared.layout == "nchw":
        values = values.transpose(2, 0, 1)
    return np.ascontiguousarray(values[None])


def _output_names(declaration: NetworkDeclaration) -> dict[str, int]:
    """The outputs that are used, and how many numbers each has."""
    output = declaration.output
    if isinstance(output, MatrixOutput):
        return {output.name: 9}
    if isinstance(output, BinsOutput):
        return {bins.name: bins.count for bins in (output.yaw, output.pitch, output.roll)}
    return {name: 3 // len(output.names) for name in output.names}


def _fits(shape: list[Any], wanted: list[int]) -> bool:
    """Whether a shape with free sizes can be the wanted one."""
    return len(shape) == len(wanted) and all(
        not isinstance(size, int) or size == want for size, want in zip(shape, wanted, strict=True)
    )


def _nearest_rotation(matrix: FloatArray) -> FloatArray | None:
    """The rotation that is nearest to a matrix; None where that is far away."""
    left, _, right = np.linalg.svd(matrix)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = (left * signs) @ right
    return rotation if float(np.linalg.norm(rotation - matrix)) <= _FARTHEST else None


def _expected(logits: FloatArray, bins: Bins) -> float:
    """The mean of a distribution over bins, degrees."""
    shares = np.asarray(np.exp(logits - logits.max()), dtype=np.float64)
    shares = shares / shares.sum()
    return float(bins.offset + bins.width * (shares @ np.arange(bins.count)))


def _short(error: BaseException) -> str:
    """The beginning of an error's words, in one line."""
    return " ".join(str(error).split())[:160]
