"""Do the stand-ins look like faces: a contact sheet for the eye, and a face detector's count.

Draws four stand-in subjects with seven expressions into ``docs/images/standins.png`` and measures
how many frontal renders MTCNN (facenet-pytorch) finds a face in: of RAW, the whole head, at least
99 % must be found; F3D is the cropped face alone and its figure is given as measured.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from fertools.expressions import BASIC_EXPRESSIONS
from fertools.geometry import rotation_from_angles
from fertools.mesh import FaceScan
from fertools.render.backends import Look
from fertools.render.camera import Camera
from fertools.render.scene import render_scan
from fertools.synth.expressions import EMOTION_CODES
from fertools.synth.sitting import (
    Sitter,
    Studio,
    invite,
    mesh_points,
    open_studio,
    pose_for,
    take_picture,
)

SHEET = Path(__file__).parents[1] / "docs" / "images" / "standins.png"
TEXTURE = 512
SEED = 0
WINDOWS_MM = {"F3D": 250.0, "RAW": 330.0}
BACKGROUND = Look(background=(96, 104, 112))
WHITE = Look(background=(255, 255, 255))
COLUMNS = ("neutral", *BASIC_EXPRESSIONS)


def photograph(studio: Studio, sitter: Sitter, emotion: str, intensity: int) -> dict[str, FaceScan]:
    """One scan as F3D and as RAW."""
    shot = pose_for(studio, sitter, emotion=emotion, intensity=intensity)
    picture = take_picture(studio, sitter, shot)
    scans = {}
    for name, mesh in (("F3D", studio.topology.f3d), ("RAW", studio.topology.raw)):
        points = mesh_points(mesh, sitter, shot, hair=name == "RAW")
        scans[name] = FaceScan(points, mesh.triangles[0], mesh.uvs, mesh.triangles[1], picture)
    return scans


def draw_sheet(studio: Studio, path: Path) -> None:
    """Four subjects: the whole head from the front, and the cropped face turned by 40 degrees."""
    size, left, top = 132, 62, 22
    rows: list[tuple[int, str, float]] = []
    for number in range(4):
        rows += [(number, "RAW", 0.0), (number, "F3D", 40.0)]
    page = Image.new("RGB", (left + size * len(COLUMNS), top + size * len(rows)), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(12)
    for column, emotion in enumerate(COLUMNS):
        label = emotion if emotion == "neutral" else f"{emotion} 4"
        draw.text((left + (column + 0.5) * size, 11), label, "black", font, anchor="mm")
    for number in range(4):
        sitter = invite(studio, [SEED, number], male=number % 2 == 1)
        name = f"{'M' if number % 2 else 'F'}{number // 2 + 1:04d}"
        for column, emotion in enumerate(COLUMNS):
            scans = photograph(studio, sitter, emotion, 0 if emotion == "neutral" else 4)
            for row, (owner, kind, yaw) in enumerate(rows):
                if owner != number:
                    continue
                picture = render_scan(
                    scans[kind],
                    [rotation_from_angles(yaw)],
                    camera=Camera(size, 240.0 if kind == "RAW" else 200.0),
                    look=WHITE,
                    centre=np.array([0.0, -2.0, -60.0] if kind == "RAW" else [0.0, -26.0, -10.0]),
                ).pictures[0]
                page.paste(Image.fromarray(picture), (left + column * size, top + row * size))
                label = f"{name}\n{kind}" + (f" {yaw:.0f}°" if yaw else "")
                draw.text((left / 2, top + (row + 0.5) * size), label, "black", font, anchor="mm")
    path.parent.mkdir(parents=True, exist_ok=True)
    page.quantize(200, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {page.width} x {page.height}, {path.stat().st_size / 1000:.0f} kB")


def frontal_renders(
    studio: Studio, subjects: int, first: int
) -> tuple[dict[str, list[npt.NDArray[np.uint8]]], list[str]]:
    """Frontal pictures of 25 scans a subject, and which scan each is."""
    pictures: dict[str, list[npt.NDArray[np.uint8]]] = {"F3D": [], "RAW": []}
    names = []
    for number in range(first, first + subjects):
        sitter = invite(studio, [SEED, number], male=number % 2 == 1)
        for emotion, code in EMOTION_CODES.items():
            for level in (0,) if emotion == "neutral" else (1, 2, 3, 4):
                names.append(f"{number} {code}{level:02d}")
                for kind, scan in photograph(studio, sitter, emotion, level).items():
                    camera = Camera(224, WINDOWS_MM[kind])
                    drawn = render_scan(scan, [np.eye(3)], camera=camera, look=BACKGROUND)
                    pictures[kind].append(drawn.pictures[0])
    return pictures, names


def count_faces(pictures: list[npt.NDArray[np.uint8]]) -> list[bool]:
    """Which pictures MTCNN finds a face in, with its default thresholds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from facenet_pytorch import MTCNN

        detector = MTCNN(min_face_size=40, device="cpu")
        found = []
        for start in range(0, len(pictures), 25):
            boxes, _ = detector.detect(np.stack(pictures[start : start + 25]))
            found += [box is not None and len(box) > 0 for box in boxes]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer subjects, within 50 s")
    parser.add_argument("--subjects", type=int, help="how many people are measured")
    parser.add_argument("--sheet", type=Path, default=SHEET, help="where the contact sheet goes")
    options = parser.parse_args()
    subjects = options.subjects or (2 if options.quick else 20)
    studio = open_studio("8k", TEXTURE)
    draw_sheet(studio, options.sheet)
    started = time.perf_counter()
    pictures, names = frontal_renders(studio, subjects, 0)
    seconds = (time.perf_counter() - started) / len(names)
    figures: dict[str, float] = {"subjects": subjects, "scans": len(names)}
    figures["seconds_a_scan_with_two_renders"] = round(seconds, 3)
    print(f"{'mesh':6}{'pictures':>10}{'faces':>8}{'share':>8}   not found")
    for kind, drawn in pictures.items():
        found = count_faces(drawn)
        share = sum(found) / len(found)
        figures[f"mtcnn_{kind.lower()}"] = round(share, 4)
        lost = ", ".join(name for name, seen in zip(names, found, strict=True) if not seen)
        print(f"{kind:6}{len(found):>10}{sum(found):>8}{share:>8.1%}   {lost or '-'}")
    result = {"benchmark": "standin_faces", "quick": options.quick, "ratios": {}}
    print(json.dumps({**result, "figures": figures}))


if __name__ == "__main__":
    main()
