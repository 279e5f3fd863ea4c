"""AffectNet's newer release: numbered pictures, and their annotations as ``.npy`` files."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fertools.errors import DatasetError, PictureError
from fertools.expressions import AFFECTNET_CODES
from fertools.formats.folders import find_below, list_names
from fertools.formats.registry import Fault, Note, Row, Sample
from fertools.pictures import PICTURE_SUFFIXES, read_picture_bytes

__all__ = ["ReleaseNew", "find_release_new", "read_release_new"]

_FOLDERS = {"train": ("train_set",), "val": ("val_set", "valid_set")}
_MAX_BYTES = 100_000
_NUM_POINTS = 68

Landmarks = npt.NDArray[np.float32]
Array = npt.NDArray[np.generic]


@dataclass(frozen=True)
class ReleaseNew:
    """Where the parts of the release are.

    Attributes:
        base: The folder that holds them.
        folders: ``train`` and ``val`` to their folder, those that are there.
    """

    base: Path
    folders: Mapping[str, Path]

    @property
    def layout(self) -> str:
        """In words."""
        return "the newer release: " + " and ".join(path.name for path in self.folders.values())


def find_release_new(root: Path) -> ReleaseNew | None:
    """Look for ``train_set`` and ``val_set`` in ``root`` and one level below; None without.

    Raises:
        DatasetError: If a part is there twice, or lacks its pictures or annotations.
    """
    folders: dict[str, Path] = {}
    for split, names in _FOLDERS.items():
        found = find_below(root, names, depth=1)
        if len(found) > 1:
            raise DatasetError(
                f"{root}: holds {found[0]} and {found[1]}; give the folder of one of them"
            )
        for path in found:
            for part in ("images", "annotations"):
                if not (path / part).is_dir():
                    raise DatasetError(
                        f"{path}: has no folder {part!r}; unpack the archive of {path.name} again"
                    )
            folders[split] = path
    if not folders:
        return None
    return ReleaseNew(root, folders)


def read_release_new(release: ReleaseNew) -> Iterator[Row]:
    """Samples in the order of their numbers."""
    for split, names in _FOLDERS.items():
        if split not in release.folders:
            yield Fault(
                names[0],
                f"there is no folder of this name here or one level below, so that the whole split "
                f"{split!r} would be missing; unpack its archive, or rename yours",
            )
            continue
        yield from _read_part(release, split, release.folders[split])


def _read_part(release: ReleaseNew, split: str, folder: Path) -> Iterator[Row]:
    """Samples of one part."""
    below = folder.relative_to(release.base).as_posix()
    numbers: dict[int, str] = {}
    num_strangers = 0
    for name in list_names(folder / "images"):
        stem, _, ending = name.rpartition(".")
        if f".{ending.lower()}" not in PICTURE_SUFFIXES:
            num_strangers += 1
        elif not (stem.isascii() and stem.isdecimal()):
            yield Fault(f"{below}/images/{name}", "the name is no number, as in 0.jpg")
        elif int(stem) in numbers:
            other = numbers[int(stem)]
            yield Fault(f"{below}/images/{name}", f"is also there as {other}; keep one")
        else:
            numbers[int(stem)] = name
    annotated = {
        name.removesuffix("_exp.npy")
        for name in list_names(folder / "annotations")
        if name.endswith("_exp.npy")
    }
    for number, name in sorted(numbers.items()):
        stem = name.rpartition(".")[0]
        annotated.discard(stem)
        yield from _read_one(release, split, f"{below}/images/{name}", number, folder, stem)
    for stem in sorted(annotated):
        yield Fault(f"{below}/annotations/{stem}_exp.npy", "there is no picture of this number")
    if num_strangers:
        yield Note(f"{below}/images: files that are no pictures, left out", num_strangers)


def _read_one(
    release: ReleaseNew, split: str, image: str, number: int, folder: Path, stem: str
) -> Iterator[Row]:
    """One picture with its annotations."""
    notes = folder / "annotations"
    below = notes.relative_to(release.base).as_posix()
    try:
        code = _scalar(notes / f"{stem}_exp.npy")
        if code not in AFFECTNET_CODES:
            raise ValueError(f"expression {code:g}; expected 0 to 7")
    except (ValueError, OverflowError) as error:
        yield Fault(f"{below}/{stem}_exp.npy", f"{_short(error)}; the picture has no label")
        return
    extra: dict[str, str | int | float | None] = {"release": "new"}
    for column, ending in (("valence", "val"), ("arousal", "aro")):
        extra[column] = None
        try:
            value = _scalar(notes / f"{stem}_{ending}.npy")
            if not -1 <= value <= 1:
                raise ValueError(f"{column} {value:g}; expected -1 to 1")
            extra[column] = value
        except (ValueError, OverflowError) as error:
            name = f"{below}/{stem}_{ending}.npy"
            yield Fault(name, f"{_short(error)}; the picture is used without it")
    landmarks: Landmarks | None = None
    try:
        landmarks = _points(notes / f"{stem}_lnd.npy")
    except (ValueError, OverflowError) as error:
        yield Fault(f"{below}/{stem}_lnd.npy", f"{_short(error)}; the picture is used without it")
    yield Sample(
        sample_id=f"{split}/{number}",
        image=image,
        expression=AFFECTNET_CODES[int(code)],
        split=split,
        extra=extra,
        landmarks=landmarks,
    )


def _load(path: Path) -> Array:
    """A small array; one that would run code (a pickle) is refused."""
    try:
        data = read_picture_bytes(path)
    except PictureError as error:
        raise ValueError(str(error).removeprefix(f"{path}: ")) from error
    if len(data) > _MAX_BYTES:
        raise ValueError(f"{len(data):,} bytes; expected a few numbers")
    try:
        values = np.asarray(np.lib.format.read_array(io.BytesIO(data), allow_pickle=False))
    except Exception as error:  # whatever numpy makes of a damaged head
        raise ValueError("is no plain .npy array") from error
    if values.dtype.kind not in "iufUS":
        raise ValueError(f"holds values of type {values.dtype.kind!r}; expected numbers or text")
    return values


def _scalar(path: Path) -> float:
    """One finite number, also where it was saved as text."""
    values = _load(path)
    if values.size != 1:
        raise ValueError(f"has {values.size} values; expected one")
    try:
        number = float(values.reshape(()).item())
    except (TypeError, ValueError) as error:
        raise ValueError("is no number") from error
    if not np.isfinite(number):
        raise ValueError("is no number")
    return number


def _points(path: Path) -> Landmarks:
    """68 points."""
    values = _load(path)
    if values.size != 2 * _NUM_POINTS:
        raise ValueError(f"has {values.size} values; expected {2 * _NUM_POINTS}")
    points = values.astype(np.float32).reshape(_NUM_POINTS, 2)
    if not np.isfinite(points).all():
        raise ValueError("a point is no number")
    return points


def _short(error: Exception) -> str:
    """An error's words in one line."""
    return " ".join(str(error).split())[:120]
