from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from fertools.errors import ManifestError
from fertools.manifest import Manifest, read_manifest, write_manifest


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
