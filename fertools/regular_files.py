"""Opening files that others named: only regular ones, so that no pipe or device hangs us."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, cast

__all__ = ["open_regular"]


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
