"""``fertools align`` against a plain loop over facenet-pytorch's MTCNN, on the same pictures.

The pictures are portraits of stand-ins in front of patterns, JPEG: 1024 x 1024 with heads of many
sizes, and 100 x 100 filled by the head; with ``--photos DIR`` also all photographs below a folder.
Both sides decode, look for faces of the same smallest size, cut the largest out at 224 x 224 and
write a PNG. Ours is what a worker process of ``fertools align`` does, with digests and records, on
one thread; the loop is ``MTCNN(image, save_path)`` on Pillow's pictures. Both are warm: starting
Python and torch is not counted. First one process against a loop on one thread, then as many
processes as processors against a loop on all threads that torch takes.

``same faces``: of the faces that the loop finds, all of them in every picture, how many are found
by ours with no edge of the box off by more than 5 % of its side.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from align_pictures import make_pictures

from fertools.align.chunk_job import ChunkTask, SourceRow, align_chunk
from fertools.align.mtcnn import load_mtcnn
from fertools.align.recipe import AlignConfig
from fertools.align.records import read_record
from fertools.align.scales import ScaledPicture, pick_ratio

os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as our commands do, for both sides

SIDE = 224
NEAR = 0.05
AT_ONCE = 64  # pictures of a task, as fertools.align.job has it


@dataclass(frozen=True)
class Case:
    """Some pictures, and the smallest face that is looked for in them.

    Attributes:
        name: Stands in the tables.
        folder: Of the pictures.
        min_face: In pixels.
        with_defaults: Whether the loop is also run with its defaults: faces from 20 pixels.
    """

    name: str
    folder: Path
    min_face: int
    with_defaults: bool = False

    @property
    def paths(self) -> list[Path]:
        """The pictures."""
        return sorted(self.folder.rglob("*.jpg"))


class Ours:
    """Worker processes, started once."""

    def __init__(self, num_processes: int) -> None:
        self.num_processes = num_processes
        self._pool = ProcessPoolExecutor(num_processes, mp_context=get_context("spawn"))

    def align(self, case: Case, rows: list[SourceRow], out: Path) -> float:
        """Seconds for all pictures."""
        share = -(-len(rows) // self.num_processes)
        step = min(AT_ONCE, share)
        (out / "records").mkdir(parents=True, exist_ok=True)
        tasks = [
            ChunkTask(
                number=start // step,
                rows=tuple(rows[start : start + step]),
                root=case.folder,
                out=out,
                config=AlignConfig(min_face_size=case.min_face),
            )
            for start in range(0, len(rows), step)
        ]
        start_time = time.perf_counter()
        list(self._pool.map(align_chunk, tasks))
        return time.perf_counter() - start_time

    def stop(self) -> None:
        """End the processes."""
        self._pool.shutdown()


def run_loop(case: Case, out: Path, *, threads: int, min_face: int | None) -> float:
    """Seconds of the plain loop for all pictures; ``min_face`` None has the loop's default, 20."""
    import torch
    from facenet_pytorch import MTCNN
    from PIL import Image

    torch.set_num_threads(threads)
    given = {} if min_face is None else {"min_face_size": min_face}
    detector = MTCNN(image_size=SIDE, post_process=False, **given)
    start_time = time.perf_counter()
    for number, path in enumerate(case.paths):
        detector(Image.open(path).convert("RGB"), save_path=str(out / f"{number}.png"))
    return time.perf_counter() - start_time


def compare(case: Case) -> tuple[int, int, int, int]:
    """Faces of the loop, those of them found by ours within 5 %, or at all, and ours alone."""
    from facenet_pytorch import MTCNN
    from PIL import Image

    config = AlignConfig()
    detector = MTCNN(min_face_size=case.min_face, keep_all=True)
    ratio = pick_ratio(48 / case.min_face)  # as an alignment decodes them
    num_faces = num_near = num_found = num_extra = 0
    for path in case.paths:
        picture = ScaledPicture.open(path, path.read_bytes())
        found = detector.detect(Image.open(path).convert("RGB"))[0]
        # its boxes are first and last pixel, counted from 1
        theirs = [] if found is None else [np.array(b, float) - [1, 1, 0, 0] for b in found]
        faces = load_mtcnn(config.thresholds).detect([picture.at(ratio)], [case.min_face / ratio])[
            0
        ]
        ours = [np.array(face.box) * ratio for face in faces]
        num_faces += len(theirs)
        num_extra += max(0, len(ours) - len(theirs))
        for box in theirs:
            side = max(box[2] - box[0], box[3] - box[1])
            off = min((float(np.abs(other - box).max() / side) for other in ours), default=9.0)
            num_near += off <= NEAR
            num_found += off <= 0.5
    return num_faces, num_near, num_found, num_extra


