"""The figures of a report: drawn once, kept as PNG and SVG, embedded as SVG.

The palette's colours are replaced by the page's CSS variables where a figure is embedded, so that
it follows light and dark. No dates and no random ids: equal numbers give equal bytes.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fertools.jobs import write_bytes
from fertools.report.tables import percent, view_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

__all__ = ["Drawing", "confusion_drawing", "save_drawing", "view_drawing"]

PALETTE = {
    "fg": "#1b1f24",
    "muted": "#59636e",
    "line": "#d1d9e0",
    "accent": "#0b62c4",
    "hit": "#6fa8e8",
    "miss": "#f0954f",
}
"""Light colours by the name of the CSS variable that takes their place in the page."""

_LINES = ("-o", "--s", ":^", "-.D", "-v", "--P", ":X")
STYLE: dict[Any, Any] = {
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "fertools",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": PALETTE["fg"],
    "axes.labelcolor": PALETTE["fg"],
    "axes.edgecolor": PALETTE["muted"],
    "xtick.color": PALETTE["muted"],
    "ytick.color": PALETTE["muted"],
    "xtick.labelcolor": PALETTE["fg"],
    "ytick.labelcolor": PALETTE["fg"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
}


@dataclass(frozen=True)
class Drawing:
    """One figure.

    Attributes:
        key: File stem and prefix of the ids inside the SVG.
        caption: What stands below it.
        alt: What it shows, for those who do not see it.
        svg: The file's text.
        png: The file's bytes, 200 dots an inch.
    """

    key: str
    caption: str
    alt: str
    svg: str
    png: bytes

    @property
    def inline(self) -> str:
        """The SVG for a page: unique ids, colours from the page, no XML prologue."""
        text = self.svg[self.svg.index("<svg") :]
        text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
        text = re.sub(r'\bid="', f'id="{self.key}-', text)
        text = text.replace("url(#", f"url(#{self.key}-").replace('href="#', f'href="#{self.key}-')
        for name, colour in PALETTE.items():
            text = text.replace(colour, f"var(--{name})")
        text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
        text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
        label = self.alt.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
        return text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def view_drawing(summary: dict[str, Any]) -> Drawing:
    """Accuracy over the views with intervals and the chance level."""
    rows = summary["per_view"]
    names = view_names(summary)
    has_angles = all(row["yaw_deg"] is not None for row in rows)
    pitches = sorted({row["pitch_deg"] for row in rows if row["pitch_deg"] is not None})
    is_grid = has_angles and len(pitches) > 1 and all(row["pitch_deg"] is not None for row in rows)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 3.1), layout="constrained")
        axes = figure.add_subplot()
        if is_grid:
            for i, pitch in enumerate(pitches):
                line = [row for row in rows if row["pitch_deg"] == pitch]
                _plot_line(axes, line, f"pitch {pitch:g}°".replace("-", "−"), _LINES[i % 7], False)
        else:
            _plot_line(axes, rows, "accuracy", "-o", has_angles is False)
        axes.axhline(
            100 * summary["chance"], color=PALETTE["muted"], linestyle=(0, (4, 3)), linewidth=1
        )
        axes.annotate(
            f"chance {percent(summary['chance'])}",
            (0.02, 100 * summary["chance"]),
            xycoords=("axes fraction", "data"),
            xytext=(0, -3),
            textcoords="offset points",
            va="top",
            fontsize=9,
            color=PALETTE["muted"],
        )
        if has_angles:
            axes.set_xlabel("yaw (degrees)")
            axes.set_xticks(sorted({row["yaw_deg"] for row in rows}))
        else:
            axes.set_xticks(range(len(rows)), [names[row["view_id"]] for row in rows], rotation=45)
        axes.set_ylabel("accuracy (%)")
        _mark(axes, summary["synthetic"])
        axes.set_ylim(0, 100)
        axes.grid(axis="y", color=PALETTE["line"], linewidth=0.6)
        axes.set_axisbelow(True)
        if is_grid:
            axes.legend(frameon=False, fontsize=8, ncols=2)
        svg, png = _print(figure)
    points = "; ".join(f"{names[row['view_id']]}: {percent(row['accuracy'])}" for row in rows)
    bars = any(row["interval"] for row in rows) and not is_grid
    caption = "Accuracy by view" + (" with 95 % intervals" if bars else "")
    caption += "; the dashed line is the chance level."
    alt = f"Line chart of accuracy by view. {points}. Chance {percent(summary['chance'])}."
    return Drawing("accuracy-by-view", caption, alt, svg, png)


def confusion_drawing(
    confusion: dict[str, Any], classes: Sequence[str], *, key: str, title: str, synthetic: bool
) -> Drawing:
    """One confusion matrix: per cent of the row, blue on the diagonal, orange off it.

    Args:
        confusion: ``counts`` and ``not_found`` as :func:`fertools.metrics.summarise` gives them.
        classes: Names of rows and columns.
        key: File stem.
        title: What the pictures have in common, such as ``"View 30°"``.
        synthetic: Whether to mark the figure as made from stand-ins.
    """
    counts = np.array(confusion["counts"], dtype=np.int64)
    lost = np.array(confusion["not_found"], dtype=np.int64)
    totals = counts.sum(axis=1) + lost
    shares = np.divide(
        counts, totals[:, None], out=np.zeros(counts.shape), where=totals[:, None] > 0
    )
    size = len(classes)
    with mpl.rc_context({**STYLE, "font.size": 9}):
        figure = Figure(figsize=(1.2 + 0.38 * size, 1.2 + 0.38 * size), layout="constrained")
        axes = figure.add_subplot()
        for i in range(size):
            for j in range(size):
                _square(axes, i, j, float(shares[i, j]), has_any=bool(totals[i]))
        axes.set_xlim(0, size)
        axes.set_ylim(size, 0)
        axes.set_aspect("equal")
        axes.set_xticks(np.arange(size) + 0.5, list(classes), rotation=40, ha="right")
        axes.set_yticks(np.arange(size) + 0.5, list(classes))
        axes.tick_params(length=0)
        axes.set_xlabel("recognised as")
        axes.set_ylabel("shown")
        _mark(axes, synthetic)
        for side in axes.spines.values():
            side.set_visible(False)
        svg, png = _print(figure)
    correct = int(np.trace(counts))
    total = int(totals.sum())
    caption = f"{title}: {correct} of {total} pictures recognised ({percent(correct / total)})"
    caption += f"; no face found in {int(lost.sum())}." if lost.any() else "."
    alt = f"Confusion matrix, {title}, per cent of each row. " + " ".join(
        f"{name}: "
        + ", ".join(
            f"{100 * shares[i, j]:.0f} as {classes[j]}" for j in range(size) if counts[i, j]
        )
        + "."
        for i, name in enumerate(classes)
        if totals[i]
    )
    return Drawing(key, caption, alt, svg, png)


def save_drawing(drawing: Drawing, folder: Path) -> None:
    """Write ``<key>.svg`` and ``<key>.png`` below ``folder``.

    Raises:
        OutputError: If a file cannot be written.
    """
    write_bytes(folder / f"{drawing.key}.svg", drawing.svg.encode())
    write_bytes(folder / f"{drawing.key}.png", drawing.png)


def _mark(axes: Axes, synthetic: bool) -> None:
    """Say above the axes that the data is made up, since figures travel alone."""
    if synthetic:
        axes.set_title("synthetic stand-in data", fontsize=8, color=PALETTE["muted"], loc="right")


def _plot_line(
    axes: Axes, rows: Sequence[dict[str, Any]], label: str, style: str, by_index: bool
) -> None:
    """One line over views, with bars where intervals are known and one line is drawn."""
    x = np.arange(len(rows)) if by_index else np.array([row["yaw_deg"] for row in rows])
    y = np.array([100 * row["accuracy"] for row in rows])
    if label == "accuracy":
        for at, row in zip(x, rows, strict=True):
            if row["interval"] is not None:
                ends = [100 * row["interval"]["low"], 100 * row["interval"]["high"]]
                axes.plot([at, at], ends, color=PALETTE["accent"], linewidth=5, alpha=0.3)
    axes.plot(x, y, style, color=PALETTE["accent"], linewidth=1.6, markersize=5, label=label)


def _square(axes: Axes, row: int, column: int, share: float, *, has_any: bool) -> None:
    """One cell of a confusion matrix with its per cent."""
    from matplotlib.patches import Rectangle

    colour = PALETTE["hit"] if row == column else PALETTE["miss"]
    edge = PALETTE["line"]
    axes.add_patch(
        Rectangle((column, row), 1, 1, facecolor=(colour, share), edgecolor=edge, linewidth=0.5)
    )
    if has_any:
        weight = "bold" if row == column else "normal"
        axes.text(
            column + 0.5, row + 0.52, f"{100 * share:.0f}", ha="center", va="center", weight=weight
        )


def _print(figure: Figure) -> tuple[str, bytes]:
    """SVG text (clear ground) and PNG bytes (white ground) without dates or versions."""
    FigureCanvasAgg(figure)
    svg, png = io.StringIO(), io.BytesIO()
    figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    figure.set_layout_engine("none")  # keep the places found for the SVG
    figure.savefig(png, format="png", dpi=200, facecolor="white", metadata={"Software": None})
    return svg.getvalue(), png.getvalue()
