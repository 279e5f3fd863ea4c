"""Make the pictures of the documentation with the tool itself, from one stand-in subject.

Writes into ``docs/images``: ``pose-signs.png`` (which way the angles turn), ``p1-views.png``,
``p2-views.png``, ``landmarks.png`` and ``layers.png``. Prints the share of visible landmarks that
lie on the face.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from fertools.expressions import BASIC_EXPRESSIONS
from fertools.formats.bu3dfe import ScanFiles, find_scans, read_landmarks, read_scan
from fertools.geometry import rotation_from_angles
from fertools.mesh import FaceScan
from fertools.render.backends import Look
from fertools.render.camera import Camera
from fertools.render.geometry_layers import Layers
from fertools.render.scene import Rendering, render_scan
from fertools.render.sheet import mark_landmarks, picture_grid
from fertools.render.views import P1, P2, Turning, View
from fertools.synth.bu3dfe import synthesise_bu3dfe
from fertools.synth.sitting import invite, mesh_points, open_studio, pose_for, take_picture

if TYPE_CHECKING:
    from PIL.Image import Image

Picture = npt.NDArray[np.uint8]

IMAGES = Path(__file__).parents[1] / "docs" / "images"
MAX_BYTES = 300_000
WINDOW_MM = 220.0
GREY = Look(background=(214, 218, 224))
SIGNS = {  # angle, how far, and what a positive one does
    "yaw": (45.0, "yaw > 0:\nthe nose moves to\nthe image's right"),
    "pitch": (30.0, "pitch > 0:\nthe nose moves up"),
    "roll": (30.0, "roll > 0:\nthe head tilts\nclockwise"),
}


def render(
    files: ScanFiles, views: Sequence[View], size: int, window_mm: float = WINDOW_MM
) -> Rendering:
    """One scan with its landmarks."""
    scan = read_scan(files)
    return render_scan(
        scan,
        [Turning().rotation(view) for view in views],
        camera=Camera(size, window_mm),
        landmarks=read_landmarks(files, scan),
    )


def save(page: Image, name: str) -> None:
    """A PNG of 256 colours: small enough for a repository."""
    from PIL import Image

    path = IMAGES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    page.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"docs/images/{name}: {page.width} x {page.height}, {size / 1000:.0f} kB")
    if size > MAX_BYTES:
        raise SystemExit(f"{name} is too large for the repository")


def whole_head(seed: int) -> FaceScan:
    """A stand-in with hair and ears that looks exactly ahead, the origin within its head."""
    studio = open_studio("8k", 512)
    sitter = invite(studio, [seed, 0], male=False)
    shot = pose_for(studio, sitter, emotion="neutral", intensity=0)
    mesh = studio.topology.raw
    points = mesh_points(mesh, sitter, shot, hair=True) - np.array([0.0, -10.0, -60.0])
    picture = take_picture(studio, sitter, shot)
    return FaceScan(points, mesh.triangles[0], mesh.uvs, mesh.triangles[1], picture)


def pose_signs(head: FaceScan) -> Image:
    """A row an angle: negative, zero, positive."""
    rows = []
    for angle, (most, meaning) in SIGNS.items():
        values = (-most, 0.0, most)
        rendering = render_scan(
            head,
            [rotation_from_angles(**{"yaw_deg": 0.0, f"{angle}_deg": value}) for value in values],
            camera=Camera(190, 290.0),
            look=GREY,
            centre=np.zeros(3),
        )
        names = [f"{angle} {signed(value)}" for value in values]
        named = [inscribed(p, name) for p, name in zip(rendering.pictures, names, strict=True)]
        rows.append((meaning, named))
    return picture_grid(rows, ["", "", ""])


def inscribed(picture: Picture, text: str) -> Picture:
    """A picture with a name at its upper left."""
    from PIL import Image, ImageDraw, ImageFont

    page = Image.fromarray(picture)
    ImageDraw.Draw(page).text((6, 4), text, "black", ImageFont.load_default(14), anchor="la")
    return np.asarray(page)


def signed(angle: float) -> str:
    """``+30°``, ``0°``, ``-30°``."""
    return f"{angle:+.0f}°" if angle else "0°"


def p1_views(strongest: dict[str, ScanFiles]) -> Image:
    """The six expressions from P1's views."""
    views = P1.views("")
    rows = [(n, list(render(strongest[n], views, 112).pictures)) for n in BASIC_EXPRESSIONS]
    return picture_grid(rows, [f"yaw {view.pan_deg:.0f}°" for view in views])


