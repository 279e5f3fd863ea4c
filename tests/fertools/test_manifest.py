from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from fertools.errors import ManifestError
from fertools.manifest import Manifest, _digest, read_manifest, write_manifest


def rows(**changes: Any) -> pd.DataFrame:
    base = {
        "sample_id": ["b", "a"],
        "image": ["images/b.png", "images/a.png"],
        "dataset": "bu3dfe",
        "subject_id": ["F0001", "M0001"],
        "expression": ["anger", "fear"],
        "intensity": [4, 1],
        "yaw_deg": [0.0, 30.0],
        "width": 64,
        "height": 64,
        "sha256": ["0" * 64, "1" * 64],
        "ethnicity": ["WH", "AE"],
    }
    return pd.DataFrame({**base, **changes})


def write(path: Path, frame: pd.DataFrame) -> Manifest:
    return write_manifest(path, frame, dataset="bu3dfe", synthetic=True, config={"image_size": 64})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written = write(tmp_path / "m.parquet", rows())
    read = read_manifest(tmp_path / "m.parquet")
    pd.testing.assert_frame_equal(read.frame, written.frame)
    assert read.info == written.info
    assert read.frame["sample_id"].tolist() == ["a", "b"]


def test_the_order_of_rows_does_not_change_the_bytes(tmp_path: Path) -> None:
    write(tmp_path / "one.parquet", rows())
    write(tmp_path / "two.parquet", rows().iloc[::-1])
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


@pytest.mark.parametrize(
    ("column", "values", "match"),
    [
        ("sample_id", ["a", "a"], "sample_id"),
        ("sample_id", ["a", ""], "sample_id.*printable"),
        ("subject_id", ["002", "002 "], "subject_id.*'002 '"),
        ("subject_id", ["002", "002\u200b"], "subject_id.*printable"),
        ("view_id", ["a\nb", None], "view_id.*printable"),
        ("image", ["../b.png", "a.png"], "image"),
        ("image", ["/b.png", "a.png"], "image"),
        ("expression", ["anger", "joy"], "expression.*'joy'"),
        ("intensity", [5, 1], "intensity.*5"),
        ("yaw_deg", [0.0, 181.0], "yaw_deg"),
        ("sha256", ["x", "1" * 64], "sha256"),
        ("width", [0, 64], "width"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path: Path, column: str, values: list[Any], match: str) -> None:
    with pytest.raises(ManifestError, match=match):
        write(tmp_path / "m.parquet", rows(**{column: values}))
    assert not (tmp_path / "m.parquet").exists()


def test_a_file_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    write(path, rows())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ManifestError, match="not a whole parquet file"):
        read_manifest(path)


def test_a_changed_row_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    write(path, rows())
    table = pq.read_table(path)
    frame = table.to_pandas()
    frame.loc[0, "expression"] = "sadness"
    changed = table.from_pandas(frame, preserve_index=False)
    pq.write_table(changed.replace_schema_metadata(table.schema.metadata), path)
    with pytest.raises(ManifestError, match="changed after it was written"):
        read_manifest(path)


def test_a_strangers_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    rows().to_parquet(path)
    with pytest.raises(ManifestError, match="no fertools metadata"):
        read_manifest(path)


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="there is no manifest here"):
        read_manifest(tmp_path)


def change(path: Path, key: bytes, value: bytes) -> None:
    table = pq.read_table(path)
    metadata = {**table.schema.metadata, key: value}
    pq.write_table(table.replace_schema_metadata(metadata), path)


@pytest.mark.parametrize("value", [b"{}", b"[]", b"7", b"?", b'{"columns": 3}'])
def test_foreign_metadata_of_pandas_is_no_traceback(tmp_path: Path, value: bytes) -> None:
    path = tmp_path / "m.parquet"
    write(path, rows())
    change(path, b"pandas", value)
    with pytest.raises(ManifestError) as error:
        read_manifest(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("synthetic", "no"),
        ("synthetic", 1),
        ("dataset", {"a": 1}),
        ("dataset", "a\x1b[31mb"),
        ("dataset", ""),
        ("root", 7),
        ("root", "a\nb"),
        ("config", 7),
        ("schema_version", True),
        ("tool_version", None),
        ("digest", "0"),
        ("other\x1b", 1),
    ],
)
def test_a_fact_of_another_type_is_named(tmp_path: Path, fact: str, value: object) -> None:
    path = tmp_path / "m.parquet"
    made = write(path, rows())
    facts = json.loads(pq.read_table(path).schema.metadata[b"fertools.manifest"])
    facts[fact] = value
    if fact != "digest":
        signed = {k: v for k, v in facts.items() if k not in ("digest", "root")}
        facts["digest"] = _digest(made.frame, signed)
    change(path, b"fertools.manifest", json.dumps(facts).encode())
    with pytest.raises(ManifestError, match=fact.strip("\x1b")) as error:
        read_manifest(path)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("content", [b"[]", b"null", b"{}", b"[" * 100_000])
def test_metadata_that_is_no_object_of_ours_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.parquet"
    write(path, rows())
    change(path, b"fertools.manifest", content)
    with pytest.raises(ManifestError, match="the metadata"):
        read_manifest(path)


def test_a_doubled_column_is_named_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    write(path, rows())
    table = pq.read_table(path)
    pq.write_table(table.append_column("width", table["width"]), path)
    with pytest.raises(ManifestError, match="'width' is there twice") as error:
        read_manifest(path)
    assert len(str(error.value)) < len(str(path)) + 80
    doubled = pd.concat([rows(), rows()[["width"]]], axis=1)
    with pytest.raises(ManifestError, match="'width' is there twice"):
        write(path, doubled)


def test_a_name_that_could_steer_a_terminal_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    with pytest.raises(ManifestError, match="'dataset' in the metadata"):
        write_manifest(path, rows(), dataset="a\x1b", synthetic=True, config={})
    assert not path.exists()
