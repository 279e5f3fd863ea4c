"""The figure of paired differences: one bar a run and figure, beside the line of no difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

from fertools.report.figures import LINES, PALETTE, STYLE, finish_drawing
from fertools.report.wording import METRIC_NAMES, points, shortened

if TYPE_CHECKING:
    from fertools.metrics import Interval
    from fertools.report.comparison import RunComparison
    from fertools.report.figures import Drawing

__all__ = ["difference_drawing"]


def difference_drawing(made: RunComparison) -> Drawing:
    """Differences from the baseline with 95 % intervals, run after run."""
    groups = _groups(made)
    height = sum(len(rows) + 1 for _, rows in groups)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.1, 0.8 + 0.27 * height), layout="constrained")
        axes = figure.add_subplot()
        ticks: dict[int, str] = {}
        place, reach = 0, 1.0
        for number, (name, rows) in enumerate(groups, 1):
            axes.annotate(
                shortened(name, 34),
                (0, place),
                xycoords=axes.get_yaxis_transform(),
                va="center",
                weight="bold",
            )
            colour = LINES[number % len(LINES)][0]
            for title, difference, interval in rows:
                place += 1
                ticks[place] = title
                ends = [100 * difference] * 2
                if interval is not None:
                    ends = [100 * interval.low, 100 * interval.high]
                axes.plot(ends, [place, place], color=colour, linewidth=4, alpha=0.35)
                axes.plot([100 * difference], [place], "o", color=colour, markersize=6)
                reach = max(reach, abs(100 * difference), *map(abs, ends))
            axes.plot(
                [0, 0],
                [place - len(rows) + 0.4, place + 0.5],  # not through the name above
                color=PALETTE["muted"],
                linestyle=(0, (4, 3)),
                linewidth=1,
                zorder=0,
            )
            place += 1
        axes.set_ylim(place - 0.4, -0.7)
        axes.set_xlim(-1.08 * reach, 1.08 * reach)
        axes.set_yticks(list(ticks), list(ticks.values()))
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"points above {shortened(made.baseline, 24)}")
        said = "; ".join(
            f"{name}, {title}: {points(difference)}"
            + (f", {points(interval.low)} to {points(interval.high)}" if interval else "")
            for name, rows in groups
            for title, difference, interval in rows
        )
        return finish_drawing(
            figure,
            axes,
            made.marks,
            key="differences",
            caption="Differences in percentage points with 95 % intervals; a bar that crosses the "
            "dashed line may be chance.",
            alt=f"Differences from {made.baseline}, in percentage points. {said}.",
        )


def _groups(made: RunComparison) -> list[tuple[str, list[tuple[str, float, Interval | None]]]]:
    """Name of each run, and of each figure its name, difference and interval."""
    groups = []
    for number, comparison in enumerate(made.comparisons):
        rows: list[tuple[str, float, Interval | None]] = []
        for name, title in METRIC_NAMES.items():
            if name in comparison.metrics:
                metric = comparison.metrics[name]
                rows.append((title, metric.difference, metric.interval))
            elif made.views:
                mean = made.views[number].mean
                rows.append((title, mean.difference, mean.interval))
        groups.append((comparison.run, rows))
    return groups
