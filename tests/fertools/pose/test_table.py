from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fertools.errors import ManifestError
from fertools.pose.table import pose_schema, read_pose_table, write_pose_table

ROW = {
    "sample_id": "b",
    "sha256": "0" * 64,
    "yaw_deg": 31.0,
    "pitch_deg": -4.0,
    "roll_deg": 0.5,
    "confidence": 0.9,
    "num_faces": 1,
    "reason": None,
    "key": "k",
}
EMPTY = {"yaw_deg": None, "pitch_deg": None, "roll_deg": None, "confidence": None}
NONE = {**ROW, **EMPTY, "sample_id": "a", "reason": "no face was found"}


def test_arrow_reads_the_file_itself_since_its_threads_outlive_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "pose.parquet", ROW)
    given: list[object] = []
    read = pq.read_table
    monkeypatch.setattr(pq, "read_table", lambda file: given.append(file) or read(file))
    read_pose_table(tmp_path)
    assert [type(file) for file in given] == [pa.OSFile]


def write(path: Path, *rows: dict[str, Any]) -> None:
    write_pose_table(
        path,
        pa.Table.from_pylist(list(rows), schema=pose_schema()),
        dataset="rafdb",
        synthetic=True,
        estimator="mtcnn",
        version="mtcnn 1",
        options={"choose": "largest"},
    )


def test_it_comes_back_sorted(tmp_path: Path) -> None:
    write(tmp_path / "pose.parquet", ROW, NONE)
    table = read_pose_table(tmp_path)
    assert table.frame["sample_id"].tolist() == ["a", "b"]
    assert np.isnan(table.frame["yaw_deg"][0])
    assert table.frame["yaw_deg"][1] == 31.0
    assert table.info.options == {"choose": "largest"}
    assert np.isnan(table.rotations[0]).all()
    np.testing.assert_allclose(table.rotations[1] @ table.rotations[1].T, np.eye(3), atol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"yaw_deg": None}, "has half a pose"),
        ({"yaw_deg": float("nan")}, "has half a pose"),
        ({"yaw_deg": 181.0}, "has an impossible angle"),
        ({"yaw_deg": float("inf")}, "has half a pose"),
        ({"confidence": 1.5}, "has a pose of no confidence"),
        ({"confidence": None}, "has a pose of no confidence"),
        ({"reason": "both"}, "has neither a pose nor a reason, or both"),
        ({**EMPTY}, "has neither a pose nor a reason, or both"),
        ({"sample_id": "a"}, "is nameless or there twice"),
        ({"sha256": None}, "has no digest"),
    ],
)
def test_a_row_that_is_none_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ManifestError, match=f"row 1 .*{message}"):
        write(tmp_path / "pose.parquet", NONE, {**ROW, **change})


def test_a_changed_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pose.parquet"
    write(path, ROW, NONE)
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[1]["yaw_deg"] = 29.0
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    with pytest.raises(ManifestError, match="rows or metadata were changed"):
        read_pose_table(path)


def test_changed_metadata_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pose.parquet"
    write(path, ROW)
    table = pq.read_table(path)
    facts = json.loads(table.schema.metadata[b"fertools.pose"])
    for change, message in (
        ({"synthetic": False}, "were changed"),
        ({"synthetic": "no"}, "lacks a column or a fact"),
        ({"schema_version": 9}, "schema version '9'"),
    ):
        metadata = {b"fertools.pose": json.dumps({**facts, **change}).encode()}
        pq.write_table(table.replace_schema_metadata(metadata), path)
        with pytest.raises(ManifestError, match=message):
            read_pose_table(path)


def test_what_is_no_pose_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pose.parquet"
    with pytest.raises(ManifestError, match="there is no pose table here"):
        read_pose_table(path)
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(ManifestError, match="is no pose table, or cut short"):
        read_pose_table(path)
    pq.write_table(pa.table({"sample_id": ["a"]}), path)
    with pytest.raises(ManifestError, match="has no metadata of a pose table"):
        read_pose_table(path)
