"""The tables that the paper prints, as data: every figure as it stands there.

One YAML file a table, below ``tables``. A row is a list: its labels, its facts, then its
figures. All of them are strings, so that ``87.5`` and ``87.50`` stay apart; a figure that the
paper does not give is ``""``, ``–`` or ``/``, as printed. Table 14 names hardware and is not here.

Reference:
    Liu, Liu, Chen and Zhou, "Deep global multiple-scale and local patches attention dual-branch
    network for pose-invariant facial expression recognition", CMES 139(1), 2024.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fertools.config import build_config, read_yaml
from fertools.errors import ConfigError

__all__ = [
    "ABSENT",
    "Count",
    "Means",
    "PublishedCell",
    "PublishedTable",
    "published_tables",
    "read_table",
    "read_tables",
]

ABSENT = frozenset({"", "–", "/"})
"""What stands where a table has no figure."""

_FIGURE = re.compile(r"(\d{1,3}(?:\.\d{1,2})?)([.%*]?)")  # with what may be printed behind it
_BETWEEN = " / "


class _Strict(BaseModel):
    """Unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Means(_Strict):
    """Which cells are averages of others.

    Attributes:
        into: Column that averages the others of its row.
        row: Row that averages the others of its column, if there is one.
    """

    into: str
    row: str | None = None


class Count(_Strict):
    """How many pictures cells are shares of.

    Attributes:
        of: Which cells, for people.
        pictures: The number that the paper's description gives.
        because: Where it comes from.
        rows: Patterns of row names; empty for all but the row of averages.
        columns: Names; empty for all but the column of averages.
        also: Other numbers that it may have been, each with its reason.
    """

    of: str
    pictures: int = Field(ge=1)
    because: str
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    also: Mapping[int, str] = {}


@dataclass(frozen=True, slots=True)
class PublishedCell:
    """One printed figure.

    Attributes:
        table: Number of the table.
        row: Labels of its row, joined by ``" / "``; references stand in them as ``[9]``.
        column: Name of its column.
        printed: Exactly what is printed, such as ``"100.0"`` or ``"86.77*"``.
        unit: ``%``, ``million``, ``min``, ``s`` or ``h``.
    """

    table: int
    row: str
    column: str
    printed: str
    unit: str

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"Table {self.table}, {self.row}, {self.column}"

    @property
    def number(self) -> str:
        """The printed digits without a mark behind them."""
        found = _FIGURE.fullmatch(self.printed)
        return found[1] if found else self.printed

    @property
    def value(self) -> Fraction:
        """The number, exactly."""
        return Fraction(self.number)

    @property
    def decimals(self) -> int:
        """Digits printed behind the point."""
        return len(self.number.partition(".")[2])


@dataclass(frozen=True)
class PublishedTable:
    """One table.

    Attributes:
        number: As in the paper.
        title: What it holds, in our words.
        section: Where it stands.
        layout: How the data differ from the print; may be empty.
        rows: Names of its rows in order.
        columns: Names of its columns with figures in order.
        facts: Row to what else is printed in it, such as ``Year``.
        cells: Row and column to figure; those that the paper leaves open are missing.
        means: Which cells average others.
        counts: What cells are shares of.
        remarks: What is wrong in print, beyond its numbers.
    """

    number: int
    title: str
    section: str
    layout: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    facts: Mapping[str, Mapping[str, str]]
    cells: Mapping[tuple[str, str], PublishedCell]
    means: Means | None
    counts: tuple[Count, ...]
    remarks: tuple[str, ...]

    def cell(self, row: str, column: str) -> PublishedCell:
        """The figure of a row and a column.

        Raises:
            ConfigError: If the table has none there.
        """
        try:
            return self.cells[row, column]
        except KeyError:
            fault = f"no figure at row {row!r}, column {column!r}"
            if row not in self.rows:
                fault = f"no row {row!r}; expected one of {', '.join(map(repr, self.rows))}"
            elif column not in self.columns:
                fault = f"no column {column!r}; expected one of {', '.join(self.columns)}"
            raise ConfigError(f"Table {self.number}: {fault}") from None

    def views(self, row: str) -> tuple[PublishedCell, ...]:
        """The figures of a row, without its average."""
        mean = self.means.into if self.means else None
        return tuple(
            self.cells[row, column]
            for column in self.columns
            if column != mean and (row, column) in self.cells
        )

    def counted(self, count: Count) -> tuple[PublishedCell, ...]:
        """The figures that are shares of ``count.pictures``."""
        average = self.means.row if self.means else None
        return tuple(
            cell
            for row in self.rows
            if (row != average if not count.rows else _matches(row, count.rows))
            for cell in self.views(row)
            if not count.columns or cell.column in count.columns
        )


