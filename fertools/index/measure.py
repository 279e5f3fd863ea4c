"""Size, digest, width and height of many picture files, in chunks that are kept.

What a chunk found stands in a small table, so that a run that was stopped goes on, and a second run
reads only files whose size or date is another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fertools.errors import PictureError
from fertools.jobs import atomic_path, run_tasks
from fertools.pictures import read_facts

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FOLDER", "measure_files"]

FOLDER = "measured"
"""Folder of the tables, beside the manifest."""

_CHUNK = 1024


@dataclass(frozen=True)
class _Task:
    """Files that one worker measures.

    Attributes:
        base: The folder that the paths begin at.
        images: POSIX paths.
        path: The chunk's table.
    """

    base: Path
    images: tuple[str, ...]
    path: Path


def measure_files(
    base: Path, images: Sequence[str], folder: Path, *, workers: int = 1, fresh: bool = False
) -> pa.Table:
    """Read every file for its digest and header.

    Args:
        base: The folder that the paths begin at.
        images: POSIX paths.
        folder: Where the chunks' tables are kept.
        workers: Processes.
        fresh: Read all files, also those that a kept table knows.

    Returns:
        One row a path, in order: ``num_bytes``, ``sha256``, ``width``, ``height``, and ``error``,
        null where the file is a picture.
    """
    import pyarrow as pa

    if fresh:
        for old in folder.glob("*.parquet"):
            old.unlink()
    tasks = [
        _Task(
            base, tuple(images[start : start + _CHUNK]), folder / f"{start // _CHUNK:06d}.parquet"
        )
        for start in range(0, len(images), _CHUNK)
    ]
    tables = run_tasks(
        _measure, tasks, workers=workers, description="reading files", unit=f"x {_CHUNK} files"
    )
    return pa.concat_tables(tables).drop_columns(["image", "mtime_ns"])


def _measure(task: _Task) -> pa.Table:
    """One chunk; rows of its kept table that still hold are taken over."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kept = _kept(task)
    rows = [_measure_one(task.base, image, kept.get(image)) for image in task.images]
    table = pa.Table.from_pylist(rows, schema=_schema())
    if rows != list(kept.values()):
        with atomic_path(task.path) as temporary:
            pq.write_table(table, temporary, compression="zstd")
    return table


def _kept(task: _Task) -> dict[str, dict[str, Any]]:
    """Path to row of what an earlier run found; empty where that cannot be read."""
    import pyarrow.parquet as pq

    if not task.path.is_file():
        return {}
    try:
        table = pq.read_table(task.path)
    except (OSError, ValueError, RuntimeError):  # cut off by a power failure: measured again
        return {}
    if table.schema != _schema():
        return {}
    return {row["image"]: row for row in table.to_pylist()}


def _measure_one(base: Path, image: str, kept: dict[str, Any] | None) -> dict[str, Any]:
    """One file."""
    path = base / image
    row: dict[str, Any] = dict.fromkeys(_schema().names)
    row["image"] = image
    try:
        status = path.stat()
        row["mtime_ns"] = status.st_mtime_ns
        if (
            kept is not None
            and kept["error"] is None
            and (kept["mtime_ns"], kept["num_bytes"]) == (status.st_mtime_ns, status.st_size)
        ):
            return kept
        facts = read_facts(path)
    except PictureError as error:
        row["error"] = str(error).removeprefix(f"{path}: ")
        return row
    except OSError as error:
        row["error"] = f"cannot be read: {error.strerror}"
        return row
    row |= {
        "num_bytes": facts.num_bytes,
        "sha256": facts.sha256,
        "width": facts.width,
        "height": facts.height,
    }
    return row


def _schema() -> pa.Schema:
    """Columns of a chunk's table."""
    import pyarrow as pa

    return pa.schema(
        [
            ("image", pa.string()),
            ("mtime_ns", pa.int64()),
            ("num_bytes", pa.int64()),
            ("sha256", pa.string()),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("error", pa.string()),
        ]
    )
