"""Every picture of a manifest read to its last byte, in chunks that are kept.

What a chunk found stands in one uncompressed Arrow file, thumbnails included: whole or absent, and
thumbnails can be fetched from it one by one. A row is taken over by a later run if the manifest has
the same digest and the file the same size, date and change time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fertools.duplicates import THUMBNAIL_SIZE, VARIANTS, coarse_pictures, sketch_picture
from fertools.errors import PictureError
from fertools.jobs import atomic_path, run_tasks
from fertools.pictures import decode_picture, picture_size, read_picture_bytes

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CHUNK", "ReadFiles", "StoredThumbnails", "read_files"]

CHUNK = 256
"""Pictures in a chunk."""

_VERSION = 1  # of the columns and of what sketches are made by
_KEY = b"fertools.verify"
_NUM_PIXELS = THUMBNAIL_SIZE**2
_NUM_COARSE = 256
_SHORTEST = 4 * THUMBNAIL_SIZE  # finer than thumbnails: the scaled decoder smooths otherwise


@dataclass(frozen=True)
class _Task:
    """Files that one worker reads.

    Attributes:
        root: The folder that the paths begin at.
        images: POSIX paths.
        path: The chunk's table.
        digest: Of the manifest.
        fresh: Take nothing over.
    """

    root: Path
    images: tuple[str, ...]
    path: Path
    digest: str
    fresh: bool


@dataclass(frozen=True)
class ReadFiles:
    """What the files are.

    Attributes:
        table: One row a file, in order: ``missing``, ``error`` (null where the picture is whole),
            ``num_bytes``, ``sha256``, ``width``, ``height``, ``is_flat``, ``hashes``, ``coarse``.
        thumbnails: Of all files; black where there is no picture.
        num_kept: How many were taken over from an earlier run.
    """

    table: pa.Table
    thumbnails: StoredThumbnails
    num_kept: int


class StoredThumbnails:
    """Thumbnails in the chunks' files.

    Args:
        paths: The chunks, in order.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def __getitem__(self, numbers: Any, /) -> npt.NDArray[np.uint8]:
        """Some thumbnails, shape ``(K, 64, 64)``, for ``(K,)`` numbers of files."""
        wanted = np.asarray(numbers, np.int64)
        result = np.empty((len(wanted), THUMBNAIL_SIZE, THUMBNAIL_SIZE), np.uint8)
        order = np.argsort(wanted, kind="stable")
        chunks, starts = np.unique(wanted[order] // CHUNK, return_index=True)
        for chunk, places in zip(chunks.tolist(), np.split(order, starts[1:]), strict=True):
            with _opened(self._paths[chunk]) as table:
                buffer = table.column("thumbnail").chunk(0).buffers()[1]
                stored = np.frombuffer(buffer, np.uint8, len(table) * _NUM_PIXELS)
                stored = stored.reshape(-1, THUMBNAIL_SIZE, THUMBNAIL_SIZE)
                result[places] = stored[wanted[places] % CHUNK]
        return result


def read_files(
    root: Path,
    images: Sequence[str],
    folder: Path,
    *,
    digest: str,
    workers: int = 1,
    fresh: bool = False,
) -> ReadFiles:
    """Read and decode every picture.

    Args:
        root: The folder that the paths begin at.
        images: POSIX paths.
        folder: Where the chunks' tables are kept.
        digest: Of the manifest; tables of another one are not used.
        workers: Processes.
        fresh: Read all files, also those that a kept table knows.
    """
    import pyarrow as pa

    tasks = [
        _Task(root, tuple(images[start : start + CHUNK]), _chunk_path(folder, start), digest, fresh)
        for start in range(0, len(images), CHUNK)
    ]
    paths = [task.path for task in tasks]
    for old in set(folder.glob("*.arrow")) - set(paths):
        old.unlink()
    results = run_tasks(
        _read_chunk, tasks, workers=workers, description="reading pictures", unit=f"x {CHUNK} files"
    )
    table = pa.concat_tables(table for table, _ in results)
    return ReadFiles(table, StoredThumbnails(paths), sum(kept for _, kept in results))


def _chunk_path(folder: Path, start: int) -> Path:
    """The table of the chunk that begins at a file."""
    return folder / f"{start // CHUNK:06d}.arrow"


def _read_chunk(task: _Task) -> tuple[pa.Table, int]:
    """One chunk without its thumbnails, and how many of its rows were taken over."""
    import pyarrow as pa

    kept = {} if task.fresh else _kept(task)
    rows = [_read_one(task.root, image, kept.get(image)) for image in task.images]
    num_kept = sum(row is kept.get(row["image"]) for row in rows)
    table = pa.Table.from_pylist(rows, schema=_schema(task.digest))
    if num_kept < len(rows):
        with (
            atomic_path(task.path) as temporary,
            pa.OSFile(str(temporary), "wb") as sink,
            pa.ipc.new_file(sink, table.schema) as writer,
        ):
            writer.write_table(table)
    return table.drop_columns(["image", "mtime_ns", "ctime_ns", "thumbnail"]), num_kept


def _kept(task: _Task) -> dict[str, dict[str, Any]]:
    """Path to row of what an earlier run found; empty where that cannot be used."""
    if not task.path.is_file():
        return {}
    try:
        with _opened(task.path) as table:
            if not table.schema.equals(_schema(task.digest), check_metadata=True):
                return {}
            return {row["image"]: row for row in table.to_pylist()}
    except (OSError, ValueError, RuntimeError):  # cut off by a power failure: read again
        return {}


def _read_one(root: Path, image: str, kept: dict[str, Any] | None) -> dict[str, Any]:
    """One file."""
    path = root / image
    row: dict[str, Any] = dict.fromkeys(_schema("").names)
    row |= {"image": image, "missing": False, "is_flat": False}
    row |= {"hashes": bytes(8 * len(VARIANTS)), "coarse": bytes(_NUM_COARSE)}
    row["thumbnail"] = bytes(_NUM_PIXELS)
    try:
        status = path.stat()
        stamp = {"mtime_ns": status.st_mtime_ns, "ctime_ns": status.st_ctime_ns}
        stamp["num_bytes"] = status.st_size
        if kept is not None and kept["error"] is None and stamp.items() <= kept.items():
            return kept
        data = read_picture_bytes(path)
        row |= stamp | {"num_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        size = picture_size(path, data)
        row["width"], row["height"] = size
        pixels = decode_picture(path, data, shortest=_SHORTEST)
        sketch = sketch_picture(pixels, size=size)
    except (FileNotFoundError, NotADirectoryError):
        return row | {"missing": True, "error": "there is no such file"}
    except PictureError as error:
        return row | {"error": str(error).removeprefix(f"{path}: ")}
    except OSError as error:
        return row | {"error": f"cannot be read: {error.strerror}"}
    except MemoryError:
        return row | {"error": "needs more memory than there is; start again with fewer --workers"}
    return row | {
        "is_flat": sketch.is_flat,
        "hashes": sketch.hashes.tobytes(),
        "coarse": coarse_pictures(sketch.thumbnail).tobytes(),
        "thumbnail": sketch.thumbnail.tobytes(),
    }


class _opened:  # noqa: N801 - used as a function
    """A chunk's table, mapped into memory while the block lasts."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> pa.Table:
        import pyarrow as pa

        self._map = pa.memory_map(str(self._path))
        return pa.ipc.open_file(self._map).read_all()

    def __exit__(self, *_: object) -> None:
        self._map.close()


def _schema(digest: str) -> pa.Schema:
    """Columns of a chunk's table."""
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
            ("hashes", pa.binary(8 * len(VARIANTS))),
            ("coarse", pa.binary(_NUM_COARSE)),
            ("thumbnail", pa.binary(_NUM_PIXELS)),
        ],
        metadata={_KEY: json.dumps({"manifest": digest, "version": _VERSION}).encode()},
    )
