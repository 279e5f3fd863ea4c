"""A contact sheet of copies, two and two, so that people can look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fertools.errors import PictureError
from fertools.pictures import read_picture
from fertools.verify.findings import Finding

if TYPE_CHECKING:
    from PIL.Image import Image

    from fertools.manifest import Manifest

__all__ = ["copies_sheet"]

_SIDE = 144
_GAP = 10
_LINE = 16
_COLUMNS = 4
_NUM_CHARACTERS = 46
_CELL = (2 * _SIDE + 3 * _GAP, _SIDE + 3 * _LINE + 2 * _GAP)


def copies_sheet(
    manifest: Manifest, findings: Sequence[Finding], *, most: int = 60
) -> Image | None:
    """Draw pairs of pictures that were found to be copies, with their names below.

    Args:
        manifest: The set.
        findings: What was found; those that are not about copies are passed over.
        most: How many pairs to draw; the heading says how many there are.

    Returns:
        A picture on white; None if there is no pair.
    """
    from PIL import Image, ImageDraw, ImageFont

    pairs = dict.fromkeys(pair for finding in findings for pair in _pairs(finding))
    shown = list(pairs)[:most]
    if not shown:
        return None
    font = ImageFont.load_default(12)
    columns = min(_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    page = Image.new("RGB", (columns * _CELL[0], 30 + rows * _CELL[1]), "white")
    draw = ImageDraw.Draw(page)
    heading = f"{len(pairs):,} pairs of copies" + (
        f", the first {most}" if len(pairs) > most else ""
    )
    draw.text((_GAP, 15), heading, "black", ImageFont.load_default(14), anchor="lm")
    frame = manifest.frame.set_index("sample_id")
    for number, (kind, first, second, words) in enumerate(shown):
        x = number % columns * _CELL[0] + _GAP
        y = 30 + number // columns * _CELL[1]
        names = []
        for place, sample_id in enumerate((first, second)):
            row = frame.loc[sample_id]
            picture = _small(manifest, str(row["image"]))
            page.paste(picture, (x + place * (_SIDE + _GAP), y))
            facts = [row["split"], row["subject_id"], row["expression"]]
            names.append(" · ".join([sample_id, *(str(f) for f in facts if isinstance(f, str))]))
        for line, text in enumerate([f"{kind} {words}", *names]):
            place_of_line = (x, y + _SIDE + 4 + line * _LINE)
            draw.text(place_of_line, _cut(text), "firebrick" if line == 0 else "black", font)
    return page


def _pairs(finding: Finding) -> Iterator[tuple[str, str, str, str]]:
    """Kind, both samples and how they differ, of each pair of a finding."""
    if finding.links:
        for link in finding.links:
            words = "" if link.variant == "same" else f"{link.variant}, "
            yield finding.kind, link.first, link.second, f"({words}{link.difference:.3f})"
    elif finding.kind.startswith("duplicate"):
        for other in finding.sample_ids[1:]:
            yield finding.kind, finding.sample_ids[0], other, ""


def _small(manifest: Manifest, image: str) -> Image:
    """A picture within a square; grey where it cannot be read any more."""
    from PIL import Image, ImageOps

    try:
        pixels = read_picture(manifest.root / image, shortest=_SIDE)
    except PictureError:
        pixels = np.full((_SIDE, _SIDE, 3), 200, np.uint8)
    return ImageOps.pad(Image.fromarray(pixels), (_SIDE, _SIDE), color="white")


def _cut(text: str) -> str:
    """A text that fits below a pair."""
    return text if len(text) <= _NUM_CHARACTERS else text[: _NUM_CHARACTERS - 1] + "…"