class _TableFile(_Strict):
    """A file of the folder."""

    number: int = Field(ge=1, le=15)
    title: str
    section: str
    unit: str
    units: Mapping[str, str] = {}
    labels: tuple[str, ...] = Field(min_length=1)
    facts: tuple[str, ...] = ()
    figures: tuple[str, ...] = Field(min_length=1)
    rows: tuple[tuple[str, ...], ...] = Field(min_length=1)
    layout: str = ""
    means: Means | None = None
    counts: tuple[Count, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the rows."""
        return tuple(_BETWEEN.join(row[: len(self.labels)]) for row in self.rows)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> _TableFile:
        """Rows are whole and differ, figures are figures, and what is named is there."""
        columns = (*self.labels, *self.facts, *self.figures)
        _need_different("columns", columns)
        for row in self.rows:
            if len(row) != len(columns):
                raise ValueError(f"row {row[0]!r} has {len(row)} cells, expected {len(columns)}")
        _need_different("rows", self.names)
        for name, row in zip(self.names, self.rows, strict=True):
            for column, text in zip(self.figures, row[-len(self.figures) :], strict=True):
                self._check_figure(name, column, text)
        named = [*self.units, *(column for count in self.counts for column in count.columns)]
        named += [self.means.into] if self.means else []
        for column in named:
            if column not in self.figures:
                raise ValueError(f"{column!r} is no column of figures")
        if self.means and self.means.row is not None and self.means.row not in self.names:
            raise ValueError(f"'means.row': there is no row {self.means.row!r}")
        for pattern in (pattern for count in self.counts for pattern in count.rows):
            if not any(_matches(name, (pattern,)) for name in self.names):
                raise ValueError(f"'counts.rows': no row is like {pattern!r}")
        return self

    def _check_figure(self, row: str, column: str, text: str) -> None:
        """Raise for a cell that is neither a figure nor left open."""
        if text in ABSENT:
            return
        found = _FIGURE.fullmatch(text)
        if found is None:
            raise ValueError(f"row {row!r}, column {column!r}: {text!r} is no figure")
        if self.units.get(column, self.unit) == "%" and Fraction(found[1]) > 100:
            raise ValueError(f"row {row!r}, column {column!r}: {text!r} is above 100 %")


@cache
def published_tables() -> Mapping[int, PublishedTable]:
    """The paper's tables 1 to 13 and 15 by number."""
    return MappingProxyType(read_tables(Path(__file__).parent / "tables"))


def read_tables(folder: Path) -> dict[int, PublishedTable]:
    """Read every ``table-NN.yaml`` of a folder, by number, ascending.

    Raises:
        ConfigError: If a file is wrong, or there is none.
    """
    tables = [read_table(path) for path in sorted(folder.glob("*.yaml"))]
    if not tables:
        raise ConfigError(f"{folder}: no table; expected files such as table-05.yaml")
    return {table.number: table for table in tables}


def read_table(path: Path) -> PublishedTable:
    """Read one table.

    Raises:
        ConfigError: Naming file and key, if a key is unknown or missing, a figure is not a
            string or no figure, a row is short or doubled, or the number is not the file's.
    """
    made = build_config(_TableFile, read_yaml(path), source=str(path))
    if path.name != f"table-{made.number:02d}.yaml":
        raise ConfigError(
            f"{path}: 'number': is {made.number}, expected the name table-{made.number:02d}.yaml"
        )
    facts, cells = {}, {}
    after_labels, after_facts = len(made.labels), len(made.labels) + len(made.facts)
    for name, row in zip(made.names, made.rows, strict=True):
        facts[name] = dict(zip(made.facts, row[after_labels:after_facts], strict=True))
        for column, text in zip(made.figures, row[after_facts:], strict=True):
            if text not in ABSENT:
                unit = made.units.get(column, made.unit)
                cells[name, column] = PublishedCell(made.number, name, column, text, unit)
    return PublishedTable(
        number=made.number,
        title=made.title,
        section=made.section,
        layout=made.layout,
        rows=made.names,
        columns=made.figures,
        facts=facts,
        cells=cells,
        means=made.means,
        counts=made.counts,
        remarks=made.remarks,
    )


def _matches(row: str, patterns: tuple[str, ...]) -> bool:
    """Whether a row's name is like one of the patterns."""
    return any(fnmatchcase(row, pattern) for pattern in patterns)


def _need_different(what: str, names: tuple[str, ...]) -> None:
    """Raise for a name that occurs twice."""
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(f"two {what} are called {doubled[0]!r}")
