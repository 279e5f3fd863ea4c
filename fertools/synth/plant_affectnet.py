"""Where faults are planted in a folder of AffectNet: the release of 2017 or the newer one."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import numpy as np

from fertools.errors import ConfigError
from fertools.expressions import AFFECTNET_CODES
from fertools.formats.folders import find_below
from fertools.synth.plant_listed import Change, ListedFolder
from fertools.synth.planting import Edit, Sample, next_free

__all__ = ["open_affectnet_folder"]

_LISTS = {"train": "training.csv", "val": "validation.csv"}
_LIST_FOLDERS = ("", "Manually_Annotated_file_lists/", "Manually_Annotated/")
_IMAGE_FOLDERS = (
    "Manually_Annotated_compressed/Manually_Annotated_Images",
    "Manually_Annotated/Manually_Annotated_Images",
    "Manually_Annotated_Images",
)
_LABELS = tuple(map(str, AFFECTNET_CODES))
_PATH, _EXPRESSION = 0, 6  # columns of the lists
_ARRAYS = ("exp", "lnd", "val", "aro")
_LAST = 999_999


def open_affectnet_folder(root: Path) -> ListedFolder:
    """The folder of either release.

    Raises:
        ConfigError: If it is neither, or empty.
    """
    lists = {
        part: path
        for part, name in _LISTS.items()
        for path in find_below(root, [folder + name for folder in _LIST_FOLDERS], depth=1)[:1]
    }
    images = find_below(root, _IMAGE_FOLDERS, depth=1)
    if len(lists) == len(_LISTS) and images:
        return _Release2017(root, lists, images[0])
    folders = [find_below(root, (name,), depth=1) for name in ("train_set", "val_set")]
    if all(folders):
        return _ReleaseNew(root, {"train": folders[0][0], "val": folders[1][0]})
    raise ConfigError(
        f"{root}: has neither training.csv and validation.csv with pictures nor train_set and "
        "val_set; expected a release of AffectNet"
    )


class _Release2017(ListedFolder):
    """Two lists, and pictures under names of 56 digits; rows that are no expression are left."""

    def __init__(self, root: Path, lists: dict[str, Path], images: Path) -> None:
        self._lists = {part: path.relative_to(root).as_posix() for part, path in lists.items()}
        self._images = images.relative_to(root).as_posix()
        self._rows: dict[str, list[str]] = {}
        samples = []
        for part, path in lists.items():
            for row in csv.reader(path.read_text(encoding="utf-8").splitlines()):
                if row[_EXPRESSION] not in _LABELS:
                    continue
                sample_id = row[_PATH].rpartition(".")[0]
                self._rows[sample_id] = row
                picture = f"{self._images}/{row[_PATH]}"
                samples.append(Sample(sample_id, row[_EXPRESSION], part, (picture,)))
        super().__init__(samples, _LABELS, "val")

    def add(
        self, edit: Edit, source: Sample, *, part: str, label: str, change: Change
    ) -> tuple[str, tuple[str, ...]]:
        """One more row, and a picture in the same folder."""
        row = list(self._rows[source.sample_id])
        folder, _, name = row[_PATH].rpartition("/")
        text = f"planted copy of {source.sample_id} as {part} {label}"
        stem = hashlib.sha224(text.encode()).hexdigest()
        row[_PATH] = f"{folder}/{stem}.{name.rpartition('.')[2]}"
        row[_EXPRESSION] = label
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(row)
        edit.append_line(self._lists[part], line.getvalue())
        picture = f"{self._images}/{row[_PATH]}"
        edit.write(picture, change(picture, edit.read(source.pictures[0])))
        return f"{folder}/{stem}", (picture,)


class _ReleaseNew(ListedFolder):
    """Numbered pictures and arrays."""

    def __init__(self, root: Path, folders: dict[str, Path]) -> None:
        self._folders = {part: path.relative_to(root).as_posix() for part, path in folders.items()}
        self._numbers: dict[str, list[int]] = {}
        samples = []
        for part, folder in folders.items():
            pictures = {int(path.stem): path for path in (folder / "images").iterdir()}
            self._numbers[part] = sorted(pictures)
            for number, path in sorted(pictures.items()):
                code = np.load(folder / "annotations" / f"{number}_exp.npy", allow_pickle=False)
                name = path.relative_to(root).as_posix()
                samples.append(Sample(f"{part}/{number}", str(int(code)), part, (name,)))
        super().__init__(samples, _LABELS, "val")

    def add(
        self, edit: Edit, source: Sample, *, part: str, label: str, change: Change
    ) -> tuple[str, tuple[str, ...]]:
        """One more picture and its arrays."""
        number = next_free(self._numbers[part], _LAST, "picture")
        self._numbers[part].append(number)
        old_part, _, old = source.sample_id.partition("/")
        for kind in _ARRAYS:
            old_name = f"{self._folders[old_part]}/annotations/{old}_{kind}.npy"
            if edit.has(old_name):
                data = edit.read(old_name)
                new_name = f"{self._folders[part]}/annotations/{number}_{kind}.npy"
                edit.write(new_name, _relabelled(data, label) if kind == "exp" else data)
        picture = f"{self._folders[part]}/images/{number}.{source.pictures[0].rpartition('.')[2]}"
        edit.write(picture, change(picture, edit.read(source.pictures[0])))
        return f"{part}/{number}", (picture,)


def _relabelled(data: bytes, label: str) -> bytes:
    """An array of one label, text or number as it was, with another one."""
    old = np.load(io.BytesIO(data), allow_pickle=False)
    value = label if old.dtype.kind in "US" else int(label)
    buffer = io.BytesIO()
    np.save(buffer, np.full(old.shape, value, dtype=old.dtype), allow_pickle=False)
    return buffer.getvalue()
