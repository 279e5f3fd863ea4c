"""How much memory one worker of the renderer takes at most, over a thousand scans."""

from __future__ import annotations

import multiprocessing
import re
import shutil
import tempfile
from itertools import cycle, islice
from pathlib import Path

from render_stages import do_whole_job

from fertools.formats.bu3dfe import find_scans
from fertools.render.views import P1

EARLY = 100


def measure_memory(root: Path, num_scans: int) -> dict[str, float]:
    """Peak memory of a fresh process after 100 scans and after all of them, in MB.

    The process does what a worker of ``fertools render-bu3dfe`` does, by the product's own
    function, with the scans of a folder again and again.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_render_many, args=(there, root, num_scans))
    process.start()
    there.close()
    peaks: dict[str, float] = here.recv()
    process.join()
    return peaks


def peak_mb() -> float:
    """The highest memory that this process has had, by the kernel's account."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    match = re.search(r"VmHWM:\s*(\d+) kB", status)
    assert match is not None
    return int(match[1]) / 1000


def _render_many(pipe: multiprocessing.connection.Connection, root: Path, num_scans: int) -> None:
    """Render, note the peaks, send them."""
    scans = find_scans(root).scans
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, files in enumerate(islice(cycle(scans), num_scans), start=1):
            out = Path(folder) / str(number // len(scans))  # what is there is not done again
            if not out.exists():
                shutil.rmtree(Path(folder) / str(number // len(scans) - 1), ignore_errors=True)
            do_whole_job(files, P1, out)
            if number in (EARLY, num_scans):
                peaks[f"after {number} scans"] = peak_mb()
    pipe.send(peaks)
