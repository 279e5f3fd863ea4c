from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from fertools.errors import PredictionsError
from fertools.metrics import PredictionsInfo, predicted_labels, read_predictions, write_predictions

MakeTable = Callable[..., pd.DataFrame]


@pytest.fixture
def table(make_table: MakeTable) -> pd.DataFrame:
    return make_table([0, 1, 2, 0], [0, 1, 1, -1])


def test_what_is_written_is_read_again(
    tmp_path: Path, table: pd.DataFrame, info: PredictionsInfo
) -> None:
    path = write_predictions(tmp_path / "fold0" / "predictions.parquet", table, info)
    back = read_predictions(path)
    assert back.info == info
    assert back.path == path
    assert back.notes == ()
    assert back.frame["sample_id"].tolist() == table["sample_id"].tolist()
    assert back.frame["intensity"].dtype == "Int8"
    assert back.frame["score_fear"].dtype == np.float32
    np.testing.assert_array_equal(predicted_labels(back), [0, 1, 1, -1])


def test_the_same_rows_in_any_order_give_the_same_bytes(
    tmp_path: Path, table: pd.DataFrame, info: PredictionsInfo
) -> None:
    first = write_predictions(tmp_path / "a.parquet", table, info)
    shuffled = table.iloc[::-1][list(table.columns[::-1])]
    second = write_predictions(tmp_path / "b.parquet", shuffled, info)
    assert first.read_bytes() == second.read_bytes()
    assert {entry.name for entry in tmp_path.iterdir()} == {"a.parquet", "b.parquet"}


def test_null_views_people_and_poses_survive(
    tmp_path: Path, table: pd.DataFrame, info: PredictionsInfo
) -> None:
    for column in ("subject_id", "view_id", "yaw_deg", "pitch_deg", "intensity"):
        table[column] = None
    back = read_predictions(write_predictions(tmp_path / "p.parquet", table, info)).frame
    nullable = back[["subject_id", "view_id", "yaw_deg", "pitch_deg", "intensity"]]
    assert nullable.isna().all(axis=None)


def test_branch_logits_are_kept_and_must_be_complete(
    tmp_path: Path, table: pd.DataFrame, info: PredictionsInfo
) -> None:
    for name in info.classes:
        table[f"score_{name}_global"] = np.float32(-3.5)
        table[f"score_{name}_local"] = np.float32(7.0)
    back = read_predictions(write_predictions(tmp_path / "p.parquet", table, info))
    assert back.frame["score_fear_local"].tolist() == [7.0] * 4
    with pytest.raises(PredictionsError, match="no column 'score_fear_global'"):
        write_predictions(tmp_path / "q.parquet", table.drop(columns="score_fear_global"), info)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("score_fear", np.nan, "row 2 ('s0-002'), column 'score_fear': nan; expected a finite"),
        ("score_fear", np.inf, "column 'score_fear': inf"),
        ("score_fear", 0.9, "sum to 1.3"),
        ("score_fear", 4.0, "expected 0 to 1 (softmax, not logits)"),
        ("label", 3, "column 'label': 3; expected a whole number, 0 to 2"),
        ("label", -1, "column 'label': -1"),
        ("fold", -1, "column 'fold': -1"),
        ("sample_id", "s0-001", "row 2 ('s0-001'), column 'sample_id': 's0-001'; this sample"),
        ("sample_id", "", "expected a name"),
        ("expression", "fear", "its label 2 is 'happiness' in the class list"),
        ("intensity", 5, "column 'intensity': 5; expected 1 to 4"),
        ("yaw_deg", 400.0, "column 'yaw_deg': 400.0"),
    ],
)
def test_a_wrong_cell_is_named(
    tmp_path: Path,
    table: pd.DataFrame,
    info: PredictionsInfo,
    column: str,
    value: object,
    words: str,
) -> None:
    table.loc[2, column] = value
    path = tmp_path / "p.parquet"
    with pytest.raises(PredictionsError, match=re.escape(words)) as caught:
        write_predictions(path, table, info)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not path.exists()
    table.to_parquet(path)  # the reader finds the same in a table made by other hands
    with pytest.raises(PredictionsError, match=re.escape(words)):
        read_predictions(path)


def test_a_missing_column_is_named(
    tmp_path: Path, table: pd.DataFrame, info: PredictionsInfo
) -> None:
    with pytest.raises(PredictionsError, match="no column 'label', 'found'"):
        write_predictions(tmp_path / "p.parquet", table.drop(columns=["label", "found"]), info)


def test_a_column_that_is_none_of_ours_is_not_written(
    tmp_path: Path, table: pd.DataFrame, info: PredictionsInfo
) -> None:
    table["image"] = "home/me/face.png"
    with pytest.raises(PredictionsError, match="column 'image' is not part"):
        write_predictions(tmp_path / "p.parquet", table, info)


def test_scores_that_do_not_match_the_class_list_are_refused(
    tmp_path: Path, table: pd.DataFrame, info: PredictionsInfo
) -> None:
    path = write_predictions(tmp_path / "p.parquet", table, info)
    stored = pq.read_table(path)
    names = ["score_scream" if name == "score_fear" else name for name in stored.column_names]
    renamed = stored.rename_columns(names).replace_schema_metadata(stored.schema.metadata)
    pq.write_table(renamed, path)
    with pytest.raises(PredictionsError, match=r"'score_scream'.* do not match the class list"):
        read_predictions(path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_one_clear_line(
    tmp_path: Path, table: pd.DataFrame, info: PredictionsInfo, share: float
) -> None:
    path = write_predictions(tmp_path / "p.parquet", table, info)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(PredictionsError, match="not a whole parquet file") as caught:
        read_predictions(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_pages_are_one_clear_line(
    tmp_path: Path, table: pd.DataFrame, info: PredictionsInfo
) -> None:
    path = write_predictions(tmp_path / "p.parquet", table, info)
    data = bytearray(path.read_bytes())
    data[4:600] = bytes(596)
    path.write_bytes(data)
    with pytest.raises(PredictionsError, match="not a whole parquet file"):
        read_predictions(path)


def test_a_missing_file_and_an_empty_table_are_clear_errors(
    tmp_path: Path, table: pd.DataFrame, info: PredictionsInfo
) -> None:
    with pytest.raises(PredictionsError, match="no such file"):
        read_predictions(tmp_path / "p.parquet")
    with pytest.raises(PredictionsError, match="no rows"):
        write_predictions(tmp_path / "p.parquet", table.iloc[:0], info)


def test_a_table_by_hand_needs_three_kinds_of_columns_only(
    tmp_path: Path, table: pd.DataFrame
) -> None:
    path = tmp_path / "p.parquet"
    scores = [name for name in table.columns if name.startswith("score_")]
    table[["sample_id", "label", *scores]].to_parquet(path)
    back = read_predictions(path)
    assert back.info.classes == ("anger", "fear", "happiness")
    assert not back.info.synthetic
    assert back.frame["expression"].tolist() == ["anger", "fear", "happiness", "anger"]
    assert back.frame["found"].all()
    assert "no metadata" in back.notes[0]
    assert "subject_id (unknown)" in back.notes[1]
    assert "found (true)" in back.notes[1]


def test_a_table_by_hand_without_scores_is_refused(tmp_path: Path, table: pd.DataFrame) -> None:
    table[["sample_id", "label"]].to_parquet(tmp_path / "p.parquet")
    with pytest.raises(PredictionsError, match="no score column"):
        read_predictions(tmp_path / "p.parquet")
