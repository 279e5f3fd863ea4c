"""The tables of a report, as values that the template prints and a test can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Cell",
    "Table",
    "confusion_table",
    "expression_table",
    "fold_table",
    "intensity_table",
    "percent",
    "view_expression_table",
    "view_names",
    "view_table",
]

_WIDE = 9
"""With more views than this a table has a row a view instead of a column a view."""

_NONE = "–"


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
        key: Name for links and tests.
        caption: What it shows and in which unit.
        columns: Headings, the first one of the column of headings.
        rows: Body.
        foot: Rows of averages.
    """

    key: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    foot: tuple[tuple[Cell, ...], ...] = ()


def percent(value: float | None, *, sign: bool = True) -> str:
    """A fraction as per cent with one decimal; a dash for None.

    Example:
        >>> percent(1 / 6, sign=False), percent(None)
        ('16.7', '–')
    """
    if value is None:
        return _NONE
    return f"{100 * value:.1f}" + ("\u202f%" if sign else "")


def interval_text(interval: dict[str, Any] | None) -> str:
    """Both ends of an interval in per cent, without the sign."""
    if interval is None:
        return _NONE
    return f"{percent(interval['low'], sign=False)} – {percent(interval['high'], sign=False)}"


def count(value: int | None) -> str:
    """A whole number with thin spaces between thousands; a dash for None."""
    return _NONE if value is None else f"{value:,}".replace(",", "\u202f")


def view_names(summary: dict[str, Any]) -> dict[str, str]:
    """How each view is headed: its angle where that is a whole number, else its own name."""
    rows = summary["per_view"]
    poses = [(row["yaw_deg"], row["pitch_deg"]) for row in rows]
    whole = all(
        angle is not None and abs(angle - round(angle)) < 1e-3 for pose in poses for angle in pose
    )
    if not whole or len(set(poses)) != len(poses):
        return {row["view_id"]: row["view_id"] for row in rows}
    if len({pitch for _, pitch in poses}) == 1:
        return {row["view_id"]: _degrees(row["yaw_deg"]) for row in rows}
    return {
        row["view_id"]: f"{_degrees(row['yaw_deg'])}, {_degrees(row['pitch_deg'])}" for row in rows
    }


def view_table(summary: dict[str, Any]) -> Table:
    """Accuracy of each view with its interval."""
    names = view_names(summary)
    rows = tuple(
        (
            Cell(names[row["view_id"]]),
            Cell(count(row["num_samples"])),
            Cell(percent(row["accuracy"], sign=False), heat=row["accuracy"]),
            Cell(interval_text(row["interval"])),
        )
        for row in summary["per_view"]
    )
    mean = summary["accuracy_mean_over_views"]
    foot = (Cell("Mean of views"), Cell(""), Cell(percent(mean, sign=False)), Cell(""))
    heading = "View (yaw)" if all(name.endswith("°") for name in names.values()) else "View"
    if any(", " in name for name in names.values()):
        heading = "View (yaw, pitch)"
    return Table(
        "views",
        "Accuracy by view, in %",
        (heading, "Pictures", "Accuracy", "95 % interval"),
        rows,
        (foot,),
    )


def view_expression_table(summary: dict[str, Any]) -> Table:
    """Recall of each expression in each view, in the shape of the paper's Table 5."""
    cells = summary["view_expression"]
    names = [view_names(summary)[view] for view in cells["views"]]
    recall = [[_rate(value) for value in row] for row in cells["recall"]]
    by_expression = [_rate(value) for value in cells["mean_over_views"]]
    by_view = [_rate(value) for value in cells["mean_over_expressions"]]
    corner = _rate(cells["mean"])
    caption = "Recognised pictures by expression and view, in % (averages: plain means of cells)"
    expressions = cells["expressions"]
    if len(names) <= _WIDE:
        return _crossed(
            "Expression", expressions, names, recall, by_expression, by_view, corner, caption
        )
    turned = [list(column) for column in zip(*recall, strict=True)]
    return _crossed("View", names, expressions, turned, by_view, by_expression, corner, caption)


