"""Pictures for the benchmark of alignment: portraits of stand-ins in front of patterns."""

from __future__ import annotations

import io
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np


def make_pictures(root: Path, count: int) -> None:
    """Portraits of ``count`` stand-ins in two sizes, by all processors; what is there stays."""
    for name in ("1024", "100"):
        (root / name).mkdir(parents=True, exist_ok=True)
    missing = [number for number in range(count) if not picture_path(root, "100", number).exists()]
    num_processes = len(os.sched_getaffinity(0))
    parts = [(root, missing[start::num_processes]) for start in range(num_processes)]
    with ProcessPoolExecutor(num_processes, mp_context=get_context("spawn")) as pool:
        list(pool.map(draw_portraits, parts))


def picture_path(root: Path, name: str, number: int) -> Path:
    return root / name / f"{number:03d}.jpg"


def draw_portraits(part: tuple[Path, list[int]]) -> None:
    """Some of the portraits."""
    from PIL import Image

    from fertools.geometry import rotation_from_angles
    from fertools.render.camera import Camera
    from fertools.synth.ibug import ibug68_vertices
    from fertools.synth.portrait import compose, take_portrait
    from fertools.synth.shading import Lights
    from fertools.synth.sitting import invite, open_studio, pose_for

    root, numbers = part
    studio = open_studio("8k", 384)
    vertices = ibug68_vertices(studio.topology.raw)
    emotions = ("neutral", "happiness", "anger", "surprise", "sadness", "fear", "disgust")
    for number in numbers:
        rng = np.random.default_rng([20, number])
        sitter = invite(studio, [9, number], male=bool(number % 2))
        emotion = emotions[number % len(emotions)]
        lamps = rng.normal(size=(6, 3)) + np.array([0.0, 0.5, 1.2])
        portrait = take_portrait(
            studio,
            sitter,
            pose_for(studio, sitter, emotion=emotion, intensity=4 if number % 7 else 0),
            rotation=rotation_from_angles(
                rng.uniform(-60, 60), rng.uniform(-20, 20), rng.uniform(-15, 15)
            ),
            lights=Lights(
                lamps / np.linalg.norm(lamps, axis=1)[:, None], np.full((6, 3), 0.25), np.zeros(6)
            ),
            camera=Camera(1024, rng.uniform(350, 1400), distance_mm=1500.0, offset_mm=(0, -40)),
            vertices=vertices,
        )
        large = Image.fromarray(compose(portrait, pattern(rng, 1024)))
        middle, half = portrait.points.mean(axis=0), np.ptp(portrait.points[:, 1])
        half = half * rng.uniform(0.75, 1.3)
        low, high = middle - half * np.array([1.0, 1.1]), middle + half * np.array([1.0, 0.9])
        small = large.crop((*low.tolist(), *high.tolist())).resize((100, 100), Image.Resampling.BOX)
        for name, picture in (("1024", large), ("100", small)):
            stream = io.BytesIO()
            picture.save(stream, "JPEG", quality=92)
            picture_path(root, name, number).write_bytes(stream.getvalue())


def pattern(rng: np.random.Generator, side: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Clouds of colour of several sizes."""
    import cv2

    layers = [
        cv2.resize(rng.normal(size=(k, k, 3)), (side, side), interpolation=cv2.INTER_CUBIC)
        * (40 / (1 + number))
        for number, k in enumerate((3, 9, 40, 200))
    ]
    return np.clip(sum(layers) + 120.0, 0, 255).astype(np.uint8)
