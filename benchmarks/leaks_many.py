"""The leak gate on 450,000 samples whose pictures were read before: seconds and peak memory.

`fertools protocols check` is started as a user would, with a lock of AffectNet's shape: 444,500
samples to train on, 5,500 to test, no subjects. What `fertools verify` or an earlier check keeps of
the pictures is made here instead, in its form: sketches of faces that are drawn from those of open
stand-ins (SYNTHETIC). Each is one stand-in's thumbnail, mirrored or not, bent by a smooth random
field of 2 pixels, mixed with 30 to 50 % of another one, in other tones and with noise. So the
hashes of any two are as near as those of other stand-ins or nearer, which costs time. The second
half of the training samples are the mirror images of the first, which is quickly drawn and no leak:
both are trained on. 60 altered copies and 20 identical files are planted. The picture files are
empty, since the gate only looks at their size and times.

    python benchmarks/leaks_many.py SCRATCH                # about 3 GB in SCRATCH, made once
    python benchmarks/leaks_many.py SCRATCH --quick        # 45,000 samples

SCRATCH is a data home that has derived/affectnet and derived/rafdb of stand-ins, as
benchmarks/leaks.py makes them. Stopped and started again, drawing goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import yaml
from scipy.fft import dctn

from fertools.duplicates import (
    FLAT_BELOW,
    VARIANTS,
    altered,
    coarse_pictures,
    hash_windows,
    sketch_picture,
)
from fertools.duplicates.windows import mirrored_words
from fertools.manifest import read_manifest, write_manifest
from fertools.pictures import read_picture
from fertools.verify.stored import CHUNK, SKETCH, ReadFiles, schema_of, write_chunk

Pixels = npt.NDArray[np.uint8]
Cells = dict[str, npt.NDArray[Any]]

SETS = ("affectnet", "rafdb")
COUNT, TESTED = 450_000, 5_500
COPIES, SAME = 60, 20  # planted: the last tested samples
CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
PROTOCOL = {
    "name": "many",
    "version": 1,
    "title": "Many samples",
    "reference": "none",
    "task": "expression",
    "classes": list(CLASSES),
    "split": {
        "method": "parts",
        "train": {"dataset": "affectnet", "derived": "many", "where": {"split": ["train"]}},
        "test": {"dataset": "affectnet", "derived": "many", "where": {"split": ["val"]}},
    },
    "metrics": ["accuracy"],
    "primary_metric": "accuracy",
}


@dataclass(frozen=True)
class Task:
    """A chunk of pictures to draw: its number, how many there are, where, whose manifest."""

    number: int
    count: int
    folder: Path
    digest: str

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return self.folder / "verify" / f"{self.number:06d}.arrow"

    @property
    def numbers(self) -> range:
        """Its samples."""
        return range(self.number * CHUNK, min((self.number + 1) * CHUNK, self.count))

    @property
    def twin(self) -> Task:
        """The chunk that it is the mirror image of; itself, if of none."""
        half = (self.count - TESTED) // CHUNK // 2
        return replace(self, number=self.number - half * (half <= self.number < 2 * half))


def bases(home: Path) -> Pixels:
    """Thumbnails of the stand-ins' pictures, shape ``(N, 64, 64)``."""
    found = []
    for name in SETS:
        if not (home / "derived" / name).is_dir():
            continue
        manifest = read_manifest(home / "derived" / name)
        if not manifest.info.synthetic:
            raise SystemExit(f"{name}: not a stand-in")
        pictures = (read_picture(manifest.root / image) for image in manifest.frame["image"])
        sketches = (sketch_picture(picture) for picture in pictures)
        found.append(np.array([sketch.thumbnail for sketch in sketches]))
        print(f"{name}: {len(found[-1])} thumbnails (synthetic)", flush=True)
    if not found:
        raise SystemExit(f"{home}: has none of {', '.join(SETS)}; see benchmarks/leaks.py")
    return np.concatenate(found)