def expression_table(summary: dict[str, Any]) -> Table:
    """Recall, precision and F1 of each expression."""
    rows = tuple(
        (
            Cell(row["expression"]),
            Cell(count(row["num_samples"])),
            *(_rate(row[name]) for name in ("recall", "precision", "f1")),
        )
        for row in summary["per_expression"]
    )
    foot = (
        Cell("Average"),
        Cell(""),
        Cell(percent(summary["uar"], sign=False)),
        Cell(""),
        Cell(percent(summary["macro_f1"], sign=False)),
    )
    return Table(
        "expressions",
        "Recall, precision and F1 by expression, in % (averages: UAR and macro-F1)",
        ("Expression", "Pictures", "Recall", "Precision", "F1"),
        rows,
        (foot,),
    )


def intensity_table(summary: dict[str, Any]) -> Table:
    """Accuracy of each intensity."""
    rows = tuple(
        (Cell(str(row["intensity"])), Cell(count(row["num_samples"])), _rate(row["accuracy"]))
        for row in summary["per_intensity"]
    )
    caption = "Accuracy by intensity of the expression (4: strongest), in %"
    return Table("intensities", caption, ("Intensity", "Pictures", "Accuracy"), rows)


def fold_table(summary: dict[str, Any]) -> Table:
    """Counts and scores of each fold."""
    rows = tuple(
        (
            Cell(str(row["fold"])),
            Cell(count(row["num_samples"])),
            Cell(count(row["num_subjects"])),
            *(Cell(percent(row[name], sign=False)) for name in ("accuracy", "uar", "macro_f1")),
        )
        for row in summary["per_fold"]
    )
    return Table(
        "folds",
        "Scores by fold, in %",
        ("Fold", "Pictures", "People", "Accuracy", "UAR", "Macro-F1"),
        rows,
    )


def confusion_table(summary: dict[str, Any]) -> Table:
    """Overall confusions: share of the true expression's pictures, and their number."""
    classes = summary["classes"]
    confusion = summary["confusion"]
    has_lost = any(confusion["not_found"])
    rows = []
    for i, name in enumerate(classes):
        counts = list(confusion["counts"][i])
        if has_lost:
            counts.append(confusion["not_found"][i])
        total = sum(counts)
        cells = [Cell(name, f"{count(total)} pictures")]
        for j, number in enumerate(counts):
            share = number / total if total else None
            heat = share if number else None
            cells.append(Cell(percent(share, sign=False), count(number), heat, is_error=i != j))
        rows.append(tuple(cells))
    columns = ("Shown ↓ recognised as →", *classes, *(("no face found",) if has_lost else ()))
    return Table(
        "confusion",
        "All pictures: of those that show the expression of the row, how many % (and how many "
        "pictures) were recognised as that of the column",
        columns,
        tuple(rows),
    )


def _rate(value: float | None) -> Cell:
    """A shaded cell of one rate."""
    return Cell(percent(value, sign=False), heat=value)


def _degrees(angle: float) -> str:
    """A whole angle with a true minus sign."""
    return f"{round(angle)}°".replace("-", "−")


def _crossed(
    corner_heading: str,
    row_names: Sequence[str],
    column_names: Sequence[str],
    body: Sequence[Sequence[Cell]],
    row_means: Sequence[Cell],
    column_means: Sequence[Cell],
    mean: Cell,
    caption: str,
) -> Table:
    """A table with averages to the right and below."""
    rows = tuple(
        (Cell(name), *cells, Cell(average.text))
        for name, cells, average in zip(row_names, body, row_means, strict=True)
    )
    foot = (Cell("Average"), *(Cell(cell.text) for cell in column_means), Cell(mean.text))
    columns = (corner_heading, *column_names, "Average")
    return Table("view-expression", caption, columns, rows, (foot,))
