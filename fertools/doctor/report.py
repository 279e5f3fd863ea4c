"""All that is said of a folder, as values that hold numbers and masked text only."""

from __future__ import annotations

import dataclasses
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fertools import __version__
from fertools.doctor.array_files import ArrayTally, tally_mat, tally_npy
from fertools.doctor.layouts import LAYOUTS, SETS
from fertools.doctor.masking import Masked
from fertools.doctor.picture_files import (
    BitmapHeader,
    PictureTally,
    describe_bitmap,
    tally_pictures,
)
from fertools.doctor.readers import Reading, read_set
from fertools.doctor.scan_files import ScanText, describe_scan
from fertools.doctor.text_files import TextDialect, describe_text, is_text
from fertools.doctor.walk import FileGroup, Survey, walk_folder
from fertools.errors import ConfigError, DatasetError
from fertools.home import data_home, standin_dir
from fertools.pictures import PICTURE_SUFFIXES

__all__ = ["DoctorReport", "GroupReport", "Spread", "examine", "locate_sets"]

_T = TypeVar("_T")

_MAX_LEVELS = 60
_MAX_GROUPS = 120
_MAX_PROBED = 60
_MAX_TEXTS = 5
_MARKER = "SYNTHETIC.json"
_ARCHIVES = {
    b"PK\x03\x04": "zip archive",
    b"Rar!\x1a\x07": "rar archive",
    b"7z\xbc\xaf": "7z archive",
    b"\x1f\x8b": "gzip",
    b"\x89HDF\r\n": "HDF5",
    b"%PDF": "PDF",
}


@dataclass(frozen=True)
class Spread:
    """Least, median and greatest of some numbers."""

    low: int
    median: int
    high: int


@dataclass(frozen=True)
class LevelReport:
    """Folders of one pattern, files and folders in each of them.

    Attributes:
        pattern: Of the path.
        num_folders: How many there are.
        has_files: Whether a file is in one of them.
        files_each: Files in each; None where folders are classes, as it would tell their sizes.
        folders_each: Folders in each.
    """

    pattern: Masked
    num_folders: int
    has_files: bool
    files_each: Spread | None
    folders_each: Spread


@dataclass(frozen=True)
class TextReport:
    """Some text files of one pattern: one in detail, of all what they share.

    Attributes:
        num_opened: How many were looked at.
        num_lines: Their lines.
        widths: Numbers of columns that their lines have.
        encodings: Encoding to files.
        line_ends: Ways that lines end, to files.
        first: One of them.
    """

    num_opened: int
    num_lines: Spread
    widths: tuple[int, ...]
    encodings: dict[str, int]
    line_ends: dict[str, int]
    first: TextDialect


@dataclass(frozen=True)
class GroupReport:
    """Files of one name pattern in folders of one pattern; what they hold, by their ending."""

    folder: Masked
    pattern: Masked
    num_files: int
    num_expected: int
    num_bytes: Spread
    is_probed: bool = False
    pictures: PictureTally | None = None
    bitmap: BitmapHeader | None = None
    scan: ScanText | None = None
    text: TextReport | None = None
    arrays: ArrayTally | None = None
    content: str | None = None
    num_unreadable: int = 0


@dataclass(frozen=True)
class KindReport:
    """Files of one kind that the set is known to hold."""

    title: str
    num_files: int
    distinct: dict[str, int]


