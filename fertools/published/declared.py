"""What the paper says twice: the declared comparisons of ``checks.yaml``.

A place is ``"TABLE | ROW | COLUMN"``, or a name that the file gives to one; a row is
``"TABLE | ROW"``. Averages are called Average in some tables and Accuracy in others: rows are
compared as if they were one word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fertools.config import build_config, read_yaml
from fertools.errors import ConfigError
from fertools.published.reader import PublishedCell, PublishedTable

__all__ = ["Declared", "Deviation", "Places", "Share", "Sum", "Text", "read_declared"]

_AVERAGES = ("Average", "Accuracy")


class _Strict(BaseModel):
    """Unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Text(_Strict):
    """A figure of the running text.

    Attributes:
        section: Where it stands.
        figure: As printed.
        place: The cell it repeats, or two with ``" - "`` between them.
        claim: What the text says of the cell among the views of its row.
        note: What explains a difference.
    """

    section: str
    figure: str = Field(pattern=r"^\d{1,3}(\.\d{1,2})?$")
    place: str = Field(alias="is")
    claim: Literal["least", "greatest"] | None = None
    note: str = ""


class Share(_Strict):
    """A percentage of the running text that no table holds; the rest as in a table's counts."""

    section: str
    figure: str = Field(pattern=r"^\d{1,3}(\.\d{1,2})?$")
    of: str
    pictures: int = Field(ge=1)
    because: str
    also: Mapping[int, str] = {}


class Sum(_Strict):
    """A cell that is the sum of others, less what they share."""

    parts: tuple[str, ...] = Field(min_length=2)
    less: str = Field(pattern=r"^\d+(\.\d+)?$")
    whole: str
    because: str


class Deviation(_Strict):
    """A standard deviation over five folds: the row of its views, and its average's column."""

    section: str
    figure: str = Field(pattern=r"^\d{1,3}\.\d{1,2}$")
    row: str
    column: str
    pictures: int = Field(ge=5)
    folds: Literal[5]


class Declared(_Strict):
    """The file; ``cells`` gives short names to places."""

    cells: Mapping[str, str]
    repeats: tuple[tuple[str, ...], ...]
    text: tuple[Text, ...]
    shares: tuple[Share, ...]
    sums: tuple[Sum, ...]
    deviations: tuple[Deviation, ...]


@dataclass(frozen=True)
class Places:
    """Finds what a declared place means.

    Attributes:
        tables: The tables by number.
        names: Short names of places.
    """

    tables: Mapping[int, PublishedTable]
    names: Mapping[str, str]

    def cell(self, place: str) -> PublishedCell:
        """The figure at ``"TABLE | ROW | COLUMN"``, or at a short name.

        Raises:
            ConfigError: If there is none.
        """
        parts = self.names.get(place, place).split(" | ")
        if len(parts) != 3:
            raise ConfigError(f"place {place!r}: expected 'TABLE | ROW | COLUMN' or a known name")
        return self.table(parts[0]).cell(parts[1], parts[2])

    def row(self, place: str) -> dict[str, PublishedCell]:
        """Columns and figures at ``"TABLE | ROW"``; averages under one name.

        Raises:
            ConfigError: If there is no such row.
        """
        number, _, row = place.partition(" | ")
        table = self.table(number)
        cells = {
            _AVERAGES[0] if column in _AVERAGES else column: table.cells[row, column]
            for column in table.columns
            if (row, column) in table.cells
        }
        if not cells:
            table.cell(row, table.columns[0])  # raises, and says which rows there are
        return cells

    def is_row(self, place: str) -> bool:
        """Whether a place is a whole row."""
        return self.names.get(place, place).count(" | ") == 1

    def table(self, number: str) -> PublishedTable:
        """The table of a place.

        Raises:
            ConfigError: If there is none of that number.
        """
        if not number.isdecimal() or int(number) not in self.tables:
            known = ", ".join(map(str, self.tables))
            raise ConfigError(f"no table {number!r} among the data; expected one of {known}")
        return self.tables[int(number)]


def read_declared(path: Path | None = None) -> Declared:
    """Read the declared comparisons.

    Args:
        path: Another file than the package's own.

    Raises:
        ConfigError: Naming file and key, if a key is unknown, missing or wrong.
    """
    path = path or Path(__file__).parent / "checks.yaml"
    return build_config(Declared, read_yaml(path), source=str(path))
