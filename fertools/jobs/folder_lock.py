"""One writer a folder: a second process is told so, before it mixes its files with the first's."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fertools.errors import OutputError
from fertools.jobs.atomic import remove_partials

__all__ = ["hold_folder"]

_NAME = ".lock"
_PATIENCE_SECONDS = 20.0


@contextmanager
def hold_folder(folder: Path, *, shared: bool = False, rooms: Sequence[str] = ()) -> Iterator[None]:
    """Hold a folder while it is written; the system lets go of it however the process ends.

    Whoever comes into an empty room removes what killed processes left half-written.

    Args:
        folder: Made if need be; an empty file ``.lock`` stays in it. On a file system without
            locks nobody is ever refused.
        rooms: The folders in it that are ours to tidy, with all that is below them.
        shared: Let others that also share work in it (shards of one render); else be alone.

    Raises:
        OutputError: If another process holds the folder, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / _NAME).open("ab")
    except OSError as error:
        raise OutputError(
            f"{folder}: may not be written here ({error.strerror}); choose another place with --out"
        ) from error
    with stream:
        is_held = _try(stream.fileno(), fcntl.LOCK_EX)
        if is_held:
            _tidy(folder, rooms)
        if shared:
            deadline = time.monotonic() + _PATIENCE_SECONDS  # another one may be tidying up
            while not (is_held := _try(stream.fileno(), fcntl.LOCK_SH)):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.05)
        if not is_held:
            raise OutputError(
                f"{folder}: another process is writing here; wait for it to end, then start this "
                "command again"
            )
        yield


def _tidy(folder: Path, rooms: Sequence[str]) -> None:
    """Remove half-written files, unless nothing here is ours."""
    here = [folder / room for room in rooms if (folder / room).is_dir()]
    for room in here:
        remove_partials(room)
    if here:
        remove_partials(folder, below=False)


def _try(descriptor: int, kind: int) -> bool:
    """Take a lock if it is to be had; True as well where there are no locks."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network file systems know no locks: better to work than to refuse
        return True
    return True
