from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fertools.errors import ManifestError
from fertools.landmarks import read_landmark_table


def write(folder: Path) -> None:
    frame = pd.DataFrame(
        {
            "sample_id": ["b", "a", "c"],
            "x": [[1.0, 4.0], [1.0, 2.0, 7.0], None],
            "y": [[3.0, 4.0], [3.0, 4.0, 5.0], None],
        }
    )
    frame.to_parquet(folder / "landmarks.parquet")


def test_they_come_in_the_order_that_is_asked(tmp_path: Path) -> None:
    write(tmp_path)
    rows = read_landmark_table(tmp_path).of(["a", "nobody", "b", "c"])
    found = [None if points is None else points.tolist() for points in rows]
    first, other = [[1.0, 3.0], [2.0, 4.0], [7.0, 5.0]], [[1.0, 3.0], [4.0, 4.0]]
    assert found == [first, None, other, None]
    part = rows.take(np.array([2, 1, 0]))
    assert [None if p is None else p.tolist() for p in part] == [other, None, first]
    assert len(part.points) == 5
    assert rows.bytes_of(0) == np.array(first, np.float32).tobytes()


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert list(read_landmark_table(tmp_path).of(["a", "b"])) == [None, None]


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "landmarks.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(ManifestError, match="is damaged"):
        read_landmark_table(tmp_path)
    pd.DataFrame({"sample_id": ["a"], "x": [[1.0, 2.0]], "y": [[1.0]]}).to_parquet(path)
    with pytest.raises(ManifestError, match="is damaged"):
        read_landmark_table(tmp_path)
