"""Head poses from a table of angles that the user has, in any known convention.

A CSV or TSV file with a column ``sample_id``, ``image`` or ``name`` (the picture's file name, with
or without its ending), ``yaw``, ``pitch`` and perhaps ``roll`` (0 if left out) and ``confidence``
(1 if left out).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from fertools.errors import ConfigError, DatasetError
from fertools.formats.csv_rows import CsvTable, read_csv_table, read_number
from fertools.formats.openface import stem_of
from fertools.pose.conventions import CONVENTIONS, get_convention
from fertools.pose.named_poses import NamedPose, take_named
from fertools.pose.registry import FaceBatch, PoseEstimates, register_estimator

__all__ = ["AngleTable", "AngleTableOptions", "open_table"]

_KEYS = ("sample_id", "image", "name")
_ANGLES = ("yaw", "pitch", "roll")
_EXPECTED = "a table with the columns sample_id (or image, or name), yaw, pitch and perhaps roll"


class AngleTableOptions(BaseModel):
    """What the user chooses.

    Attributes:
        file: The table.
        convention: Of its angles, see :mod:`fertools.pose.conventions`.
        unit: Of its angles; the convention's own if left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path = Field(description="a CSV or TSV with the columns name, yaw and pitch")
    convention: str = Field(description="whose angles they are; one of " + ", ".join(CONVENTIONS))
    unit: Literal["degrees", "radians"] | None = None

    @field_validator("convention")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            return get_convention(name).name
        except ConfigError as error:
            raise ValueError(str(error)) from error


class AngleTable:
    """A table, read.

    Args:
        options: Which, and how to understand it.

    Raises:
        DatasetError: If it is missing or damaged, lacks a column, has a number that is none or an
            angle that cannot be, or names something twice.
    """

    def __init__(self, options: AngleTableOptions) -> None:
        table = read_csv_table(options.file, expected=_EXPECTED)
        self._file = options.file
        self._key, key_column = _key(table)
        self._poses = _poses(table, self._key, key_column, options)
        self.names = self._poses.keys()
        self.version = f"table 1, file {table.sha256[:12]}"

    def estimate(self, batch: FaceBatch) -> PoseEstimates:
        """Look the samples up."""
        if self._key == "sample_id":
            names = list(batch.sample_ids)
        elif self._key == "image":
            names = list(batch.images)
        else:
            names = [stem_of(image) for image in batch.images]
        return take_named(batch, names, self._poses, file=str(self._file))


@register_estimator(
    name="table",
    title="a table of angles in CSV or TSV, in any known convention",
    reads="records",
    reference="the table's own",
    options=AngleTableOptions,
)
def open_table(options: AngleTableOptions) -> AngleTable:
    """Read the table.

    Raises:
        DatasetError: If it is missing, damaged, or no table of angles.
    """
    return AngleTable(options)


def _key(table: CsvTable) -> tuple[str, int]:
    """The column that says which sample is meant."""
    for name in _KEYS:
        if name in table.header:
            return name, table.header.index(name)
    raise DatasetError(f"{table.path}: has no column 'sample_id', 'image' or 'name'")


def _poses(
    table: CsvTable, key: str, key_column: int, options: AngleTableOptions
) -> dict[str, NamedPose]:
    """What the table says, by name."""
    missing = [name for name in _ANGLES[:2] if name not in table.header]
    if missing:
        raise DatasetError(f"{table.path}: has no column {missing[0]!r}; expected {_EXPECTED}")
    convention = get_convention(options.convention)
    unit = options.unit or convention.unit
    whole_turn = 360.0 if unit == "degrees" else 2.0 * math.pi
    angles = np.zeros((len(table.rows), 3))
    for axis, name in enumerate(_ANGLES):
        if name in table.header:
            column = table.header.index(name)
            angles[:, axis] = [read_number(place, name, row[column]) for place, row in table.rows]
            beyond = np.flatnonzero(np.abs(angles[:, axis]) > whole_turn)
            if len(beyond):
                raise DatasetError(
                    f"{table.rows[beyond[0]][0]}: {name} is {angles[beyond[0], axis]:g}; expected "
                    f"{unit}, within ±{whole_turn:.4g}; say --set unit=… or --set convention=…"
                )
    if unit != convention.unit:
        angles = np.radians(angles) if unit == "degrees" else np.degrees(angles)
    rotations = convention.rotations(angles)
    is_known: list[bool] = np.asarray(np.isfinite(rotations).all(axis=(1, 2))).tolist()
    confidences = _confidences(table, is_known)
    poses: dict[str, NamedPose] = {}
    for number, (place, row) in enumerate(table.rows):
        name = stem_of(row[key_column]) if key == "name" else row[key_column].strip()
        if not name or name in poses:
            fault = f"{name!r} is there twice" if name else "names nothing"
            raise DatasetError(f"{place}: {fault} (column {key!r})")
        poses[name] = NamedPose(
            rotations[number] if is_known[number] else None,
            confidences[number],
            -1,
            None if is_known[number] else "the file has no angles of it",
        )
    return poses


def _confidences(table: CsvTable, is_known: Sequence[bool]) -> list[float]:
    """Of each row; 1 where there are none, NaN where a row without angles has none."""
    if "confidence" not in table.header:
        return [1.0] * len(table.rows)
    column = table.header.index("confidence")
    values = []
    for (place, row), has_pose in zip(table.rows, is_known, strict=True):
        value = read_number(place, "confidence", row[column])
        is_empty = math.isnan(value) and not has_pose
        if not (0.0 <= value <= 1.0 or is_empty):
            raise DatasetError(f"{place}: a confidence of {value:g}; expected 0 to 1")
        values.append(value)
    return values
