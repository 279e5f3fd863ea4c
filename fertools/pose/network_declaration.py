"""What a YAML file says of a head-pose network: its picture, its outputs, its convention.

Nothing of it is guessed: the model's digest, how the face is cut out, how pixels become numbers,
what the outputs mean and in which convention, all stand in the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from fertools.config import build_config, read_yaml
from fertools.errors import ConfigError
from fertools.pose.conventions import get_convention
from fertools.pose.model_files import Digest

__all__ = [
    "Bins",
    "BinsOutput",
    "CropDeclaration",
    "EulerOutput",
    "InputDeclaration",
    "MatrixOutput",
    "NetworkDeclaration",
    "read_declaration",
]

Three = tuple[float, float, float]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Axis = Literal["yaw", "pitch", "roll"]


class _Strict(BaseModel):
    """Unknown keys are errors, and so are numbers that are none."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class InputDeclaration(_Strict):
    """How a crop becomes the network's input: ``(pixel * scale - mean) / std``.

    Attributes:
        size: Side of the square, pixels.
        layout: ``nchw`` or ``nhwc``.
        colour: Order of the channels.
        scale: What pixels of 0 to 255 are multiplied with first.
        mean: Of each channel, in the order of ``colour``.
        std: Likewise.
    """

    size: int = Field(ge=8, le=2048)
    layout: Literal["nchw", "nhwc"] = "nchw"
    colour: Literal["rgb", "bgr"] = "rgb"
    scale: float = Field(default=1 / 255, gt=0)
    mean: Three = (0.0, 0.0, 0.0)
    std: Three = (1.0, 1.0, 1.0)

    @field_validator("std")
    @classmethod
    def _positive(cls, values: Three) -> Three:
        if min(values) <= 0:
            raise ValueError("expected three numbers above 0")
        return values


class CropDeclaration(_Strict):
    """Which square of the picture the network sees, upright.

    Attributes:
        source: ``face``: about the face, the set's own box or the detector's. ``picture``: the
            whole picture, for sets that are aligned.
        margin: Of ``face``: border on every side, as a fraction of the longer side of the box.
    """

    source: Literal["face", "picture"] = "face"
    margin: float = Field(default=0.2, ge=-0.2, le=3)


class MatrixOutput(_Strict):
    """A rotation matrix.

    Attributes:
        kind: Of the output.
        name: Of the output, shape ``(1, 3, 3)`` or ``(1, 9)``, a row after the other.
    """

    kind: Literal["rotation_matrix"]
    name: Name


class EulerOutput(_Strict):
    """Angles, all in one output or each in its own.

    Attributes:
        kind: Of the output.
        names: Of one output of three numbers, or of three of one number.
        order: Which angle each is.
        unit: Of the angles.
    """

    kind: Literal["euler"]
    names: tuple[Name, ...]
    order: tuple[Axis, Axis, Axis] = ("yaw", "pitch", "roll")
    unit: Literal["degrees", "radians"] = "degrees"

    @field_validator("names")
    @classmethod
    def _one_or_three(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(names) not in (1, 3) or len(set(names)) < len(names):
            raise ValueError("expected the name of one output of three numbers, or three names")
        return names

    @field_validator("order")
    @classmethod
    def _each_once(cls, order: tuple[Axis, Axis, Axis]) -> tuple[Axis, Axis, Axis]:
        if len(set(order)) < 3:
            raise ValueError("expected yaw, pitch and roll, each once")
        return order


class Bins(_Strict):
    """One angle as a distribution over bins: the angle is ``offset + width * mean of the index``.

    Attributes:
        name: Of the output, shape ``(1, count)``, before the softmax.
        count: Of the bins.
        width: Of a bin, degrees.
        offset: Angle of index 0, degrees.
    """

    name: Name
    count: int = Field(ge=2, le=10_000)
    width: float = Field(gt=0, le=180)
    offset: float = Field(ge=-360, le=360)


class BinsOutput(_Strict):
    """Three angles in bins, as Hopenet and WHENet give them.

    Attributes:
        kind: Of the output.
        yaw: The bins of the yaw.
        pitch: The bins of the pitch.
        roll: The bins of the roll.
    """

    kind: Literal["bins"]
    yaw: Bins
    pitch: Bins
    roll: Bins


class NetworkDeclaration(_Strict):
    """All that is said of a network.

    Attributes:
        model: The ONNX file, relative to the YAML file's folder.
        sha256: What it must be.
        reference: Whom to cite.
        input: How a crop becomes its input.
        crop: What it sees.
        output: What it gives.
        convention: In which its angles or its matrix are, see :mod:`fertools.pose.conventions`.
    """

    model: Path
    sha256: Digest
    reference: str = ""
    input: InputDeclaration
    crop: CropDeclaration = CropDeclaration()
    output: Annotated[MatrixOutput | EulerOutput | BinsOutput, Field(discriminator="kind")]
    convention: str

    @field_validator("convention")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            return get_convention(name).name
        except ConfigError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _has_matrix(self) -> NetworkDeclaration:
        is_matrix = isinstance(self.output, MatrixOutput)
        if is_matrix and not get_convention(self.convention).has_matrix:
            raise ValueError(
                f"convention {self.convention!r} has angles only, no rotation_matrix; say in whose "
                "convention the matrix is"
            )
        return self


def read_declaration(path: Path) -> NetworkDeclaration:
    """Read a declaration.

    Raises:
        ConfigError: If it is missing, no plain YAML, or says something that cannot be.
    """
    return build_config(NetworkDeclaration, read_yaml(path), source=str(path))
