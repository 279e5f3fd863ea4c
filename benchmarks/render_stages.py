"""Our side of ``render.py``: the product's own functions, each stage timed in its place."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fertools.formats import bu3dfe
from fertools.jobs import write_bytes_soon
from fertools.render import scene, software
from fertools.render.camera import Camera
from fertools.render.pictures import encode_picture
from fertools.render.recipe import RenderConfig
from fertools.render.scan_job import ScanTask, render_one_scan
from fertools.render.views import ViewSet

# where the product looks each function up, and the stage that its time counts for
_STAGES = (
    (bu3dfe, "read_vrml", "read wrl"),
    (bu3dfe, "read_texture", "read bmp"),
    (bu3dfe, "read_landmarks", "landmarks"),
    (scene, "project_landmarks", "landmarks"),
    (software, "rasterise", "raster"),
    (software, "shade", "shade"),
)


class Clock:
    """Seconds a stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block."""
        start = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - start

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, timed."""

        def call(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return function(*args, **kwargs)

        return call


def encode_ours(picture: npt.NDArray[np.uint8]) -> bytes:
    """PNG as the product makes it."""
    return encode_picture(picture)


def do_whole_job(files: bu3dfe.ScanFiles, view_set: ViewSet, out: Path) -> None:
    """What a worker of ``fertools render-bu3dfe`` does, digests and record included."""
    for name in ("records", f"images/{files.subject_id}"):
        (out / name).mkdir(parents=True, exist_ok=True)
    root = files.wrl.parents[1]
    render_one_scan(ScanTask(files, root, out, RenderConfig(views=view_set), "ground_truth"))


class OurPipeline:
    """Draws scans and writes their pictures by the product's functions.

    Args:
        clock: Adds up what each stage takes.
        size: Width and height of a picture.
        window_mm: What it spans.
    """

    def __init__(self, clock: Clock, *, size: int, window_mm: float) -> None:
        cv2.setNumThreads(1)
        self.clock = clock
        self.camera = Camera(size, window_mm)
        self.kept: dict[tuple[Path, int], npt.NDArray[np.uint8]] = {}
        for module, name, stage in _STAGES:
            setattr(module, name, clock.timed(stage, getattr(module, name)))

    def draw(
        self, wrl: Path, rotations: Sequence[npt.NDArray[np.float64]]
    ) -> npt.NDArray[np.uint8]:
        """The pictures of a scan; its landmarks are projected along with them."""
        files = bu3dfe.scan_files(wrl)
        scan = bu3dfe.read_scan(files)
        points = bu3dfe.read_landmarks(files, scan)
        return scene.render_scan(scan, rotations, camera=self.camera, landmarks=points).pictures

    def run(self, wrl: Path, rotations: Sequence[npt.NDArray[np.float64]], out: Path) -> None:
        """Draw the views of a scan and write them as PNG."""
        for number, picture in enumerate(self.draw(wrl, rotations)):
            with self.clock.stage("encode"):
                data = encode_ours(picture)
            with self.clock.stage("write"):
                write_bytes_soon(out / f"{wrl.stem}_{number}.png", data)

    def encode(self, wrl: Path, rotations: Sequence[npt.NDArray[np.float64]]) -> None:
        """Only encode the pictures of a scan; they are drawn when first asked for."""
        key = (wrl, len(rotations))
        if key not in self.kept:
            self.kept[key] = self.draw(wrl, rotations)
        for picture in self.kept[key]:
            encode_ours(picture)
