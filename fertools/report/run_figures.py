"""The figures of one run beside that of its views: confusions and reliability."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from fertools.metrics import normalise_confusion
from fertools.report.figures import PALETTE, STYLE, finish_drawing
from fertools.report.wording import percent, shortened, view_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from fertools.report.figures import Drawing
    from fertools.report.marks import Marks

__all__ = ["confusion_drawing", "reliability_drawing", "view_confusions_drawing"]


def confusion_drawing(summary: Mapping[str, Any], marks: Marks) -> Drawing:
    """All confusions: per cent of the row, blue on the diagonal, orange off it."""
    classes, confusion = _class_names(summary), summary["confusion"]
    counts = np.array(confusion["counts"], dtype=np.int64)
    lost = sum(confusion["not_found"])
    size = 0.6 + 0.42 * len(classes) + 0.08 * max(map(len, classes))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(size, size), layout="constrained")
        axes = figure.add_subplot()
        _draw_confusion(axes, confusion, classes, fontsize=10)
        axes.set_xticks(np.arange(len(classes)) + 0.5, classes, rotation=40, ha="right")
        axes.set_yticks(np.arange(len(classes)) + 0.5, classes)
        axes.set_xlabel("recognised as")
        axes.set_ylabel("shown")
        right, total = int(np.trace(counts)), int(counts.sum()) + lost
        caption = f"All pictures: {right} of {total} recognised ({percent(right / total)})"
        return finish_drawing(
            figure,
            axes,
            marks,
            key="confusion",
            caption=caption + (f"; no face found in {lost}." if lost else "."),
            alt="Confusion matrix of all pictures, per cent of each row.",
        )


def view_confusions_drawing(summary: Mapping[str, Any], marks: Marks) -> Drawing:
    """The confusions of every view on one sheet; of a grid of views, a row a pitch."""
    classes, names = _class_names(summary), view_names(summary["per_view"])
    every, columns = _on_sheet(summary)
    lines = math.ceil(len(every) / columns)
    side = 0.7 + 0.24 * len(classes)
    places = np.arange(len(classes)) + 0.5
    with mpl.rc_context({**STYLE, "font.size": 8}):
        figure = Figure(figsize=(0.8 + side * columns, 0.9 + side * lines), layout="constrained")
        panels = figure.subplots(lines, columns, squeeze=False)
        for number, axes in enumerate(panels.flat):
            if number >= len(every):
                axes.set_axis_off()
                continue
            _draw_confusion(axes, every[number], classes, fontsize=7)
            axes.set_title(shortened(names[every[number]["view_id"]], 20), fontsize=9, loc="left")
            is_left, is_low = number % columns == 0, number + columns >= len(every)
            axes.set_yticks(places if is_left else [], classes if is_left else [])
            axes.set_xticks(places if is_low else [], classes if is_low else [], rotation=90)
        figure.supxlabel("recognised as", fontsize=9)
        figure.supylabel("shown", fontsize=9)
        return finish_drawing(
            figure,
            panels[0, columns - 1],
            marks,
            key="confusion-by-view",
            caption="Confusions of each view, in % of the row.",
            alt="Confusion matrices of each view, per cent of each row.",
        )


def reliability_drawing(summary: Mapping[str, Any], marks: Marks) -> Drawing:
    """Accuracy over confidence: on the diagonal, confidence can be taken at its word."""
    calibration = summary["calibration"]
    bins = [row for row in calibration["bins"] if row["num_samples"]]
    total = calibration["num_samples"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.1, 4.0), layout="constrained")
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        axes.plot([0, 100], [0, 100], color=PALETTE["muted"], linestyle=(0, (4, 3)), linewidth=1)
        for row in bins:
            place, width = 100 * row["low"], 100 * (row["high"] - row["low"])
            height, sure = 100 * row["accuracy"], 100 * row["confidence"]
            bar = {"width": width, "align": "edge", "linewidth": 0.8}
            axes.bar(place, height, color=(PALETTE["hit"], 0.55), edgecolor=PALETTE["hit"], **bar)
            axes.plot([sure, sure], [height, sure], color=PALETTE["miss"], linewidth=2)
            axes.plot([sure], [height], "o", color=PALETTE["accent"], markersize=4, clip_on=False)
            share = 100 * row["num_samples"] / total
            below.bar(place, share, color=PALETTE["hit"], edgecolor=PALETTE["hit"], **bar)
        axes.text(
            0.03,
            0.97,
            f"ECE {percent(calibration['ece'])}",
            transform=axes.transAxes,
            va="top",
            fontsize=11,
            weight="bold",
        )
        axes.set_xlim(0, 100)
        axes.set_ylim(0, 100)
        axes.set_ylabel("accuracy (%)")
        below.set_ylabel("pictures (%)")
        below.set_xlabel("confidence (%)")
        figure.align_ylabels()
        sides = "above" if calibration["confidence"] > calibration["accuracy"] else "not above"
        return finish_drawing(
            figure,
            axes,
            marks,
            key="reliability",
            caption="Bars: how often answers of a confidence are right; orange: how far from what "
            "the model says (the dashed line). Below: how many answers.",
            alt=f"Reliability diagram. Expected calibration error {percent(calibration['ece'])}; "
            f"mean confidence {percent(calibration['confidence'])}, {sides} the accuracy "
            f"{percent(calibration['accuracy'])}. The table gives every bar.",
        )


def _class_names(summary: Mapping[str, Any]) -> list[str]:
    """The classes as they are written beside squares."""
    return [shortened(name, 14) for name in summary["classes"]]


def _on_sheet(summary: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], int]:
    """The views in the order of the sheet, and how many stand in a line."""
    every = list(summary["confusion_per_view"])
    poses = {row["view_id"]: (row["yaw_deg"], row["pitch_deg"]) for row in summary["per_view"]}
    yaws, pitches = ({pose[place] for pose in poses.values()} for place in (0, 1))
    if None in yaws | pitches or len(yaws) * len(pitches) != len(every) or len(pitches) == 1:
        return every, min(len(every), 7 if len(every) > 12 else 4)
    every.sort(key=lambda one: (-poses[one["view_id"]][1], poses[one["view_id"]][0]))
    return every, len(yaws)


def _draw_confusion(
    axes: Axes, confusion: Mapping[str, Any], classes: Sequence[str], *, fontsize: float
) -> None:
    """The squares of one matrix with their per cent; a confusion that never happened is empty."""
    shares = np.array(normalise_confusion(confusion)["shares"], dtype=np.float64)
    size = len(classes)
    colours = np.empty((size, size, 4))
    for i in range(size):
        for j in range(size):
            share = 0.0 if np.isnan(shares[i, j]) else float(shares[i, j])
            colours[i, j] = to_rgba(PALETTE["hit"] if i == j else PALETTE["miss"], share)
            if share > 0:
                axes.text(
                    j + 0.5,
                    i + 0.52,
                    f"{100 * share:.0f}",
                    ha="center",
                    va="center",
                    fontsize=fontsize,
                    weight="bold" if i == j else "normal",
                    in_layout=False,
                )
    edges = np.arange(size + 1)
    axes.pcolormesh(edges, edges, colours, edgecolor=PALETTE["line"], linewidth=0.5)
    axes.set_xlim(0, size)
    axes.set_ylim(size, 0)
    axes.set_aspect("equal")
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
