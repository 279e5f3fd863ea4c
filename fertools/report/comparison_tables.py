"""The tables of several runs: figures side by side, and paired differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fertools.metrics import DetectableDifference, Equivalence, FoldTest, Omitted
from fertools.report.calibration_tables import calibration_rows
from fertools.report.tables import Cell, Table, rate, texts
from fertools.report.wording import (
    METRIC_NAMES,
    NONE,
    count,
    interval_text,
    p_text,
    percent,
    points,
    view_heading,
    view_names,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fertools.metrics import Interval, MetricComparison
    from fertools.report.comparison import RunComparison

__all__ = [
    "calibrations_table",
    "difference_table",
    "expressions_table",
    "omissions",
    "runs_table",
    "view_difference_table",
    "views_table",
]


def runs_table(made: RunComparison) -> Table:
    """The overall figures of every run with intervals."""
    shown = [name for name in METRIC_NAMES if _first(made)[name] is not None]
    rows = tuple(
        (
            Cell(name, "baseline" if name == made.baseline else ""),
            *(
                Cell(
                    percent(reading.summary[metric], sign=False),
                    interval_text(reading.summary[f"{metric}_interval"]),
                )
                for metric in shown
            ),
            Cell(count(reading.summary["num_not_found"])),
        )
        for name, reading in made.readings.items()
    )
    headings = [METRIC_NAMES[m] + (" (primary)" if m == made.primary else "") for m in shown]
    return Table(
        "runs",
        "Overall figures of each run, in %, with 95 % intervals below",
        ("Run", *headings, "No face found"),
        rows,
        units=("", *["%"] * len(shown), ""),
    )


def difference_table(made: RunComparison) -> Table:
    """Every paired difference with all that is known of it."""
    has_margin = any(
        isinstance(metric.equivalence, Equivalence)
        for comparison in made.comparisons
        for metric in comparison.metrics.values()
    )
    several = len(made.comparisons) > 1
    rows = []
    for number, comparison in enumerate(made.comparisons):
        for name, title in METRIC_NAMES.items():
            if name in comparison.metrics:
                cells = _metric_cells(comparison.metrics[name], several, has_margin)
            elif made.views:
                mean = made.views[number].mean
                tail = [NONE] * (3 if has_margin else 2)
                cells = _cells(mean.difference, mean.interval, mean.p_value, mean.holm_p, several)
                cells += tail
            else:
                continue
            figure = Cell(title, "primary" if name == made.primary else "")
            heads = (Cell(comparison.run), figure)
            rows.append((*(heads if several else heads[1:]), *texts(*cells)))
    columns = [*(("Run",) if several else ()), "Figure", "Difference", "95 % from", "to", "p"]
    units = [*(("",) if several else ()), "", "points", "points", "points", ""]
    for holds, heading, unit in (
        (several, "p (Holm)", ""),
        (True, "p over folds", ""),
        (True, "Detectable", "points"),
        (has_margin, "Equivalent", ""),
    ):
        if holds:
            columns.append(heading)
            units.append(unit)
    runs = made.comparisons[0].run if not several else "each run"
    return Table(
        "differences",
        f"Paired differences: {runs} − {made.baseline} on the same pictures, in percentage points "
        "(above 0: better than the baseline)",
        tuple(columns),
        tuple(rows),
        units=tuple(units),
    )


def omissions(made: RunComparison) -> list[str]:
    """Why figures are missing from the table of differences; each reason once."""
    reasons: dict[str, None] = {}
    for comparison in made.comparisons:
        for metric in comparison.metrics.values():
            for name, value in (("p over folds", metric.folds), ("Detectable", metric.detectable)):
                if isinstance(value, Omitted):
                    reasons[f"{name}: {value.reason}."] = None
            smallest = metric.permutation.smallest_p
            if smallest > 0.05:
                reasons[
                    f"p: with {metric.permutation.num_differing} of them differing it cannot come "
                    f"below {p_text(smallest)}, however large the difference."
                ] = None
    return list(reasons)


def views_table(made: RunComparison) -> Table:
    """Accuracy of each view in every run, with intervals."""
    first = _first(made)
    names = view_names(first["per_view"])
    by_run = [
        {row["view_id"]: row for row in reading.summary["per_view"]}
        for reading in made.readings.values()
    ]
    rows = tuple(
        (
            Cell(names[row["view_id"]]),
            Cell(count(row["num_samples"])),
            *(
                rate(views[row["view_id"]]["accuracy"], detail=_brief(views[row["view_id"]]))
                if row["view_id"] in views
                else Cell(NONE)
                for views in by_run
            ),
        )
        for row in first["per_view"]
    )
    means = [reading.summary["accuracy_mean_over_views"] for reading in made.readings.values()]
    foot = texts("Mean of views", "", *(percent(mean, sign=False) for mean in means))
    return Table(
        "views",
        "Accuracy by view, in %, with 95 % intervals below",
        (view_heading(names), "Pictures", *made.readings),
        rows,
        (foot,),
        units=("", "", *["%"] * len(means)),
    )


def view_difference_table(made: RunComparison, number: int) -> Table:
    """Differences of one run from the baseline in every view."""
    comparison = made.comparisons[number]
    names = view_names(_first(made)["per_view"])
    rows = tuple(
        texts(
            names[row.view_id],
            *_cells(row.difference, row.interval, row.p_value, row.holm_p, True),
        )
        for row in made.views[number].views
    )
    mean = made.views[number].mean
    foot = texts("Mean of views", *_cells(mean.difference, mean.interval, mean.p_value, None, True))
    return Table(
        "view-differences" if number == 0 else f"view-differences-{number}",
        f"{comparison.run} − {comparison.baseline} by view, in percentage points (p corrected for "
        f"{len(rows)} views)",
        (view_heading(names), "Difference", "95 % from", "to", "p", "p (Holm)"),
        rows,
        (foot,),
        units=("", "points", "points", "points", "", ""),
    )


def expressions_table(made: RunComparison) -> Table:
    """Recall of each expression in every run."""
    summaries = [reading.summary for reading in made.readings.values()]
    rows = tuple(
        (
            Cell(row["expression"]),
            Cell(count(row["num_samples"])),
            *(
                rate(
                    summary["per_expression"][place]["recall"],
                    detail=_ends(summary["per_expression"][place]["recall_interval"]),
                )
                for summary in summaries
            ),
        )
        for place, row in enumerate(_first(made)["per_expression"])
    )
    foot = texts(
        "Average (UAR)", "", *(percent(summary["uar"], sign=False) for summary in summaries)
    )
    return Table(
        "expressions",
        "Recall by expression, in %, with 95 % intervals below",
        ("Expression", "Pictures", *made.readings),
        rows,
        (foot,),
        units=("", "", *["%"] * len(summaries)),
    )


def calibrations_table(made: RunComparison) -> Table | None:
    """The figures of calibration of every run; None where a run found no face at all."""
    every = [reading.summary["calibration"] for reading in made.readings.values()]
    if any(calibration is None for calibration in every):
        return None
    by_run = [dict(calibration_rows(calibration)) for calibration in every]
    titles = list(dict.fromkeys(title for rows in by_run for title in rows))
    rows = tuple(texts(title, *(rows.get(title, "0") for rows in by_run)) for title in titles)
    caption = "How far confidence and accuracy agree"
    return Table("calibration", caption, ("Figure", *made.readings), rows)


def _metric_cells(metric: MetricComparison, several: bool, has_margin: bool) -> list[str]:
    """One row of the table of differences."""
    cells = _cells(
        metric.difference, metric.interval, metric.permutation.p_value, metric.holm_p, several
    )
    cells.append(p_text(metric.folds.p_value) if isinstance(metric.folds, FoldTest) else NONE)
    found = metric.detectable
    cells.append(
        f"{100 * found.difference:.1f}" if isinstance(found, DetectableDifference) else NONE
    )
    if has_margin:
        cells.append(_equivalence(metric.equivalence))
    return cells


def _cells(
    difference: float, interval: Interval | None, p: float, holm_p: float | None, several: bool
) -> list[str]:
    """Difference, ends of its interval, p, and p of Holm where there are several."""
    cells = [
        points(difference),
        points(interval.low if interval else None),
        points(interval.high if interval else None),
        p_text(p),
    ]
    return [*cells, p_text(holm_p)] if several else cells


def _equivalence(test: Equivalence | Omitted) -> str:
    """Whether two runs are as good as each other within the margin."""
    if isinstance(test, Omitted):
        return NONE
    return f"{'yes' if test.is_equivalent else 'not shown'}, p {p_text(test.p_value)}"


def _brief(row: Mapping[str, Any]) -> str:
    """The interval of a view for the second line."""
    return _ends(row["interval"])


def _ends(interval: Mapping[str, Any] | None) -> str:
    """An interval for the second line; nothing where there is none."""
    return "" if interval is None else interval_text(interval)


def _first(made: RunComparison) -> Mapping[str, Any]:
    """The figures of the baseline."""
    summaries: Sequence[Mapping[str, Any]] = [r.summary for r in made.readings.values()]
    return summaries[0]
