"""Tiny sets with poses, for the Pose-* splits: whole data homes, or a manifest and a pose table."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from dataset_fakes import affectnet, affectnet_new, rafdb

from fertools.manifest import Manifest, write_manifest
from fertools.pose.rules import PoseRule
from fertools.pose.split import Split, evaluated_rows, split_by_pose
from fertools.pose.table import PoseTable, pose_schema, write_pose_table

RAFDB_POSES = {
    "test_0001": (50.0, 0.0, 0.0),
    "test_0002": (-31.0, 10.0, 5.0),
    "test_0003": (30.0, 0.0, 0.0),
    "test_0004": (0.0, 46.0, -10.0),
    "test_0005": (5.0, 5.0, 0.0),
    "test_0006": (0.0, -29.0, 20.0),
}
"""True yaw, pitch and roll; test_0007 shows no face. Beyond 30: 1, 2, 4; beyond 45: 1, 4."""

AFFECTNET_VAL = [f"{n % 3}/{n:056x}" for n in range(12, 20)]
"""Sample ids of the fake's validation part, with the native codes 0 to 7."""

AFFECTNET_POSES = {
    name: (yaw, 0.0, 0.0)
    for name, yaw in zip(AFFECTNET_VAL, (0, 35, -50, 20, 60, -10, 31, 80), strict=True)
}
"""Beyond 30: codes 1, 2, 4, 6 and 7; beyond 45: 2, 4 and 7."""


def mark_standin(root: Path, poses: dict[str, tuple[float, float, float]] | None = None) -> None:
    """Write what makes a folder a stand-in, and its true poses."""
    (root / "SYNTHETIC.json").write_text(json.dumps({"complete": True, "seed": 0}))
    if poses is not None:
        rows = [
            {"sample_id": name, "yaw_deg": yaw, "pitch_deg": pitch, "roll_deg": roll}
            for name, (yaw, pitch, roll) in poses.items()
        ]
        pd.DataFrame(rows).to_parquet(root / "ground_truth.parquet")


def rafdb_home(home: Path, kinds: tuple[str, ...] = ("aligned", "original")) -> Path:
    """``standin/rafdb`` with seven test pictures; the folder."""
    root = home / "standin/rafdb"
    rafdb(root, kinds)
    mark_standin(root, RAFDB_POSES)
    return root


def affectnet_home(home: Path) -> Path:
    """``standin/affectnet``, the release of 2017, with eight validation pictures."""
    root = home / "standin/affectnet"
    affectnet(root)
    mark_standin(root, AFFECTNET_POSES)
    return root


def affectnet_new_home(home: Path) -> list[str]:
    """``standin/affectnet``, the newer release; the validation part's ids in order of number."""
    root = home / "standin/affectnet"
    affectnet_new(root)
    numbers = sorted(int(path.stem) for path in (root / "val_set/images").iterdir())
    names = [f"val/{number}" for number in numbers]
    mark_standin(root, {name: (5.0 * n, 0.0, 0.0) for n, name in enumerate(names)})
    return names


NAN = math.nan
EXPRESSIONS = ("anger", "anger", "fear", "fear", "neutral", "contempt")


def make_manifest(folder: Path, dataset: str = "affectnet", **columns: Any) -> Manifest:
    """Six rows, all but the first evaluated."""
    frame = pd.DataFrame(
        {
            "sample_id": [f"val/{n}" for n in range(6)],
            "image": [f"{n}.jpg" for n in range(6)],
            "dataset": dataset,
            "expression": EXPRESSIONS,
            "split": ["train", *["val" if dataset == "affectnet" else "test"] * 5],
            "width": 8,
            "height": 8,
            "sha256": [f"{n}" * 64 for n in range(6)],
        }
        | columns
    )
    return write_manifest(
        folder / "manifest.parquet", frame, dataset=dataset, synthetic=True, config={}
    )


def make_poses(
    folder: Path, yaws: list[float], *, confidence: list[float] | None = None
) -> PoseTable:
    """Poses of the samples ``val/1`` and so on; NaN where there is none."""
    size = len(yaws)
    given_ = confidence or [1.0] * size
    table = pa.table(
        {
            "sample_id": [f"val/{n}" for n in range(1, size + 1)],
            "sha256": [f"{n}" * 64 for n in range(1, size + 1)],
            "yaw_deg": pa.array(yaws, from_pandas=True),
            "pitch_deg": pa.array([v * 0 for v in yaws], from_pandas=True),
            "roll_deg": pa.array([v * 0 for v in yaws], from_pandas=True),
            "confidence": pa.array(
                [NAN if math.isnan(y) else c for y, c in zip(yaws, given_, strict=True)],
                from_pandas=True,
            ),
            "num_faces": [1] * size,
            "reason": ["no face was found" if math.isnan(v) else None for v in yaws],
            "key": ["k"] * size,
        }
    ).cast(pose_schema())
    return write_pose_table(
        folder / "pose.parquet",
        table,
        dataset="affectnet",
        synthetic=True,
        estimator="landmarks68",
        version="landmarks68 1",
        options={},
    )


def cut(folder: Path, yaws: list[float], rule: PoseRule | None = None, **options: Any) -> Split:
    """The evaluated rows of a small set, cut."""
    given_ = options.pop("confidence", None)
    manifest = make_manifest(folder)
    rows = Manifest(evaluated_rows(manifest), manifest.info, manifest.path)
    poses = make_poses(folder, yaws, confidence=given_)
    return split_by_pose(rows, poses, rule or PoseRule(30.0), **options)
