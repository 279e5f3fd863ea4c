"""The files of a scan on the disk: only regular ones are opened, and none unmeasured."""

from __future__ import annotations

import stat
from pathlib import Path

from fertools.errors import ScanError

__all__ = ["size_of_file"]


def size_of_file(path: Path, what: str) -> int:
    """The size of a file that is about to be read.

    Opening a pipe waits for a writer, and a device may never end: neither is a file of a data set.

    Args:
        path: The file; links are followed.
        what: What it should hold, for the messages.

    Returns:
        Bytes.

    Raises:
        ScanError: If it is missing, may not be looked at, or is not a regular file.
    """
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise ScanError(f"{path}: {what} is missing; unpack the archive again") from error
    except OSError as error:
        raise ScanError(f"{path}: cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
        raise ScanError(f"{path}: is {kind}; expected a regular file with {what}")
    return status.st_size
