"""RAF-DB, the basic set: the authors' folders, the Kaggle copy, or bare class folders.

The authors' list names ``train_00001.jpg`` with five digits and ``test_0001.jpg`` with four; the
pictures are ``Image/aligned/train_00001_aligned.jpg`` (100 x 100) and ``Image/original/…``. The
Kaggle copy has ``DATASET/{train,test}/{1..7}/train_00001_aligned.jpg``. Folders ``0`` to ``6`` say
nothing of their order, so they are read only with a class map from the user.

Reference:
    Li, Deng and Du, "Reliable crowdsourcing and deep locality-preserving learning for expression
    recognition in the wild", CVPR 2017.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

from fertools.errors import ConfigError, DatasetError
from fertools.expressions import RAFDB_CODES, SEVEN_EXPRESSIONS
from fertools.formats.folders import check_relative, find_below, list_names, read_lines
from fertools.formats.rafdb_annotations import FIELDS, RafdbAnnotations
from fertools.formats.registry import (
    Fault,
    Note,
    Opened,
    PublishedCount,
    Row,
    Sample,
    register_dataset,
)

__all__ = ["CLASS_COUNTS", "RafdbOptions", "open_rafdb", "parse_class_map"]

_LIST = "EmoLabel/list_patition_label.txt"  # sic
_STEM = re.compile(r"(train_\d{5}|test_\d{4})", re.ASCII)
_SPLITS = ("train", "test")
_TOTALS = {"train": 12271, "test": 3068}
CLASS_COUNTS = {
    "train": (1290, 281, 717, 4772, 1982, 705, 2524),
    "test": (329, 74, 160, 1185, 478, 162, 680),
}
"""Split to the published numbers of pictures with labels 1 to 7."""

_SOURCE = "the authors' list_patition_label.txt"


class RafdbOptions(BaseModel):
    """What of RAF-DB is taken.

    Attributes:
        images: ``aligned`` (100 x 100), ``original`` (with box and five points), or ``auto``, the
            aligned ones if they are there.
        class_map: Folder name to canonical expression, for bare class folders only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: Literal["auto", "aligned", "original"] = "auto"
    class_map: dict[str, str] | None = None

    @field_validator("class_map")
    @classmethod
    def _known(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        for folder, name in (value or {}).items():
            if name not in SEVEN_EXPRESSIONS:
                raise ValueError(
                    f"folder {folder!r} is mapped to {name!r}; expected one of "
                    + ", ".join(SEVEN_EXPRESSIONS)
                )
        if value and len(set(value.values())) != len(value):
            raise ValueError("two folders are mapped to the same expression")
        return value


def parse_class_map(text: str | None) -> dict[str, str] | None:
    """``0=surprise,1=fear`` as folder name to expression; None stays None.

    Raises:
        ConfigError: If a part has no ``=``, or a folder is there twice.
    """
    if text is None:
        return None
    pairs = [part.strip().partition("=") for part in text.split(",")]
    for folder, equals, name in pairs:
        if not (folder and equals and name):
            raise ConfigError(
                f"--class-map {text!r}: expected FOLDER=EXPRESSION, as in 0=surprise,1=fear"
            )
    found = {folder.strip(): name.strip() for folder, _, name in pairs}
    if len(found) != len(pairs):
        raise ConfigError(f"--class-map {text!r}: a folder is there twice")
    return found


def _counts(_: RafdbOptions) -> tuple[PublishedCount, ...]:
    """Both parts, and every class of each."""
    totals = [PublishedCount(s, {"split": (s,)}, (n,), _SOURCE) for s, n in _TOTALS.items()]
    classes = [
        PublishedCount(
            f"{split}, {RAFDB_CODES[code]}",
            {"split": (split,), "expression": (RAFDB_CODES[code],)},
            (number,),
            _SOURCE,
        )
        for split, numbers in CLASS_COUNTS.items()
        for code, number in enumerate(numbers, 1)
    ]
    return (*totals, *classes)


def _expected_ids(_: RafdbOptions) -> Iterator[str]:
    """All names of the published list."""
    yield from (f"train_{n:05d}" for n in range(1, _TOTALS["train"] + 1))
    yield from (f"test_{n:04d}" for n in range(1, _TOTALS["test"] + 1))


@register_dataset(
    name="rafdb",
    title="RAF-DB, basic emotions",
    reference="Li, Deng and Du, CVPR 2017",
    licence="for non-commercial research, on request by an institution",
    expressions=SEVEN_EXPRESSIONS,
    options=RafdbOptions,
    counts=_counts,
    expected_ids=_expected_ids,
)
def open_rafdb(root: Path, options: RafdbOptions) -> Opened:
    """Tell the three layouts apart; see :mod:`fertools.formats.rafdb`.

    Raises:
        DatasetError: If none is found, two are, the pictures asked for are not unpacked, or bare
            class folders come without a class map.
    """
    lists = find_below(root, (_LIST,), depth=2)
    class_folders = find_below(root, ("train/0", "train/1"), depth=2)
    starts = list(dict.fromkeys(path.parents[1] for path in class_folders))
    found = [path.parents[1] for path in lists] + starts
    if len(found) > 1:
        raise DatasetError(
            f"{root}: holds two layouts, {found[0]} and {found[1]}; give the folder of one of them"
        )
    if not found:
        raise DatasetError(
            f"{root}: neither {_LIST} nor train/1 … train/7 here or two levels below; expected "
            "RAF-DB's folder 'basic', or the Kaggle copy's DATASET, unpacked. Is yours another "
            f"layout? 'fertools doctor rafdb --root {root}' describes it for us"
        )
    if lists:
        if options.class_map is not None:
            raise DatasetError(f"{root}: has the authors' list; a class map is not for this layout")
        return _open_authors(lists[0], options)
    is_bare = any((starts[0] / split / "0").exists() for split in _SPLITS)
    codes = _folder_codes(starts[0], options, is_bare=is_bare)
    return _open_folders(starts[0], codes, options, is_bare=is_bare)


def _open_authors(list_path: Path, options: RafdbOptions) -> Opened:
    """The layout with a list."""
    base = list_path.parents[1]
    choices = ("aligned", "original") if options.images == "auto" else (options.images,)
    for kind in choices:
        names, twins = _pictures(base, kind)
        if names:
            rows = chain(twins, _read_list(base, list_path, kind, names))
            return Opened(f"the authors' EmoLabel and Image, {kind} pictures", base, rows)
    zips = [f"Image/{kind}.zip" for kind in choices if (base / f"Image/{kind}.zip").exists()]
    remedy = f"unpack {zips[0]} into its folder" if zips else "unpack the archives of the pictures"
    raise DatasetError(
        f"{base}: no picture in {' or '.join(f'Image/{kind}' for kind in choices)}; {remedy}"
    )


def _pictures(base: Path, kind: str) -> tuple[dict[str, str], list[Fault]]:
    """Stem (``train_00001``) to path of the pictures of a kind; of twins none is used."""
    folder = base / "Image" / kind
    inner = folder / kind  # as some archives unpack
    if inner.is_dir():
        folder = inner
    if not folder.is_dir():
        return {}, []
    below = folder.relative_to(base).as_posix()
    pictures: dict[str, str] = {}
    twins: list[Fault] = []
    for name in list_names(folder):
        if name.lower().endswith((".jpg", ".jpeg", ".png")):
            stem = name.rsplit(".", 1)[0].removesuffix("_aligned")
            other = pictures.setdefault(stem, f"{below}/{name}")
            if other != f"{below}/{name}":
                twins.append(Fault(f"{below}/{name}", f"the same picture as {other}; keep one"))
    for twin in twins:
        pictures.pop(twin.place.rpartition("/")[2].rsplit(".", 1)[0].removesuffix("_aligned"), None)
    return pictures, twins


def _read_list(base: Path, path: Path, kind: str, pictures: dict[str, str]) -> Iterator[Row]:
    """Samples of the authors' list, in its order."""
    place = path.relative_to(base).as_posix()
    entries, bad = _read_entries(path)
    annotations = RafdbAnnotations(base)
    for number, reason in bad:
        yield Fault(f"{place}, line {number}", reason)
    unlisted = set(pictures)
    for stem, entry in entries.items():
        unlisted.discard(stem)
        if entry.code is None:
            continue  # its lines are among the bad ones
        if stem not in pictures:
            missing = f"Image/{kind} has no picture {stem}; unpack its archive again"
            yield Fault(f"{place}, line {entry.number}", missing)
            continue
        extra, landmarks, faults = annotations.read(stem, with_places=kind == "original")
        yield from faults
        yield Sample(
            sample_id=stem,
            image=pictures[stem],
            expression=RAFDB_CODES[entry.code],
            split=stem.split("_")[0],
            extra=extra,
            landmarks=landmarks,
        )
    if unlisted:
        yield Note(f"in Image/{kind} but not in the list, left out", len(unlisted))


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where a picture stands in the list, and its label; None where lines contradict each other."""

    number: int
    code: int | None


def _read_entries(path: Path) -> tuple[dict[str, _Entry], list[tuple[int, str]]]:
    """Stem to entry, and what is wrong with the other lines; of a contradiction none is used."""
    entries: dict[str, _Entry] = {}
    bad: list[tuple[int, str]] = []
    for line in read_lines(path):
        words = line.text.split()
        name = check_relative(path, line.number, words[0])
        stem = name.rsplit(".", 1)[0]
        code = int(words[1]) if _is_code(words) and int(words[1]) in RAFDB_CODES else None
        if len(words) != 2:
            said = f"{len(words)} words; expected a name and a label, as in 'train_00001.jpg 5'"
            bad.append((line.number, said))
        elif _STEM.fullmatch(stem) is None:
            bad.append((line.number, f"the name {name[:60]!r}; expected train_##### or test_####"))
        elif code is None:
            bad.append((line.number, f"label {words[1][:20]!r}; expected 1 to 7"))
        elif (known := entries.get(stem)) is not None:
            bad.append((line.number, f"{stem!r} is also on line {known.number}; remove one"))
            if known.code is not None and known.code != code:
                reason = f"{stem!r} has another label on line {line.number}: neither is used"
                bad.append((known.number, reason))
                entries[stem] = _Entry(known.number, None)
        else:
            entries[stem] = _Entry(line.number, code)
    if not entries and not bad:
        raise DatasetError(f"{path}: is empty; expected a name and a label a line")
    return entries, sorted(bad)


def _is_code(words: list[str]) -> bool:
    """Whether a line's second word is a short number."""
    return len(words) == 2 and words[1].isascii() and words[1].isdecimal() and len(words[1]) < 4


def _folder_codes(start: Path, options: RafdbOptions, *, is_bare: bool) -> Mapping[str, str]:
    """Class folder to expression."""
    if not is_bare:
        if options.class_map is not None:
            raise DatasetError(f"{start}: has folders 1 to 7; a class map is not for this layout")
        return {str(code): name for code, name in RAFDB_CODES.items()}
    if options.class_map is None:
        raise DatasetError(
            f"{start}: class folders that begin with 0 follow no order of RAF-DB's; say which is "
            "which with --class-map, as in 0=surprise,1=fear,2=disgust,3=happiness,4=sadness,"
            "5=anger,6=neutral"
        )
    return options.class_map


def _open_folders(
    start: Path, codes: Mapping[str, str], options: RafdbOptions, *, is_bare: bool
) -> Opened:
    """The layouts with a folder a class."""
    if options.images == "original":
        raise DatasetError(
            f"{start}: this layout has aligned pictures only; give the authors' folder for the "
            "original ones"
        )
    kind = "bare class folders" if is_bare else "the Kaggle copy's class folders"
    return Opened(kind, start, _read_folders(start, codes))


def _read_folders(start: Path, codes: Mapping[str, str]) -> Iterator[Row]:
    """Samples of class folders; where labels are in a CSV as well, they must agree."""
    seen: dict[str, str] = {}
    nothing: dict[str, str | int | float | None] = dict.fromkeys(FIELDS)
    for split in _SPLITS:
        if not (start / split).is_dir():
            yield Fault(split, "there is no such folder; unpack the archive again")
            continue
        listed, bad = _read_csv(start, split)
        yield from bad
        named: set[str] = set()
        folders = list_names(start / split)
        for folder in sorted(set(codes) - set(folders)):
            yield Fault(f"{split}/{folder}", "there is no such class folder; unpack it again")
        for folder in folders:
            expression = codes.get(folder)
            if expression is None:
                known = ", ".join(codes)
                yield Fault(f"{split}/{folder}", f"is no class folder; expected {known}")
                continue
            for name in list_names(start / split / folder):
                path = f"{split}/{folder}/{name}"
                stem = name.rsplit(".", 1)[0].removesuffix("_aligned")
                named.add(stem)
                if _STEM.fullmatch(stem) is None or not stem.startswith(split):
                    yield Fault(path, "the name is none of RAF-DB's, as in train_00001_aligned.jpg")
                elif stem in seen:
                    yield Fault(path, f"this picture is also in {seen[stem]}; keep one")
                elif listed.get(stem, folder) != folder:
                    yield Fault(path, f"{split}_labels.csv says label {listed[stem]!r}")
                else:
                    seen[stem] = path
                    yield Sample(stem, path, expression, split=split, extra=nothing)
        for stem in sorted(set(listed) - named):
            yield Fault(f"{split}_labels.csv", f"names {stem}, which is in no class folder")
        if listed and (unlisted := named - set(listed)):
            yield Note(f"pictures that {split}_labels.csv does not name, used", len(unlisted))


def _read_csv(start: Path, split: str) -> tuple[dict[str, str], list[Fault]]:
    """Stem to label by ``train_labels.csv`` or ``test_labels.csv``, and lines said twice."""
    path = next((p for p in find_below(start, (f"{split}_labels.csv",), depth=0)), None)
    path = path or next(
        (p for p in find_below(start.parent, (f"{split}_labels.csv",), depth=0)), None
    )
    if path is None:
        return {}, []
    labels: dict[str, str] = {}
    bad: list[Fault] = []
    for line in read_lines(path):
        cells = [cell.strip() for cell in line.text.split(",")]
        if line.number == 1:
            if cells != ["image", "label"]:
                raise DatasetError(
                    f"{path}: the head is {line.text[:60]!r}; expected 'image,label'"
                )
            continue
        if len(cells) != 2:
            raise DatasetError(f"{path}: line {line.number} has {len(cells)} cells; expected two")
        name = check_relative(path, line.number, cells[0])
        stem = name.rsplit(".", 1)[0].removesuffix("_aligned")
        if stem in labels:
            bad.append(Fault(f"{path.name}, line {line.number}", f"names {stem} once more"))
            if labels[stem] != cells[1]:
                labels[stem] = f"{labels[stem]} and {cells[1]}"
        else:
            labels[stem] = cells[1]
    return labels, bad
