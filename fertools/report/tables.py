"""A table of the report as a value: the page prints it, files hold it, a test reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fertools.report.wording import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Cell", "Table", "crossed", "rate", "texts"]


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: What it says.
        detail: A smaller second line, such as a count.
        heat: Strength of its shade in [0, 1]; None for no shade.
        is_error: Shade it as an error instead of a success.
    """

    text: str
    detail: str = ""
    heat: float | None = None
    is_error: bool = False


@dataclass(frozen=True)
class Table:
    """One table; the first cell of a row is its heading.

    Attributes:
        key: Name for links, files and tests.
        caption: What it shows and in which unit.
        columns: Headings, the first one of the column of headings.
        rows: Body.
        foot: Rows of averages.
        mark: What must be said wherever the table stands, such as ``"synthetic"`` or ``"NOT AS
            LOCKED, synthetic"``; may be empty.
        units: Unit of each column, such as ``("", "", "%", "%")``, for files; or nothing.
    """

    key: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    foot: tuple[tuple[Cell, ...], ...] = ()
    mark: str = ""
    units: tuple[str, ...] = ()


def rate(value: float | None, *, detail: str = "") -> Cell:
    """A shaded cell of one rate in [0, 1], in per cent; a dash for None."""
    return Cell(percent(value, sign=False), detail, heat=value)


def texts(*values: str) -> tuple[Cell, ...]:
    """Plain cells."""
    return tuple(map(Cell, values))


def crossed(
    key: str,
    caption: str,
    *,
    corner: str,
    rows: Sequence[str],
    columns: Sequence[str],
    body: Sequence[Sequence[float | None]],
    row_means: Sequence[float | None],
    column_means: Sequence[float | None],
    mean: float | None,
) -> Table:
    """A table of rates in per cent with averages to the right and below."""
    return Table(
        key,
        caption,
        (corner, *columns, "Average"),
        tuple(
            (Cell(name), *map(rate, cells), Cell(percent(average, sign=False)))
            for name, cells, average in zip(rows, body, row_means, strict=True)
        ),
        (texts("Average", *(percent(value, sign=False) for value in (*column_means, mean))),),
        units=("", *["%"] * (len(columns) + 1)),
    )
