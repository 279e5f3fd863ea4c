"""The processes of ``render.py``: started once, each on its own core, told what to draw."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from fertools.formats.bu3dfe import scan_files
from fertools.render.views import P1, P2, Turning

Side = Literal["ours", "whole job", "pyrender", "encoding alone"]

SIZE = 224
WINDOW_MM = 220.0
_ENVIRONMENT = {"PYOPENGL_PLATFORM": "egl", "LP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Job:
    """What one process is to do: whose way, for which scans and views, with which encoder."""

    side: Side
    wrls: tuple[Path, ...]
    num_views: int
    encoder: str = ""


@dataclass(frozen=True)
class Done:
    """Pictures made, processor seconds used, and the seconds of each stage."""

    num_pictures: int
    cpu_seconds: float
    stages: dict[str, float] = field(default_factory=dict)


class Workers:
    """One process a core for one side.

    Args:
        side: ``ours`` or ``pyrender``.
        cores: Where they run.
    """

    def __init__(self, side: Side, cores: list[int]) -> None:
        os.environ.update(_ENVIRONMENT)
        context = multiprocessing.get_context("spawn")
        self.pipes: list[Connection] = []
        self.processes = []
        for core in cores:
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there, side, core), daemon=True)
            process.start()
            self.pipes.append(here)
            self.processes.append(process)

    def do(self, jobs: list[Job]) -> tuple[float, list[Done]]:
        """Have as many processes as there are jobs do one each; the seconds until all are done."""
        start = time.perf_counter()
        for pipe, job in zip(self.pipes, jobs, strict=False):
            pipe.send(job)
        done = [pipe.recv() for pipe, _ in zip(self.pipes, jobs, strict=False)]
        return time.perf_counter() - start, done

    def stop(self) -> None:
        """End the processes."""
        for pipe, process in zip(self.pipes, self.processes, strict=True):
            pipe.send(None)
            process.join()


def _serve(pipe: Connection, side: Side, core: int) -> None:
    """Do jobs until told to stop."""
    from render_pyrender import PyrenderPipeline
    from render_stages import Clock, OurPipeline, do_whole_job

    os.sched_setaffinity(0, {core})
    sets = {view_set.num_views: view_set for view_set in (P1, P2)}
    rotations = {n: [Turning().rotation(v) for v in some.views("")] for n, some in sets.items()}
    clock = Clock()
    make = OurPipeline if side == "ours" else PyrenderPipeline
    pipeline = make(clock, size=SIZE, window_mm=WINDOW_MM)
    folder = Path(tempfile.mkdtemp())
    while (job := pipe.recv()) is not None:
        out = Path(tempfile.mkdtemp(dir=folder))  # replacing a file costs more than making one
        clock.seconds.clear()
        start = time.process_time()
        for wrl in job.wrls:
            if isinstance(pipeline, PyrenderPipeline):
                pipeline.run(wrl, rotations[job.num_views], out, job.encoder)
            elif job.side == "ours":
                pipeline.run(wrl, rotations[job.num_views], out)
            elif job.side == "whole job":
                do_whole_job(scan_files(wrl), sets[job.num_views], out)
            else:
                pipeline.encode(wrl, rotations[job.num_views])
        used = time.process_time() - start
        pipe.send(Done(len(job.wrls) * job.num_views, used, dict(clock.seconds)))
    shutil.rmtree(folder)
