"""Confusions as tables: overall, by view, the worst ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fertools.metrics import normalise_confusion, worst_confusions
from fertools.report.tables import Cell, Table, texts
from fertools.report.wording import count, percent, view_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["confusion_table", "overall_confusion", "view_confusions", "worst_table"]

_CORNER = "Shown ↓ recognised as →"
_LOST = "no face found"


def overall_confusion(summary: Mapping[str, Any]) -> Table:
    """Confusions of all pictures."""
    return confusion_table(
        summary["confusion"],
        summary["classes"],
        key="confusion",
        caption="All pictures: of those that show the expression of the row, how many % (and how "
        "many pictures) were recognised as that of the column",
    )


def view_confusions(summary: Mapping[str, Any]) -> list[Table]:
    """Confusions of each view, in per cent of the row."""
    names = view_names(summary["per_view"])
    return [
        confusion_table(
            confusion,
            summary["classes"],
            key=f"confusion-view-{number:02d}",
            caption=f"View {names[confusion['view_id']]}, in % of the row",
            has_counts=False,
        )
        for number, confusion in enumerate(summary["confusion_per_view"])
    ]


def confusion_table(
    confusion: Mapping[str, Any],
    classes: Sequence[str],
    *,
    key: str,
    caption: str,
    has_counts: bool = True,
) -> Table:
    """One confusion matrix: shares of the true expression's pictures, and their number.

    Args:
        confusion: ``counts`` and ``not_found`` as :func:`fertools.metrics.summarise` gives them.
        classes: Names of rows and columns.
        key: Of the table.
        caption: Of the table.
        has_counts: Whether the numbers of pictures stand below the shares.
    """
    shares = normalise_confusion(confusion)
    has_lost = any(confusion["not_found"])
    rows = []
    for i, name in enumerate(classes):
        numbers, parts = list(confusion["counts"][i]), list(shares["shares"][i])
        if has_lost:
            numbers.append(confusion["not_found"][i])
            parts.append(shares["not_found"][i])
        total = sum(confusion["counts"][i]) + confusion["not_found"][i]
        rows.append(
            (
                Cell(name, f"{count(total)} pictures" if has_counts else ""),
                *(
                    Cell(
                        percent(part, sign=False),
                        count(number) if has_counts else "",
                        part if number else None,
                        is_error=i != j,
                    )
                    for j, (number, part) in enumerate(zip(numbers, parts, strict=True))
                ),
            )
        )
    columns = (_CORNER, *classes, *((_LOST,) if has_lost else ()))
    units = ("", *["%"] * (len(columns) - 1))
    return Table(key, caption, columns, tuple(rows), units=units)


def worst_table(summary: Mapping[str, Any], *, limit: int = 5) -> Table:
    """The commonest confusions by share of the true expression."""
    worst = worst_confusions(summary["confusion"], summary["classes"], limit=limit)
    rows = tuple(
        (
            *texts(row["expression"], row["taken_for"], count(row["count"])),
            Cell(percent(row["share"], sign=False), heat=row["share"], is_error=True),
        )
        for row in worst
    )
    return Table(
        "worst-confusions",
        "Worst confusions, in % of the expression's pictures",
        ("Shown", "Taken for", "Pictures", "Share"),
        rows,
        units=("", "", "", "%"),
    )
