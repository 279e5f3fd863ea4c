"""``fertools validate-pose``: what it prints and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from cli.fertools_app import app
from fertools.manifest import write_manifest


@pytest.fixture
def poses(tmp_path: Path) -> Path:
    """A set of known poses, without pictures."""
    rng = np.random.default_rng(0)
    angles = rng.uniform([-90.0, -30.0, -15.0], [90.0, 30.0, 15.0], (150, 3))
    names = [f"s{n:03d}" for n in range(150)]
    frame = pd.DataFrame(
        {
            "sample_id": names,
            "image": [f"{name}.png" for name in names],
            "dataset": "poses",
            "expression": "neutral",
            "yaw_deg": angles[:, 0],
            "pitch_deg": angles[:, 1],
            "roll_deg": angles[:, 2],
            "pose_source": "ground_truth",
            "width": 9,
            "height": 9,
            "sha256": "0" * 64,
        }
    )
    path = tmp_path / "set/manifest.parquet"
    write_manifest(path, frame, dataset="poses", synthetic=True, config={})
    return path


def call(*arguments: object) -> tuple[int, str, str]:
    command = ["validate-pose", *map(str, arguments), "--workers", "1"]
    result = CliRunner().invoke(app, command)
    return result.exit_code, result.stdout, result.stderr


def test_the_report_is_printed_last(poses: Path) -> None:
    status, out, err = call(poses, "-e", "ground_truth", "--like", poses)
    assert status == 0, err
    page = poses.parent / "pose/validation/report.md"
    assert out.splitlines()[-1] == str(page)
    assert "150 samples of poses (synthetic)" in out
    assert "ground_truth: finds a pose in 100.0 %; errs by 0.00° in yaw and 0.00° in pitch" in out
    assert "as in the 150 samples of poses" in out
    assert "100.0% where there are renders; worth 150 renders" in out
    assert page.is_file()


def test_a_split_is_of_a_manifest() -> None:
    status, _, err = call("--split", "test")
    assert (status, "--split is not used without a manifest" in err) == (1, True)


def test_a_folder_of_something_else_is_left_alone(poses: Path, tmp_path: Path) -> None:
    mine = tmp_path / "thesis"
    mine.mkdir()
    (mine / "report.md").write_text("mine")
    status, _, err = call(poses, "-e", "ground_truth", "--out", mine)
    assert status == 1
    assert "holds 'report.md' and no report, so it is not ours" in err
    assert (mine / "report.md").read_text() == "mine"


def test_json_is_for_programs(poses: Path, tmp_path: Path) -> None:
    status, out, err = call(poses, "-e", "ground_truth", "--json", "--out", tmp_path / "r")
    assert status == 0, err
    values = json.loads(out)
    assert values["path"] == str(tmp_path / "r/report.md")
    core = values["estimators"][0]["parts"]["all"]["regions"]["core"]
    assert core["geodesic"]["mae"] < 0.001


def test_a_calibration_is_fitted_and_shown(poses: Path, tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    status, out, err = call(poses, "-e", "ground_truth", "--fit-calibration", file)
    assert status == 0, err
    assert out.splitlines()[-1] == str(file)
    assert "fitted on 150 samples of poses (synthetic)" in out
    assert "yaw: -75 -> -75.0" in out
    status, out, err = call(poses, "-e", "ground_truth", "--calibration", file)
    assert status == 1
    assert "fitted on these very samples" in err


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        (["-e", "nobody"], 1, "unknown pose estimator 'nobody'"),
        (["-e", "ground_truth", "--angle-convention", "x"], 1, "unknown angle convention 'x'"),
        (["-e", "ground_truth", "--file", "a.csv"], 1, "no such option"),
        (["--file", "a.csv"], 2, "expected NAME=VALUE"),
        (["-e", "ground_truth", "--set", "nopoint"], 2, "expected NAME.KEY=VALUE"),
        (["-e", "ground_truth", "--calibration", "gone.json"], 1, "is not a file"),
        (["-e", "ground_truth", "--renders", "5"], 2, "100"),
        (["--quick"], 1, "--quick is not used with a manifest"),
        (["--fit-calibration", "c.json", "--noise", "1"], 1, "--noise is not used by --fit-calib"),
        (["--out", ""], 2, "the value after '--out' is empty"),
    ],
)
def test_mistakes_are_named(poses: Path, arguments: list[str], status: int, why: str) -> None:
    ended, _, err = call(poses, *arguments)
    assert ended == status
    assert why in " ".join(err.replace("│", " ").split())


def test_estimates_are_no_truth(poses: Path) -> None:
    from fertools.manifest import read_manifest

    frame = read_manifest(poses).frame.assign(pose_source="mtcnn 1")
    write_manifest(poses, frame, dataset="poses", synthetic=True, config={})
    status, _, err = call(poses, "-e", "ground_truth")
    assert status == 1
    assert "'mtcnn 1' of 150 samples is no truth" in err
