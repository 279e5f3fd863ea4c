"""Damaged scans: each is rendered or refused in one clear line, quickly and in little memory.

Valid scans (domes of several spellings, and a stand-in where its extra is installed) are changed in
many ways and go through reading and rendering in worker processes that a watchdog ends. Counted
are: rendered, refused clearly, crashed (another exception, or the death of the process), over two
seconds, over a gigabyte. The file with a number is the same in every run with the same seed.
Status 1 if anything crashed, took too long or took too much.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np
from fuzz_damage import Files, damaged, valid_scans

MAX_SECONDS = 2.0
MAX_GROWTH_MB = 1000.0
HANG_SECONDS = 20.0
QUICK_SECONDS = 30.0
STEM = "F0001_AN04WH_F3D"


@dataclass
class Result:
    """What became of one file: ``kind`` is rendered, refused or crashed."""

    number: int
    kind: str
    message: str
    seconds: float = 0.0
    growth_mb: float = 0.0


def memory_mb(name: str) -> float:
    match = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(match[1]) / 1024 if match else 0.0


def run(folder: Path) -> str:
    """Read and render the files of a folder; the message of a refusal, or nothing."""
    from fertools.errors import FertoolsError
    from fertools.formats.bu3dfe import read_landmarks, read_scan, scan_files
    from fertools.geometry import rotation_from_angles
    from fertools.render.backends import Look
    from fertools.render.camera import Camera
    from fertools.render.scene import render_scan

    files = scan_files(folder / f"{STEM}.wrl")
    rotations = [rotation_from_angles(yaw, pitch) for yaw, pitch in ((0, 0), (45, -30), (-90, 0))]
    try:
        scan = read_scan(files, missing_texture="grey")
        points = read_landmarks(files, scan)
    except FertoolsError as error:
        if not str(error).startswith(f"{folder}/"):
            raise ValueError(f"a message without the file: {error}") from error
        return str(error).partition(": ")[2]
    try:
        near = Camera(64, 220.0, distance_mm=600.0)
        ways = ((Camera(64, 220.0), Look(), None), (near, Look(light="lambert"), 0.1))
        for camera, look, margin in ways:
            shown = render_scan(
                scan, rotations, camera=camera, look=look, landmarks=points, fit_margin=margin,
                with_layers=margin is not None,
            )  # fmt: skip
            if not np.isfinite(shown.landmarks).all():
                raise ValueError("a landmark is not finite")
    except FertoolsError as error:
        return f"rendering: {error}"
    return ""


def compare_ways(wrl: Path) -> None:
    """Both ways of reading numbers must give the same bits or the same message."""
    from fertools.errors import ScanError
    from fertools.mesh import read_vrml

    def outcome(compiled: bool) -> object:
        try:
            mesh = read_vrml(wrl, compiled=compiled)
        except ScanError as error:
            return str(error)
        return [a.tobytes() for a in (mesh.vertices, mesh.faces, mesh.uvs, mesh.uv_faces)]

    if wrl.stat().st_size < 50_000 and outcome(True) != outcome(False):
        raise ValueError("the compiled and the numpy reader disagree")


def measure(folder: Path, files: Files, number: int) -> Result:
    for suffix, content in files.items():
        (folder / f"{STEM}.{suffix}").write_bytes(content)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    memory, wall, cpu = memory_mb("VmRSS"), time.perf_counter(), time.process_time()
    kind = "crashed"
    try:
        message = run(folder)
        kind = "refused" if message else "rendered"
        if "\n" in message:
            kind, message = "crashed", f"a message of several lines: {message!r}"
    except Exception:
        message = traceback.format_exc()
    seconds = max(time.perf_counter() - wall, time.process_time() - cpu)
    growth = memory_mb("VmHWM") - memory
    if kind != "crashed":
        try:
            compare_ways(folder / f"{STEM}.wrl")
        except Exception:
            kind, message = "crashed", traceback.format_exc()
    return Result(number, kind, message, seconds, growth)


def work(connection: Connection, folder: Path, scans: list[Files], seed: int) -> None:
    """Measure the files whose numbers come in, until None does."""
    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    folder.mkdir(parents=True, exist_ok=True)
    for files in scans:
        measure(folder, files, -1)  # compiles what is compiled, and fills pools
    connection.send(None)
    while (number := connection.recv()) is not None:
        files = damaged(scans, seed, number)
        result = measure(folder, files, number)
        for _ in range(2 * (result.seconds > MAX_SECONDS)):  # a busy machine is not its fault
            result = min(result, measure(folder, files, number), key=lambda r: r.seconds)
        connection.send(result)


@dataclass
class Worker:
    """A process, the number of the file it has, and since when."""

    arguments: tuple[Path, list[Files], int]
    number: int | None = None
    since: float = 0.0
    connection: Connection = field(init=False)

    def start(self) -> None:
        """Start the process, and wait until everything is compiled."""
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, *self.arguments), daemon=True)
        self.process.start()
        theirs.close()
        self.connection.recv()

    def give(self, number: int | None) -> None:
        """Hand over the number of the next file, or None for the end."""
        self.number, self.since = number, time.monotonic()
        with suppress(BrokenPipeError):
            self.connection.send(number)

    def replace(self, why: str) -> Result:
        """End a process that died or hangs, and start another."""
        self.process.kill()
        self.process.join()
        result = Result(self.number or 0, "crashed", why, time.monotonic() - self.since)
        self.start()
        return result


def results(workers: list[Worker], numbers: Iterator[int], until: float) -> Iterator[Result]:
    """What became of the files, as it comes."""

    def more(worker: Worker) -> None:
        worker.give(next(numbers, None) if time.monotonic() < until else None)

    for worker in workers:
        worker.start()
        more(worker)
    while busy := [worker for worker in workers if worker.number is not None]:
        ready = wait([worker.connection for worker in busy], timeout=1.0)
        for worker in busy:
            if worker.connection in ready:
                try:
                    yield worker.connection.recv()
                except (EOFError, ConnectionResetError):
                    worker.process.join()
                    yield worker.replace(f"the process died, status {worker.process.exitcode}")
            elif time.monotonic() - worker.since > HANG_SECONDS:
                yield worker.replace(f"no answer within {HANG_SECONDS:.0f} s")
            else:
                continue
            more(worker)


def kind_of(result: Result) -> str:
    """A refusal's message without what differs from file to file."""
    text = re.sub(r"(['\"]).*?\1(?=[ ,:)]|$)", "…", result.message.partition("; ")[0])
    text = re.sub(r"\([^)]*\)|/\S+", "…", text)
    return re.sub(r"[-+]?\d[\d.,e+]*", "N", text)[:70]