def measure(
    cases: list[Case], *, rounds: int, processes: list[int]
) -> dict[tuple[str, str, int], float]:
    """Pictures a second, medians, by case, side and processors."""
    rates: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    workers = {number: Ours(number) for number in processes}
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary)
        rows = {case.name: source_rows(case) for case in cases}
        for case in cases:
            few = replace(case, name="warm-up")
            for number, ours in workers.items():
                ours.align(few, rows[case.name][: 4 * number], out / "warm-up")
        for _ in range(rounds):
            for case in cases:
                count = len(rows[case.name])
                for number, ours in workers.items():
                    seconds = ours.align(case, rows[case.name], out / f"{case.name}-{number}")
                    rates[case.name, "ours", number].append(count / seconds)
                    sides: list[tuple[str, int | None]] = [("loop", case.min_face)]
                    if case.with_defaults:
                        sides.append(("loop, its defaults", None))
                    for side, min_face in sides:
                        seconds = run_loop(case, out, threads=number, min_face=min_face)
                        rates[case.name, side, number].append(count / seconds)
        for case in cases:
            check_records(out / f"{case.name}-{processes[0]}", len(rows[case.name]))
    for ours in workers.values():
        ours.stop()
    return {key: statistics.median(values) for key, values in rates.items()}


def source_rows(case: Case) -> list[SourceRow]:
    """All pictures of a case, with their digests, which are compared as in earnest."""
    return [
        SourceRow(
            path.relative_to(case.folder).with_suffix("").as_posix(),
            path.relative_to(case.folder).as_posix(),
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in case.paths
    ]


def check_records(out: Path, count: int) -> None:
    """Whether what was timed was done."""
    numbers = range(len(list((out / "records").glob("*.json"))))
    records = [record for n in numbers if (record := read_record(out, n)) is not None]
    done = sum((out / row["image"]).is_file() for record in records for row in record.rows)
    if done != count:
        raise SystemExit(f"{done} of {count} pictures were aligned")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer pictures, one round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of a full run")
    parser.add_argument("--count", type=int, default=48, help="pictures of a full run")
    parser.add_argument("--pictures", type=Path, help="folder to take them from or leave them in")
    parser.add_argument("--photos", type=Path, help="folder of photographs to measure as well")
    options = parser.parse_args()
    ratios: dict[str, float] = {}
    figures: dict[str, float] = {}
    cores = len(os.sched_getaffinity(0))
    processes = [1] if options.quick or cores < 2 else [1, cores]
    with tempfile.TemporaryDirectory() as temporary:
        root = (options.pictures or Path(temporary)).resolve()
        make_pictures(root, 12 if options.quick else options.count)
        cases = [
            Case("1024 px, faces from 60", root / "1024", 60, with_defaults=True),
            Case("100 px, faces from 20", root / "100", 20),
        ]
        if not options.quick:
            cases.append(Case("1024 px, faces from 120", root / "1024", 120))
        if options.photos is not None:
            cases.append(Case("photographs, faces from 84", options.photos.resolve(), 84))
        rates = measure(
            cases,
            rounds=1 if options.quick else options.rounds,
            processes=processes,
        )
        print("\nPictures a second, medians; x: ours to the loop\n")
        print(f"{'':32} {'ours':>8} {'loop':>8} {'x':>6} {'its defaults':>14} {'x':>6}")
        for case in cases:
            for number in processes:
                ours = rates[case.name, "ours", number]
                who = f"{case.name}, {number}:{number}"
                line = f"{who:32} {ours:8.1f}"
                figures[f"{who}, ours, pictures/s"] = round(ours, 1)
                for side in ("loop", "loop, its defaults"):
                    rate = rates.get((case.name, side, number))
                    if rate is not None:
                        ratios[f"{who}, to the {side}"] = round(ours / rate, 2)
                        figures[f"{who}, {side}, pictures/s"] = round(rate, 1)
                        line += f" {rate:{8 if side == 'loop' else 14}.1f} {ours / rate:6.2f}"
                print(line)
        print(f"\nSame faces (no edge off by more than {NEAR:.0%} of the side)\n")
        for case in cases:
            num_faces, num_near, num_found, num_extra = compare(case)
            print(
                f"{case.name:28} {num_near} of {num_faces} ({num_near / max(1, num_faces):.1%}); "
                f"found at all {num_found}; found by ours alone {num_extra}"
            )
            figures[f"{case.name}, faces of the loop"] = num_faces
            ratios[f"{case.name}, same faces"] = round(num_near / max(1, num_faces), 4)
            figures[f"{case.name}, found by ours alone"] = num_extra
    print(
        json.dumps(
            {"benchmark": "align", "quick": options.quick, "ratios": ratios, "figures": figures}
        )
    )


if __name__ == "__main__":
    main()
