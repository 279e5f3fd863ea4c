"""Contact sheets: a scan from many views on one page, its landmarks drawn on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from fertools.geometry import FloatArray
from fertools.mesh import FaceScan
from fertools.render.camera import Camera
from fertools.render.scene import render_scan
from fertools.render.views import Turning, View, ViewSet

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

__all__ = ["HIDDEN_RGB", "VISIBLE_RGB", "mark_landmarks", "picture_grid", "scan_sheet"]

VISIBLE_RGB = (60, 220, 90)
HIDDEN_RGB = (255, 70, 60)

_RANDOM_COLUMNS = 6
_INK = "black"
_GAP = 3


def mark_landmarks(
    picture: npt.NDArray[np.uint8], points: FloatArray, visible: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint8]:
    """A picture with its landmarks: green where they are seen, red where the face hides them.

    Args:
        picture: Shape ``(H, W, 3)``, RGB; stays as it is.
        points: Shape ``(K, 2)``, pixels (see :mod:`fertools.render.camera`).
        visible: Shape ``(K,)``.
    """
    canvas = picture.copy()
    radius = max(1.0, picture.shape[0] / 130.0)
    order = np.argsort(visible, kind="stable")  # the seen ones on top
    for (x, y), seen in zip(points[order], visible[order], strict=True):
        if abs(x) > 1e4 or abs(y) > 1e4:
            continue
        centre = (round((x - 0.5) * 16), round((y - 0.5) * 16))
        colour = VISIBLE_RGB if seen else HIDDEN_RGB
        cv2.circle(canvas, centre, round(radius * 16), colour, -1, cv2.LINE_AA, shift=4)
    return canvas


def picture_grid(
    rows: Sequence[tuple[str, Sequence[npt.NDArray[np.uint8]]]],
    columns: Sequence[str],
    title: str = "",
) -> Image:
    """Pictures of one size in a grid, with names above and at the left.

    Args:
        rows: Name and pictures of each row, shape ``(S, S, 3)``, RGB; a row may be short.
        columns: Name of each column.
        title: Stands above all.

    Returns:
        A picture on white.
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(14)
    size = rows[0][1][0].shape[0]
    left = max(_width(font, name) for name, _ in rows)
    left += 16 if left else 0
    top = (26 if title else 0) + (24 if any(columns) else 0)
    pitch = size + _GAP
    width = max(left + pitch * len(columns), _width(font, title) + 12)
    page = Image.new("RGB", (width, top + pitch * len(rows)), "white")
    draw = ImageDraw.Draw(page)
    draw.text((6, 13), title, _INK, font, anchor="lm")
    for column, name in enumerate(columns):
        draw.text((left + column * pitch + size / 2, top - 12), name, _INK, font, anchor="mm")
    for row, (name, pictures) in enumerate(rows):
        draw.text((left - 8, top + row * pitch + size / 2), name, _INK, font, anchor="rm")
        for column, picture in enumerate(pictures):
            page.paste(Image.fromarray(picture), (left + column * pitch, top + row * pitch))
    return page


def scan_sheet(
    scan: FaceScan,
    landmarks: FloatArray,
    view_sets: Sequence[ViewSet],
    *,
    scan_id: str,
    camera: Camera,
    frontal: FloatArray | None = None,
    title: str = "",
) -> Image:
    """One scan from all views of some sets, with its landmarks.

    Args:
        scan: The face.
        landmarks: Shape ``(K, 3)``, millimetres in the scan's frame.
        view_sets: A part of the page each.
        scan_id: Its name, which random views depend on.
        camera: Size and scale of each picture.
        frontal: Shape ``(3, 3)``, a turn before all others.
        title: Stands above all.
    """
    from PIL import Image

    first = np.eye(3) if frontal is None else frontal
    parts = []
    for view_set in view_sets:
        views = view_set.views(scan_id)
        rendering = render_scan(
            scan,
            [Turning().rotation(view) @ first for view in views],
            camera=camera,
            landmarks=landmarks,
        )
        drawn = [
            mark_landmarks(picture, points, visible)
            for picture, points, visible in zip(
                rendering.pictures, rendering.landmarks, rendering.visible, strict=True
            )
        ]
        seen = rendering.visible.sum(axis=1)
        parts.append(_grid_of(view_set, views, drawn, seen.tolist(), len(landmarks), title))
        title = ""
    page = Image.new("RGB", (max(p.width for p in parts), sum(p.height for p in parts)), "white")
    y = 0
    for part in parts:
        page.paste(part, (0, y))
        y += part.height
    return page


def _grid_of(
    view_set: ViewSet,
    views: Sequence[View],
    pictures: list[npt.NDArray[np.uint8]],
    seen: list[int],
    num_landmarks: int,
    title: str,
) -> Image:
    """The part of the page of one set of views."""
    least, most = min(seen), max(seen)
    heading = f"{title}    {view_set.name}: {least} to {most} of {num_landmarks} landmarks visible"
    if view_set.grid is None:
        captioned = [_captioned(p, v) for p, v in zip(pictures, views, strict=True)]
        rows = [
            (f"{start} to\n{min(stop, len(views)) - 1}", captioned[start:stop])
            for start in range(0, len(views), _RANDOM_COLUMNS)
            for stop in [start + _RANDOM_COLUMNS]
        ]
        return picture_grid(rows, [""] * min(_RANDOM_COLUMNS, len(views)), heading.strip())
    of_view = dict(zip(views, pictures, strict=True))
    tilts = sorted({(view.tilt_deg, view.roll_deg) for view in views}, reverse=True)
    grid_rows = []
    for tilt, roll in tilts:
        name = f"tilt {_signed(tilt)}" + (f"\nroll {_signed(roll)}" if roll else "")
        here = [v for v in views if (v.tilt_deg, v.roll_deg) == (tilt, roll)]
        grid_rows.append((name, [of_view[view] for view in here]))
    columns = [f"pan {_signed(pan)}" for pan in view_set.grid.pan]
    return picture_grid(grid_rows, columns, heading.strip())


def _captioned(picture: npt.NDArray[np.uint8], view: View) -> npt.NDArray[np.uint8]:
    """A picture with its view's angles written on it."""
    from PIL import Image, ImageDraw, ImageFont

    page = Image.fromarray(picture)
    text = f"pan {view.pan_deg:+g}° tilt {view.tilt_deg:+g}°"
    text += f"\nroll {view.roll_deg:+g}°" if view.roll_deg else ""
    ImageDraw.Draw(page).text(
        (4, 2), text, "white", ImageFont.load_default(12), stroke_width=1, stroke_fill="black"
    )
    return np.array(page)


def _signed(angle: float) -> str:
    """An angle with its sign; zero has none."""
    return f"{angle:+g}°" if angle else "0°"


def _width(font: FreeTypeFont | ImageFont, name: str) -> int:
    """Pixels of the longest line of a name."""
    return max((round(font.getlength(line)) for line in name.split("\n")), default=0)
