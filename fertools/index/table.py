"""Rows of a reader to tables, a few thousand at a time, so that memory holds the table alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fertools.formats.registry import Fault, Note, Row, Sample
from fertools.jobs import atomic_path, progress

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["ReadRows", "keep_landmarks", "read_rows"]

_BATCH = 4096
_COLUMNS = (
    "sample_id",
    "image",
    "expression",
    "subject_id",
    "split",
    "intensity",
    "yaw_deg",
    "view_id",
    "pan_deg",
    "tilt_deg",
    "pose_source",
)


class ReadRows:
    """What a reader yielded.

    Attributes:
        batches: The samples, without their landmarks.
        faults: What cannot be used.
        notes: Reason to count of what is worth saying.
        num_landmarks: Samples with landmarks.
    """

    def __init__(self) -> None:
        self.batches: list[pa.RecordBatch] = []
        self.faults: list[Fault] = []
        self.notes: Counter[str] = Counter()
        self.num_landmarks = 0

    def table(self) -> pa.Table:
        """All samples; the columns are the fixed ones and the set's own."""
        import pyarrow as pa

        tables = [pa.Table.from_batches([batch]) for batch in self.batches]
        table = pa.concat_tables(tables, promote_options="permissive")
        unknown = [
            name
            for name in table.column_names
            if name not in _COLUMNS and table.column(name).null_count == table.num_rows
        ]
        return table.drop_columns(unknown)  # of the set's own: what no sample has is no column


def read_rows(rows: Iterable[Row], landmarks_path: Path) -> ReadRows:
    """Collect a reader's rows; landmarks go to a file at once.

    Args:
        rows: What the reader yields.
        landmarks_path: A parquet file to write: ``sample_id``, and lists ``x`` and ``y``.
    """
    import pyarrow.parquet as pq

    read = ReadRows()
    waiting: list[Sample] = []
    with (
        pq.ParquetWriter(landmarks_path, _landmark_schema(), compression="zstd") as writer,
        progress("reading names and lists", None, "samples") as advance,
    ):
        for row in rows:
            if isinstance(row, Fault):
                read.faults.append(row)
            elif isinstance(row, Note):
                read.notes[row.reason] += row.count
            else:
                waiting.append(row)
                if len(waiting) == _BATCH:
                    _flush(waiting, read, writer)
                    advance(_BATCH)
        num_last = len(waiting)
        _flush(waiting, read, writer)
        advance(num_last)
    return read


def _flush(waiting: list[Sample], read: ReadRows, writer: Any) -> None:
    """Move the samples that wait into a batch, and their landmarks into the file."""
    import pyarrow as pa

    if not waiting:
        return
    columns: dict[str, list[Any]] = {
        name: [getattr(sample, name) for sample in waiting] for name in _COLUMNS
    }
    for name in waiting[0].extra:
        columns[name] = [sample.extra[name] for sample in waiting]
    read.batches.append(pa.RecordBatch.from_pydict(columns))
    marked = [sample for sample in waiting if sample.landmarks is not None]
    if marked:
        read.num_landmarks += len(marked)
        points = [sample.landmarks for sample in marked if sample.landmarks is not None]
        values = {
            "sample_id": [sample.sample_id for sample in marked],
            "x": [p[:, 0] for p in points],
            "y": [p[:, 1] for p in points],
        }
        writer.write_batch(pa.RecordBatch.from_pydict(values, schema=_landmark_schema()))
    waiting.clear()


def keep_landmarks(source: Path, target: Path, sample_ids: pd.Series[str]) -> None:
    """Copy the landmarks of some samples, whole or not at all, a group of rows at a time."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    kept = pa.array(sample_ids, pa.string())
    with atomic_path(target) as temporary:
        file = pq.ParquetFile(source)
        with pq.ParquetWriter(temporary, _landmark_schema(), compression="zstd") as writer:
            for batch in file.iter_batches():
                writer.write_batch(
                    batch.filter(pc.is_in(batch.column("sample_id"), value_set=kept))
                )


def _landmark_schema() -> pa.Schema:
    """Columns of ``landmarks.parquet``."""
    import pyarrow as pa

    points = pa.list_(pa.float32())
    return pa.schema([("sample_id", pa.string()), ("x", points), ("y", points)])
