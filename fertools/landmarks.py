"""A set's landmarks: ``landmarks.parquet`` beside its manifest, kept flat.

Half a million faces of 68 points are 245 MB so, and several times as much as objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fertools.errors import ManifestError
from fertools.geometry import FloatArray
from fertools.regular_files import open_for_arrow

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LandmarkRows", "LandmarkTable", "read_landmark_table"]

_IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LandmarkRows:
    """Landmarks of N samples.

    Attributes:
        points: All points one after another, shape ``(P, 2)``, float32, pixels.
        starts: Shape ``(N,)``: where each sample's points begin.
        counts: Shape ``(N,)``: how many it has; 0 where it has none.
    """

    points: npt.NDArray[np.float32]
    starts: _IntArray
    counts: _IntArray

    @classmethod
    def none(cls, size: int) -> LandmarkRows:
        """Of samples without any."""
        nothing = np.zeros(size, dtype=np.int64)
        return cls(np.zeros((0, 2), np.float32), nothing, nothing)

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[FloatArray | None]:
        for start, count in zip(self.starts.tolist(), self.counts.tolist(), strict=True):
            yield self.points[start : start + count].astype(np.float64) if count else None

    def bytes_of(self, number: int) -> bytes:
        """The points of one sample, to be digested."""
        start = int(self.starts[number])
        return self.points[start : start + int(self.counts[number])].tobytes()

    def take(self, numbers: _IntArray) -> LandmarkRows:
        """Those of some samples, by themselves: what a worker is sent."""
        counts = self.counts[numbers]
        ends = np.cumsum(counts)
        starts = ends - counts
        total = int(ends[-1]) if len(ends) else 0
        places = np.arange(total) + np.repeat(self.starts[numbers] - starts, counts)
        return LandmarkRows(self.points[places], starts, counts)


@dataclass(frozen=True)
class LandmarkTable:
    """The file.

    Attributes:
        sample_ids: Arrow array of the samples' names.
        rows: Their landmarks.
        visible: A list of truth values a sample, where the set says it; else None.
    """

    sample_ids: pa.Array
    rows: LandmarkRows
    visible: list[list[bool]] | None

    def of(self, sample_ids: Sequence[str]) -> LandmarkRows:
        """The landmarks of some samples, in their order; no points where one is not there."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not len(self.rows):
            return LandmarkRows.none(len(sample_ids))
        wanted = pa.array(list(sample_ids), pa.string())
        places = pc.index_in(wanted, value_set=self.sample_ids).fill_null(-1)
        rows = places.to_numpy(zero_copy_only=False).astype(np.int64)
        counts = np.where(rows < 0, 0, self.rows.counts[rows])
        return LandmarkRows(self.rows.points, self.rows.starts[rows], counts)


def read_landmark_table(folder: Path) -> LandmarkTable:
    """Read ``landmarks.parquet`` in a manifest's folder; empty where there is no such file.

    Raises:
        ManifestError: If it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "landmarks.parquet"
    if not path.is_file():
        return LandmarkTable(pa.array([], pa.string()), LandmarkRows.none(0), None)
    try:
        with open_for_arrow(path) as stream:
            table = pq.read_table(stream).combine_chunks()
        ids = pa.array([], pa.string())
        if len(table):
            ids = table.column("sample_id").chunk(0).cast(pa.string())
        (xs, counts), (ys, others) = _flat(table, "x"), _flat(table, "y")
        if not np.array_equal(counts, others):
            raise ValueError("x and y differ in number")
        visible = table.column("visible").to_pylist() if "visible" in table.column_names else None
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        raise ManifestError(f"{path}: is damaged; make it again with its manifest") from error
    points = np.stack([xs, ys], axis=1).astype(np.float32, copy=False)
    return LandmarkTable(ids, LandmarkRows(points, np.cumsum(counts) - counts, counts), visible)


def _flat(table: pa.Table, name: str) -> tuple[npt.NDArray[np.float32], _IntArray]:
    """Values and numbers of values of a column of lists."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table.column(name)
    lists = column.chunk(0) if column.num_chunks else pa.array([], pa.list_(pa.float32()))
    values = lists.flatten().cast(pa.float32()).fill_null(np.nan).to_numpy(zero_copy_only=False)
    counts = pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False)
    return values, counts.astype(np.int64)
