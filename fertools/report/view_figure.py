"""The figure of accuracy by view, of one run or of several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from fertools.report.figures import LINES, PALETTE, STYLE, finish_drawing
from fertools.report.wording import percent, shortened, view_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from fertools.report.figures import Drawing
    from fertools.report.marks import Marks

__all__ = ["view_drawing"]

_WIDTH = 4.1
"""Inches: narrow, so that its letters are not too small on a telephone."""

_MAX_PANELS = 9
_MAX_NAMES = 40
"""With more views than this they are not named below the axis."""


def view_drawing(summaries: Mapping[str, Mapping[str, Any]], marks: Marks) -> Drawing:
    """Accuracy over the views with intervals and the chance level; a panel a pitch.

    Args:
        summaries: Name of a run to what :func:`fertools.metrics.summarise` gives, all of the same
            samples; one or more.
        marks: Of the figure.
    """
    first = next(iter(summaries.values()))
    rows, chance = first["per_view"], first["chance"]
    names = view_names(rows)
    has_yaws = all(row["yaw_deg"] is not None for row in rows)
    pitches = _pitches(rows) if has_yaws else [None]
    height = 2.9 if len(pitches) == 1 else 0.6 + 1.55 * len(pitches)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        panels = figure.subplots(len(pitches), 1, sharex=True, sharey=True, squeeze=False)[
            :, 0
        ].tolist()
        for axes, pitch in zip(panels, pitches, strict=True):
            places = {
                row["view_id"]: row["yaw_deg"] if has_yaws else float(number)
                for number, row in enumerate(rows)
                if pitch is None or row["pitch_deg"] == pitch
            }
            _draw_lines(axes, summaries, places)
            axes.axhline(
                100 * chance,
                color=PALETTE["muted"],
                linestyle=(0, (4, 3)),
                linewidth=1,
                label=f"chance {percent(chance)}",
            )
            if pitch is not None:
                label = f"pitch {pitch:g}°".replace("-", "−")
                axes.text(0.02, 0.97, label, transform=axes.transAxes, va="top", fontsize=10)
        _dress(panels, rows, names, has_yaws=has_yaws)
        figure.legend(
            *panels[0].get_legend_handles_labels(),
            frameon=False,
            fontsize=9.5,
            loc="outside upper left",
        )
        has_intervals = any(row["interval"] for row in rows)
        return finish_drawing(
            figure,
            panels[0],
            marks,
            key="accuracy-by-view",
            caption="Accuracy by view"
            + (" with 95 % intervals" if has_intervals else "")
            + "; the dashed line is the chance level.",
            alt=_alt(summaries, names, chance),
        )


def _pitches(rows: Sequence[Mapping[str, Any]]) -> list[float | None]:
    """The pitches that a grid of views has, upwards first; one None where there is no grid."""
    pitches = {row["pitch_deg"] for row in rows}
    if None in pitches or not 1 < len(pitches) <= min(_MAX_PANELS, len(rows) // 2):
        return [None]
    return sorted(pitches, reverse=True)


def _draw_lines(
    axes: Axes, summaries: Mapping[str, Mapping[str, Any]], places: Mapping[str, float]
) -> None:
    """One line a run with a bar at each view; several stand a little beside each other."""
    span = max(places.values()) - min(places.values())
    step = 0.022 * (span or 1.0) if len(summaries) > 1 else 0.0
    for number, (name, summary) in enumerate(summaries.items()):
        colour, style = LINES[number % len(LINES)]
        label = shortened(name, 40) if len(summaries) > 1 else None
        moved = step * (number - (len(summaries) - 1) / 2)
        rows = [row for row in summary["per_view"] if row["view_id"] in places]
        x = [places[row["view_id"]] + moved for row in rows]
        for at, row in zip(x, rows, strict=True):
            if row["interval"] is not None:
                ends = [100 * row["interval"]["low"], 100 * row["interval"]["high"]]
                axes.plot([at, at], ends, color=colour, linewidth=4, alpha=0.3)
        y = [100 * row["accuracy"] for row in rows]
        axes.plot(x, y, style, color=colour, linewidth=1.6, markersize=5, label=label)


def _dress(
    panels: Sequence[Axes],
    rows: Sequence[Mapping[str, Any]],
    names: Mapping[str, str],
    *,
    has_yaws: bool,
) -> None:
    """Axes, ticks and grid."""
    for axes in panels:
        axes.set_ylim(0, 100)
        axes.set_yticks([0, 25, 50, 75, 100])
        axes.grid(axis="y", color=PALETTE["line"], linewidth=0.6)
        axes.set_axisbelow(True)
    panels[len(panels) // 2].set_ylabel("accuracy (%)")
    bottom = panels[-1]
    if has_yaws:
        bottom.set_xlabel("yaw (degrees)")
        yaws = sorted({round(row["yaw_deg"], 1) for row in rows})
        if len(yaws) <= 9:
            bottom.set_xticks(yaws)
    elif len(rows) > _MAX_NAMES:
        bottom.set_xticks([])
        bottom.set_xlabel("view, in the order of the table")
    else:
        bottom.set_xticks(
            range(len(rows)),
            [shortened(names[row["view_id"]], 16) for row in rows],
            rotation=45,
            ha="right",
        )


def _alt(
    summaries: Mapping[str, Mapping[str, Any]], names: Mapping[str, str], chance: float
) -> str:
    """The lines in words; with many points their ends, since the table beside has the rest."""
    parts = []
    for name, summary in summaries.items():
        rows = summary["per_view"]
        if len(rows) * len(summaries) <= 12:
            said = "; ".join(f"{names[row['view_id']]}: {percent(row['accuracy'])}" for row in rows)
        else:
            low = min(rows, key=lambda row: row["accuracy"])
            high = max(rows, key=lambda row: row["accuracy"])
            said = (
                f"lowest {percent(low['accuracy'])} at {names[low['view_id']]}, highest "
                f"{percent(high['accuracy'])} at {names[high['view_id']]}"
            )
        parts.append(said if len(summaries) == 1 else f"{name}: {said}")
    chart = "Line chart of accuracy by view."
    return f"{chart} {'. '.join(parts)}. Chance {percent(chance)}. The table gives every number."
