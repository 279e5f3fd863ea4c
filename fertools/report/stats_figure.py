"""The figure of a manifest: classes by split, and head poses where they are known."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, MultipleLocator, StrMethodFormatter

from fertools.jobs import write_bytes, write_json, write_text
from fertools.report.figures import PALETTE, STYLE
from fertools.stats import UNKNOWN, Stats, stats_csv, stats_json

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from matplotlib.axes import Axes

    from fertools.manifest import Manifest

__all__ = ["stats_png", "write_stats"]

_SPLITS = {
    "train": ("#0072b2", ""),
    "val": ("#e69f00", "///"),
    "test": ("#009e73", "..."),
    UNKNOWN: (PALETTE["hit"], ""),
}
"""Colours of Okabe and Ito with a hatching each, so that grey print tells them apart as well."""

_MAX_VIEWS = 80
_MAX_DOTS = 1000
"""With more different poses than this they are drawn as a density."""


def stats_png(manifest: Manifest, stats: Stats) -> bytes:
    """Draw bars of the classes and the head poses.

    Args:
        manifest: Whose angles are drawn.
        stats: What was counted in it.

    Returns:
        A PNG of 150 dots an inch; equal numbers give equal bytes.
    """
    yaw = _angles(manifest, "yaw_deg")
    pitch = _angles(manifest, "pitch_deg")
    known = ~(np.isnan(yaw) | np.isnan(pitch))
    with mpl.rc_context({**STYLE, "hatch.linewidth": 0.6}):
        has_poses = not np.isnan(yaw).all()
        figure = Figure(figsize=(10.4 if has_poses else 5.6, 4.6), layout="constrained")
        left, *others = figure.subplots(1, 2 if has_poses else 1, squeeze=False)[0]
        _draw_classes(left, stats)
        for right in others:
            if known.any():
                _draw_poses(right, yaw[known], pitch[known])
                num_missing = int((~known).sum())
            else:
                _draw_yaws(right, yaw[~np.isnan(yaw)], note="pitch unknown")
                num_missing = int(np.isnan(yaw).sum())
            if num_missing:
                note = f"{num_missing:,} of unknown pose not drawn"
                right.set_title(note, fontsize=8, color=PALETTE["muted"], loc="right")
        figure.suptitle(_title(stats), fontsize=11, x=0.01, ha="left")
        FigureCanvasAgg(figure)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=150, facecolor="white", metadata={"Software": None})
    return png.getvalue()


def write_stats(manifest: Manifest, stats: Stats, folder: Path) -> Path:
    """Write ``stats.json``, ``stats.csv`` and ``stats.png`` into a folder.

    Returns:
        The figure's path.

    Raises:
        OutputError: If a file cannot be written.
    """
    write_json(folder / "stats.json", stats_json(stats))
    write_text(folder / "stats.csv", stats_csv(stats))
    figure = folder / "stats.png"
    write_bytes(figure, stats_png(manifest, stats))
    return figure


def _title(stats: Stats) -> str:
    """The set's name, its size, and whether it is made up, since figures travel alone."""
    people = f" of {stats.num_subjects:,} people" if stats.num_subjects else ""
    marks = ["synthetic stand-in data"] if stats.synthetic else []
    if set(stats.sum.by_yaw) == {UNKNOWN}:
        marks.append("head poses unknown")
    return ", ".join([f"{stats.dataset}: {stats.num_samples:,} samples{people}", *marks])


def _angles(manifest: Manifest, column: str) -> npt.NDArray[np.float64]:
    """Degrees, NaN where unknown."""
    return manifest.frame[column].to_numpy(dtype=np.float64, na_value=np.nan)