def bent(picture: Pixels, rng: np.random.Generator, strength: float) -> Pixels:
    """A thumbnail under a smooth random field, of so many pixels on average."""
    field = rng.normal(0, strength, (4, 4, 2)).astype(np.float32)
    grid = np.indices(picture.shape, np.float32)[::-1].transpose(1, 2, 0)
    places = grid + cv2.resize(field, picture.shape, interpolation=cv2.INTER_CUBIC)
    x, y = places[..., 0], places[..., 1]
    return np.asarray(
        cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def draw(number: int, faces: Pixels) -> npt.NDArray[np.float64]:
    """A sample's thumbnail before it is rounded."""
    rng = np.random.default_rng([1, number])
    first, second = faces[rng.integers(len(faces), size=2)]
    share = rng.uniform(0.3, 0.5)
    face = bent(first[:, ::-1] if rng.random() < 0.5 else first, rng, 2.0)
    mixed = (1 - share) * face + share * second
    toned = 255 * (mixed / 255) ** rng.uniform(0.8, 1.25)
    return np.asarray(toned + rng.normal(0, 1.0, toned.shape), np.float64)


def thumbnail_of(number: int, count: int, faces: Pixels) -> Pixels:
    """As it is kept; the last samples are altered copies of the first ones."""
    last = count - 1 - number
    if last >= COPIES:
        picture = draw(number, faces)
    else:  # mirrored, darker, with the noise of another encoding
        noise = np.random.default_rng([2, number]).normal(0, 1.0, faces.shape[1:])
        picture = 0.85 * draw(source_of(last), faces)[:, ::-1] + noise
    return np.asarray(np.clip(picture.round(), 0, 255), np.uint8)


def source_of(last: int) -> int:
    """The training sample that a planted one, counted from the end, is a copy of."""
    return last * 100


def perceptual_hashes(thumbnails: Pixels) -> npt.NDArray[np.uint64]:
    """As imagehash's phash does it, many at once and with means for its resampling; ``(N, 2)``."""
    columns = []
    for name in VARIANTS:
        half = altered(thumbnails, name).reshape(-1, 32, 2, 32, 2).mean(axis=(2, 4))
        lowest = dctn(half, axes=(1, 2))[:, :8, :8].reshape(-1, 64)
        bits = lowest > np.median(lowest, axis=1, keepdims=True)
        columns.append(np.packbits(bits, axis=1).view(">u8")[:, 0].astype(np.uint64))
    return np.stack(columns, axis=1)


def image_of(number: int) -> str:
    """Where a sample's picture lies, a thousand in a folder."""
    return f"images/{number // 1000:03d}/{number:06d}.png"


def digest_of(number: int, count: int) -> str:
    """SHA-256 of a sample's file, as the manifest says it."""
    last = count - 1 - number
    is_same = COPIES <= last < COPIES + SAME
    return f"{source_of(last) if is_same else number:064x}"


def drawn(task: Task, faces: Pixels) -> Cells:
    """The sketches of a chunk."""
    thumbnails = np.array([thumbnail_of(number, task.count, faces) for number in task.numbers])
    windows = hash_windows(thumbnails)
    return {
        "hashes": perceptual_hashes(thumbnails),
        "coarse": coarse_pictures(thumbnails),
        "inner": windows.inner,
        "outer": windows.outer,
        "unsure": windows.unsure,
        "thumbnail": thumbnails,
    }


def mirrored(task: Task) -> Cells:
    """The sketches of another chunk's mirror images."""
    numbers = np.arange(len(task.numbers))
    sketches = ReadFiles(pa.table({"is_flat": numbers > len(numbers)}), (task.path,), 0).sketches(
        numbers
    )
    if sketches.windows is None:
        raise SystemExit(f"{task.path}: has no windows")
    windows = sketches.windows
    inner, outer, unsure = (w[numbers] for w in (windows.inner, windows.outer, windows.unsure))
    outer, turned = mirrored_words(outer, unsure)
    return {
        "hashes": sketches.hashes[:, ::-1],
        "coarse": sketches.coarse[..., ::-1],
        "inner": mirrored_words(inner, unsure)[0],
        "outer": outer,
        "unsure": turned,
        "thumbnail": sketches.thumbnails[numbers][..., ::-1],
    }


def write_sketches(task: Task, faces: Pixels) -> None:
    """Make and write a chunk, unless it is there."""
    if task.path.exists():
        return
    cells = drawn(task, faces) if task.twin == task else mirrored(task.twin)
    numbers, thumbnails = task.numbers, cells["thumbnail"]
    schema = schema_of(task.digest)
    stats = [(task.folder / image_of(number)).stat() for number in numbers]
    size = len(numbers)
    columns: dict[str, Any] = {
        "image": [image_of(number) for number in numbers],
        "mtime_ns": [status.st_mtime_ns for status in stats],
        "ctime_ns": [status.st_ctime_ns for status in stats],
        "missing": [False] * size,
        "error": [None] * size,
        "num_bytes": [0] * size,
        "sha256": [digest_of(number, task.count) for number in numbers],
        "width": [224] * size,
        "height": [224] * size,
        "is_flat": (thumbnails.std(axis=(1, 2)) < FLAT_BELOW).tolist(),
    }
    arrays = [pa.array(values, schema.field(name).type) for name, values in columns.items()]
    for name in SKETCH:
        buffers = [None, pa.py_buffer(np.ascontiguousarray(cells[name]).tobytes())]
        arrays.append(pa.Array.from_buffers(schema.field(name).type, size, buffers))
    write_chunk(task.path, pa.Table.from_arrays(arrays, schema=schema))


def make(home: Path, count: int, workers: int) -> Path:
    """Everything that a check reads; the folder."""
    folder = home / f"many-{count}"
    (folder / "verify").mkdir(parents=True, exist_ok=True)
    if not (folder / image_of(count - 1)).exists():  # they are made in order
        for number in range(count):
            path = folder / image_of(number)
            if number % 1000 == 0:
                path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    frame = pd.DataFrame(
        {
            "sample_id": [f"{number:06d}" for number in range(count)],
            "image": [image_of(number) for number in range(count)],
            "dataset": "affectnet",
            "expression": [CLASSES[number % len(CLASSES)] for number in range(count)],
            "split": ["train"] * (count - TESTED) + ["val"] * TESTED,
            "width": 224,
            "height": 224,
            "sha256": [digest_of(number, count) for number in range(count)],
        }
    )
    manifest = write_manifest(
        folder / "manifest.parquet", frame, dataset="affectnet", synthetic=True, config={}
    )
    (folder / "many.yaml").write_text(yaml.safe_dump(PROTOCOL))
    chunks = range(-(-count // CHUNK))
    tasks = [Task(number, count, folder, manifest.info.digest) for number in chunks]
    if not all(task.path.exists() for task in tasks):
        faces = bases(home)
        start = time.perf_counter()
        with ProcessPoolExecutor(workers) as pool:
            for is_twin in (False, True):
                some = [task for task in tasks if (task.twin != task) == is_twin]
                list(pool.map(partial(write_sketches, faces=faces), some, chunksize=8))
        print(f"sketches: {count:,} drawn in {time.perf_counter() - start:.0f} s", flush=True)
    return folder


def run(*arguments: str) -> tuple[float, float, float, str]:
    """Seconds, processors' seconds, peak MB and output of a fertools command."""
    command = [Path(sys.executable).parent / "fertools", *arguments]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{done.stderr[-2000:]}\nended with status {done.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, busy, after.ru_maxrss / 1024, done.stdout


def figures_of(folder: Path, count: int) -> dict[str, float]:
    """What a check listed: how many of the planted, and how many others."""
    table = pd.read_csv(folder / "many.leaks.csv", dtype=str)
    record = json.loads((folder / "many.leaks.json").read_text())
    last = count - 1 - table["test"].astype(int)
    is_copy = (table["kind"] == "near-duplicate") & (last < COPIES)
    is_same = (table["kind"] == "file") & (last >= COPIES) & (last < COPIES + SAME)
    half = (count - TESTED) // CHUNK // 2 * CHUNK
    right = table["train"].astype(int).mod(half) == last.map(source_of)  # the source or its twin
    return {
        "copies_found": int((is_copy & right).sum()),
        "files_found": int((is_same & right).sum()),
        "others_found": int((~(is_copy | is_same) | ~right).sum()),
        "pairs": record["near"]["num_pairs"],
    }


def main() -> None:
    """Make, lock, check, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scratch", type=Path, help="a data home with stand-ins")
    parser.add_argument("--quick", action="store_true", help="45,000 samples")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    count = COUNT // (10 if arguments.quick else 1)
    folder = make(arguments.scratch, count, arguments.workers)
    lock, protocol = folder / "many.lock.json", str(folder / "many.yaml")
    data = [f"--data={role}={folder}" for role in ("train", "test")]
    seconds, busy, peak, _ = run("protocols", "lock", protocol, *data, "--out", str(lock))
    print(f"{count:,} samples; lock: {seconds:.1f} s ({busy:.1f} s of processors), {peak:,.0f} MB")
    check = ("protocols", "check", str(lock), *data, "--protocol", protocol, "--workers")
    figures: dict[str, float] = {"samples": count, "copies": COPIES, "files": SAME}
    for workers in dict.fromkeys((arguments.workers, 1)):
        (folder / "many.leaks.json").unlink()
        seconds, busy, peak, output = run(*check, str(workers))
        figures |= {f"seconds_{workers}": round(seconds, 1), f"busy_{workers}": round(busy, 1)}
        figures |= {f"peak_mb_{workers}": round(peak)}
        figures |= figures_of(folder, count)
        print(output.rstrip())
        print(
            f"check, workers: {workers}: {seconds:.1f} s ({busy:.1f} s of processors), peak "
            f"{peak:,.0f} MB",
            flush=True,
        )
    seconds, busy, _, _ = run(*check, "1")
    figures["seconds_again"] = round(seconds, 1)
    print(f"checked again, nothing new: {seconds:.1f} s ({busy:.1f} s of processors)")
    found = {"benchmark": "leaks_many", "quick": arguments.quick, "ratios": {}, "figures": figures}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
