"""What the paper prints for the same protocol, beside ours and never mixed with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fertools.published import published_tables
from fertools.report.tables import Table, texts
from fertools.report.wording import percent, view_heading, view_names

if TYPE_CHECKING:
    from fertools.published import PublishedTable
    from fertools.report.reading import Reading

__all__ = ["published_table"]

_PLACES = {
    "bu3dfe-p1-5fold": (6, "Accuracy"),
    "bu3dfe-p2-5fold": (8, "Accuracy"),
    "multipie-5fold": (10, "Accuracy"),
    "pose-rafdb-30": (11, "Pose-RAF-DB >30°"),
    "pose-rafdb-45": (11, "Pose-RAF-DB >45°"),
    "pose-affectnet-30": (11, "Pose-AffectNet >30°"),
    "pose-affectnet-45": (11, "Pose-AffectNet >45°"),
    "rafdb": (13, "RAF-DB"),
    "affectnet-7": (13, "AffectNet"),
}
"""Protocol to the paper's table and the column of its overall figure."""

_METHODS = {
    "gms_lpa_resnet18": "ResNet18 (GMS-LPA)",
    "gms_lpa_resnet34": "ResNet34 (GMS-LPA)",
    "resnet50": "ResNet50",
}
"""Model to what the row of its figures has in its name; all others: the paper's own network."""


def published_table(reading: Reading) -> Table | None:
    """The printed figures of the same method, else of the paper's network, beside this run's.

    Returns:
        None where the paper has no table of the protocol.
    """
    place = _PLACES.get(reading.summary["protocol"])
    if place is None:
        return None
    table, overall = published_tables()[place[0]], place[1]
    row = _row(table, reading.summary["model"])
    summary = reading.summary
    names = view_names(summary["per_view"])
    pairs = [
        (names[view["view_id"]], names[view["view_id"]], view["accuracy"])
        for view in summary["per_view"]
        if names[view["view_id"]] in table.columns
    ]
    title = "Mean of views" if reading.primary == "accuracy_mean_over_views" else "Accuracy"
    pairs.append((title, overall, summary[reading.primary]))
    rows = tuple(
        texts(heading, table.cell(row, column).printed, percent(ours, sign=False))
        for heading, column, ours in pairs
    )
    caption = f"The paper's Table {table.number}, row ‘{_method(row)}’, beside this run, in %"
    if reading.marks.synthetic:
        caption += "; NOT comparable: this run saw synthetic stand-ins"
    elif reading.marks.text:
        caption += f"; not comparable: {reading.marks.text}"
    return Table(
        "published",
        caption,
        (
            view_heading(names) if len(rows) > 1 else "Figure",
            f"Paper, Table {table.number}",
            "This run",
        ),
        rows,
        units=("", "%", "%"),
    )


def _row(table: PublishedTable, model: str) -> str:
    """Name of the row whose figures are shown."""
    wanted = _METHODS.get(model, "GMS-LPA")
    named = [row for row in table.rows if wanted in row]
    if model not in _METHODS or not named:
        named = [row for row in table.rows if "GMS-LPA-Net" in row or row == "Ours / GMS-LPA"]
    return named[0]


def _method(row: str) -> str:
    """The method out of a row's labels."""
    parts = row.split(" / ")
    return parts[1] if len(parts) > 1 else row
