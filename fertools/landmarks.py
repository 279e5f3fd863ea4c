"""A set's landmarks by row numbers of its manifest, kept flat: half a million faces are many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fertools.errors import ManifestError
from fertools.geometry import FloatArray
from fertools.regular_files import open_regular

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LandmarkRows", "read_landmark_rows"]

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


def read_landmark_rows(folder: Path, sample_ids: Sequence[str]) -> LandmarkRows:
    """Read ``landmarks.parquet`` in the order of some samples; none where there is no such file.

    Raises:
        ManifestError: If it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "landmarks.parquet"
    if not path.is_file():
        return LandmarkRows.none(len(sample_ids))
    try:
        with open_regular(path) as stream:
            table = pq.read_table(stream, columns=["sample_id", "x", "y"]).combine_chunks()
        xs, ys = _flat(table, "x"), _flat(table, "y")
        if not np.array_equal(xs[1], ys[1]):
            raise ValueError("x and y differ in number")
        places = pa.compute.index_in(
            pa.array(list(sample_ids), pa.string()), value_set=table.column("sample_id")
        )
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        raise ManifestError(f"{path}: is damaged; make it again with its manifest") from error
    rows = places.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    offsets = np.concatenate([xs[1], xs[1][-1:]])  # a row -1 has no points
    starts, ends = offsets[rows], offsets[rows + 1]
    points = np.stack([xs[0], ys[0]], axis=1).astype(np.float32, copy=False)
    counts = np.where(rows < 0, 0, ends - starts)
    return LandmarkRows(points, np.where(rows < 0, 0, starts), counts)


def _flat(table: pa.Table, name: str) -> tuple[npt.NDArray[np.float32], _IntArray]:
    """Values and offsets of a column of lists."""
    import pyarrow as pa

    column = table.column(name)
    lists = column.chunk(0) if column.num_chunks else pa.array([], pa.list_(pa.float32()))
    values = lists.flatten().cast(pa.float32()).fill_null(np.nan).to_numpy(zero_copy_only=False)
    lengths = pa.compute.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False)
    return values, np.concatenate([[0], np.cumsum(lengths.astype(np.int64))])
