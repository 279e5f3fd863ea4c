"""A figure of the report as a value, its style, and how it is kept.

Drawn once, kept as PNG and SVG, embedded as SVG. The palette's colours are replaced by the page's
CSS variables where a figure is embedded, so that it follows light and dark. No dates and no random
ids: equal numbers give equal bytes.
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg

from fertools.jobs import write_bytes
from fertools.report.marks import NOT_AS_LOCKED

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fertools.report.marks import Marks

__all__ = ["LINES", "PALETTE", "STYLE", "Drawing", "finish_drawing", "save_drawing"]

PALETTE = {
    "fg": "#1b1f24",
    "muted": "#59636e",
    "line": "#d1d9e0",
    "accent": "#0b62c4",
    "hit": "#6fa8e8",
    "miss": "#f0954f",
    "alert": "#b3261e",
    "run-1": "#0072b2",
    "run-2": "#d55e00",
    "run-3": "#009e73",
    "run-4": "#cc79a7",
    "run-5": "#8a6d00",
    "run-6": "#56b4e9",
}
"""Light colours by the name of the CSS variable that takes their place in the page.

Those of runs are Okabe's and Ito's, which colour-blind people tell apart; the yellow, too pale for
a line on white, is a dark one.
"""

LINES = tuple(
    (PALETTE[f"run-{number}"], style)
    for number, style in enumerate(("-o", "--s", "-.D", ":^", "-v", "--P"), 1)
)
"""Colour, line and marker of one run after the other, so that grey print tells them apart too."""

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


def finish_drawing(
    figure: Figure, axes: Axes, marks: Marks, *, key: str, caption: str, alt: str
) -> Drawing:
    """Put the marks onto a figure, since figures travel alone, and print it.

    Args:
        figure: What was drawn.
        axes: Its first axes: stand-ins are named to the right above them.
        marks: Of the result; one that is not as locked is marked across the whole figure.
        key: As in :class:`Drawing`, and so the others.
        caption: A sentence with its full stop.
        alt: A sentence or more.
    """
    words = [word for word in marks.text.split(", ") if word not in ("", NOT_AS_LOCKED)]
    if words:
        text = ", ".join(words).replace("synthetic", "synthetic stand-in data")
        axes.set_title(text, fontsize=9.5, color=PALETTE["muted"], loc="right")
    if marks.mismatch:
        figure.text(
            0.5,
            0.5,
            NOT_AS_LOCKED,
            rotation=25,
            ha="center",
            va="center",
            fontsize=22,
            alpha=0.35,
            color=PALETTE["alert"],
            weight="bold",
            in_layout=False,
        )
    svg, png = _print(figure)
    said = f" ({marks.text})" if marks.text else ""
    return Drawing(key, caption + said, alt + (f" {marks.text}." if said else ""), svg, png)


def save_drawing(drawing: Drawing, folder: Path) -> None:
    """Write ``<key>.svg`` and ``<key>.png`` below ``folder``.

    Raises:
        OutputError: If a file cannot be written.
    """
    write_bytes(folder / f"{drawing.key}.svg", drawing.svg.encode())
    write_bytes(folder / f"{drawing.key}.png", drawing.png)


def _print(figure: Figure) -> tuple[str, bytes]:
    """SVG text (clear ground) and PNG bytes (white ground) without dates or versions."""
    FigureCanvasAgg(figure)
    svg, png = io.StringIO(), io.BytesIO()
    with warnings.catch_warnings():
        # The SVG keeps letters as text, for any font that has them; the PNG shows a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(
            svg, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
        )
        figure.set_layout_engine(None)  # keep the places found for the SVG
        figure.savefig(png, format="png", dpi=200, facecolor="white", metadata={"Software": None})
    return svg.getvalue(), png.getvalue()
