from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fertools.metrics import Predictions, read_predictions
from fertools.report.examples import find_examples

MakeRun = Callable[..., Path]


@pytest.fixture(scope="module")
def synthetic(make_run: MakeRun) -> Path:
    return make_run("synthetic")


@pytest.fixture(scope="module")
def licensed(make_run: MakeRun) -> Path:
    return make_run("licensed", synthetic=False)


def _tables(run: Path) -> list[Predictions]:
    return [read_predictions(path) for path in sorted(run.glob("fold*/predictions.parquet"))]


def _manifest(run: Path) -> Path:
    return run.parent / "data" / "m.parquet"


def test_one_recognised_and_one_mistaken_picture_of_each_expression(synthetic: Path) -> None:
    found = find_examples(_tables(synthetic), manifest_path=_manifest(synthetic), with_faces=False)
    assert found.reason == ""
    assert len({example.shown for example in found.right}) == len(found.right) == 6
    assert all(example.shown == example.recognised for example in found.right)
    assert all(example.shown != example.recognised for example in found.wrong)
    assert all(example.uri.startswith("data:image/png;base64,") for example in found.right)


def test_people_are_shown_only_when_asked_for(licensed: Path) -> None:
    tables, manifest = _tables(licensed), _manifest(licensed)
    shy = find_examples(tables, manifest_path=manifest, with_faces=False)
    assert shy.right == shy.wrong == ()
    assert "--with-faces" in shy.reason
    assert find_examples(tables, manifest_path=manifest, with_faces=True).right


def test_a_manifest_of_people_is_not_shown_under_a_synthetic_flag(
    synthetic: Path, licensed: Path
) -> None:
    found = find_examples(_tables(synthetic), manifest_path=_manifest(licensed), with_faces=False)
    assert found.right == ()
    assert "not of stand-ins" in found.reason


def test_what_is_not_at_hand_is_said(synthetic: Path, make_run: MakeRun) -> None:
    tables = _tables(synthetic)
    unnamed = find_examples(tables, manifest_path=None, with_faces=False)
    assert "No manifest is named" in unnamed.reason
    gone = find_examples(tables, manifest_path=synthetic / "no.parquet", with_faces=False)
    assert "not at hand" in gone.reason
    emptied = make_run("emptied")
    for image in (emptied.parent / "data" / "images").iterdir():
        image.unlink()
    lost = find_examples(_tables(emptied), manifest_path=_manifest(emptied), with_faces=False)
    assert "cannot be read" in lost.reason
