"""The figure of a cut: how yaw and pitch are distributed, and what came of each class."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, MultipleLocator, StrMethodFormatter

from fertools.pose.conventions import get_convention
from fertools.pose.split import CATEGORIES, Split, count_classes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fertools.pose.split import Cut

__all__ = ["split_png"]

_COLOURS = {
    "large": ("#0072b2", ""),
    "not large": ("#c9d4de", ""),
    "low confidence": ("#e69f00", "///"),
    "no pose": ("#59636e", "xxx"),
}
"""Of Okabe and Ito, with a hatching where grey print would not tell them apart."""

_INK, _MUTED, _LINE = "#1b1f24", "#59636e", "#d1d9e0"
_STYLE: dict[Any, Any] = {
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _MUTED,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.6,
}
_BIN = 5
_GRID = {"left": 0.055, "right": 0.992, "top": 0.87, "bottom": 0.19, "wspace": 0.26}
"""Places that suit all names of classes; to find them anew would draw everything twice."""


def split_png(split: Split) -> bytes:
    """Draw a split that was cut by pose.

    Returns:
        A PNG of 150 dots an inch; equal input gives equal bytes.

    Raises:
        ValueError: If it is an imported list.
    """
    cut = split.cut
    if cut is None:
        raise ValueError("an imported list has no angles to draw")
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(13, 4.4))
        left, middle, right = figure.subplots(1, 3, gridspec_kw=_GRID)
        for axes, name, limit in zip(
            (left, middle), ("yaw", "pitch"), cut.rule.limits, strict=True
        ):
            _draw_angles(axes, split, cut, name, limit)
        _draw_classes(right, split)
        handles, labels = right.get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower center", ncols=4, frameon=False, fontsize=9)
        figure.suptitle(_title(split, cut), fontsize=11, x=0.01, ha="left")
        FigureCanvasAgg(figure)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=150, facecolor="white", metadata={"Software": None})
    return png.getvalue()


def _title(split: Split, cut: Cut) -> str:
    """Set, rule, estimator, and whether the set is made up, since figures travel alone."""
    info = split.manifest.info
    parts = [
        f"{info.dataset}: {int(split.table['selected'].sum()):,} of {len(split.table):,} pictures",
        f"{cut.rule.words} ({cut.rule.convention})",
        f"pose by {cut.poses.estimator}",
    ]
    return ", ".join([*parts, *(["synthetic stand-in data"] if info.synthetic else [])])


def _draw_angles(axes: Axes, split: Split, cut: Cut, name: str, limit: float) -> None:
    """A histogram of one angle, stacked by what became of the pictures."""
    table = split.table
    stacks: list[npt.NDArray[np.float64]] = []
    drawn = [category for category in CATEGORIES if category != "no pose"]
    for category in drawn:
        values = table.loc[table["category"] == category, name].to_numpy(dtype=np.float64)
        stacks.append(values[~np.isnan(values)])
    reach = max([60.0, *(float(np.abs(values).max()) for values in stacks if len(values))])
    top = _BIN * math.ceil(reach / _BIN)
    edges = np.arange(-top, top + 1, _BIN)
    bottom = np.zeros(len(edges) - 1)
    for category, values in zip(drawn, stacks, strict=True):
        counts, _ = np.histogram(values, bins=edges)
        colour, hatch = _COLOURS[category]
        axes.stairs(
            bottom + counts,
            edges,
            baseline=bottom,
            fill=True,
            facecolor=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0.4,
        )
        bottom = bottom + counts
    if math.isfinite(limit):
        for place in (-limit, limit):
            axes.axvline(place, color=_INK, linewidth=1, linestyle=(0, (4, 3)))
    if cut.rule.rule == "any":
        other = "pitch" if name == "yaw" else "yaw"
        note = f"large between the lines: by {other}"
        axes.set_title(note, fontsize=8, color=_MUTED, loc="right")
    sign = get_convention(cut.rule.convention).signs[0 if name == "yaw" else 1]
    side = {"yaw": ("right", "left"), "pitch": ("down", "up")}[name][0 if sign > 0 else 1]
    axes.set_xlabel(f"{name} (degrees, {cut.rule.convention}; nose {side} in the picture > 0)")
    axes.set_ylabel("pictures in 5°")
    axes.set_xlim(-top - 3, top + 3)
    axes.set_ylim(0, max(1.0, float(bottom.max())) * 1.06)
    axes.xaxis.set_major_locator(MultipleLocator(15 if top <= 60 else 30 if top <= 120 else 60))
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(axis="y", color=_LINE, linewidth=0.6)
    axes.set_axisbelow(True)


def _draw_classes(axes: Axes, split: Split) -> None:
    """A bar a class of what became of its pictures, and how many are in the split."""
    counts = count_classes(split).iloc[:-1].iloc[::-1]
    places = np.arange(len(counts))
    start = np.zeros(len(counts))
    for category in CATEGORIES:
        numbers = counts[category.replace(" ", "_")].to_numpy(dtype=np.float64)
        if not numbers.any():
            continue
        colour, hatch = _COLOURS[category]
        axes.barh(
            places,
            numbers,
            left=start,
            height=0.72,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0.4,
            label=category,
        )
        start += numbers
    for place, in_split, total in zip(places, counts["in_split"], start, strict=True):
        axes.annotate(
            f"{in_split:,} of {total:,.0f} in",
            (total, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axes.set_yticks(places, counts["expression"].tolist())
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, float(start.max()) * 1.36)
    axes.set_xlabel("pictures")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(axis="x", color=_LINE, linewidth=0.6)
    axes.set_axisbelow(True)
