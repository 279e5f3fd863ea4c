"""Make the pictures of the documentation with the tool itself: P1's views, and landmarks on them.

Makes one stand-in subject in a temporary folder, renders it, and writes ``p1-views.png`` and
``landmarks.png`` into ``docs/images``. Prints the share of visible landmarks that lie on the face.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fertools.expressions import BASIC_EXPRESSIONS
from fertools.formats.bu3dfe import ScanFiles, find_scans, read_scan
from fertools.mesh import read_bnd
from fertools.render.camera import Camera
from fertools.render.software import Rendering, render_scan
from fertools.render.views import VIEW_SETS
from fertools.synth.bu3dfe import synthesise_bu3dfe

IMAGES = Path(__file__).parents[1] / "docs" / "images"
VIEWS = VIEW_SETS["p1"].views
GREEN, RED = (60, 220, 90), (255, 70, 60)


def render(files: ScanFiles, size: int) -> Rendering:
    return render_scan(
        read_scan(files),
        [view.rotation for view in VIEWS],
        camera=Camera(size, 220.0),
        landmarks=read_bnd(files.landmarks).points,
    )


def sheet(rows: dict[str, list[np.ndarray]], columns: list[str]) -> Image.Image:
    """Pictures in a grid, with names above and at the left."""
    size = next(iter(rows.values()))[0].shape[0]
    left, top = 84, 24
    page = Image.new("RGB", (left + size * len(columns), top + size * len(rows)), "white")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(13)
    for column, name in enumerate(columns):
        draw.text((left + (column + 0.5) * size, 12), name, "black", font, anchor="mm")
    for row, (name, pictures) in enumerate(rows.items()):
        draw.text((left - 6, top + (row + 0.5) * size), name, "black", font, anchor="rm")
        for column, picture in enumerate(pictures):
            page.paste(Image.fromarray(picture), (left + column * size, top + row * size))
    return page


def save(page: Image.Image, path: Path) -> None:
    """A PNG of 256 colours: small enough for a repository."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.relative_to(IMAGES.parents[1])}: {page.width} x {page.height}")


def drawn(rendering: Rendering) -> list[np.ndarray]:
    """The pictures with their landmarks: green visible, red hidden."""
    pictures = []
    for picture, marks, visible in zip(
        rendering.pictures, rendering.landmarks, rendering.visible, strict=True
    ):
        canvas = picture.copy()
        for (x, y), seen in zip(marks, visible, strict=True):
            centre = (int((x - 0.5) * 16), int((y - 0.5) * 16))
            cv2.circle(canvas, centre, 32, GREEN if seen else RED, -1, cv2.LINE_AA, shift=4)
        pictures.append(canvas)
    return pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the same: it is quick anyway")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    columns = [f"yaw {view.pan_deg:.0f}°" for view in VIEWS]
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "bu3dfe"
        synthesise_bu3dfe(root, subjects=1, seed=options.seed, raw=False, f2d=False)
        scans = find_scans(root)
        strongest = {s.expression: s for s in scans if s.intensity == 4}
        views = {name: list(render(strongest[name], 112).pictures) for name in BASIC_EXPRESSIONS}
        save(sheet(views, columns), IMAGES / "p1-views.png")
        marked = {n: drawn(render(strongest[n], 200)) for n in ("happiness", "surprise")}
        save(sheet(marked, columns), IMAGES / "landmarks.png")
        on_face, seen = 0, 0
        for files in scans:
            rendering = render(files, 224)
            for picture, marks, visible in zip(
                rendering.pictures, rendering.landmarks, rendering.visible, strict=True
            ):
                column, row = marks[visible].astype(int).T
                on_face += int((picture[row, column].max(axis=1) > 0).sum())
                seen += int(visible.sum())
    share = on_face / seen
    print(f"visible landmarks on the face: {on_face} of {seen} ({share:.2%}), synthetic")
    figures = {"visible_landmarks_on_face": round(share, 4), "num_visible": seen}
    print(
        json.dumps(
            {"benchmark": "pictures", "quick": options.quick, "ratios": {}, "figures": figures}
        )
    )


if __name__ == "__main__":
    main()
