"""How the Multi-PIE stand-in looks, for the eye, and how fast it is made.

Draws one subject from all 13 cameras with six expressions, and one row of the 20 illuminations,
into ``docs/images/standin_multipie.png``; then makes a small set in a temporary folder with one
process and with all processors in turn, several rounds, and prints pictures a second (with the
start of the processes, some seconds each), pictures a second of processor time, which other work on
the machine changes less, and bytes a picture.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from fertools.expressions import MULTIPIE_EXPRESSIONS
from fertools.formats.multipie import CAMERA_YAWS
from fertools.jobs.pool import default_workers
from fertools.synth.multipie import synthesise_multipie
from fertools.synth.multipie_layout import PERSONS
from fertools.synth.multipie_rig import (
    ILLUMINATIONS,
    Pixels,
    draw_seat,
    photograph,
)
from fertools.synth.sitting import Sitter, Studio, invite, open_studio, take_shot
from fertools.synth.torso import draw_clothes

SHEET = Path(__file__).parents[1] / "docs" / "images" / "standin_multipie.png"
TEXTURE = 512


def pictures_of(
    studio: Studio, sitter: Sitter, expression: str, cameras: tuple[str, ...], illumination: int
) -> list[Pixels]:
    """One recording from some cameras."""
    person = list(sitter.seed)
    seed = [*person, 300 + MULTIPIE_EXPRESSIONS.index(expression)]
    emotion = "happiness" if expression == "smile" else expression
    shot = take_shot(
        studio, sitter, seed, emotion=emotion, intensity=0 if emotion == "neutral" else 4
    )
    views = photograph(
        studio,
        sitter,
        shot,
        draw_seat(seed),
        draw_clothes([*person, 201]),
        cameras=cameras,
        illumination=illumination,
    )
    return [view.picture for view in views]


def draw_sheet(path: Path, number: int) -> None:
    """Expressions by cameras, and the illuminations."""
    width, height, left, top = 110, 110, 66, 18
    studio = open_studio("8k", TEXTURE)
    sitter = invite(studio, [0, PERSONS, number], male=number % 2 == 1)
    columns = len(CAMERA_YAWS)
    rows = len(MULTIPIE_EXPRESSIONS)
    page = Image.new("RGB", (left + columns * width, 2 * top + (rows + 2) * height), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(11)

    def put(picture: Pixels, column: int, row: int, down: int) -> None:
        face = Image.fromarray(picture).crop((80, 0, 560, 480))
        small = face.resize((width, height), Image.Resampling.LANCZOS)
        page.paste(small, (left + column * width, down + row * height))

    for column, (camera, yaw) in enumerate(CAMERA_YAWS.items()):
        draw.text((left + (column + 0.5) * width, 9), f"{camera} {yaw:+d}°", "black", font, "mm")
    for row, expression in enumerate(MULTIPIE_EXPRESSIONS):
        draw.text((left / 2, top + (row + 0.5) * height), expression, "black", font, "mm")
        cameras = tuple(CAMERA_YAWS)
        for column, picture in enumerate(pictures_of(studio, sitter, expression, cameras, 7)):
            put(picture, column, row, top)
    down = 2 * top + rows * height
    draw.text((left, down - 9), "camera 05_1, illuminations 00 to 19", "black", font, "lm")
    for illumination in ILLUMINATIONS:
        (picture,) = pictures_of(studio, sitter, "neutral", ("05_1",), illumination)
        put(picture, illumination % columns, illumination // columns, down)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.quantize(200, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {page.width} x {page.height}, {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller set, within 50 s")
    parser.add_argument("--subject", type=int, default=1, help="who is on the sheet")
    parser.add_argument("--sheet", type=Path, default=SHEET, help="where the sheet goes")
    options = parser.parse_args()
    draw_sheet(options.sheet, options.subject)
    sessions = (2,) if options.quick else (1, 2, 3, 4)
    rounds = 1 if options.quick else 2
    many = default_workers()
    speeds: dict[int, list[float]] = {1: [], many: []}
    size = 0.0
    busy: list[float] = []
    for _ in range(rounds):
        for workers, found in speeds.items():
            with tempfile.TemporaryDirectory() as folder:
                started, worked = time.perf_counter(), time.process_time()
                made = synthesise_multipie(
                    Path(folder) / "multipie",
                    subjects=2 if options.quick else 4,
                    seed=0,
                    sessions=sessions,
                    workers=workers,
                )
                found.append(made.pictures / (time.perf_counter() - started))
                if workers == 1:
                    busy.append(made.pictures / (time.process_time() - worked))
                size = made.num_bytes / made.pictures
    print(f"{'processes':>10}{'pictures/s':>12}")
    for workers, found in speeds.items():
        print(f"{workers:>10}{statistics.median(found):>12.1f}")
    print(f"pictures a second of processor time, one process: {statistics.median(busy):.1f}")
    print(f"bytes a picture: {size:,.0f}")
    one, all_of_them = (statistics.median(found) for found in speeds.values())
    result = {
        "benchmark": "standin_multipie",
        "quick": options.quick,
        "ratios": {"all_processors_to_one": round(all_of_them / one, 2)},
        "figures": {
            "pictures_per_second_1": round(one, 1),
            f"pictures_per_second_{many}": round(all_of_them, 1),
            "pictures_per_processor_second": round(statistics.median(busy), 1),
            "bytes_per_picture": round(size),
        },
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
