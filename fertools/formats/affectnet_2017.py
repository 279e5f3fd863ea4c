"""AffectNet's release of 2017: CSV lists, and pictures below ``Manually_Annotated_Images``."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fertools.errors import DatasetError
from fertools.expressions import AFFECTNET_CODES, AFFECTNET_OTHER_CODES
from fertools.formats.folders import check_relative, find_below, read_lines
from fertools.formats.registry import Fault, Note, Row, Sample
from fertools.pictures import PICTURE_SUFFIXES

__all__ = ["Release2017", "find_release_2017", "read_release_2017"]

_COLUMNS = (
    "subDirectory_filePath",
    "face_x",
    "face_y",
    "face_width",
    "face_height",
    "facial_landmarks",
    "expression",
    "valence",
    "arousal",
)
_LISTS = {"train": "training.csv", "val": "validation.csv"}
_LIST_FOLDERS = ("", "Manually_Annotated_file_lists/", "Manually_Annotated/")
_IMAGE_FOLDERS = (
    "Manually_Annotated_compressed/Manually_Annotated_Images",
    "Manually_Annotated/Manually_Annotated_Images",
    "Manually_Annotated_Images",
)
_NUM_POINTS = 68

Landmarks = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Release2017:
    """Where the parts of the release are.

    Attributes:
        base: The folder that the pictures' paths begin at.
        lists: ``train`` and ``val`` to the CSV file, those that are there.
        images: The folder of the folders of pictures.
        heads: Split to whether the list has a head.
    """

    base: Path
    lists: Mapping[str, Path]
    images: Path
    heads: Mapping[str, bool]

    @property
    def layout(self) -> str:
        """In words."""
        heads = ", ".join(
            f"{self.lists[split].name} {'with' if has else 'without'} head"
            for split, has in self.heads.items()
        )
        return f"the release of 2017: {heads}"


def find_release_2017(root: Path) -> Release2017 | None:
    """Look for the lists in ``root`` and up to two levels below; None where there are none.

    Raises:
        DatasetError: If a list is there twice, there are no pictures, or a head differs.
    """
    lists: dict[str, Path] = {}
    for split, name in _LISTS.items():
        found = find_below(root, [folder + name for folder in _LIST_FOLDERS], depth=1)
        distinct = list({os.path.realpath(path): path for path in found}.values())
        if len(distinct) > 1:
            raise DatasetError(
                f"{root}: {name} is there twice, {distinct[0]} and {distinct[1]}; "
                "remove one or give an inner folder"
            )
        if distinct:
            lists[split] = distinct[0]
    if not lists:
        return None
    images = find_below(root, _IMAGE_FOLDERS, depth=1)
    if not images:
        raise DatasetError(
            f"{root}: has {next(iter(lists.values())).name} but no folder Manually_Annotated_Images"
            "; unpack the archives of the pictures"
        )
    heads = {split: _has_head(path) for split, path in lists.items()}
    return Release2017(root, lists, images[0], heads)


def _has_head(path: Path) -> bool:
    """Whether the first line is a head; raises where it is one of another kind."""
    first = next(read_lines(path), None)
    if first is None:
        raise DatasetError(f"{path}: is empty; expected {','.join(_COLUMNS)}")
    cells = [cell.strip() for cell in _split(first.text) or [first.text]]
    if _COLUMNS[0] in cells:
        if lacking := [name for name in _COLUMNS if name not in cells]:
            raise DatasetError(
                f"{path}: the head has no column {lacking[0]!r}; expected {','.join(_COLUMNS)}"
            )
        if len(set(cells)) < len(cells):
            twice = next(cell for cell in cells if cells.count(cell) > 1)
            raise DatasetError(f"{path}: the head has two columns {twice[:40]!r}; remove one")
        return True
    if len(cells) == len(_COLUMNS) and "/" in cells[0].replace("\\", "/"):
        return False
    raise DatasetError(
        f"{path}: the first line has {len(cells)} cells and begins {cells[0][:40]!r}; expected the "
        f"head {','.join(_COLUMNS)}, or as many cells divided by commas, the first a path"
    )


def read_release_2017(release: Release2017) -> Iterator[Row]:
    """Samples in the order of the lists; rows that are no expression are counted."""
    pictures = _Pictures(release.images, release.base)
    seen: dict[str, str] = {}
    for split, path in release.lists.items():
        yield from _read_list(release, split, path, pictures, seen)
    for split in _LISTS:
        if split not in release.lists:
            yield Fault(
                _LISTS[split],
                f"there is no list of this name here or one level below, so that the whole split "
                f"{split!r} would be missing; unpack the file lists, or rename yours",
            )
    if pictures.num_renamed:
        yield Note("pictures with another ending than the list's, used", pictures.num_renamed)


def _read_list(
    release: Release2017,
    split: str,
    path: Path,
    pictures: _Pictures,
    seen: dict[str, str],
) -> Iterator[Row]:
    """Samples of one list."""
    place = path.relative_to(release.base).as_posix()
    order = list(range(len(_COLUMNS)))
    width = len(_COLUMNS)
    others: Counter[str] = Counter()
    for line in read_lines(path):
        cells = _split(line.text)
        if cells is None:
            yield Fault(
                f"{place}, line {line.number}", "is no line of a CSV; expected LF line ends"
            )
            continue
        if line.number == 1 and release.heads[split]:
            names = [cell.strip() for cell in cells]
            order, width = [names.index(name) for name in _COLUMNS], len(names)
            continue
        where = f"{place}, line {line.number}"
        if len(cells) != width:
            yield Fault(where, f"has {len(cells)} cells; expected {width}")
            continue
        values = [cells[index].strip() for index in order]
        name = check_relative(path, line.number, values[0])
        sample_id = name.rsplit(".", 1)[0]
        is_code = values[6].isascii() and values[6].isdecimal() and len(values[6]) < 4
        code = int(values[6]) if is_code else -1
        if code in AFFECTNET_OTHER_CODES:
            others[f"{split}: {AFFECTNET_OTHER_CODES[code]} (code {code}), left out"] += 1
        elif code not in AFFECTNET_CODES:
            yield Fault(where, f"expression {values[6][:20]!r}; expected 0 to 10")
        elif (known := seen.get(sample_id)) is not None:
            yield Fault(where, f"the picture {name[-60:]!r} is also in {known}; remove one row")
        else:
            seen[sample_id] = f"{path.name}, line {line.number}"
            image = pictures.find(name)
            if image is None:
                yield Fault(where, f"there is no picture {name[-70:]!r}, whatever its ending")
                continue
            extra, landmarks, reason = _annotations(values)
            if reason is not None:
                yield Fault(where, f"{reason}; the picture is used without it")
            yield Sample(
                sample_id=sample_id,
                image=image,
                expression=AFFECTNET_CODES[code],
                split=split,
                extra={"release": "2017", **extra},
                landmarks=landmarks,
            )
    for reason, count in sorted(others.items()):
        yield Note(reason, count)


def _split(text: str) -> list[str] | None:
    """The cells of a line; None where it cannot be one line."""
    try:
        return next(csv.reader([text]))
    except (csv.Error, StopIteration):
        return None


def _annotations(
    values: list[str],
) -> tuple[dict[str, str | int | float | None], Landmarks | None, str | None]:
    """Face box, valence and arousal as columns, the landmarks, and what is wrong with them."""
    extra: dict[str, str | int | float | None] = dict.fromkeys(
        ("face_x0", "face_y0", "face_x1", "face_y1", "valence", "arousal")
    )
    try:
        x, y, width, height = (float(value) for value in values[1:5])
        if not all(map(np.isfinite, (x, y, width, height))) or width <= 0 or height <= 0:
            return extra, None, f"the face box {' '.join(values[1:5])[:60]!r} is none"
        extra |= {"face_x0": x, "face_y0": y, "face_x1": x + width, "face_y1": y + height}
        for name, value in (("valence", float(values[7])), ("arousal", float(values[8]))):
            if not -1 <= value <= 1:
                return extra, None, f"{name} {value:g}, expected -1 to 1"
            extra[name] = value
    except ValueError:
        return extra, None, "face box, valence or arousal is no number"
    numbers = values[5].split(";")
    if len(numbers) != 2 * _NUM_POINTS:
        return extra, None, f"{len(numbers)} landmark numbers; expected {2 * _NUM_POINTS}"
    try:
        points = np.array(numbers, dtype=np.float32).reshape(_NUM_POINTS, 2)
    except ValueError:
        return extra, None, "a landmark is no number"
    if not np.isfinite(points).all():
        return extra, None, "a landmark is no number"
    return extra, points, None


class _Pictures:
    """The pictures below a folder, by folder and stem: each folder is listed once."""

    def __init__(self, images: Path, base: Path) -> None:
        self._images = images
        self._below = images.relative_to(base).as_posix()
        self._names: dict[str, dict[str, str]] = {}
        self.num_renamed = 0

    def find(self, path: str) -> str | None:
        """The picture of a list's path, below the set's folder; its ending may differ."""
        folder, _, name = path.rpartition("/")
        if folder not in self._names:
            self._names[folder] = self._list(folder)
        names = self._names[folder]
        actual = names.get(name) or names.get(name.rsplit(".", 1)[0])
        if actual is None:
            return None
        self.num_renamed += actual != name
        return f"{self._below}/{folder}/{actual}" if folder else f"{self._below}/{actual}"

    def _list(self, folder: str) -> dict[str, str]:
        """Stem to name of a folder's pictures; where a stem is there twice, also name to name."""
        try:
            with os.scandir(self._images / folder) as listing:
                found = sorted(entry.name for entry in listing)
        except OSError:
            return {}
        names: dict[str, str] = {}
        for name in found:
            if name.lower().endswith(PICTURE_SUFFIXES):
                stem = name.rsplit(".", 1)[0]
                if names.setdefault(stem, name) != name:
                    names |= {name: name, names[stem]: names[stem]}
        return names
