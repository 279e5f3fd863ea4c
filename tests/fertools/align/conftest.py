"""Portraits of stand-ins for all tests of this folder, with the five points known."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fertools.geometry import rotation_from_angles
from fertools.manifest import Manifest, write_manifest
from fertools.pictures import read_facts
from fertools.render.camera import Camera

sys.path.insert(0, str(Path(__file__).parent))  # the tests import what they share from beside them

from align_portraits import ANGLES, SIDE, Portraits, need_detector


@pytest.fixture(scope="session")
def portraits() -> Portraits:
    """Name to picture and its 68 landmarks."""
    need_detector()
    if importlib.util.find_spec("anny") is None:
        pytest.skip("needs the extra 'synth'")
    from fertools.synth.ibug import ibug68_vertices
    from fertools.synth.portrait import compose, take_portrait
    from fertools.synth.shading import Lights
    from fertools.synth.sitting import invite, open_studio, pose_for

    studio = open_studio("8k", 192)
    sitter = invite(studio, [3, 1], male=True)
    shot = pose_for(studio, sitter, emotion="neutral", intensity=0)
    lamps = np.array([[0.3, 0.5, 0.8], [-0.5, 0.2, 0.8]])
    lights = Lights(
        lamps / np.linalg.norm(lamps, axis=1)[:, None], np.full((2, 3), 0.6), np.zeros(2)
    )
    made: Portraits = {}
    for name, angles in ANGLES.items():
        portrait = take_portrait(
            studio,
            sitter,
            shot,
            rotation=rotation_from_angles(*angles),
            lights=lights,
            camera=Camera(SIDE, 380.0, distance_mm=1200.0),
            vertices=ibug68_vertices(studio.topology.raw),
        )
        wall = np.full((SIDE, SIDE, 3), (110, 130, 140), np.uint8)
        made[name] = compose(portrait, wall), portrait.points
    return made


@pytest.fixture
def make_manifest(portraits: Portraits) -> Callable[..., Manifest]:
    """A function that writes the portraits and their manifest into a folder."""

    def make(folder: Path, *, with_landmarks: bool = False, empty: int = 0) -> Manifest:
        pictures = {name: picture for name, (picture, _) in portraits.items()}
        for number in range(empty):
            pictures[f"bare/{number}"] = np.full((90, 120, 3), 40 + number, np.uint8)
        rows = []
        for name, picture in pictures.items():
            path = folder / "given" / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(path)
            facts = read_facts(path)
            rows.append(
                {
                    "sample_id": f"set/{name}",
                    "image": path.relative_to(folder).as_posix(),
                    "dataset": "rafdb",
                    "expression": "neutral",
                    "width": facts.width,
                    "height": facts.height,
                    "sha256": facts.sha256,
                    "roll_deg": ANGLES.get(name, (0, 0, 0))[2],
                    "camera": "one",
                }
            )
        if with_landmarks:
            marks = {f"set/{name}": points for name, (_, points) in portraits.items()}
            pd.DataFrame(
                {
                    "sample_id": list(marks),
                    "x": [points[:, 0].astype(np.float32) for points in marks.values()],
                    "y": [points[:, 1].astype(np.float32) for points in marks.values()],
                }
            ).to_parquet(folder / "landmarks.parquet")
        return write_manifest(
            folder / "manifest.parquet",
            pd.DataFrame(rows),
            dataset="rafdb",
            synthetic=True,
            config={"index": "rafdb"},
        )

    return make
