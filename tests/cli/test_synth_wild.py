"""``fertools synth rafdb`` and ``affectnet``: what they print and how they end."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.fertools_app import app


def test_the_folder_is_printed_last(tmp_path: Path) -> None:
    out = tmp_path / "rafdb"
    command = ["synth", "rafdb", "--train", "7", "--test", "7", "--images", "aligned"]
    result = CliRunner().invoke(app, [*command, "--workers", "1", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == str(out)
    assert len(list((out / "Image/aligned").iterdir())) == 14


@pytest.mark.parametrize("name", ["rafdb", "affectnet"])
def test_a_strangers_folder_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / "thesis.doc").write_text("mine")
    result = CliRunner().invoke(app, ["synth", name, "--out", str(tmp_path)])
    assert result.exit_code == 1
    assert "'thesis.doc'" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_too_few_pictures_are_a_usage_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["synth", "rafdb", "--train", "6", "--out", str(tmp_path)])
    assert result.exit_code == 2
