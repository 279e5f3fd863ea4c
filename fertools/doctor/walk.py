"""What lies in a folder: counted as it is listed, so that a set of any size can be looked at."""

from __future__ import annotations

import heapq
import os
import re
import stat
import zlib
from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fertools.doctor.layouts import FileKind
from fertools.doctor.masking import LABEL_WORDS, Masked, mask_name

__all__ = ["FileGroup", "FolderLevel", "KindCount", "Survey", "walk_folder"]

_MAX_PATTERNS = 2_000
_MAX_VALUES = 10_000
_OTHER = Masked("<other patterns>")
_CLASS = Masked("<class>")
_SPLITS = frozenset(
    f"{split}{end}"
    for split in ("train", "training", "test", "val", "valid", "validation")
    for end in ("", "_set")
)


@dataclass
class FileGroup:
    """Files of one name pattern in the folders of one level.

    Attributes:
        level: Pattern of the folder below the root.
        pattern: Pattern of the file names.
        sizes: Bytes of each file.
        num_expected: How many of them are of a known kind of the set.
        samples: Some of them, drawn evenly and the same at every run. Never printed.
    """

    level: Masked
    pattern: Masked
    sizes: array[int] = field(default_factory=lambda: array("Q"))
    num_expected: int = 0
    samples: list[Path] = field(default_factory=list)
    _drawn: list[tuple[int, str]] = field(default_factory=list)

    def add(self, path: str, size: int, max_samples: int) -> None:
        """Count a file and perhaps keep it as a sample."""
        self.sizes.append(size)
        ticket = (-zlib.crc32(os.fsencode(path)), path)  # of all files those of the lowest numbers
        if len(self._drawn) < max_samples:
            heapq.heappush(self._drawn, ticket)
        elif ticket > self._drawn[0]:
            heapq.heapreplace(self._drawn, ticket)

    def draw(self, root: Path) -> None:
        """Settle the samples, sorted by path."""
        self.samples = [root / path for _, path in sorted(self._drawn, key=lambda t: t[1])]


@dataclass
class FolderLevel:
    """Folders of one pattern.

    Attributes:
        pattern: Of the path below the root.
        depth: 0 for the root itself.
        is_of_class: Whether one of them is, or lies in, the folder of a class.
        num_folders: How many there are.
        files_each: How many files each holds.
        folders_each: How many folders each holds.
    """

    pattern: Masked
    depth: int
    is_of_class: bool = False
    num_folders: int = 0
    files_each: array[int] = field(default_factory=lambda: array("Q"))
    folders_each: array[int] = field(default_factory=lambda: array("Q"))


@dataclass
class KindCount:
    """Files of one kind that the set is known to hold.

    Attributes:
        kind: Which.
        num_files: How many.
        values: Of each named part of the path the different values. Only their number is printed.
    """

    kind: FileKind
    num_files: int = 0
    values: dict[str, set[str]] = field(default_factory=dict)


@dataclass
class Survey:
    """All of a folder.

    Attributes:
        root: The folder. Never printed.
        levels: By the pattern of the folder, in the order of its first sight.
        groups: By folder pattern and name pattern.
        kinds: The set's kinds of files.
        num_files: Regular files.
        num_folders: Folders within the root.
        num_links: Symbolic links among both.
        num_loops: Folders that were reached twice, by links, and looked at once.
        num_broken_links: Links that lead nowhere.
        num_special: Pipes, devices and sockets.
        unreadable: How many folders could not be listed, by the name of the error.
        is_cut_by_depth: Whether folders below the deepest allowed one were left out.
        is_cut_by_entries: Whether the walk ended at the limit of entries.
    """

    root: Path
    levels: dict[Masked, FolderLevel] = field(default_factory=dict)
    groups: dict[tuple[Masked, Masked], FileGroup] = field(default_factory=dict)
    kinds: list[KindCount] = field(default_factory=list)
    num_files: int = 0
    num_folders: int = 0
    num_links: int = 0
    num_loops: int = 0
    num_broken_links: int = 0
    num_special: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)
    is_cut_by_depth: bool = False
    is_cut_by_entries: bool = False

    @property
    def num_expected(self) -> int:
        """Files of a known kind."""
        return sum(count.num_files for count in self.kinds)


