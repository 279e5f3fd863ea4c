from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from cli.fertools_app import app
from fertools.manifest import write_manifest
from fertools.pose.table import read_pose_table

RUNNER = CliRunner()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data home with a set of three pictures, two of known pose."""
    monkeypatch.setenv("FERTOOLS_DATA", str(tmp_path))
    folder = tmp_path / "derived" / "few"
    (folder / "images").mkdir(parents=True)
    rows = []
    for number, yaw in enumerate((10.0, -40.0, None)):
        path = folder / "images" / f"{number}.png"
        Image.fromarray(np.full((4, 4, 3), 20 * number, np.uint8)).save(path)
        rows.append(
            {
                "sample_id": str(number),
                "image": f"images/{number}.png",
                "dataset": "rafdb",
                "expression": "fear",
                "split": "test" if number else "train",
                "yaw_deg": yaw,
                "width": 4,
                "height": 4,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
        )
    frame = pd.DataFrame(rows)
    write_manifest(folder / "manifest.parquet", frame, dataset="rafdb", synthetic=True, config={})
    return tmp_path


def test_it_tells_how_many_have_a_pose_and_where_the_table_is(home: Path) -> None:
    result = RUNNER.invoke(app, ["estimate-pose", "few", "--estimator", "ground_truth"])
    assert result.exit_code == 0, result.output
    path = home / "derived" / "few" / "pose" / "ground_truth" / "pose.parquet"
    assert "2 of 3 samples of rafdb (synthetic) have a pose by ground_truth" in result.stdout
    assert result.stdout.rstrip().splitlines()[-1] == str(path)
    assert "1 without a pose: the manifest has no pose of it" in result.stderr
    assert len(read_pose_table(path).frame) == 3


def test_json_is_for_programs(home: Path) -> None:
    line = ["estimate-pose", "few", "-e", "ground_truth", "--split", "test", "--json"]
    result = RUNNER.invoke(app, line)
    facts = json.loads(result.stdout)
    assert (facts["num_samples"], facts["num_with_pose"], facts["synthetic"]) == (2, 1, True)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["few", "-e", "magic"], "unknown pose estimator 'magic'; expected one of "),
        (["few", "-e", "ground_truth", "--file", "x"], "--file: the estimator ground_truth has no"),
        (["few", "-e", "ground_truth", "--set", "x=1"], "estimator ground_truth: 'x': unknown key"),
        (["few", "-e", "table"], "the estimator table needs --file: a CSV or TSV with the columns"),
        (["nowhere", "-e", "ground_truth"], "there is no manifest here"),
        (["few", "-e", "ground_truth", "--root", "x"], "which opens no picture"),
    ],
)
def test_faults_are_one_line(home: Path, line: list[str], message: str) -> None:
    result = RUNNER.invoke(app, ["estimate-pose", *line])
    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_a_picture_that_cannot_be_read_ends_with_3_where_it_is_skipped(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = home / "derived" / "few" / "images" / "1.png"
    picture.write_bytes(b"no picture")
    for choice, code in (("stop", 1), ("skip", 3)):
        line = ["estimate-pose", "few", "-e", "mtcnn", "--workers", "1", "--on-error", choice]
        result = RUNNER.invoke(app, line)
        assert result.exit_code == code, result.output
        assert "images/1.png: is not the picture that the manifest was made of" in result.stderr
