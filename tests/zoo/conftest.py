"""A set of little pictures that a network can learn at once, with its lock."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from fertools.expressions import BASIC_EXPRESSIONS
from fertools.manifest import Manifest, write_manifest
from fertools.protocols import Lock, Pool, load_protocol, lock_protocol, read_pool, write_lock
from zoo.recipe import Recipe, load_recipe
from zoo.runs import RunConfig

VIEWS = ("yaw00", "yaw30", "yaw45", "yaw60", "yaw90")


@dataclass(frozen=True)
class Pictures:
    """Five people, six expressions, five views, 24 px; a bright patch's place is the label."""

    manifest: Manifest
    pool: Pool
    lock: Lock
    lock_path: Path


def make_pictures(root: Path) -> Pictures:
    rng = np.random.default_rng(0)
    rows = []
    for subject in ("F0001", "F0002", "F0003", "M0001", "M0002"):
        for label, expression in enumerate(BASIC_EXPRESSIONS):
            for view_number, view in enumerate(VIEWS):
                pixels = rng.integers(0, 90, (24, 24, 3), dtype=np.uint8)
                y, x = 8 * (label % 3), 12 * (label // 3)
                pixels[y : y + 8, x : x + 12] += 150
                data = cv2.imencode(".png", pixels)[1].tobytes()
                sample_id = f"{subject}_{expression}_{view}"
                (root / "images").mkdir(parents=True, exist_ok=True)
                (root / "images" / f"{sample_id}.png").write_bytes(data)
                rows.append(
                    {
                        "sample_id": sample_id,
                        "image": f"images/{sample_id}.png",
                        "dataset": "bu3dfe",
                        "subject_id": subject,
                        "expression": expression,
                        "intensity": 1 + view_number % 4,
                        "yaw_deg": float(view[3:]),
                        "pitch_deg": 0.0,
                        "view_id": view,
                        "width": 24,
                        "height": 24,
                        "sha256": hashlib.sha256(data).hexdigest(),
                    }
                )
    manifest = write_manifest(
        root / "manifest.parquet",
        pd.DataFrame(rows),
        dataset="bu3dfe",
        synthetic=True,
        config={"image_size": 24},
    )
    protocol = load_protocol("bu3dfe-p1-5fold")
    pool = read_pool(protocol, {"samples": manifest.path})
    lock = lock_protocol(protocol, pool)
    lock_path = root / "bu3dfe-p1-5fold.lock.json"
    write_lock(lock_path, lock)
    return Pictures(manifest, pool, lock, lock_path)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return make_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def own_pictures(tmp_path: Path) -> Pictures:
    """Pictures that a test may damage."""
    return make_pictures(tmp_path / "pictures")


@pytest.fixture
def quick_recipe() -> Recipe:
    return load_recipe("demo", sets=["epochs=3", "data.input_size=24", "threads=1"])


@pytest.fixture
def quick_config(pictures: Pictures, quick_recipe: Recipe) -> RunConfig:
    return RunConfig(
        model="gms_lpa_tiny",
        protocol=pictures.lock.protocol,
        protocol_version=1,
        lock_digest=pictures.lock.digest,
        synthetic=True,
        seed=0,
        device="cpu",
        recipe=quick_recipe,
    )
