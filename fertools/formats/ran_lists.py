"""The public lists of large-pose and occluded pictures, which came with RAN.

A line names a picture of RAF-DB's test part or AffectNet's validation part, and its class: as the
folder it stands in, or in a second column. RAF-DB's class is its label minus 1, AffectNet's its
native code, contempt included. One list takes a picture's hash for a folder, others end their lines
in CRLF or a slash. Label files hold a head ``N classes`` and a class index a line, and no names.

The lists bear no licence: users have them, this project has none of their lines.

Reference:
    Wang, Peng, Yang, Meng and Qiao, "Region attention networks for pose and occlusion robust facial
    expression recognition", IEEE TIP 29, 2020; kaiwang960112/Challenge-condition-FER-dataset.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fertools.errors import DatasetError
from fertools.expressions import AFFECTNET_CODES, RAFDB_CODES
from fertools.formats.folders import Line, check_relative, read_lines
from fertools.regular_files import open_regular

__all__ = [
    "CLASS_CODES",
    "PUBLISHED_LISTS",
    "PublishedList",
    "RanEntry",
    "RanList",
    "find_published",
    "format_labels",
    "format_list",
    "read_labels",
    "read_ran_list",
]

Keys = Literal["stem", "hash", "number"]

_RAFDB_FOLDERS = {code - 1: name for code, name in RAFDB_CODES.items()}
CLASS_CODES: Mapping[str, Mapping[int, str]] = {
    "rafdb": _RAFDB_FOLDERS,
    "affectnet": AFFECTNET_CODES,
}
"""Data set to class folder to canonical expression."""

_MAX_LINES = 1_000_000
_MAX_BYTES = 200_000_000


@dataclass(frozen=True)
class PublishedList:
    """What is known of a public list.

    Attributes:
        dataset: Its data set.
        threshold: Degrees.
        lines: In the file.
        unique: Different pictures in it.
        paper: Pictures by Liu et al., CMES 139(1), 2024.
        by_class: Lines of each class folder.
    """

    dataset: str
    threshold: int
    lines: int
    unique: int
    paper: int
    by_class: tuple[int, ...]


PUBLISHED_LISTS = (
    PublishedList("rafdb", 30, 1247, 1247, 1248, (149, 38, 78, 446, 179, 75, 282)),
    PublishedList("rafdb", 45, 558, 558, 558, (82, 20, 36, 164, 90, 37, 129)),
    PublishedList("affectnet", 30, 1949, 1944, 1948, (230, 201, 263, 261, 263, 261, 270, 200)),
    PublishedList("affectnet", 45, 985, 983, 985, (108, 106, 145, 132, 135, 137, 126, 96)),
)
"""The lists by pose."""


@dataclass(frozen=True, slots=True)
class RanEntry:
    """One line of a list.

    Attributes:
        line: Its number, from 1.
        key: ``test_0004``, a hash, or the number of a picture of AffectNet's newer release.
        code: Class, as it is written.
    """

    line: int
    key: str
    code: int


@dataclass(frozen=True)
class RanList:
    """A list that was read.

    Attributes:
        path: The file.
        sha256: Of its bytes.
        dataset: ``rafdb`` or ``affectnet``.
        kind: What its lines look like, in words.
        keys: What names a picture.
        coding: Class code to canonical expression.
        entries: Its lines in order, repeated ones too.
    """

    path: Path
    sha256: str
    dataset: str
    kind: str
    keys: Keys
    coding: Mapping[int, str]
    entries: tuple[RanEntry, ...]

    @property
    def repeated(self) -> tuple[RanEntry, ...]:
        """Entries whose picture was named on an earlier line."""
        first = {entry.key: entry.line for entry in reversed(self.entries)}
        return tuple(entry for entry in self.entries if first[entry.key] != entry.line)


@dataclass(frozen=True)
class _Kind:
    """One way to write a line; the groups are ``code`` and ``key``."""

    words: str
    dataset: str
    keys: Keys
    pattern: re.Pattern[str]
    coding: Mapping[int, str]


_STEM = r"(?P<key>test_\d{4}|train_\d{5})(?:_aligned)?"
_KINDS = (
    _Kind(
        "class/picture of RAF-DB",
        "rafdb",
        "stem",
        re.compile(rf"(?P<code>\d)/{_STEM}(?:\.\w{{3,4}})?", re.ASCII),
        _RAFDB_FOLDERS,
    ),
    _Kind(
        "picture, class and kind of occlusion of RAF-DB",
        "rafdb",
        "stem",
        re.compile(rf"{_STEM}(?:\.\w{{3,4}})? (?P<code>\d)(?: \d)?", re.ASCII),
        _RAFDB_FOLDERS,
    ),
    _Kind(
        "class/hash of AffectNet",
        "affectnet",
        "hash",
        re.compile(
            r"(?:val/)?(?P<code>\d)/(?P<key>[0-9a-f]{32,64})(?:\.\w{3,4}|/\d+\.\w{3,4})?(?: \d)?",
            re.ASCII,
        ),
        AFFECTNET_CODES,
    ),
    _Kind(
        "class/number of AffectNet's newer release",
        "affectnet",
        "number",
        re.compile(r"(?P<code>\d)/0*(?P<key>\d{1,7})(?:\.\w{3,4})?", re.ASCII),
        AFFECTNET_CODES,
    ),
)
_FERPLUS = re.compile(r"(?:\d+[/_])?fer\d{5,}", re.ASCII)
_LABEL = re.compile(r"\d{1,2}", re.ASCII)
_LABEL_HEAD = re.compile(r"\d{1,7} \d{1,2}", re.ASCII)
_LABELS = ", RAF-DB's label minus 1"
_EXAMPLES = "0/test_0004_aligned.jpg or 0/<hash>.jpg"


def read_ran_list(path: Path) -> RanList:
    """Read a list, whichever of the formats it has.

    Raises:
        DatasetError: If it cannot be read or is none of them, names pictures of FERPlus, or is a
            label file; if a line differs in kind from the first, has an unknown class, or leads
            out of the set's folder.
    """
    sha256 = _digest(path)
    kind: _Kind | None = None
    entries: list[RanEntry] = []
    for line in read_lines(path):
        if len(entries) == _MAX_LINES:
            raise DatasetError(f"{path}: more than {_MAX_LINES:,} lines; expected a list of a part")
        text = _normal(path, line)
        if kind is None:
            kind = _kind_of(path, line, text)
        match = kind.pattern.fullmatch(text)
        if match is None:
            raise DatasetError(
                f"{path}: line {line.number} {line.text[:60]!r} is of another kind than the first "
                f"({kind.words}); expected one kind of line in a list"
            )
        code = int(match["code"])
        if code not in kind.coding:
            raise DatasetError(
                f"{path}: line {line.number} has the class {code}; expected 0 to "
                f"{max(kind.coding)}{_LABELS if kind.dataset == 'rafdb' else ''}"
            )
        entries.append(RanEntry(line.number, match["key"], code))
    if kind is None:
        raise DatasetError(f"{path}: is empty; expected a picture a line, as in {_EXAMPLES}")
    return RanList(path, sha256, kind.dataset, kind.words, kind.keys, kind.coding, tuple(entries))


def read_labels(path: Path) -> tuple[int, ...]:
    """Class indices of a label file, from 0, in the order of the list that it belongs to.

    Raises:
        DatasetError: If it cannot be read, has no head ``N classes``, has another number of labels
            than its head says, or a label out of range.
    """
    lines = read_lines(path)
    head = next(lines, None)
    if head is None or _LABEL_HEAD.fullmatch(head.text.strip()) is None:
        raise DatasetError(
            f"{path}: is no label file; expected a first line as in '1247 7' (labels, classes)"
        )
    num_labels, num_classes = map(int, head.text.split())
    labels: list[int] = []
    for line in lines:
        text = line.text.strip()
        if _LABEL.fullmatch(text) is None or int(text) >= num_classes:
            raise DatasetError(
                f"{path}: line {line.number} is {text[:20]!r}; expected 0 to {num_classes - 1}"
            )
        labels.append(int(text))
        if len(labels) > num_labels:
            break
    if len(labels) != num_labels:
        more = "more" if len(labels) > num_labels else f"{len(labels):,}"
        raise DatasetError(f"{path}: the first line says {num_labels:,} labels, there are {more}")
    return tuple(labels)


def find_published(entries: Sequence[RanEntry], dataset: str) -> PublishedList | None:
    """The public list that has as many lines, and as many in each class; None where none has."""
    for public in PUBLISHED_LISTS:
        if public.dataset == dataset and public.lines == len(entries):
            counts = Counter(entry.code for entry in entries)
            if counts == dict(enumerate(public.by_class)):
                return public
    return None


def format_list(dataset: str, sample_ids: Sequence[str], expressions: Sequence[str]) -> str:
    """A list in the public lists' format: ``0/test_0004_aligned.jpg``, ``0/<hash>.jpg``.

    Args:
        dataset: ``rafdb`` or ``affectnet``; numbers of the newer release stand for hashes.
        sample_ids: As in the manifest.
        expressions: Canonical names.
    """
    ending = "_aligned.jpg" if dataset == "rafdb" else ".jpg"
    folders = {name: f"{code}/" for code, name in CLASS_CODES[dataset].items()}
    return "".join(
        f"{folders[name]}{sample_id.rpartition('/')[2]}{ending}\n"
        for sample_id, name in zip(sample_ids, expressions, strict=True)
    )


def format_labels(dataset: str, expressions: Sequence[str], *, num_classes: int) -> str:
    """The label file that belongs to a list: ``N classes``, then a class index a line."""
    codes = {name: f"{code}\n" for code, name in CLASS_CODES[dataset].items()}
    head = f"{len(expressions)} {num_classes}\n"
    return head + "".join(codes[name] for name in expressions)


def _digest(path: Path) -> str:
    """SHA-256 of a file."""
    try:
        with open_regular(path) as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise DatasetError(f"{path}: more than {_MAX_BYTES:,} bytes; expected a list of pictures")
    return hashlib.sha256(data).hexdigest()


def _normal(path: Path, line: Line) -> str:
    """A line with single blanks, its path checked and without a slash at the end."""
    name, *numbers = line.text.split()
    return " ".join([check_relative(path, line.number, name), *numbers])


def _kind_of(path: Path, line: Line, text: str) -> _Kind:
    """Which kind of line the first one is."""
    if _LABEL_HEAD.fullmatch(text):
        raise DatasetError(
            f"{path}: is a label file, it names no pictures; give the list that belongs to it, and "
            "this file with --labels"
        )
    if _FERPLUS.match(text):
        raise DatasetError(
            f"{path}: names pictures of FERPlus ({line.text[:40]!r}), a set that fertools does not "
            "read; expected a list of RAF-DB or AffectNet"
        )
    for kind in _KINDS:
        if kind.pattern.fullmatch(text):
            return kind
    raise DatasetError(
        f"{path}: line {line.number} is {line.text[:60]!r}; expected a picture a line, as in "
        f"{_EXAMPLES}"
    )
