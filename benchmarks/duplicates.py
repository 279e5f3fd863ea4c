"""How fast near hashes are found, and that none is missed.

Random hashes with planted pairs that differ in 0 to 8 bits, against brute force (numpy) on a part
of the rows; and crowded hashes, where every picture has about twenty neighbours, as in sets taken
with one camera. The whole search runs in a process of its own for its peak memory. What is found
of altered pictures, and what is taken for them, measures benchmarks/leaks.py.

    python benchmarks/duplicates.py            # 45,000 and 450,000 hashes
    python benchmarks/duplicates.py --quick    # 45,000 hashes
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from fertools.duplicates import (
    NEAR_DISTANCE,
    THUMBNAIL_SIZE,
    Sketches,
    find_near_duplicates,
    near_pairs,
)

Pixels = npt.NDArray[np.uint8]
HashArray = npt.NDArray[np.uint64]

PLANTED = 1000
CROWD = 20


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
    parser.add_argument("--quick", action="store_true", help="45,000 hashes")
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
