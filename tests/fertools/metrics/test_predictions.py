from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
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


WRONG_CELLS = [
    ("label", ["0", "1", "2", "0"], "row 0 ('s0-000'), column 'label': '0'; expected a whole"),
    ("label", [False, True, True, False], "column 'label': False; expected a whole number"),
    ("label", [b"0", b"1", b"2", b"0"], "column 'label': b'0'"),
    ("label", [datetime(2026, 1, 1)] * 4, "column 'label': Timestamp("),
    ("label", [timedelta(0)] * 4, "column 'label': Timedelta("),
    ("label", [0.0, 1.5, 2.0, 0.0], "row 1 ('s0-001'), column 'label': 1.5"),
    ("fold", ["0"] * 4, "column 'fold': '0'; expected a whole number, 0 to 2147483647"),
    ("fold", [False] * 4, "column 'fold': False"),
    ("fold", [0.0, 0.0, 1e30, 0.0], "row 2 ('s0-002'), column 'fold': 1e+30"),
    ("fold", [0.0, None, 0.0, 0.0], "row 1 ('s0-001'), column 'fold': nan"),
    ("intensity", ["4"] * 4, "column 'intensity': '4'; expected 1 to 4 (a whole number)"),
    ("intensity", [True] * 4, "column 'intensity': True"),
    ("yaw_deg", ["30"] * 4, "column 'yaw_deg': '30'; expected -180 to 180 (a number) or nothing"),
    ("score_fear", ["0.2"] * 4, "column 'score_fear': '0.2'; expected a finite number"),
    ("score_fear", [False] * 4, "column 'score_fear': False; expected a finite number"),
    ("subject_id", ["F0", "F0", "", None], "row 2 ('s0-002'), column 'subject_id': ''; expected"),
    ("subject_id", [1, 1, 2, 2], "column 'subject_id': 1; expected a name"),
    ("view_id", ["front", "", None, "left"], "row 1 ('s0-001'), column 'view_id': ''"),
    ("found", [1, 1, 0, 1], "column 'found': 1; expected true or false"),
    ("expression", [None, "fear", "happiness", "anger"], "column 'expression': "),
]


@pytest.mark.parametrize(("column", "values", "words"), WRONG_CELLS)
def test_nothing_of_another_type_is_taken_for_a_number_or_a_name(
    tmp_path: Path, table: pd.DataFrame, column: str, values: list[object], words: str
) -> None:
    path = tmp_path / "p.parquet"
    table.assign(**{column: values}).to_parquet(path)
    with pytest.raises(PredictionsError, match=re.escape(words)) as caught:
        read_predictions(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", " ", "a ", "\ta", "a\nb", "a\0", "a\u200b", "a\u2028b"])
def test_names_that_cannot_be_told_apart_by_eye_are_refused(
    tmp_path: Path, table: pd.DataFrame, info: PredictionsInfo, name: str
) -> None:
    for column in ("sample_id", "subject_id", "view_id"):
        changed = table.assign(**{column: [*table[column][:3], name]})
        words = f"column '{column}': {name!r}; expected a name"
        with pytest.raises(PredictionsError, match=re.escape(words)):
            write_predictions(tmp_path / "p.parquet", changed, info)
    table.assign(**{f"score_{name}": 0.0}).to_parquet(tmp_path / "p.parquet")
    with pytest.raises(PredictionsError, match=r"class list .* expected two or more different"):
        read_predictions(tmp_path / "p.parquet")


def test_whole_numbers_kept_as_floats_and_folds_with_gaps_are_read(
    tmp_path: Path, table: pd.DataFrame
) -> None:
    path = tmp_path / "p.parquet"
    changed = {
        "label": [0.0, 1.0, 2.0, 0.0],
        "fold": [0.0, 3.0, 3.0, 7.0],
        "intensity": [1.0, None, 4.0, None],
        "subject_id": pd.Categorical(["a", "a", "b", None]),
    }
    table.assign(**changed).to_parquet(path)
    back = read_predictions(path).frame
    assert back["label"].tolist() == [0, 1, 2, 0]
    assert back["fold"].tolist() == [0, 3, 3, 7]
    assert back["intensity"].dropna().tolist() == [1, 4]
    assert back["subject_id"].dropna().tolist() == ["a", "a", "b"]


def test_a_column_that_stands_there_twice_is_refused(tmp_path: Path, table: pd.DataFrame) -> None:
    stored = pa.Table.from_pandas(table)
    pq.write_table(stored.append_column("label", stored["label"]), tmp_path / "p.parquet")
    with pytest.raises(PredictionsError, match="column 'label' stands there twice"):
        read_predictions(tmp_path / "p.parquet")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"protocol": None}, "'protocol' is None, expected text in one line"),
        ({"protocol": ["rafdb"]}, r"'protocol' is \['rafdb'\]"),
        ({"model": "a\nb"}, "'model' is"),
        ({"lock_digest": 5}, "'lock_digest' is 5"),
        ({"synthetic": "yes"}, "'synthetic' is 'yes', expected true or false"),
        ({"mismatch": [1]}, r"'mismatch' is \[1\], expected a list of text"),
        ({"mismatch": "labels"}, "'mismatch' is 'labels'"),
        ({"classes": ["anger", "", "happiness"]}, "'classes' is"),
        ({"classes": ["anger", "anger"]}, "'classes' is"),
        ({"classes": ["anger", 1]}, "'classes' is"),
        ({"classes": {"anger": 0, "fear": 1}}, "'classes' is"),
        ({"folder": "x" * 1000}, "'folder' is not known"),
        ({"schema_version": 2}, "schema version 2; this fertools reads 1"),
        ("[" * 200_000, "its metadata is damaged; write it again"),
        ("{", "its metadata is damaged; write it again"),
        ("[]", "its metadata is damaged; write it again"),
    ],
)
def test_metadata_of_other_types_is_damaged(
    tmp_path: Path, table: pd.DataFrame, info: PredictionsInfo, change: object, words: str
) -> None:
    path = write_predictions(tmp_path / "p.parquet", table, info)
    stored = pq.read_table(path)
    [(key, before)] = stored.schema.metadata.items()
    text = json.dumps(json.loads(before) | change) if isinstance(change, dict) else str(change)
    pq.write_table(stored.replace_schema_metadata({key: text}), path)
    with pytest.raises(PredictionsError, match=words) as caught:
        read_predictions(path)
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)


def test_what_would_not_be_read_is_not_written(
    tmp_path: Path, table: pd.DataFrame, info: PredictionsInfo
) -> None:
    with pytest.raises(PredictionsError, match="'model' is 'a\\\\nb', expected text in one line"):
        write_predictions(tmp_path / "p.parquet", table, replace(info, model="a\nb"))
    assert not list(tmp_path.iterdir())


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
