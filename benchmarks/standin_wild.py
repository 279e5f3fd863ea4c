"""Do the stand-ins in the wild look like photographs: a contact sheet, and a face detector's count.

Makes a small stand-in of RAF-DB, draws some of its originals and aligned pictures into
``docs/images/standins_wild.png`` and measures how many faces MTCNN (facenet-pytorch) finds in the
originals, where a face counts as found if a detected box overlaps the true one by a third or more.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from fertools.jobs.pool import default_workers
from fertools.synth.rafdb import synthesise_rafdb

SHEET = Path(__file__).parents[1] / "docs" / "images" / "standins_wild.png"
CELL, COLUMNS, ROWS = 150, 8, 4
MIN_OVERLAP = 1 / 3
BINS = ((0, 15), (15, 30), (30, 45), (45, 60), (60, 90))


def draw_sheet(root: Path, truth: pd.DataFrame, path: Path) -> None:
    """Originals with their true points in every other row, and the aligned picture in a corner."""
    font = ImageFont.load_default(11)
    page = Image.new("RGB", (CELL * COLUMNS, (CELL + 16) * ROWS), "white")
    draw = ImageDraw.Draw(page)
    for place, row in enumerate(truth.head(COLUMNS * ROWS).itertuples()):
        left, top = place % COLUMNS * CELL, place // COLUMNS * (CELL + 16)
        with Image.open(root / f"Image/original/{row.sample_id}.jpg") as file:
            picture = file.convert("RGB")
        if place // COLUMNS % 2:
            radius = max(1.0, picture.width / 200)
            pen = ImageDraw.Draw(picture)
            for (x, y), seen in zip(np.reshape(row.points, (68, 2)), row.visible, strict=True):
                box = (x - radius, y - radius, x + radius, y + radius)
                pen.ellipse(box, fill=(60, 255, 60) if seen else (255, 60, 60))
        picture.thumbnail((CELL - 4, CELL - 4), Image.Resampling.LANCZOS)
        page.paste(picture, (left + (CELL - picture.width) // 2, top))
        with Image.open(root / f"Image/aligned/{row.sample_id}_aligned.jpg") as file:
            page.paste(file.resize((44, 44), Image.Resampling.LANCZOS), (left, top + CELL - 48))
        label = f"{row.expression} {row.yaw_deg:+.0f} {row.pitch_deg:+.0f} {row.roll_deg:+.0f}"
        draw.text((left + CELL / 2, top + CELL + 5), label, "black", font, anchor="mm")
    path.parent.mkdir(parents=True, exist_ok=True)
    palette = page.quantize(256)
    page.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
    print(f"{path.name}: {page.width} x {page.height}, {path.stat().st_size / 1000:.0f} kB")


def find_faces(root: Path, truth: pd.DataFrame) -> list[bool]:
    """Which main faces MTCNN finds, with its default thresholds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from facenet_pytorch import MTCNN

        detector = MTCNN(keep_all=True, min_face_size=30, device="cpu")
        found = []
        for row in truth.itertuples():
            with Image.open(root / f"Image/original/{row.sample_id}.jpg") as file:
                boxes, _ = detector.detect(file.convert("RGB"))
            boxes = np.empty((0, 4)) if boxes is None else np.asarray(boxes, dtype=np.float64)
            found.append(any(overlap(box, np.array(row.face_box)) >= MIN_OVERLAP for box in boxes))
    return found


def overlap(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """Intersection over union of two boxes ``(x0, y0, x1, y1)``."""
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    common = float(np.prod(np.clip(high - low, 0, None)))
    areas = [float(np.prod(box[2:] - box[:2])) for box in (first, second)]
    return common / (sum(areas) - common)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer pictures, within 50 s")
    parser.add_argument("--pictures", type=int, help="how many are made and measured")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--sheet", type=Path, default=SHEET, help="where the contact sheet goes")
    options = parser.parse_args()
    count = options.pictures or (60 if options.quick else 400)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        started = time.perf_counter()
        synthesise_rafdb(root, train=count - 7, test=7, seed=options.seed, workers=options.workers)
        seconds = time.perf_counter() - started
        truth = pd.read_parquet(root / "ground_truth.parquet")
        draw_sheet(root, truth, options.sheet)
        truth["found"] = find_faces(root, truth)
    largest = truth[["yaw_deg", "pitch_deg"]].abs().max(axis=1)
    figures = {"pictures": count, "pictures_a_second": round(count / seconds, 2)}
    figures["over_30"] = round(float((largest > 30).mean()), 4)
    figures["over_45"] = round(float((largest > 45).mean()), 4)
    figures["mtcnn"] = round(float(truth["found"].mean()), 4)
    free = truth[truth["occlusion"] == "none"]
    figures["mtcnn_free"] = round(float(free["found"].mean()), 4)
    print(f"{count} pictures in {seconds:.0f} s; MTCNN finds {truth['found'].mean():.1%}")
    for name, part in truth.groupby("occlusion"):
        print(f"  {name:12}{len(part):>5}{part['found'].mean():>8.1%}")
    print("by |yaw|, nothing before the face")
    for low, high in BINS:
        part = free[(free["yaw_deg"].abs() >= low) & (free["yaw_deg"].abs() < high)]
        share = f"{part['found'].mean():>8.1%}" if len(part) else f"{'-':>8}"
        print(f"  {low:>3} to {high:<5}{len(part):>5}{share}")
    result = {"benchmark": "standin_wild", "quick": options.quick, "ratios": {}}
    print(json.dumps({**result, "figures": figures}))


if __name__ == "__main__":
    main()