@dataclass(frozen=True)
class DoctorReport:
    """What a folder looks like, without what it says.

    Attributes:
        dataset: Name of the set that it should be.
        is_standin: Whether SYNTHETIC.json lies at its root.
        tool_version: Of fertools.
        python_version: Major, minor and micro.
        platform: As Python names it.
        num_files: Regular files.
        num_folders: Folders below the root.
        num_expected: Files whose path fits one of the set's known kinds.
        kinds: Those kinds.
        levels: Patterns of folders, sorted; the order of the real names would tell of them.
        num_more_levels: Patterns of folders that are not in ``levels``.
        groups: Patterns of files, the most frequent first.
        num_more_groups: Patterns of files that are not in ``groups``.
        oddities: Links, pipes, folders that cannot be listed and limits met, in words.
        readings: What our own readers say.
    """

    dataset: str
    is_standin: bool
    tool_version: str
    python_version: str
    platform: str
    num_files: int
    num_folders: int
    num_expected: int
    kinds: tuple[KindReport, ...]
    levels: tuple[LevelReport, ...]
    num_more_levels: int
    groups: tuple[GroupReport, ...]
    num_more_groups: int
    oddities: tuple[str, ...]
    readings: tuple[Reading, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return dataclasses.asdict(self)


def locate_sets(dataset: str | None = None, root: Path | None = None) -> list[tuple[str, Path]]:
    """Which sets to look at, and where they are.

    Args:
        dataset: One of them; None for every one that is found in the data home.
        root: Its folder; needs ``dataset``. Unlike elsewhere it may be damaged or half made.

    Raises:
        ConfigError: If there is no such set, or a folder is given without saying of what.
        DatasetError: If nothing is there.
    """
    if dataset is not None and dataset not in SETS:
        raise ConfigError(f"unknown data set {dataset!r}; expected one of {', '.join(SETS)}")
    if root is not None:
        if dataset is None:
            raise ConfigError(f"--root needs the name of a set: one of {', '.join(SETS)}")
        if not root.is_dir():
            raise DatasetError(f"{root}: is not a folder; expected an unpacked {dataset} data set")
        return [(dataset, root)]
    found = []
    for name in SETS if dataset is None else (dataset,):
        places = [data_home() / "raw" / name, standin_dir(name)]
        found += [(name, place) for place in places if place.is_dir()][:1]
    if not found:
        what = f"no {dataset} data set" if dataset else "no data set"
        raise DatasetError(
            f"{what} in {data_home() / 'raw'} or {data_home() / 'standin'}; say where one is, as "
            f"in 'fertools doctor {dataset or 'rafdb'} --root DIR'"
        )
    return found


def examine(
    dataset: str,
    root: Path,
    *,
    max_entries: int = 5_000_000,
    max_scans: int = 30,
    with_readers: bool = True,
) -> DoctorReport:
    """Look at a folder and say what it looks like.

    Args:
        dataset: Which set it should be.
        root: The folder.
        max_entries: After so many files and folders the walk ends.
        max_scans: Scans of BU-3DFE that are read of each mesh.
        with_readers: Whether our own readers are asked too.

    Raises:
        DatasetError: If the folder cannot be listed.
    """
    survey = walk_folder(root, LAYOUTS[dataset], max_entries=max_entries)
    if not survey.levels:
        raise DatasetError(f"{root}: cannot be listed; mend its permissions and try again")
    groups = sorted(survey.groups.values(), key=lambda g: (-len(g.sizes), g.level, g.pattern))
    levels = sorted(survey.levels.values(), key=lambda level: level.pattern)
    return DoctorReport(
        dataset=dataset,
        is_standin=(root / _MARKER).is_file(),
        tool_version=__version__,
        python_version=".".join(map(str, sys.version_info[:3])),
        platform=sys.platform,
        num_files=survey.num_files,
        num_folders=survey.num_folders,
        num_expected=survey.num_expected,
        kinds=tuple(
            KindReport(
                count.kind.title,
                count.num_files,
                {part: len(values) for part, values in count.values.items()},
            )
            for count in survey.kinds
        ),
        levels=tuple(
            LevelReport(
                level.pattern,
                level.num_folders,
                any(level.files_each),
                None if level.is_of_class else spread(level.files_each),
                spread(level.folders_each),
            )
            for level in levels[:_MAX_LEVELS]
        ),
        num_more_levels=max(0, len(levels) - _MAX_LEVELS),
        groups=tuple(
            _describe_group(group, is_probed=number < _MAX_PROBED)
            for number, group in enumerate(groups[:_MAX_GROUPS])
        ),
        num_more_groups=max(0, len(groups) - _MAX_GROUPS),
        oddities=tuple(_oddities(survey)),
        readings=read_set(dataset, root, max_scans=max_scans) if with_readers else (),
    )


def spread(numbers: Sequence[int]) -> Spread:
    """Least, lower median and greatest; of none, zeros."""
    if not numbers:
        return Spread(0, 0, 0)
    return Spread(min(numbers), statistics.median_low(numbers), max(numbers))


def _oddities(survey: Survey) -> list[str]:
    """What else there is, in words of ours."""
    counted = [
        (survey.num_links, "symbolic links"),
        (survey.num_loops, "folders that were reached a second time, by links"),
        (survey.num_broken_links, "files that cannot be looked at, such as links to nowhere"),
        (survey.num_special, "pipes, devices or sockets"),
        *((count, f"folders not listed: {name}") for name, count in survey.unreadable.items()),
    ]
    found = [f"{count:,} {what}" for count, what in counted if count]
    if survey.is_cut_by_depth:
        found.append("folders below the limit of depth were not entered")
    if survey.is_cut_by_entries:
        found.append("the limit of entries was met: the counts are too low")
    return found


def _describe_group(group: FileGroup, *, is_probed: bool) -> GroupReport:
    """Look into some files of a group, by their ending."""
    report = GroupReport(
        folder=group.level,
        pattern=group.pattern,
        num_files=len(group.sizes),
        num_expected=group.num_expected,
        num_bytes=spread(group.sizes),
        is_probed=is_probed,
    )
    if not is_probed:
        return report
    paths, first = group.samples, group.samples[0]
    suffix = first.suffix.lower()
    if suffix in PICTURE_SUFFIXES:
        (bitmap,), _ = _each([first] if suffix == ".bmp" else [], describe_bitmap, least=1)
        return dataclasses.replace(report, pictures=tally_pictures(paths), bitmap=bitmap)
    if suffix == ".npy":
        return dataclasses.replace(report, arrays=tally_npy(paths))
    if suffix == ".mat":
        return dataclasses.replace(report, arrays=tally_mat(paths))
    if suffix == ".wrl":
        (scan,), num_bad = _each([first], describe_scan, least=1)
        return dataclasses.replace(report, scan=scan, num_unreadable=num_bad)
    texts, num_bad = _each(paths[:_MAX_TEXTS], _describe_if_text)
    dialects = [dialect for dialect in texts if dialect is not None]
    if dialects:
        return dataclasses.replace(report, text=_join_texts(dialects), num_unreadable=num_bad)
    contents, num_bad = _each([first], _name_content, least=1)
    return dataclasses.replace(report, content=contents[0], num_unreadable=num_bad)


def _each(
    paths: list[Path], describe: Callable[[Path], _T | None], *, least: int = 0
) -> tuple[list[_T | None], int]:
    """Describe files; how many of them cannot be read. None fills up to ``least``."""
    found: list[_T | None] = []
    num_bad = 0
    for path in paths:
        try:
            found.append(describe(path))
        except OSError:
            num_bad += 1
    return found + [None] * (least - len(found)), num_bad


def _describe_if_text(path: Path) -> TextDialect | None:
    """The dialect of a file that can be text; None of another."""
    return describe_text(path) if is_text(path) else None


def _join_texts(dialects: list[TextDialect]) -> TextReport:
    """What several text files share."""
    ends = ("+".join(d.line_ends) if d.line_ends else "none" for d in dialects)
    return TextReport(
        num_opened=len(dialects),
        num_lines=spread([d.num_lines for d in dialects]),
        widths=tuple(sorted({width for d in dialects for width in d.widths}))[:20],
        encodings=dict(Counter(str(d.encoding) for d in dialects)),
        line_ends=dict(Counter(ends)),
        first=dialects[0],
    )


def _name_content(path: Path) -> str:
    """What a file that is no text begins like."""
    with path.open("rb") as stream:
        start = stream.read(8)
    if not start:
        return "empty"
    return next((name for magic, name in _ARCHIVES.items() if start.startswith(magic)), "binary")
