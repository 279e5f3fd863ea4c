"""``fertools index``: what is printed, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from dataset_fakes import FAKES, multipie, put, rafdb

from fertools.manifest import read_manifest


def fertools(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from cli.entry import fertools; sys.exit(fertools())"
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        env={**os.environ, "FERTOOLS_DATA": str(home), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_layout_is_printed_and_the_path_last(tmp_path: Path) -> None:
    rafdb(tmp_path / "raw/rafdb")
    done = fertools(tmp_path, "index", "rafdb")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "layout: the authors' EmoLabel and Image, aligned pictures"
    assert lines[1] == "14 samples, 7 expressions, test 7, train 7"
    assert lines[-1] == str(tmp_path / "derived/rafdb/manifest.parquet")
    assert "warning: train: 7 found, 12,271 published" in done.stderr
    assert len(read_manifest(Path(lines[-1])).frame) == 14


def test_json_is_the_whole_of_stdout(tmp_path: Path) -> None:
    multipie(tmp_path / "raw/multipie")
    done = fertools(tmp_path, "index", "multipie", "--json")
    facts = json.loads(done.stdout)
    assert (facts["samples"], facts["subjects"], facts["views"]) == (84, 2, 7)


def test_a_stand_in_is_said_to_be_one(tmp_path: Path) -> None:
    multipie(tmp_path / "standin/multipie")
    put(tmp_path / "standin/multipie/SYNTHETIC.json", json.dumps({"complete": True}))
    done = fertools(tmp_path, "index", "multipie")
    assert done.returncode == 0, done.stderr
    assert "(stand-in, synthetic)" in done.stderr
    assert "(synthetic)" in done.stdout
    assert "warning" not in done.stderr


def test_faults_end_with_one_or_three(tmp_path: Path) -> None:
    rafdb(tmp_path / "raw/rafdb")
    (tmp_path / "raw/rafdb/basic/Image/aligned/test_0003_aligned.jpg").unlink()
    done = fertools(tmp_path, "index", "rafdb")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "line 10: Image/aligned has no picture test_0003" in done.stderr
    done = fertools(tmp_path, "index", "rafdb", "--on-error", "skip")
    assert done.returncode == 3
    assert "fault: EmoLabel/list_patition_label.txt, line 10" in done.stderr
    assert "13 samples" in done.stdout


def test_strict_ends_with_one(tmp_path: Path) -> None:
    rafdb(tmp_path / "raw/rafdb")
    done = fertools(tmp_path, "index", "rafdb", "--strict")
    assert done.returncode == 1
    assert "or leave out --strict" in done.stderr


def test_the_set_that_is_missing_says_how_it_is_got(tmp_path: Path) -> None:
    done = fertools(tmp_path, "index", "affectnet")
    assert done.returncode == 1
    assert "ask the authors of AffectNet" in done.stderr
    assert "fertools synth affectnet" in done.stderr


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("rafdb", "--class-map", "0=joy"), "folder '0' is mapped to 'joy'"),
        (("rafdb", "--class-map", "0"), "expected FOLDER=EXPRESSION"),
        (("bu3dfe-rendered", "X", "--view-pattern", "("), "is no regular expression"),
        (("bu3dfe-rendered", "X", "--view-pattern", "[0-9]+"), "needs a group"),
        (("multipie", "--subject-list", "absent.txt"), "absent.txt: cannot be read"),
    ],
)
def test_options_that_cannot_be_are_one_line(
    tmp_path: Path, words: tuple[str, ...], match: str
) -> None:
    done = fertools(tmp_path, "index", *words)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert match in done.stderr
    assert "Traceback" not in done.stderr


def test_another_programs_renders_are_read_by_a_pattern(tmp_path: Path) -> None:
    data = (tmp_path / "a.png", FAKES["bu3dfe-rendered"][1])
    data[1](tmp_path / "fake")
    source = next((tmp_path / "fake").rglob("*_yaw30.png"))
    put(tmp_path / "r/F0001_HA02WH_F3D_-30_15.png", source.read_bytes())
    words = ("--view-pattern", r"(?P<pan>-?\d+)_(?P<tilt>-?\d+)", "--yaw-sign", "-1")
    done = fertools(tmp_path, "index", "bu3dfe-rendered", str(tmp_path / "r"), *words)
    assert done.returncode == 0, done.stderr
    row = read_manifest(Path(done.stdout.splitlines()[-1])).frame.iloc[0]
    assert (row["pan_deg"], row["tilt_deg"], row["intensity"]) == (30, 15, 2)
    assert row["sample_id"] == "F0001_HA02_-30_15"


def test_where_lists_sets_and_manifests_with_counts(tmp_path: Path) -> None:
    rafdb(tmp_path / "raw/rafdb")
    fertools(tmp_path, "index", "rafdb")
    rows = json.loads(fertools(tmp_path, "where", "--json").stdout)
    by_name = {(row["name"], row["path"] is None): row for row in rows}
    assert ("bu3dfe", True) in by_name
    assert "taken as licensed" in rows[2]["what"]
    assert rows[-1]["what"] == "14 samples of rafdb"