def p2_views(files: ScanFiles) -> Image:
    """One scan from P2's views, the greatest tilt uppermost as the nose is."""
    views = P2.views("")
    pictures = dict(zip(views, render(files, views, 112).pictures, strict=True))
    tilts = sorted({view.tilt_deg for view in views}, reverse=True)
    rows = [
        (f"tilt {signed(tilt)}", [pictures[view] for view in views if view.tilt_deg == tilt])
        for tilt in tilts
    ]
    pans = sorted({view.pan_deg for view in views})
    return picture_grid(rows, [f"pan {signed(pan)}" for pan in pans])


def landmarks(strongest: dict[str, ScanFiles]) -> Image:
    """Two expressions from P1's views, with their landmarks."""
    views = P1.views("")
    rows = []
    for name in ("happiness", "surprise"):
        drawn = render(strongest[name], views, 200, 200.0)
        marked = zip(drawn.pictures, drawn.landmarks, drawn.visible, strict=True)
        rows.append((name, [mark_landmarks(*values) for values in marked]))
    return picture_grid(rows, [f"yaw {view.pan_deg:.0f}°" for view in views])


def layers(files: ScanFiles) -> Image:
    """All that can be had of one view."""
    rotation = rotation_from_angles(30.0, 10.0)
    scan, parallel = read_scan(files), Camera(180, 190.0)
    near = Camera(180, 190.0, 350.0)
    light = Look("lambert", light_yaw_deg=50.0, light_pitch_deg=35.0, ambient=0.2)
    plain = render_scan(scan, [rotation], camera=parallel, with_layers=True)
    columns = {
        "picture": plain.pictures[0],
        "lambert": render_scan(scan, [rotation], camera=parallel, look=light).pictures[0],
        "perspective": render_scan(scan, [rotation], camera=near).pictures[0],
        **coloured(plain.layers[0]),
    }
    return picture_grid([("", list(columns.values()))], list(columns))


def coloured(drawn: Layers) -> dict[str, Picture]:
    """Depth (bright is near), normals (red right, green up, blue to the viewer) and mask."""
    face = drawn.mask > 0
    low, high = drawn.depth_mm[face].min(), drawn.depth_mm[face].max()
    share = np.where(face, (drawn.depth_mm - low) / (high - low), 0.0)
    depth = cv2.applyColorMap((255 * share).astype(np.uint8), cv2.COLORMAP_VIRIDIS)[..., ::-1]
    normals = np.where(face[..., None], (drawn.normals + 1.0) * 127.5, 0.0)
    return {
        "depth": np.where(face[..., None], depth, 0).astype(np.uint8),
        "normals": normals.astype(np.uint8),
        "mask": np.repeat(drawn.mask[..., None], 3, axis=2),
    }


def landmarks_on_the_face(scans: Sequence[ScanFiles]) -> tuple[int, int]:
    """How many visible landmarks have the face under them, and how many are visible."""
    on_face, seen = 0, 0
    for files in scans:
        drawn = render(files, P1.views(""), 224)
        for picture, marks, visible in zip(
            drawn.pictures, drawn.landmarks, drawn.visible, strict=True
        ):
            column, row = marks[visible].astype(int).T
            on_face += int((picture[row, column].max(axis=1) > 0).sum())
            seen += int(visible.sum())
    return on_face, seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the same: it is quick anyway")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "bu3dfe"
        synthesise_bu3dfe(root, subjects=1, seed=options.seed, raw=False, f2d=False)
        scans = find_scans(root).scans
        strongest = {s.expression: s for s in scans if s.intensity == 4}
        save(pose_signs(whole_head(options.seed)), "pose-signs.png")
        save(p1_views(strongest), "p1-views.png")
        save(p2_views(strongest["happiness"]), "p2-views.png")
        save(landmarks(strongest), "landmarks.png")
        save(layers(strongest["happiness"]), "layers.png")
        on_face, seen = landmarks_on_the_face(scans)
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
