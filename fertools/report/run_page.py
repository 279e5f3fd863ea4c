"""The page about one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fertools.report import confusion_tables, run_tables
from fertools.report.calibration_tables import calibration_table, reliability_table
from fertools.report.examples import find_examples
from fertools.report.facts import commands_of, facts_of, manifest_path, recorded_of
from fertools.report.leaks import leak_table
from fertools.report.marks import notices
from fertools.report.page import render_page
from fertools.report.published_table import published_table
from fertools.report.run_figures import (
    confusion_drawing,
    reliability_drawing,
    view_confusions_drawing,
)
from fertools.report.tables import Table, texts
from fertools.report.view_figure import view_drawing
from fertools.report.wording import METRIC_NAMES, units_text

if TYPE_CHECKING:
    from fertools.report.figures import Drawing
    from fertools.report.reading import Reading

__all__ = ["Page", "run_page"]

_OPEN_VIEWS = 8
"""With more views than this their confusions are folded away."""

_MAX_VIEWS = 60
"""With more views than this there are no confusions of each: nobody would read them."""


@dataclass(frozen=True)
class Page:
    """A page and what is kept beside it.

    Attributes:
        title: Of what it is.
        text: HTML.
        tables: Every table of it, marked.
        drawings: Every figure, also those that the page shows as tables.
    """

    title: str
    text: str
    tables: tuple[Table, ...]
    drawings: tuple[Drawing, ...]


def run_page(reading: Reading, *, with_faces: bool, places: tuple[str, str]) -> Page:
    """Make the page about one run.

    Args:
        reading: The run and its figures.
        with_faces: Show pictures of people too; those of stand-ins are always shown.
        places: Names of the folders of figures and of tables beside the page.
    """
    run, summary, marks = reading.run, reading.summary, reading.marks
    tables = {table.key: marks.on(table) for table in _tables(reading) if table.rows}
    views = [key for key in tables if key.startswith("confusion-view-")]
    drawings = _drawings(reading)
    examples = find_examples(
        run.predictions,
        manifest_path=manifest_path(run),
        with_faces=with_faces,
    )
    text = render_page(
        "run",
        tables=tables,
        drawings=drawings,
        values={
            "summary": summary,
            "marks": marks,
            "title": _title(reading),
            "notices": notices(run, summary, marks),
            "primary": reading.primary,
            "primary_name": METRIC_NAMES[reading.primary],
            "is_declared": reading.is_declared,
            "interval": summary[f"{reading.primary}_interval"],
            "unit": units_text(summary["resampling"]["unit"]),
            "view_confusions": views,
            "views_are_open": len(views) <= _OPEN_VIEWS,
            "max_views": _MAX_VIEWS,
            "examples": examples,
            "recorded": recorded_of(run),
            "commands": commands_of(reading),
            "file_stem": _stem(_title(reading)),
            "figures_name": places[0],
            "tables_name": places[1],
        },
    )
    return Page(_title(reading), text, tuple(tables.values()), tuple(drawings.values()))


def _tables(reading: Reading) -> list[Table]:
    """Every table, in the order of the page; some without rows."""
    summary, results = reading.summary, reading.run.results
    made: list[Table | None] = [
        run_tables.score_table(summary, primary=reading.primary if reading.is_declared else ""),
        published_table(reading),
    ]
    if summary["per_view"]:
        made += [run_tables.view_table(summary), run_tables.view_expression_table(summary)]
    made += [
        run_tables.expression_table(summary),
        run_tables.intensity_table(summary),
        confusion_tables.overall_confusion(summary),
        confusion_tables.worst_table(summary),
    ]
    if 1 < summary["num_views"] <= _MAX_VIEWS:
        made += confusion_tables.view_confusions(summary)
    if summary["calibration"] is not None:
        made += [
            calibration_table(summary["calibration"]),
            reliability_table(summary["calibration"]),
        ]
    made += [
        run_tables.fold_table(summary),
        run_tables.rule_table(results),
        leak_table(results, reading.run.lock.excluded if reading.run.lock else ()),
        Table(
            "facts",
            "What was run",
            ("Fact", "Value"),
            tuple(texts(*pair) for pair in facts_of(reading)),
        ),
    ]
    return [table for table in made if table is not None]


def _drawings(reading: Reading) -> dict[str, Drawing]:
    """Every figure by its key."""
    summary, marks = reading.summary, reading.marks
    made = []
    if summary["per_view"]:
        made.append(view_drawing({"accuracy": summary}, marks))
    made.append(confusion_drawing(summary, marks))
    if 1 < summary["num_views"] <= _MAX_VIEWS:
        made.append(view_confusions_drawing(summary, marks))
    if summary["calibration"] is not None:
        made.append(reliability_drawing(summary, marks))
    return {drawing.key: drawing for drawing in made}


def _title(reading: Reading) -> str:
    """Model on protocol, or the folder's name where the predictions do not say."""
    model, protocol = reading.summary["model"], reading.summary["protocol"]
    if model and protocol:
        return f"{model} on {protocol}"
    return str(model or protocol or reading.run.label)


def _stem(title: str) -> str:
    """A name for files that are taken from the page."""
    plain: list[Any] = [c if c.isascii() and c.isalnum() else "-" for c in title.lower()]
    return "-".join(part for part in "".join(plain).split("-") if part) or "report"
