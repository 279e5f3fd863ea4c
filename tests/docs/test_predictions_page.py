"""docs/predictions.md: what it shows runs, what it calls an error is one, in its words."""

from __future__ import annotations

import re
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from cli.fertools_app import app
from fertools.errors import PredictionsError
from fertools.metrics import read_predictions
from fertools.report.collect import collect_run

PAGE = (Path(__file__).parents[2] / "docs" / "predictions.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
ERRORS = re.findall(r"^\| .*? \| `(.*)` \|$", PAGE, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def folder(make_run: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which all code of the page was run, beside a lock and its manifest."""
    run, folder = make_run("docs"), tmp_path_factory.mktemp("docs")
    shutil.copy(run / "protocol.lock.json", folder)
    shutil.copy(run.parent / "data" / "m.parquet", folder / "manifest.parquet")
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for number, block in enumerate(BLOCKS):
            Path(f"block{number}.py").write_text(block, encoding="utf-8")
            names |= runpy.run_path(f"block{number}.py", init_globals=names)
    return folder


@pytest.fixture(scope="module")
def frame(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "predictions.parquet")


def test_the_shortest_table_gives_a_report(folder: Path) -> None:
    result = CliRunner().invoke(app, ["report", str(folder / "predictions.parquet")])
    assert result.exit_code == 0, result.output
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "columns not in the file" in page
    assert "intensity (unknown), found (true)" in page
    assert "SYNTHETIC" not in page


def test_a_table_with_metadata_names_itself_and_is_marked(folder: Path) -> None:
    info = read_predictions(folder / "named" / "predictions.parquet").info
    assert (info.model, info.protocol, info.synthetic) == ("my_model", "my protocol", True)


def test_a_run_under_a_lock_is_whole(folder: Path) -> None:
    run = collect_run(folder / "mine")
    assert run.lock is not None
    assert run.lock.digest == run.predictions[0].info.lock_digest
    assert run.missing_folds == ()


def _with(column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A function that puts a value into row 2 of a table."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame[column] = frame[column].astype(object)
        frame.loc[2, column] = value
        frame[column] = frame[column].infer_objects()
        return frame

    return change


@pytest.mark.parametrize(
    ("change", "number"),
    [
        (_with("score_fear", np.nan), 0),
        (lambda frame: frame.assign(**{name: 1.5 for name in frame if "score_" in name}), 1),
        (lambda frame: frame.assign(**{name: 0.5 for name in frame if "score_" in name}), 2),
        (lambda frame: pd.concat([frame, frame]), 3),
        (_with("label", 7), 4),
        (lambda frame: frame[list(frame)[::-1]], 5),
        (lambda frame: frame.assign(sample_id=range(len(frame))), 6),
        (_with("subject_id", ""), 7),
        (lambda frame: frame.assign(label=frame["label"].map(str)), 8),
    ],
    ids=["NaN", "logits", "no softmax", "twice", "label", "order", "number", "person", "text"],
)
def test_what_is_refused_is_refused_in_the_words_of_the_page(
    change: Callable[[pd.DataFrame], pd.DataFrame],
    number: int,
    frame: pd.DataFrame,
    tmp_path: Path,
) -> None:
    change(frame.copy()).to_parquet(tmp_path / "p.parquet")
    figures = re.compile(r"[0-9.]+|'S\d+_\w+'")
    with pytest.raises(PredictionsError) as caught:
        read_predictions(tmp_path / "p.parquet")
    assert figures.sub("…", ERRORS[number]) in figures.sub("…", str(caught.value))
