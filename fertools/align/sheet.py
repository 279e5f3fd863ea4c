"""A contact sheet: what was found on the originals, and beside it what was cut out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from fertools.align.recipe import AlignConfig
from fertools.align.scales import Pixels, ScaledPicture
from fertools.align.template import place_whole, warp
from fertools.geometry import FloatArray
from fertools.pictures import read_picture, read_picture_bytes
from fertools.render.sheet import mark_landmarks, picture_grid

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MAX_SHOWN", "draw_sheet"]

MAX_SHOWN = 60
"""Samples on a sheet: those without a face first, then others spread over the whole."""

_SIDE = 224
_PAIRS = 4
_BOX_RGB = (255, 200, 40)


def draw_sheet(
    rows: Sequence[dict[str, Any]],
    root: Path,
    out: Path,
    config: AlignConfig,
    *,
    as_exif_says: bool = False,
) -> Image:
    """Originals with boxes and points, each with its crop at its right.

    Args:
        rows: Of an alignment's records.
        root: The folder of the originals.
        out: The folder of the crops.
        config: How they were made.
        as_exif_says: Whether originals are turned as their EXIF data ask for.

    Raises:
        PictureError: If a picture is gone or damaged.
    """
    shown = _pick(rows)
    pictures = [
        picture
        for row in shown
        for picture in (_original(row, root, as_exif_says), _crop(row, out, config))
    ]
    lines = [
        ("", pictures[start : start + 2 * _PAIRS]) for start in range(0, len(pictures), 2 * _PAIRS)
    ]
    num_aligned = sum(row["aligned"] for row in rows)
    title = f"{num_aligned} of {len(rows)} aligned"
    title += f"; {len(shown)} are shown" if len(shown) < len(rows) else ""
    columns = ["original", "crop"] * min(_PAIRS, len(shown))
    return picture_grid(lines, columns, title)


def _pick(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is shown."""
    if len(rows) <= MAX_SHOWN:
        return list(rows)
    without = [row for row in rows if not row["aligned"]][: MAX_SHOWN // 2]
    others = [row for row in rows if row["aligned"]]
    step = max(1, -(-len(others) // (MAX_SHOWN - len(without))))
    return [*without, *others[::step]]


def _original(row: dict[str, Any], root: Path, as_exif_says: bool) -> Pixels:
    """A small original with the face's box and points."""
    path = root / row["original_image"]
    picture = ScaledPicture.open(path, read_picture_bytes(path), as_exif_says=as_exif_says)
    small = place_whole(picture.width, picture.height, size=_SIDE)
    canvas = warp(picture, small, size=_SIDE, border=(255, 255, 255))
    if row["aligned"]:
        box = np.array([row[f"face_{name}"] for name in ("x0", "y0", "x1", "y1")]).reshape(2, 2)
        (x0, y0), (x1, y1) = np.rint(np.clip(small.apply(box), -1e4, 1e4)).astype(int).tolist()
        canvas = np.asarray(cv2.rectangle(canvas, (x0, y0), (x1, y1), _BOX_RGB, 1), np.uint8)
        matrix = np.array(row["matrix"]).reshape(2, 3)
        points = (_points(row) - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
        canvas = mark_landmarks(canvas, small.apply(points), np.ones(len(points), dtype=np.bool_))
    return _captioned(canvas, row["sample_id"])


def _crop(row: dict[str, Any], out: Path, config: AlignConfig) -> Pixels:
    """A crop with the points, and what there is to be said about it."""
    crop = read_picture(out / row["image"])
    if row["aligned"]:
        points = _points(row)
        crop = mark_landmarks(crop, points, np.ones(len(points), dtype=np.bool_))
    canvas = np.asarray(cv2.resize(crop, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    prob = "" if row["face_prob"] is None else f" {row['face_prob']:.3f}"
    several = f", {row['num_faces']} faces" if (row["num_faces"] or 0) > 1 else ""
    method = "" if row["align_method"] == "five-points" else f", {row['align_method']}"
    text = f"{row['align_source']}{prob}{several}{method}"
    text = text if row["aligned"] else str(row["align_reason"])
    return _captioned(canvas, text if len(text) <= 36 else f"{text[:35]}…")


def _points(row: dict[str, Any]) -> FloatArray:
    """The points that are known, in the crop."""
    return np.array([point for point in row["points"] if None not in point], dtype=np.float64)


def _captioned(picture: Pixels, text: str) -> Pixels:
    """A picture with words at its lower edge."""
    from PIL import Image, ImageDraw, ImageFont

    page = Image.fromarray(picture)
    short = text if len(text) <= 36 else f"…{text[-35:]}"
    ImageDraw.Draw(page).text(
        (4, picture.shape[0] - 16),
        short,
        "white",
        ImageFont.load_default(11),
        stroke_width=2,
        stroke_fill="black",
    )
    return np.array(page)
