"""A set of known poses without any picture, and an estimator that reads them off its landmarks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fertools.geometry import FloatArray
from fertools.manifest import Manifest, write_manifest
from fertools.pose import registry
from fertools.pose.conventions import get_convention
from fertools.pose.registry import FaceBatch, NoOptions, PoseEstimates

MakeManifest = Callable[..., Manifest]
Poses = Sequence[Sequence[float]]


@pytest.fixture
def make_manifest(tmp_path: Path) -> MakeManifest:
    """Write a manifest of given poses; the first landmark of a sample is its yaw and pitch."""

    def make(
        poses: Poses,
        *,
        source: str = "ground_truth",
        people: int = 6,
        folder: Path | None = None,
        with_landmarks: bool = True,
        **columns: Any,
    ) -> Manifest:
        folder = folder or tmp_path / "set"
        folder.mkdir(parents=True, exist_ok=True)
        angles = np.array(poses, dtype=np.float64).reshape(-1, 3)
        names = [f"s{n:05d}" for n in range(len(angles))]
        frame = pd.DataFrame(
            {
                "sample_id": names,
                "image": [f"images/{name}.png" for name in names],
                "dataset": "poses",
                "subject_id": [f"p{n % people}" for n in range(len(names))],
                "expression": "neutral",
                "yaw_deg": angles[:, 0],
                "pitch_deg": angles[:, 1],
                "roll_deg": angles[:, 2],
                "pose_source": source,
                "width": 100,
                "height": 100,
                "sha256": "0" * 64,
                **columns,
            }
        )
        if with_landmarks:
            known = np.nan_to_num(angles)
            pd.DataFrame(
                {
                    "sample_id": names,
                    "x": [[float(a[0]), 1.0, 2.0] for a in known],
                    "y": [[float(a[1]), 3.0, 4.0] for a in known],
                }
            ).to_parquet(folder / "landmarks.parquet")
        path = folder / "manifest.parquet"
        return write_manifest(path, frame, dataset="poses", synthetic=True, config={})

    return make


class Reader:
    """Reads yaw and pitch off the first landmark; roll is 0, and a yaw above ``lost`` is not found.

    It adds ``bias`` to yaw, and is half sure of faces whose pitch is above 25 degrees.
    """

    version = "reader 1"

    def __init__(self) -> None:
        self.bias = 0.0
        self.lost = 1000.0

    def estimate(self, batch: FaceBatch) -> PoseEstimates:
        estimates = PoseEstimates.empty(len(batch), reason="the face is lost")
        reasons = list(estimates.reasons)
        for place, points in enumerate(batch.landmarks):
            if points is None or points[0, 0] > self.lost:
                continue
            pose = np.array([[points[0, 0] + self.bias, points[0, 1], 0.0]])
            estimates.rotations[place] = get_convention("fertools").rotations(pose)[0]
            estimates.confidence[place] = 0.4 if points[0, 1] > 25 else 0.9
            reasons[place] = None
        return PoseEstimates(
            estimates.rotations, estimates.confidence, estimates.num_faces, reasons
        )


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Registers an estimator 'reader' for the time of a test."""
    registry.list_estimators()
    one = Reader()
    entry = registry.Estimator("reader", "", "landmarks", "", NoOptions, lambda options: one)
    monkeypatch.setitem(registry._ESTIMATORS, "reader", entry)
    return one


@pytest.fixture
def uniform() -> FloatArray:
    """Four hundred poses."""
    rng = np.random.default_rng(0)
    angles: FloatArray = rng.uniform([-90.0, -30.0, -15.0], [90.0, 30.0, 15.0], (400, 3))
    return angles
