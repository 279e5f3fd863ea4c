from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from cli import inspect_commands
from cli.runner import new_app
from fertools.manifest import write_manifest

app = new_app("The commands under test.")
app.command("stats")(inspect_commands.stats)
app.command("doctor")(inspect_commands.doctor)


def call(*words: str | Path, status: int = 0) -> tuple[str, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == status, result.output
    return result.stdout, result.stderr


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    frame = pd.DataFrame(
        {
            "sample_id": ["a", "b"],
            "image": ["a.png", "b.png"],
            "dataset": "rafdb",
            "expression": ["fear", "anger"],
            "split": ["train", "test"],
            "yaw_deg": [35.0, None],
            "pitch_deg": [0.0, None],
            "pose_source": ["ours 1.0", None],
            "width": 10,
            "height": 10,
            "sha256": "0" * 64,
        }
    )
    path = tmp_path / "set" / "manifest.parquet"
    write_manifest(path, frame, dataset="rafdb", synthetic=True, config={})
    return path


def test_stats_prints_tables_and_writes_the_figure_last(manifest: Path, tmp_path: Path) -> None:
    out, _ = call("stats", manifest, "--out", tmp_path / "out")
    assert "rafdb (SYNTHETIC stand-in): 2 samples, no subject ids, no views" in out
    assert "pose from     ours 1.0: 1, unknown: 1" in out
    assert out.splitlines()[-1] == str(tmp_path / "out" / "stats.png")


def test_stats_for_programs(manifest: Path, tmp_path: Path) -> None:
    said = json.loads(call("stats", manifest.parent, "--json", "--out", tmp_path / "o")[0])
    assert said["sum"]["by_yaw"] == {"30-45": 1, "unknown": 1}
    lines = call("stats", manifest, "--csv")[0].splitlines()
    assert lines[1:] == [
        "rafdb,true,anger,test,unknown,unknown,1",
        "rafdb,true,fear,train,30-45,0-15,1",
    ]
    call("stats", manifest, "--csv", "--json", status=2)
    assert "there is no manifest here" in call("stats", tmp_path / "absent", status=1)[1]


def test_doctor_prints_markdown_or_writes_it(
    tmp_path: Path, make_bu3dfe: Callable[..., Path]
) -> None:
    root = make_bu3dfe(tmp_path / "Zyxwandt", subjects=1)
    words = ("doctor", "bu3dfe", "--root", root)
    out, errors = call(*words)
    assert out.startswith("## fertools doctor: bu3dfe, stand-in (synthetic)\n")
    assert "Zyxwandt" not in out
    assert errors == "looking through bu3dfe\n"
    assert call(*words, "--out", tmp_path / "r.md")[0] == f"{tmp_path / 'r.md'}\n"
    assert (tmp_path / "r.md").read_text() == out
    (report,) = json.loads(call(*words, "--json", "--scans", "1")[0])
    assert report["readings"][0]["num_read"] == 1


def test_doctor_refuses_a_call_that_names_no_set(tmp_path: Path) -> None:
    assert "'foo' is no set" in call("doctor", "foo", status=2)[1]
    assert "needs the name of a set" in call("doctor", "--root", tmp_path, status=2)[1]


def test_what_a_column_is_called_cannot_steer_the_terminal(manifest: Path) -> None:
    frame = pd.read_parquet(manifest).assign(**{"a\x1b[31m": 1})
    write_manifest(manifest, frame, dataset="rafdb", synthetic=True, config={})
    assert "\x1b" not in call("stats", manifest)[0]


def test_doctor_looks_at_every_set_of_the_data_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_bu3dfe: Callable[..., Path]
) -> None:
    monkeypatch.setenv("FERTOOLS_DATA", str(tmp_path))
    assert "no data set in" in call("doctor", status=1)[1]
    make_bu3dfe(tmp_path / "raw" / "bu3dfe", subjects=1)
    (tmp_path / "standin" / "rafdb" / "Image").mkdir(parents=True)
    out, _ = call("doctor")
    assert [line for line in out.splitlines() if line.startswith("## ")] == [
        "## fertools doctor: bu3dfe, stand-in (synthetic)",
        "## fertools doctor: rafdb",
    ]