def walk_folder(
    root: Path,
    kinds: tuple[FileKind, ...] = (),
    *,
    max_depth: int = 12,
    max_entries: int = 5_000_000,
    max_samples: int = 40,
) -> Survey:
    """Count what lies in a folder by the patterns of the names.

    Links are followed; a folder that several of them lead to is looked at once.

    Args:
        root: The folder.
        kinds: Kinds of files to count; of several that match the first one counts.
        max_depth: Folders further below the root are not entered.
        max_entries: After so many files and folders the walk ends.
        max_samples: How many files of a pattern are kept to be opened.
    """
    walk = _Walk(Survey(root, kinds=[KindCount(kind) for kind in kinds]), max_samples)
    pending: list[tuple[str, Masked, int]] = [("", Masked("<root>"), 0)]
    seen: set[tuple[int, int]] = set()
    left = max_entries
    while pending:
        folder, pattern, depth = pending.pop()
        if depth > max_depth:
            walk.survey.is_cut_by_depth = True
            continue
        try:
            status = os.stat(root / folder)  # noqa: PTH116 - one call for the whole folder
            if (status.st_dev, status.st_ino) in seen:
                walk.survey.num_loops += 1
                continue
            seen.add((status.st_dev, status.st_ino))
            inner, left = walk.list_folder(folder, pattern, depth, left)
        except OSError as error:
            walk.survey.unreadable[type(error).__name__] += 1
            continue
        pending += reversed(inner)
        if left <= 0:
            walk.survey.is_cut_by_entries = True
            break
    for group in walk.survey.groups.values():
        group.draw(root)
    return walk.survey


@dataclass
class _Walk:
    """Adds one folder after the other to a survey."""

    survey: Survey
    max_samples: int

    def list_folder(
        self, folder: str, pattern: Masked, depth: int, left: int
    ) -> tuple[list[tuple[str, Masked, int]], int]:
        """Count the entries of one folder; the folders in it, sorted, and what the limit leaves."""
        inner: list[tuple[str, Masked, int]] = []
        num_files = 0
        with os.scandir(self.survey.root / folder) as entries:
            for entry in entries:
                if left <= 0:
                    break
                left -= 1
                path = f"{folder}/{entry.name}" if folder else entry.name
                if self._is_folder(entry):
                    self.survey.num_folders += 1
                    inner.append((path, self._below(pattern, entry.name), depth + 1))
                else:
                    num_files += self._count_file(entry, path, pattern)
        level = self.survey.levels.setdefault(pattern, FolderLevel(pattern, depth))
        level.is_of_class |= _is_of_class(self.survey.root, folder)
        level.num_folders += 1
        level.files_each.append(num_files)
        level.folders_each.append(len(inner))
        return sorted(inner), left

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        """Whether to look inside; links are counted on the way."""
        try:
            self.survey.num_links += entry.is_symlink()
            return entry.is_dir()
        except OSError:
            return False

    def _below(self, pattern: Masked, name: str) -> Masked:
        """The pattern of a folder within another, one of a limited number of them."""
        below = Masked(f"{pattern}/{_CLASS if _names_class(name) else mask_name(name)}")
        is_known = below in self.survey.levels or len(self.survey.levels) < _MAX_PATTERNS
        return below if is_known else _OTHER

    def _count_file(self, entry: os.DirEntry[str], path: str, level: Masked) -> bool:
        """Count what is no folder; whether it is a regular file."""
        try:
            status = entry.stat()
        except OSError:
            self.survey.num_broken_links += 1
            return False
        if not stat.S_ISREG(status.st_mode):
            self.survey.num_special += 1
            return False
        self.survey.num_files += 1
        key = (level, mask_name(entry.name))
        if key not in self.survey.groups and len(self.survey.groups) >= _MAX_PATTERNS:
            key = (_OTHER, _OTHER)
        group = self.survey.groups.setdefault(key, FileGroup(*key))
        group.add(path, status.st_size, self.max_samples)
        group.num_expected += self._count_kind(path)
        return True

    def _count_kind(self, path: str) -> bool:
        """Count a file under the first kind that it fits; whether there is one."""
        for count in self.survey.kinds:
            match = count.kind.pattern.fullmatch(path)
            if match is not None:
                count.num_files += 1
                for part, value in match.groupdict().items():
                    values = count.values.setdefault(part, set())
                    if value is not None and len(values) < _MAX_VALUES:
                        values.add(value)
                return True
        return False


def _names_class(name: str) -> bool:
    """Whether the name of a folder holds a word for an expression."""
    return not LABEL_WORDS.isdisjoint(re.findall(r"[^\W\d_]+", name.lower()))


def _is_of_class(root: Path, folder: str) -> bool:
    """Whether a folder is, or lies in, the folder of a class: a word, or a number in a split."""
    parts = folder.split("/")
    above = [root.name.lower(), *(part.lower() for part in parts)]
    return any(
        _names_class(part) or (before in _SPLITS and re.fullmatch(r"\d{1,2}", part) is not None)
        for before, part in zip(above, parts, strict=False)
    )
