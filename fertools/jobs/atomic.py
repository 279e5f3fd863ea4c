"""Files that are whole or absent: written aside, flushed to the disk, then renamed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from fertools.errors import OutputError

__all__ = [
    "atomic_path",
    "place_file",
    "remove_partials",
    "write_bytes",
    "write_bytes_soon",
    "write_json",
    "write_text",
]

_PREFIX = ".partial-"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that becomes ``path`` if the block succeeds.

    The folder is made if need be. A reader sees the old file or the whole new one, never a part;
    after an error or an interruption the temporary file is removed.

    Raises:
        OutputError: If the folder or file cannot be written; it names the file and the reason.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f"{_PREFIX}{path.stem}-", suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise _explain(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes whole or not at all; see :func:`atomic_path` for the errors."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_bytes_soon(path: Path, data: bytes) -> None:
    """Write one of many files whole or not at all, without waiting for the disk.

    Whole after any end of the process. After a power failure the file may be empty or cut off:
    whoever comes back compares its size or digest. The folder must be there, and no other process
    may be writing the same file.

    Raises:
        OutputError: If the file cannot be written; it names the file and the reason.
    """
    with _beside(path) as temporary:
        temporary.write_bytes(data)


def place_file(source: Path, target: Path) -> None:
    """The same file at another place: linked, or copied from another disk; the folder is made.

    Raises:
        OutputError: If that is not possible.
    """
    if target.exists() and source.samefile(target):
        return
    with _beside(target) as temporary:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copy2(source, temporary)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A temporary path that becomes ``path`` if the block makes it and succeeds."""
    temporary = path.with_name(f"{_PREFIX}{path.name}")
    is_placed = False
    try:
        yield temporary
        temporary.replace(path)
        is_placed = True
    except OSError as error:
        raise _explain(path, error) from error
    finally:
        if not is_placed:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text whole or not at all; see :func:`atomic_path` for the errors."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, so that equal values give equal bytes."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def remove_partials(folder: Path, *, below: bool = True) -> None:
    """Remove what a killed process left half-written in a folder that no other one fills.

    Args:
        folder: Nothing is done where there is none.
        below: Also in the folders within it.
    """
    for path in folder.rglob(f"{_PREFIX}*") if below else folder.glob(f"{_PREFIX}*"):
        if path.is_file():
            path.unlink(missing_ok=True)


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _explain(path: Path, error: OSError) -> OutputError:
    """Turn an operating-system error into one line with a remedy."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return OutputError(
            f"{path}: no space left on the device; free some or choose another place with --out, "
            "then start the same command again: what is whole is kept"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(f"{path}: may not be written here; choose another place with --out")
    return OutputError(f"{path}: cannot be written: {error.strerror or error}")
