"""Folders and lists as users have them: walked without loops, read without trust."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from fertools.errors import DatasetError
from fertools.formats.registry import Fault
from fertools.pictures import PICTURE_SUFFIXES
from fertools.regular_files import open_regular

__all__ = [
    "FolderFile",
    "Line",
    "check_relative",
    "find_below",
    "list_names",
    "read_lines",
    "read_names",
    "walk",
]

_NOT_OURS = (".", "$", "__MACOSX", "lost+found")  # what systems and archivers leave behind
_MAX_DEPTH = 12
_MAX_LINE = 100_000


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A file found by :func:`walk`.

    Attributes:
        folder: POSIX path of its folder below the start; empty for the start itself.
        name: The file's name.
    """

    folder: str
    name: str

    @property
    def path(self) -> str:
        """POSIX path below the start."""
        return f"{self.folder}/{self.name}" if self.folder else self.name


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a list.

    Attributes:
        number: Counted from 1.
        text: Without its end.
    """

    number: int
    text: str


def walk(root: Path, *, skip: Collection[str] = ()) -> Iterator[FolderFile | Fault]:
    """Yield the files below a folder, sorted within each folder; links are followed, but no loop.

    Args:
        root: Where to start.
        skip: Names of folders, in small letters, that are not entered.

    Yields:
        Files, and a fault for what cannot be listed, leads nowhere, lies too deep, or leads back
        to a folder that was seen already.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            here = (root / folder).stat()
            if (here.st_dev, here.st_ino) in seen:
                yield Fault(folder or ".", "leads to a folder that was read already; remove it")
                continue
            seen.add((here.st_dev, here.st_ino))
            with os.scandir(root / folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield Fault(folder or ".", f"cannot be listed: {error.strerror}")
            continue
        inner: list[str] = []
        for entry in entries:
            if entry.name.startswith(_NOT_OURS) or entry.name.lower() in skip:
                continue
            path = f"{folder}/{entry.name}" if folder else entry.name
            if not _is_text(entry.name):
                yield Fault(path, "the name is not UTF-8; rename it")
                continue
            try:
                if entry.is_dir():
                    if entry.name.lower().endswith(PICTURE_SUFFIXES):
                        yield Fault(path, "is a folder; expected a picture of this name")
                    inner.append(path)
                elif entry.is_file():
                    yield FolderFile(folder, entry.name)
                elif entry.is_symlink():
                    yield Fault(path, "is a link that leads nowhere; mend or remove it")
                else:
                    yield Fault(path, "is no regular file but a pipe or a device; remove it")
            except OSError as error:
                yield Fault(path, f"cannot be looked at: {error.strerror}")
        if inner and folder.count("/") + 1 >= _MAX_DEPTH:
            yield Fault(folder, f"lies more than {_MAX_DEPTH} folders deep; give an inner folder")
            continue
        waiting += reversed(inner)


def _is_text(name: str) -> bool:
    """Whether a name can be written down."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def find_below(root: Path, names: Collection[str], *, depth: int) -> list[Path]:
    """Folders and files of these relative paths in ``root`` or up to ``depth`` levels below.

    Args:
        root: Where to start.
        names: POSIX paths, such as ``EmoLabel/list_patition_label.txt``.
        depth: 0 looks in ``root`` only.

    Returns:
        Those that exist, nearest first.
    """
    found: list[Path] = []
    level = [root]
    for step in range(depth + 1):
        found += [
            folder / name
            for folder in level
            for name in names
            if os.path.exists(folder / name)  # noqa: PTH110 - Path.exists raises on closed folders
        ]
        if step < depth:
            level = [inner for folder in level for inner in _inner_folders(folder)]
    return found


def _inner_folders(folder: Path) -> list[Path]:
    """The folders in a folder that may be the way to a set: at most a few hundred."""
    try:
        with os.scandir(folder) as listing:
            inner = [e.name for e in listing if not e.name.startswith(_NOT_OURS) and e.is_dir()]
    except OSError:
        return []
    return [folder / name for name in sorted(inner)[:400]]


def list_names(folder: Path) -> list[str]:
    """Sorted names in a folder.

    Raises:
        DatasetError: If it cannot be listed.
    """
    try:
        with os.scandir(folder) as listing:
            return sorted(e.name for e in listing if not e.name.startswith(_NOT_OURS))
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be listed: {error.strerror}") from error


def read_lines(path: Path) -> Iterator[Line]:
    r"""Yield the lines of a text file that are not blank, one at a time.

    ``\n``, ``\r\n`` and a byte-order mark are all taken; what follows the last line's end need not
    be there.

    Raises:
        DatasetError: If it cannot be read, is not UTF-8 (the line is named), or has a line of more
            than 100,000 bytes.
    """
    try:
        with open_regular(path) as stream:
            number = 0
            while raw := stream.readline(_MAX_LINE):
                number += 1
                if len(raw) == _MAX_LINE:
                    raise DatasetError(
                        f"{path}: line {number} has {_MAX_LINE:,} bytes or more; expected a list, "
                        "one short line a picture"
                    )
                if number == 1:
                    raw = raw.removeprefix(b"\xef\xbb\xbf")
                try:
                    text = raw.decode("utf-8").rstrip("\r\n")
                except UnicodeDecodeError as error:
                    raise DatasetError(
                        f"{path}: line {number} is not UTF-8 text (byte {error.start + 1}); "
                        "save the list as UTF-8"
                    ) from error
                if "\0" in text:
                    raise DatasetError(f"{path}: line {number} holds a NUL; expected a text file")
                if text.strip():
                    yield Line(number, text)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror}") from error


def read_names(path: Path) -> tuple[str, ...]:
    """Names of a list, one a line; what follows a ``#`` is a comment.

    Raises:
        DatasetError: If it cannot be read, or holds no name.
    """
    names = [line.text.partition("#")[0].strip() for line in read_lines(path)]
    if not any(names):
        raise DatasetError(f"{path}: holds no name; expected one a line")
    return tuple(dict.fromkeys(name for name in names if name))


def check_relative(path: Path, number: int, value: str) -> str:
    r"""A path of a list as POSIX text, if it stays below its folder.

    Args:
        path: The list.
        number: The line.
        value: The path; ``\`` is taken for ``/``.

    Raises:
        DatasetError: If it is absolute or holds ``..``: such a list is refused as a whole.
    """
    text = value.replace("\\", "/")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if not parts or text.startswith("/") or ".." in parts or ":" in parts[0]:
        raise DatasetError(
            f"{path}: line {number} names {value[:80]!r}; expected a path below the set's folder, "
            "without '..' and not absolute: the list is refused"
        )
    return "/".join(parts)
