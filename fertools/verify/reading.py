"""Every picture of a manifest read to its last byte, in chunks that are kept.

What a chunk found stands in a file of its own, whole or absent. A row is taken over by a later run
if the manifest has the same digest and the file the same size, date and change time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fertools.duplicates import THUMBNAIL_SIZE, coarse_pictures, hash_windows, sketch_picture
from fertools.errors import PictureError
from fertools.jobs import run_tasks
from fertools.pictures import decode_picture, picture_size, read_picture_bytes
from fertools.verify.stored import (
    CHUNK,
    FACTS,
    SKETCH,
    ReadFiles,
    num_bytes,
    opened,
    schema_of,
    write_chunk,
)

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_files"]

_SHORTEST = 4 * THUMBNAIL_SIZE  # finer than thumbnails: the scaled decoder smooths otherwise
_WINDOWS = ("inner", "outer", "unsure")
_STAMP = ("mtime_ns", "ctime_ns", "num_bytes")  # what is another one once a file was written again


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
    return ReadFiles(table, tuple(paths), sum(kept for _, kept in results))


def _chunk_path(folder: Path, start: int) -> Path:
    """The table of the chunk that begins at a file."""
    return folder / f"{start // CHUNK:06d}.arrow"


def _read_chunk(task: _Task) -> tuple[pa.Table, int]:
    """The facts of one chunk, and how many of its rows were taken over."""
    import pyarrow as pa

    schema = schema_of(task.digest)
    known = None if task.fresh else _known(task)
    if known is not None and _are_current(task.root, known):
        return known.select(FACTS).replace_schema_metadata(), len(known)
    kept = {} if known is None else _kept(task)
    rows = [_read_one(task.root, image, kept.get(image)) for image in task.images]
    num_kept = sum(row is kept.get(row["image"]) for row in rows)
    if num_kept < len(rows):
        _add_windows(rows)
    table = pa.Table.from_pylist(rows, schema=schema)
    if num_kept < len(rows):
        write_chunk(task.path, table)
    return table.select(FACTS).replace_schema_metadata(), num_kept


def _known(task: _Task) -> pa.Table | None:
    """What an earlier run found of each file, without sketches; None where that cannot be used."""
    if not task.path.is_file():
        return None
    try:
        with opened(task.path) as table:
            if table.schema.equals(schema_of(task.digest), check_metadata=True):
                facts = table.drop_columns(list(SKETCH))
                return facts.take(np.arange(len(facts)))  # a copy: the file will be closed
    except (OSError, ValueError, RuntimeError):  # cut off by a power failure: read again
        pass
    return None


def _kept(task: _Task) -> dict[str, dict[str, Any]]:
    """Path to row of what an earlier run found."""
    with opened(task.path) as table:
        return {row["image"]: row for row in table.to_pylist()}


def _are_current(root: Path, known: pa.Table) -> bool:
    """Whether all pictures were whole and are still the same files."""
    if known.column("error").null_count < len(known):
        return False
    columns = [known.column(name).to_pylist() for name in ("image", *_STAMP)]
    folder = str(root)  # making half a million paths takes longer than asking for their dates
    try:
        return all(
            _stamp(f"{folder}/{image}") == tuple(stamp)
            for image, *stamp in zip(*columns, strict=True)
        )
    except OSError:
        return False


def _stamp(path: str | Path) -> tuple[int, int, int]:
    """Times and size of a file, as ``_STAMP`` names them."""
    status = os.stat(path)  # noqa: PTH116 - see above
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size


def _read_one(root: Path, image: str, kept: dict[str, Any] | None) -> dict[str, Any]:
    """One file; the windows are hashed for the whole chunk."""
    path = root / image
    row: dict[str, Any] = dict.fromkeys(schema_of("").names)
    row |= {"image": image, "missing": False, "is_flat": False}
    row |= {name: bytes(num_bytes(name)) for name in SKETCH}
    try:
        stamp = dict(zip(_STAMP, _stamp(path), strict=True))
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


def _add_windows(rows: list[dict[str, Any]]) -> None:
    """Hash the windows of all thumbnails at once, which is much faster."""
    thumbnails = np.frombuffer(b"".join(row["thumbnail"] for row in rows), np.uint8)
    windows = hash_windows(thumbnails.reshape(-1, THUMBNAIL_SIZE, THUMBNAIL_SIZE))
    for number, row in enumerate(rows):
        row |= {name: getattr(windows, name)[number].tobytes() for name in _WINDOWS}