@dataclass
class Tally:
    """Counts over all files."""

    kinds: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    slow: int = 0
    big: int = 0
    slowest: float = 0.0
    largest: float = 0.0

    def add(self, result: Result) -> bool:
        """Count a file; whether there is something wrong with what became of it."""
        self.kinds[result.kind] += 1
        if result.kind == "refused":
            self.refusals[kind_of(result)] += 1
        is_slow, is_big = result.seconds > MAX_SECONDS, result.growth_mb > MAX_GROWTH_MB
        self.slow += is_slow
        self.big += is_big
        self.slowest = max(self.slowest, result.seconds)
        self.largest = max(self.largest, result.growth_mb)
        return result.kind == "crashed" or is_slow or is_big

    def show(self) -> None:
        """Print the table."""
        for name, number in self.refusals.most_common():
            print(f"{number:7d}  {name}")
        rows = {kind: self.kinds[kind] for kind in ("rendered", "refused", "crashed")}
        rows |= {f"over {MAX_SECONDS:g} s": self.slow, f"over {MAX_GROWTH_MB:g} MB": self.big}
        for name, number in rows.items():
            print(f"{name:<14} {number:7d}")
        print(f"slowest {self.slowest:.3f} s, largest growth {self.largest:.0f} MB")


def keep(folder: Path | None, files: Files, result: Result) -> None:
    """Save what shows a fault, and say so."""
    print(f"file {result.number}: {result.kind}, {result.seconds:.2f} s, {result.growth_mb:.0f} MB")
    print(result.message.rstrip())
    if folder is not None:
        place = folder / str(result.number)
        place.mkdir(parents=True, exist_ok=True)
        for suffix, content in files.items():
            (place / f"{STEM}.{suffix}").write_bytes(content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="as many as half a minute allows")
    parser.add_argument("--keep", type=Path, help="folder for the files that show a fault")
    options = parser.parse_args()
    tally, begin = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        scans = valid_scans(Path(scratch), options.seed)
        workers = [
            Worker((Path(scratch) / str(n) / "F0001", scans, options.seed))
            for n in range(options.workers)
        ]
        until = begin + QUICK_SECONDS if options.quick else float("inf")
        for result in results(workers, iter(range(options.count)), until):
            if tally.add(result):
                keep(options.keep, damaged(scans, options.seed, result.number), result)
    tally.show()
    figures = {
        "num_files": sum(tally.kinds.values()),
        "num_valid_scans": len(scans),
        **{kind: tally.kinds[kind] for kind in ("rendered", "refused", "crashed")},
        "kinds_of_refusal": len(tally.refusals),
        "slow": tally.slow,
        "big": tally.big,
        "slowest_s": round(tally.slowest, 3),
        "largest_growth_mb": round(tally.largest, 1),
        "seconds": round(time.monotonic() - begin, 1),
    }
    print(
        json.dumps(
            {"benchmark": "fuzz_scans", "quick": options.quick, "ratios": {}, "figures": figures}
        )
    )
    sys.exit(1 if tally.kinds["crashed"] or tally.slow or tally.big else 0)


if __name__ == "__main__":
    main()
