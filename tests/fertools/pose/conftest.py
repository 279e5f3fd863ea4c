"""A tiny set of pictures with landmarks and poses, and an estimator that looks at their colour."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fertools.manifest import Manifest, write_manifest
from fertools.pose import registry
from fertools.pose.conventions import get_convention
from fertools.pose.registry import FaceBatch, NoOptions, PoseEstimates

ANGLES = ((0.0, 0.0, 0.0), (40.0, 10.0, 5.0), (-75.0, -20.0, 0.0), (10.0, 50.0, -30.0))


def write_picture(path: Path, red: int) -> str:
    """A picture of one colour; its digest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 6, 3), (red, 10, 20), np.uint8)).save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def make_set(tmp_path: Path) -> Callable[..., Manifest]:
    """Write pictures, landmarks and the manifest of a few samples into a folder."""

    def make(folder: Path | None = None, *, reds: tuple[int, ...] = (10, 60, 110, 160)) -> Manifest:
        folder = folder or tmp_path / "set"
        names = [f"face_{n:04d}" for n in range(len(reds))]
        rows = [
            {
                "sample_id": name,
                "image": f"images/{name}.png",
                "dataset": "rafdb",
                "expression": "neutral",
                "split": "train" if name == "face_0000" else "test",
                "yaw_deg": angles[0],
                "pitch_deg": angles[1],
                "roll_deg": angles[2],
                "pose_source": "ground_truth",
                "width": 6,
                "height": 8,
                "sha256": write_picture(folder / "images" / f"{name}.png", red),
            }
            for name, red, angles in zip(names, reds, ANGLES, strict=True)
        ]
        marks = pd.DataFrame(
            {
                "sample_id": names[1:][::-1],
                "x": [[1.0, 2.0 + n] for n in range(len(names) - 1)][::-1],
                "y": [[3.0, 4.0] for _ in names[1:]],
            }
        )
        marks.to_parquet(folder / "landmarks.parquet")
        return write_manifest(
            folder / "manifest.parquet",
            pd.DataFrame(rows),
            dataset="rafdb",
            synthetic=True,
            config={},
        )

    return make


class Colour:
    """Yaw is the red of the picture; too dark a picture has no face."""

    version = "colour 1"
    looked_at: list[str]

    def __init__(self) -> None:
        self.looked_at = []

    def estimate(self, batch: FaceBatch) -> PoseEstimates:
        estimates = PoseEstimates.empty(len(batch), reason="no face was found")
        reasons = list(estimates.reasons)
        for place, name in enumerate(batch.sample_ids):
            self.looked_at.append(name)
            red = float(batch.load(place)[0, 0, 0])
            if red >= 20:
                pose = np.array([[red, 0.0, 0.0]])
                estimates.rotations[place] = get_convention("fertools").rotations(pose)[0]
                estimates.confidence[place] = 0.75
                reasons[place] = None
            estimates.num_faces[place] = int(red >= 20)
        return PoseEstimates(
            estimates.rotations, estimates.confidence, estimates.num_faces, reasons
        )


@pytest.fixture
def colour(monkeypatch: pytest.MonkeyPatch) -> Iterator[Colour]:
    """Registers an estimator 'colour' for the time of a test."""
    from fertools.pose import job

    registry.list_estimators()
    one = Colour()
    entry = registry.Estimator("colour", "", "pictures", "", NoOptions, lambda options: one)
    monkeypatch.setitem(registry._ESTIMATORS, "colour", entry)
    job._opened.cache_clear()
    yield one
    job._opened.cache_clear()
