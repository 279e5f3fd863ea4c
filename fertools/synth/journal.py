"""Changes to several files of a finished folder, all or none, also if the process is killed.

Before a file is touched its bytes are kept in ``.planting`` at the root. Whoever comes back to a
folder that still has one puts them back, or keeps the changes if they had all been made.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from fertools.errors import OutputError
from fertools.jobs import write_bytes, write_json

__all__ = ["JOURNAL", "change_files", "forget", "take_back"]

JOURNAL = ".planting"
_LIST = "files.json"


def change_files(root: Path, changes: Mapping[str, bytes | None]) -> None:
    """Write and remove files, after their old bytes are kept.

    Args:
        root: A folder without a journal.
        changes: POSIX path below ``root`` to its new bytes; None removes the file.

    Raises:
        OutputError: If something cannot be written; the folder is as it was then.
    """
    journal = root / JOURNAL
    names = sorted(changes)
    try:
        journal.mkdir()
        for number, name in enumerate(names):
            if (root / name).is_file():
                write_bytes(journal / f"{number}", (root / name).read_bytes())
        write_json(journal / _LIST, names)
        for name in names:
            data = changes[name]
            if data is None:
                (root / name).unlink()
            else:
                write_bytes(root / name, data)
    except OSError as error:
        take_back(root, keep_changes=False)
        raise OutputError(f"{root}: cannot be changed: {error.strerror or error}") from error
    except OutputError:
        take_back(root, keep_changes=False)
        raise


def take_back(root: Path, *, keep_changes: bool) -> None:
    """Put a folder back as it was before :func:`change_files`, or only forget how it was.

    Raises:
        OutputError: If something cannot be written.
    """
    journal = root / JOURNAL
    listed = journal / _LIST
    try:
        if listed.is_file() and not keep_changes:
            for number, name in enumerate(json.loads(listed.read_text(encoding="utf-8"))):
                kept = journal / f"{number}"
                if kept.is_file():
                    write_bytes(root / name, kept.read_bytes())
                else:
                    (root / name).unlink(missing_ok=True)
                    _remove_empty(root, (root / name).parent)
    except OSError as error:
        raise OutputError(f"{root}: cannot be put back: {error.strerror or error}") from error
    forget(root)


def forget(root: Path) -> None:
    """Remove the journal: what was changed stays."""
    shutil.rmtree(root / JOURNAL, ignore_errors=True)


def _remove_empty(root: Path, folder: Path) -> None:
    """Remove folders that hold nothing, upwards to the root."""
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
