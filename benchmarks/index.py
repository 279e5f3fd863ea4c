"""Rows a second and peak memory of ``fertools index affectnet`` at 45,000 and 450,000 rows.

The rows are invented, with box and 68 landmarks as the release of 2017 has them; the pictures are
hard links to a few small ones, in folders of 250. Each size is indexed by a process of its own, so
that its peak memory is its own. The yardstick is a plain loop over the same lists and files: the
``csv`` module, ``hashlib`` and Pillow's header, in one process, keeping nothing.

    python benchmarks/index.py            # 45,000 and 450,000 rows, some minutes
    python benchmarks/index.py --quick    # 3,000 and 30,000 rows
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

HEAD = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,"
    "valence,arousal"
)
IMAGES = "Manually_Annotated_compressed/Manually_Annotated_Images"
PER_FOLDER = 250
NUM_PICTURES = 8
CODES = (0, 1, 1, 0, 2, 3, 4, 5, 6, 7)

MEASURED = """
import json, resource, sys, time
from pathlib import Path
from fertools.formats.affectnet import AffectnetOptions
from fertools.formats.registry import get_dataset
from fertools.home import describe_root
from fertools.index import index_dataset

if __name__ == "__main__":
    root, out, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    start = time.perf_counter()
    summary = index_dataset(
        get_dataset("affectnet"), describe_root("affectnet", root), out, AffectnetOptions(),
        workers=workers,
    )
    seconds = time.perf_counter() - start
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table = summary.manifest.frame.memory_usage(deep=True).sum() / 2**20
    print(json.dumps({"seconds": seconds, "own_mb": own, "table_mb": table,
                      "rows": len(summary.manifest.frame)}))
"""


def make(root: Path, rows: int) -> None:
    """A folder in the layout of 2017; the last tenth of the rows is the validation list."""
    rng = np.random.default_rng(0)
    (root / IMAGES).mkdir(parents=True)
    pictures = []
    for number in range(NUM_PICTURES):
        buffer = io.BytesIO()
        pixels = rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((96, 96)).save(buffer, "JPEG")
        path = root / f"picture{number}.jpg"
        path.write_bytes(buffer.getvalue())
        pictures.append(path)
    marks = [";".join(f"{v:.2f}" for v in rng.uniform(0, 400, 136)) for _ in range(64)]
    lists = root / "Manually_Annotated_file_lists"
    lists.mkdir()
    with (lists / "training.csv").open("w") as train, (lists / "validation.csv").open("w") as val:
        train.write(HEAD + "\n")
        for number in range(rows):
            name = f"{number // PER_FOLDER}/{hashlib.sha224(str(number).encode()).hexdigest()}.jpg"
            if number % PER_FOLDER == 0:
                (root / IMAGES / str(number // PER_FOLDER)).mkdir()
            os.link(pictures[number % NUM_PICTURES], root / IMAGES / name)
            stream = val if number >= rows * 0.9 else train
            stream.write(
                f"{name},12,15,200,210,{marks[number % 64]},{CODES[number % 10]},-0.25,0.5\n"
            )


def ours(root: Path, out: Path, workers: int) -> dict[str, float]:
    """Index in a process of its own."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write(MEASURED)
        script.flush()
        command = [sys.executable, script.name, str(root), str(out), str(workers)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            watched = {"worker_mb": 0.0, "all_mb": 0.0}
            while process.poll() is None:
                own, *workers_mb = resident_mb(process.pid)
                watched["worker_mb"] = max(watched["worker_mb"], *workers_mb, 0.0)
                watched["all_mb"] = max(watched["all_mb"], own + sum(workers_mb))
                time.sleep(0.2)
            assert process.stdout is not None
            printed = process.stdout.read()
    return {**json.loads(printed.splitlines()[-1]), **watched}


def resident_mb(pid: int) -> list[float]:
    """Resident memory of a process and of its children, in MB; what has just ended counts as 0."""
    found = []
    for number in [pid, *children(pid)]:
        try:
            pages = int(Path(f"/proc/{number}/statm").read_text().split()[1])
        except (OSError, IndexError):
            pages = 0
        found.append(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
    return found


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    try:
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def plain_loop(root: Path) -> float:
    """Seconds of the yardstick."""
    start = time.perf_counter()
    for name in ("training.csv", "validation.csv"):
        with (root / "Manually_Annotated_file_lists" / name).open(newline="") as stream:
            for row in csv.reader(stream):
                if row[0] == "subDirectory_filePath":
                    continue
                np.array(row[5].split(";"), dtype=np.float32)
                data = (root / IMAGES / row[0]).read_bytes()
                hashlib.sha256(data).hexdigest()
                with Image.open(io.BytesIO(data)) as picture:
                    _ = picture.size
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="3,000 and 30,000 rows")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    sizes = (3_000, 30_000) if arguments.quick else (45_000, 450_000)
    found: dict[int, dict[str, float]] = {}
    plain: dict[int, float] = {}
    again: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for rows in sizes:
            root, out = Path(scratch) / f"set{rows}", Path(scratch) / f"out{rows}"
            make(root, rows)
            plain[rows] = plain_loop(root)
            found[rows] = ours(root, out, arguments.workers)
            again[rows] = ours(root, out, arguments.workers)
    print(f"{arguments.workers} workers; invented rows, pictures are links to {NUM_PICTURES}")
    print(
        f"{'rows':>9} {'s':>7} {'rows/s':>8} {'again s':>8} {'loop s':>7} {'x loop':>7} "
        f"{'peak MB':>8} {'worker MB':>9} {'table MB':>8}"
    )
    for rows in sizes:
        f = found[rows]
        print(
            f"{rows:>9,} {f['seconds']:>7.1f} {rows / f['seconds']:>8,.0f} "
            f"{again[rows]['seconds']:>8.1f} {plain[rows]:>7.1f} "
            f"{plain[rows] / f['seconds']:>7.2f} {f['own_mb']:>8.0f} {f['worker_mb']:>9.0f} "
            f"{f['table_mb']:>8.0f}"
        )
    small, large = (found[rows] for rows in sizes)
    figures = {
        "time_growth_for_10x_rows": large["seconds"] / small["seconds"],
        "peak_mb": large["own_mb"],
        "worker_mb": large["worker_mb"],
        "table_mb": large["table_mb"],
        "peak_growth_mb": large["own_mb"] - small["own_mb"],
        "worker_growth_mb": large["worker_mb"] - small["worker_mb"],
        "all_processes_mb": large["all_mb"],
        "table_growth_mb": large["table_mb"] - small["table_mb"],
        "rows_per_s": sizes[1] / large["seconds"],
    }
    for name, value in figures.items():
        print(f"{name}: {value:,.2f}")
    ratios = {f"loop_{rows}": plain[rows] / found[rows]["seconds"] for rows in sizes}
    print(
        json.dumps(
            {"benchmark": "index", "quick": arguments.quick, "ratios": ratios, "figures": figures}
        )
    )


if __name__ == "__main__":
    main()
