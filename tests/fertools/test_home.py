from __future__ import annotations

import json
from pathlib import Path

import pytest

from fertools.errors import DatasetError
from fertools.home import find_dataset


def test_a_licensed_set_goes_before_a_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FERTOOLS_DATA", str(tmp_path))
    standin = tmp_path / "standin" / "bu3dfe"
    standin.mkdir(parents=True)
    (standin / "SYNTHETIC.json").write_text(json.dumps({"complete": True}))
    assert find_dataset("bu3dfe").synthetic
    raw = tmp_path / "raw" / "bu3dfe" / "F0001"
    raw.mkdir(parents=True)
    assert not find_dataset("bu3dfe").synthetic


def test_a_missing_set_says_where_it_was_looked_for_and_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FERTOOLS_DATA", str(tmp_path))
    with pytest.raises(DatasetError, match=r"raw/bu3dfe and .*standin/bu3dfe.*Binghamton.*synth"):
        find_dataset("bu3dfe")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="the folder is empty"):
        find_dataset("bu3dfe", tmp_path)


def test_a_half_made_stand_in_is_refused(tmp_path: Path) -> None:
    (tmp_path / "SYNTHETIC.json").write_text(json.dumps({"complete": False}))
    with pytest.raises(DatasetError, match="half made"):
        find_dataset("bu3dfe", tmp_path)
