"""The page about several runs side by side."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from fertools.metrics import DetectableDifference, Equivalence
from fertools.report import comparison_tables as made_of
from fertools.report.confusion_tables import confusion_table
from fertools.report.difference_figure import difference_drawing
from fertools.report.facts import facts_table, run_argument
from fertools.report.marks import notices
from fertools.report.page import render_page
from fertools.report.run_page import Page
from fertools.report.view_figure import view_drawing
from fertools.report.wording import METRIC_NAMES, p_text, percent, points, units_text

if TYPE_CHECKING:
    from fertools.metrics import MetricComparison, ViewDifference
    from fertools.report.comparison import RunComparison
    from fertools.report.figures import Drawing
    from fertools.report.tables import Table

__all__ = ["comparison_page"]

_LEVEL = 0.05


def comparison_page(made: RunComparison, *, places: tuple[str, str]) -> Page:
    """Make the page about several runs.

    Args:
        made: The runs and their differences.
        places: Names of the folders of figures and of tables beside the page.
    """
    tables = {table.key: made.marks.on(table) for table in _tables(made) if table.rows}
    drawings = _drawings(made)
    first = made.readings[made.baseline].summary
    title = f"{len(made.readings)} runs on {first['protocol'] or 'the same pictures'}"
    text = render_page(
        "comparison",
        tables=tables,
        drawings=drawings,
        values={
            "summary": first,
            "marks": made.marks,
            "title": title,
            "notices": _notices(made),
            "names": list(made.readings),
            "baseline": made.baseline,
            "sentences": _sentences(made),
            "omissions": made_of.omissions(made),
            "comparison": made.comparisons[0],
            "unit": units_text(made.comparisons[0].unit),
            "primary_name": METRIC_NAMES[made.primary],
            "view_differences": [key for key in tables if key.startswith("view-differences")],
            "matrices": [key for key in tables if key.startswith("confusion-")],
            "commands": [
                shlex.join(
                    [
                        "fertools",
                        "report",
                        *(run_argument(reading.run) for reading in made.readings.values()),
                        *_margin_arguments(made),
                    ]
                )
            ],
            "file_stem": "comparison",
            "figures_name": places[0],
            "tables_name": places[1],
        },
    )
    return Page(title, text, tuple(tables.values()), tuple(drawings.values()))


def _tables(made: RunComparison) -> list[Table]:
    """Every table, in the order of the page."""
    tables: list[Table | None] = [made_of.runs_table(made), made_of.difference_table(made)]
    if made.views:
        tables.append(made_of.views_table(made))
        tables += [made_of.view_difference_table(made, n) for n in range(len(made.views))]
    tables += [made_of.expressions_table(made), made_of.calibrations_table(made)]
    for number, (name, reading) in enumerate(made.readings.items()):
        tables.append(
            confusion_table(
                reading.summary["confusion"],
                reading.summary["classes"],
                key=f"confusion-{number + 1}",
                caption=f"{name}: all pictures, in % of the row",
                has_counts=False,
            )
        )
    tables.append(facts_table(made.readings))
    return [table for table in tables if table is not None]


def _drawings(made: RunComparison) -> dict[str, Drawing]:
    """Every figure by its key."""
    drawings = [difference_drawing(made)]
    if made.views:
        summaries = {name: reading.summary for name, reading in made.readings.items()}
        drawings.append(view_drawing(summaries, made.marks))
    return {drawing.key: drawing for drawing in drawings}


def _margin_arguments(made: RunComparison) -> list[str]:
    """The margin of equivalence in points, where one was given."""
    return [] if made.margin is None else ["--margin", f"{100 * made.margin:g}"]


def _notices(made: RunComparison) -> list[str]:
    """What a reader must know before he reads a number; whose it is stands in front."""
    found = []
    if not made.is_locked:
        found.append(
            "Not every run names the lock that it was made under: pictures, labels and people were "
            "found to be the same, but not what each run was trained on."
        )
    unlocked = [name for name, reading in made.readings.items() if reading.run.lock is None]
    if made.is_locked and unlocked:
        found.append(
            f"No locked protocol is beside the predictions of {', '.join(unlocked)}: whether they "
            "are complete was not checked here."
        )
    for name, reading in made.readings.items():
        lines = notices(reading.run, reading.summary, reading.marks)
        found += [f"{name}: {line}" for line in lines if not line.startswith("No locked protocol")]
    return found


def _sentences(made: RunComparison) -> list[dict[str, Any]]:
    """The answer in words, one a run: who is better, by how much, how surely."""
    return [_sentence(made, number) for number in range(len(made.comparisons))]


def _sentence(made: RunComparison, number: int) -> dict[str, Any]:
    """Parts of one answer: run, difference, interval, verdict."""
    comparison = made.comparisons[number]
    accuracy = comparison.metrics["accuracy"]
    seen: MetricComparison | ViewDifference
    if made.primary in comparison.metrics:
        seen = comparison.metrics[made.primary]
        p = seen.permutation.p_value
    else:
        seen = made.views[number].mean
        p = seen.p_value
    corrected = seen.holm_p if len(made.comparisons) > 1 and seen.holm_p is not None else p
    test_of = accuracy.permutation
    least_p = test_of.smallest_p * len(made.comparisons)  # corrected by Holm, the first of them
    if corrected < _LEVEL:
        verdict = "More than chance at the 5 % level."
    elif least_p >= _LEVEL:
        what = "people" if test_of.unit == "subject" else "pictures"
        verdict = (
            f"{test_of.num_differing} {what} on whom the runs differ are too few for this test: "
            f"however large the difference, p cannot come below {p_text(min(least_p, 1.0))}. The "
            "interval of so few is not to be relied on either."
        )
    else:
        verdict = "This may be chance."
        found = accuracy.detectable
        if isinstance(found, DetectableDifference):
            least = percent(found.difference, sign=False)
            verdict += (
                f" A difference in accuracy below {least} points would probably not have been "
                "found."
            )
    test = accuracy.equivalence
    if isinstance(test, Equivalence) and (test.is_equivalent or corrected >= _LEVEL):
        verdict += (
            f" In accuracy the two are equivalent within {100 * test.margin:g} points."
            if test.is_equivalent
            else f" Equivalence within {100 * test.margin:g} points is not shown."
        )
    interval = seen.interval
    return {
        "run": comparison.run,
        "difference": points(seen.difference),
        "interval": f"{points(interval.low)} to {points(interval.high)}" if interval else "",
        "p": p_text(corrected),
        "verdict": verdict,
    }
