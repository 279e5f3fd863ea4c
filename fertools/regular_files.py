"""Opening files that others named: only regular ones, so that no pipe or device hangs us."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["open_for_arrow", "open_regular"]


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading, links followed, without ever waiting for one.

    Raises:
        OSError: If it is missing, may not be read, or is a folder, a pipe or a device.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = "is a directory" if stat.S_ISDIR(mode) else "is a pipe or a device, no regular file"
        raise OSError(errno.EINVAL, kind, str(path))
    return cast(BinaryIO, os.fdopen(descriptor, "rb"))


def open_for_arrow(path: Path) -> pa.NativeFile:
    """The same as a file of Arrow's own, which its threads read without Python.

    A Python file that they were given is let go of by one of them some time later. If the process
    ends just then, after an error, that thread asks an interpreter that is gone, and the process
    aborts (status 134).

    Raises:
        OSError: As :func:`open_regular`.
    """
    import pyarrow as pa

    open_regular(path).close()
    return pa.OSFile(str(path), "rb")