def _draw_classes(axes: Axes, stats: Stats) -> None:
    """A bar a class, its splits in a row, the total behind it."""
    rows = stats.classes[::-1]
    places = np.arange(len(rows))
    start = np.zeros(len(rows))
    for split in stats.sum.by_split:
        counts = np.array([row.by_split[split] for row in rows], dtype=np.float64)
        colour, hatch = _SPLITS[split]
        label = "no split" if split == UNKNOWN else split
        axes.barh(
            places,
            counts,
            left=start,
            height=0.72,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0.5,
            label=label,
        )
        start += counts
    for place, row in zip(places, rows, strict=True):
        share = row.total / stats.num_samples
        axes.annotate(
            f"{row.total:,} ({share:.0%})",
            (row.total, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )
    axes.set_yticks(places, [row.expression for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, float(start.max()) * 1.24)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("samples")
    axes.grid(axis="x", color=PALETTE["line"], linewidth=0.6)
    axes.set_axisbelow(True)
    if set(stats.sum.by_split) != {UNKNOWN}:
        axes.legend(
            frameon=False,
            fontsize=9,
            ncols=len(stats.sum.by_split),
            loc="lower left",
            bbox_to_anchor=(0, 1),
            borderaxespad=0.1,
        )


def _draw_poses(axes: Axes, yaw: npt.NDArray[np.float64], pitch: npt.NDArray[np.float64]) -> None:
    """Few different poses as discs with their counts, many as a density."""
    pairs, counts = np.unique(np.stack([yaw, pitch], axis=1).round(1), axis=0, return_counts=True)
    if len(np.unique(pairs[:, 1])) == 1:
        _draw_yaws(axes, yaw, note=f"pitch {pairs[0, 1]:g}° throughout")
        return
    if len(pairs) <= _MAX_VIEWS and counts.max() > 1:
        areas = 620 * counts / counts.max()
        axes.scatter(
            pairs[:, 0], pairs[:, 1], s=areas, color=PALETTE["hit"], edgecolor=PALETTE["accent"]
        )
        for (x, y), count in zip(pairs, counts, strict=True):
            axes.text(x, y, f"{count:,}", ha="center", va="center", fontsize=7.5)
    elif len(pairs) <= _MAX_DOTS:
        axes.scatter(yaw, pitch, s=12, color=PALETTE["accent"], alpha=0.5, linewidths=0)
    else:
        edges = np.arange(
            -182.5, 185, 5
        )  # so that the cameras of a rig stand in the middle of a cell
        drawn = axes.hist2d(yaw, pitch, bins=[edges, edges], cmap="cividis_r", cmin=1)
        bar = axes.figure.colorbar(drawn[3], ax=axes, shrink=0.85)
        bar.set_label("samples in 5° x 5°")
        bar.ax.yaxis.set_major_locator(MaxNLocator(integer=True))
        bar.outline.set_visible(False)
    axes.set_xlim(_limits(pairs[:, 0]))
    axes.set_ylim(_limits(pairs[:, 1]))
    for axis, column in ((axes.xaxis, 0), (axes.yaxis, 1)):
        reach = np.abs(pairs[:, column]).max()
        axis.set_major_locator(MultipleLocator(5 if reach <= 15 else 15 if reach <= 60 else 30))
    axes.axhline(0, color=PALETTE["line"], linewidth=0.8, zorder=0)
    axes.axvline(0, color=PALETTE["line"], linewidth=0.8, zorder=0)
    axes.set_xlabel("yaw (degrees, nose to the image's right > 0)")
    axes.set_ylabel("pitch (degrees, nose up > 0)")


def _draw_yaws(axes: Axes, yaw: npt.NDArray[np.float64], *, note: str) -> None:
    """The distribution of yaw alone: a bar a value where there are few, else a histogram."""
    values, counts = np.unique(yaw.round(1), return_counts=True)
    if len(values) <= 30:
        axes.bar(np.arange(len(values)), counts, color=PALETTE["hit"], width=0.72)
        axes.set_xticks(np.arange(len(values)), [f"{v:g}".replace("-", "−") for v in values])
    else:
        axes.hist(yaw, bins=np.arange(-180, 185, 5).tolist(), color=PALETTE["hit"])
        axes.set_xlim(_limits(values))
    axes.set_title(note, fontsize=9, color=PALETTE["muted"], loc="left")
    axes.set_xlabel("yaw (degrees, nose to the image's right > 0)")
    axes.set_ylabel("samples")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(axis="y", color=PALETTE["line"], linewidth=0.6)
    axes.set_axisbelow(True)


def _limits(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Room around the values, at least 15 degrees to each side of 0."""
    low, high = min(-15.0, float(values.min())), max(15.0, float(values.max()))
    room = 0.09 * (high - low) + 3
    return low - room, high + room
