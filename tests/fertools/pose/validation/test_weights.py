"""A user's own distribution of poses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fertools.errors import ManifestError
from fertools.geometry import FloatArray
from fertools.manifest import Manifest
from fertools.pose.job import estimate_pose
from fertools.pose.validation.truth import ALL, read_truth
from fertools.pose.validation.weights import read_distribution

MakeManifest = Callable[..., Manifest]


def test_weighted_renders_are_distributed_like_the_users_poses(
    make_manifest: MakeManifest, tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    renders = rng.uniform([-90, -30, 0], [90, 30, 0.1], (4000, 3))
    mine = np.clip(rng.normal(0, [20, 8, 0], (3000, 3)), -89, 89)
    truth = read_truth(make_manifest(renders))
    theirs = make_manifest(mine, folder=tmp_path / "mine")
    found = read_distribution(theirs.path, truth, part=ALL)
    inside = np.abs(mine[:, 1]) <= 30
    yaw = np.abs(truth.angles[:, 0])
    assert found.weights.mean() == pytest.approx(1.0)
    assert np.average(yaw, weights=found.weights) == pytest.approx(
        np.abs(mine[inside, 0]).mean(), rel=0.1
    )
    assert 100 < found.effective < 2500
    assert found.covered == pytest.approx(inside.mean())
    assert found.is_synthetic


def test_equal_distributions_change_nothing(
    make_manifest: MakeManifest, uniform: FloatArray
) -> None:
    truth = read_truth(make_manifest(uniform))
    found = read_distribution(truth.manifest.path.parent, truth, part=ALL)
    np.testing.assert_allclose(found.weights, 1.0)
    assert found.effective == pytest.approx(400)
    assert found.covered == 1.0


def test_a_pose_table_is_a_distribution_too(make_manifest: MakeManifest, tmp_path: Path) -> None:
    truth = read_truth(make_manifest([[5, 5, 0], [50, 5, 0], [-80, 0, 0]]))
    mine = make_manifest([[4, 4, 0], [3, 3, 0], [120, 0, 0]], folder=tmp_path / "mine")
    estimate_pose(mine, tmp_path / "pose", "ground_truth")
    found = read_distribution(tmp_path / "pose", truth, part=ALL)
    assert found.weights.tolist() == [3.0, 0.0, 0.0]
    assert found.covered == pytest.approx(2 / 3)


@pytest.mark.parametrize("name", ["pose.parquet", "mine.parquet"])
def test_a_pose_table_that_was_edited_is_told_to_be_one(
    make_manifest: MakeManifest, tmp_path: Path, name: str
) -> None:
    truth = read_truth(make_manifest([[5, 5, 0]]))
    estimate_pose(truth.manifest, tmp_path / "pose", "ground_truth")
    table = pq.read_table(tmp_path / "pose/pose.parquet")
    pq.write_table(table.slice(0, 0), tmp_path / name)
    with pytest.raises(ManifestError, match=rf"{name}: rows or metadata were changed"):
        read_distribution(tmp_path / name, truth, part=ALL)


def test_poses_where_nothing_was_rendered_are_an_error(
    make_manifest: MakeManifest, tmp_path: Path
) -> None:
    truth = read_truth(make_manifest([[5, 5, 0]]))
    mine = make_manifest([[-60, 5, 0], [5, 50, 0]], folder=tmp_path / "mine")
    with pytest.raises(ManifestError, match="none of its 2 poses lies where there are renders"):
        read_distribution(mine.path, truth, part=ALL)
    with pytest.raises(ManifestError, match="there is no manifest here"):
        read_distribution(tmp_path / "nowhere", truth, part=ALL)
