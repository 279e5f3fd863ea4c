"""What was read of pictures, as it is kept: one uncompressed Arrow file a chunk.

Sketches of hundreds of thousands of pictures are fetched column by column, and thumbnails one by
one, without reading the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fertools.duplicates import NUM_WINDOWS, THUMBNAIL_SIZE, VARIANTS, Sketches, Windows
from fertools.jobs import atomic_path

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "CHUNK",
    "FACTS",
    "SKETCH",
    "ReadFiles",
    "StoredCells",
    "num_bytes",
    "opened",
    "schema_of",
    "write_chunk",
]

CHUNK = 256
"""Pictures in a chunk."""

FACTS = ("missing", "error", "num_bytes", "sha256", "width", "height", "is_flat")
"""Columns about a file."""

SKETCH: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
    "hashes": (np.uint64, (len(VARIANTS),)),
    "coarse": (np.uint8, (16, 16)),
    "inner": (np.uint64, (NUM_WINDOWS, 2)),
    "outer": (np.uint64, (NUM_WINDOWS, 2)),
    "unsure": (np.uint64, (NUM_WINDOWS,)),
    "thumbnail": (np.uint8, (THUMBNAIL_SIZE, THUMBNAIL_SIZE)),
}
"""Column of a picture's sketch to the type and shape of its cells."""

_VERSION = 2  # of the columns and of what sketches are made by
_KEY = b"fertools.verify"


@dataclass(frozen=True)
class ReadFiles:
    """What the files are.

    Attributes:
        table: One row a file, in order, with the columns ``FACTS``; ``error`` is null where the
            picture is whole.
        paths: The chunks' files.
        num_kept: How many were taken over from an earlier run.
    """

    table: pa.Table
    paths: tuple[Path, ...]
    num_kept: int

    def sketches(self, numbers: npt.NDArray[np.int64]) -> Sketches:
        """The sketches of some files, ascending; the large cells stay on the disk until used."""
        cells = {name: StoredCells(self.paths, numbers, name) for name in SKETCH}
        every = np.arange(len(numbers))
        return Sketches(
            cells["hashes"][every],
            cells["coarse"][every],
            cells["thumbnail"],
            self.table.column("is_flat").to_numpy()[numbers].astype(np.bool_),
            Windows(cells["inner"], cells["outer"], cells["unsure"]),
        )


class StoredCells:
    """A column of sketches in the chunks' files.

    Args:
        paths: The chunks, in order.
        numbers: Which files count, in their order.
        name: The column.
    """

    def __init__(self, paths: Sequence[Path], numbers: npt.NDArray[np.int64], name: str) -> None:
        self._paths, self._numbers, self._name = paths, numbers, name

    def __getitem__(self, places: Any, /) -> npt.NDArray[Any]:
        """Some cells, shape ``(K, ...)``, for ``(K,)`` places among the numbers."""
        wanted = self._numbers[np.asarray(places, np.int64)]
        kind, shape = SKETCH[self._name]
        result = np.empty((len(wanted), *shape), kind)
        order = np.argsort(wanted, kind="stable")
        chunks, starts = np.unique(wanted[order] // CHUNK, return_index=True)
        for chunk, members in zip(chunks.tolist(), np.split(order, starts)[1:], strict=True):
            with opened(self._paths[chunk]) as table:
                result[members] = _cells(table, self._name)[wanted[members] % CHUNK]
        return result


@contextmanager
def opened(path: Path) -> Iterator[pa.Table]:
    """A chunk's table, mapped into memory while the block lasts."""
    import pyarrow as pa

    with pa.memory_map(str(path)) as mapped:
        yield pa.ipc.open_file(mapped).read_all()


def write_chunk(path: Path, table: pa.Table) -> None:
    """Write a chunk whole or not at all, in one batch, so that its cells lie side by side."""
    import pyarrow as pa

    with (
        atomic_path(path) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as writer,
    ):
        writer.write_table(table)


def schema_of(digest: str) -> pa.Schema:
    """Columns of a chunk's table; the manifest's digest and the version are in its metadata."""
    import pyarrow as pa

    return pa.schema(
        [
            ("image", pa.string()),
            ("mtime_ns", pa.int64()),
            ("ctime_ns", pa.int64()),
            ("missing", pa.bool_()),
            ("error", pa.string()),
            ("num_bytes", pa.int64()),
            ("sha256", pa.string()),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("is_flat", pa.bool_()),
            *((name, pa.binary(num_bytes(name))) for name in SKETCH),
        ],
        metadata={_KEY: json.dumps({"manifest": digest, "version": _VERSION}).encode()},
    )


def num_bytes(name: str) -> int:
    """Of a cell of a column of sketches."""
    kind, shape = SKETCH[name]
    return int(np.dtype(kind).itemsize * np.prod(shape))


def _cells(table: pa.Table, name: str) -> npt.NDArray[Any]:
    """A column of sketches as it lies in memory."""
    kind, shape = SKETCH[name]
    buffer = table.column(name).chunk(0).buffers()[1]
    count = len(table) * int(np.prod(shape))
    return np.frombuffer(buffer, kind, count).reshape(-1, *shape)
