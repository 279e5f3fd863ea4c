"""How fast duplicates are searched, how many are found, and how often others are taken for them.

Search: random hashes with planted pairs that differ in 0 to 8 bits, against brute force (numpy) on
a part of the rows; and crowded hashes, where every picture has about twenty neighbours, as in sets
taken with one camera. The whole search runs in a process of its own for its peak memory.
Pictures: renders of stand-ins, every one against every other, pairs that differ in expression only
among them; and altered copies of each. How far the two distributions of the measure lie apart is
what the threshold rests on.

    python benchmarks/duplicates.py            # 45,000 and 450,000 hashes, some minutes
    python benchmarks/duplicates.py --quick    # 45,000 hashes, fewer renders
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from fertools.duplicates import (
    NEAR_DISTANCE,
    SAME_PICTURE,
    THUMBNAIL_SIZE,
    Sketches,
    find_near_duplicates,
    near_pairs,
    picture_differences,
    sketch_picture,
    stack_sketches,
)
from fertools.home import describe_root
from fertools.pictures import read_picture
from fertools.render.job import render_bu3dfe
from fertools.render.recipe import RenderConfig
from fertools.synth.bu3dfe import synthesise_bu3dfe

Pixels = npt.NDArray[np.uint8]
HashArray = npt.NDArray[np.uint64]

PLANTED = 1000
CROWD = 20


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def toned(pixels: Pixels, factor: float, plus: float = 0.0) -> Pixels:
    return np.asarray(np.clip(pixels * factor + plus, 0, 255), np.uint8)


def scaled(pixels: Pixels, factor: float) -> Pixels:
    height, width = pixels.shape[:2]
    size = (round(width * factor), round(height * factor))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


ALTERED: dict[str, Callable[[Pixels], Pixels]] = {
    "JPEG 75": lambda p: jpeg(p, 75),
    "JPEG 30": lambda p: jpeg(p, 30),
    "half size, JPEG 75": lambda p: jpeg(scaled(p, 0.5), 75),
    "0.7 of the size, JPEG 50": lambda p: jpeg(scaled(p, 0.7), 50),
    "1.2 as bright, JPEG 75": lambda p: jpeg(toned(p, 1.2), 75),
    "1.3 as bright, JPEG 50": lambda p: jpeg(toned(p, 1.3), 50),
    "0.7 as bright, JPEG 75": lambda p: jpeg(toned(p, 0.7), 75),
    "paler, JPEG 75": lambda p: jpeg(toned(p, 0.8, 40), 75),
    "mirrored, 1.2, JPEG 75": lambda p: jpeg(toned(p[:, ::-1], 1.2), 75),
    "a pixel cut off, JPEG 75": lambda p: jpeg(p[1:, :-1], 75),
    "gamma 0.8, JPEG 75": lambda p: jpeg((255 * (p / 255.0) ** 0.8).astype(np.uint8), 75),
}


class NoThumbnails:
    """Thumbnails of pictures that are never there: noise, another for each number."""

    def __getitem__(self, numbers: Any, /) -> Pixels:
        seeds = np.asarray(numbers)
        grid = np.arange(THUMBNAIL_SIZE**2)
        words = (seeds[:, None] * 2654435761 + grid * 40503) % 251
        return words.astype(np.uint8).reshape(-1, THUMBNAIL_SIZE, THUMBNAIL_SIZE)


def random_hashes(count: int, rng: np.random.Generator) -> HashArray:
    return np.frombuffer(rng.bytes(8 * count), np.uint64).copy()


def flipped(hashes: HashArray, bits: int, rng: np.random.Generator) -> HashArray:
    """Hashes with so many bits changed."""
    places = rng.permuted(np.tile(np.arange(64), (len(hashes), 1)), axis=1)[:, :bits]
    masks: HashArray = (np.uint64(1) << places.astype(np.uint64)).sum(axis=1, dtype=np.uint64)
    return np.bitwise_xor(hashes, masks)


def measure_search(count: int) -> dict[str, float]:
    """Seconds, recall of planted pairs, and seconds of brute force as far as it was run."""
    rng = np.random.default_rng(0)
    hashes = random_hashes(count, rng)
    for number in range(PLANTED):
        bits = number % (NEAR_DISTANCE + 1)
        hashes[count - 1 - number] = flipped(hashes[number : number + 1], bits, rng)[0]
    list(near_pairs(hashes[:100], NEAR_DISTANCE))  # compiled before the clock runs
    start = time.perf_counter()
    found = np.concatenate(list(near_pairs(hashes, NEAR_DISTANCE)))
    seconds = time.perf_counter() - start
    known = set(map(tuple, found.tolist()))
    recall = sum((n, count - 1 - n) in known for n in range(PLANTED)) / PLANTED
    part = min(count, 40_000_000 // count)
    start = time.perf_counter()
    brute = set()
    for row in range(part):
        near = np.flatnonzero(np.bitwise_count(hashes[row + 1 :] ^ hashes[row]) <= NEAR_DISTANCE)
        brute |= {(row, row + 1 + int(j)) for j in near}
    brute_seconds = (time.perf_counter() - start) * count / part
    if brute != {pair for pair in known if pair[0] < part}:
        raise SystemExit("the search and brute force differ")
    return {
        "seconds": seconds,
        "recall": recall,
        "brute_s": brute_seconds,
        "pairs": float(len(found)),
    }


def measure_whole(count: int) -> dict[str, float]:
    """Seconds and peak memory of the whole search, hashes crowded; in this process."""
    rng = np.random.default_rng(1)
    centres = np.repeat(random_hashes(count // CROWD, rng), CROWD)
    hashes = flipped(centres, 3, rng)
    coarse = rng.integers(0, 255, (count, 16, 16), dtype=np.uint8)
    columns = np.stack([hashes, random_hashes(count, rng)], axis=1)
    sketches = Sketches(columns, coarse, NoThumbnails(), np.zeros(count, np.bool_))
    start = time.perf_counter()
    found = find_near_duplicates(sketches, workers=2)
    seconds = time.perf_counter() - start
    candidates = sum(len(block) for block in near_pairs(hashes, NEAR_DISTANCE))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": seconds,
        "candidates": float(candidates),
        "peak_mb": peak,
        "found": float(len(found)),
    }


def renders(folder: Path, subjects: int) -> list[Pixels]:
    """Pictures of P1, neutral ones too."""
    synthesise_bu3dfe(
        folder / "set", subjects=subjects, seed=0, raw=False, f2d=False, texture_size=512, workers=2
    )
    config = RenderConfig(with_neutral=True)
    root = describe_root("bu3dfe", folder / "set")
    manifest = render_bu3dfe(root, folder / "p1", config, workers=2).manifest
    if manifest is None:
        raise SystemExit("the render is not whole")
    return [read_picture(manifest.root / image) for image in manifest.frame["image"]]


def measure_pictures(pictures: list[Pixels], every: int) -> tuple[dict[str, float], float, float]:
    """Recall of each alteration, the greatest difference of half of all copies, and of others."""
    sketches = [sketch_picture(picture) for picture in pictures]
    table = stack_sketches(sketches)
    recall: dict[str, float] = {}
    of_copies: list[float] = []
    print(f"{'altered copy':28} {'found':>7} {'median':>7} {'greatest':>8} {'bits':>5}")
    for name, alter in ALTERED.items():
        column = 1 if name.startswith("mirrored") else 0
        originals = range(0, len(pictures), every)
        copies = [sketch_picture(alter(pictures[i])) for i in originals]
        first = table.thumbnails[np.array(originals)]
        second = np.array([copy.thumbnail for copy in copies])
        values = picture_differences(first, second[..., ::-1] if column else second)
        bits = np.array(
            [
                int(sketches[i].hashes[0] ^ copy.hashes[column]).bit_count()
                for i, copy in zip(originals, copies, strict=True)
            ]
        )
        recall[name] = float(((values <= SAME_PICTURE) & (bits <= NEAR_DISTANCE)).mean())
        of_copies += values.tolist()
        print(
            f"{name:28} {recall[name]:>7.1%} {np.median(values):>7.3f} {values.max():>8.3f} "
            f"{bits.max():>5}"
        )
    return recall, float(np.quantile(of_copies, 0.5)), float(np.quantile(of_copies, 0.99))


def measure_others(pictures: list[Pixels]) -> dict[str, float]:
    """How near pictures come that are not copies, and how many are taken for copies."""
    table = stack_sketches([sketch_picture(picture) for picture in pictures])
    blocks = list(near_pairs(np.ascontiguousarray(table.hashes[:, 0]), NEAR_DISTANCE))
    pairs = np.concatenate(blocks)
    values = picture_differences(table.thumbnails[pairs[:, 0]], table.thumbnails[pairs[:, 1]])
    num_pairs = len(pictures) * (len(pictures) - 1) // 2
    false = len(find_near_duplicates(table, every_pair=True))
    return {
        "pictures": float(len(pictures)),
        "pairs": float(num_pairs),
        "candidates_by_hash": float(len(pairs)),
        "false_alarms": float(false),
        "false_alarms_per_million_pairs": 1e6 * false / num_pairs,
        "by_hash_alone_per_million_pairs": 1e6 * len(pairs) / num_pairs,
        "others_least": float(values.min()),
        "others_1_in_1000": float(np.quantile(values, 0.001)),
        "others_1_in_100": float(np.quantile(values, 0.01)),
        "others_median": float(np.median(values)),
    }


def in_own_process(count: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, "--whole", str(count)],
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="45,000 hashes, fewer renders")
    parser.add_argument("--whole", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.whole:
        print(json.dumps(measure_whole(arguments.whole)))
        return
    sizes = (45_000,) if arguments.quick else (45_000, 450_000)
    figures: dict[str, float] = {}
    ratios: dict[str, float] = {}
    print(
        f"{'hashes':>8} {'search s':>9} {'brute s':>8} {'recall':>7} {'crowded: pairs':>14} "
        f"{'whole s':>8} {'peak MB':>8}"
    )
    for count in sizes:
        search, whole = (
            measure_search(count),
            in_own_process(count // (3 if arguments.quick else 1)),
        )
        print(
            f"{count:>8,} {search['seconds']:>9.2f} {search['brute_s']:>8.0f} "
            f"{search['recall']:>7.1%} {whole['candidates']:>14,.0f} {whole['seconds']:>8.1f} "
            f"{whole['peak_mb']:>8.0f}"
        )
        ratios[f"brute_force_{count}"] = search["brute_s"] / search["seconds"]
        figures |= {f"search_{count}_{name}": value for name, value in search.items()}
        figures |= {f"crowded_{count}_{name}": value for name, value in whole.items()}
    with tempfile.TemporaryDirectory() as scratch:
        pictures = renders(Path(scratch), 1 if arguments.quick else 4)
    recall, middle, most = measure_pictures(pictures, 5 if arguments.quick else 4)
    figures |= {f"recall: {name}": value for name, value in recall.items()}
    figures |= {"copies_median": middle, "copies_99_in_100": most, "threshold": SAME_PICTURE}
    figures |= measure_others(pictures)
    for name in list(figures)[-13:]:
        print(f"{name}: {figures[name]:,.4g}")
    rounded = {name: round(value, 4) for name, value in figures.items()}
    print(
        json.dumps(
            {
                "benchmark": "duplicates",
                "quick": arguments.quick,
                "ratios": ratios,
                "figures": rounded,
            }
        )
    )


if __name__ == "__main__":
    main()
