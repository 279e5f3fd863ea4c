"""Where faults are planted in a folder of RAF-DB: in the authors' layout or the copy on Kaggle."""

from __future__ import annotations

from pathlib import Path

from fertools.errors import ConfigError
from fertools.expressions import RAFDB_CODES
from fertools.formats.folders import find_below
from fertools.synth.plant_listed import Change, ListedFolder
from fertools.synth.planting import Edit, Sample, next_free

__all__ = ["open_rafdb_folder"]

_LIST = "EmoLabel/list_patition_label.txt"  # sic
_DIGITS = {"train": 5, "test": 4}
_LABELS = tuple(map(str, RAFDB_CODES))
_ANNOTATIONS = (
    "Annotation/boundingbox/{}_boundingbox.txt",
    "Annotation/auto/{}_auto_attri.txt",
    "Annotation/manual/{}_manu_attri.txt",
)


def open_rafdb_folder(root: Path) -> ListedFolder:
    """The folder of either layout.

    Raises:
        ConfigError: If it is neither, or empty.
    """
    lists = find_below(root, (_LIST,), depth=2)
    if lists:
        return _AuthorsFolder(root, lists[0])
    tables = find_below(root, ("train_labels.csv",), depth=1)
    if tables:
        return _KaggleFolder(root, tables[0].parent)
    raise ConfigError(f"{root}: has neither {_LIST} nor train_labels.csv; expected RAF-DB's layout")


class _AuthorsFolder(ListedFolder):
    """A list, and pictures by kind."""

    def __init__(self, root: Path, list_path: Path) -> None:
        base = list_path.parents[1].relative_to(root)
        self._base = "" if base == Path() else f"{base.as_posix()}/"
        samples = []
        for line in list_path.read_text(encoding="utf-8").splitlines():
            name, label = line.split()
            stem = name.rpartition(".")[0]
            pictures = tuple(p for p in self._pictures(stem) if (root / p).is_file())
            samples.append(Sample(stem, label, stem.partition("_")[0], pictures))
        super().__init__(samples, _LABELS, "test")

    def add(
        self, edit: Edit, source: Sample, *, part: str, label: str, change: Change
    ) -> tuple[str, tuple[str, ...]]:
        """One more line and the files of another sample."""
        new = _next_stem(edit, f"{self._base}{_LIST}", part)
        edit.append_line(f"{self._base}{_LIST}", f"{new}.jpg {label}")
        files = []
        for old_name, new_name in zip(
            self._pictures(source.sample_id), self._pictures(new), strict=True
        ):
            if old_name in source.pictures:
                edit.write(new_name, change(old_name, edit.read(old_name)))
                files.append(new_name)
        for pattern in _ANNOTATIONS:
            old_name = self._base + pattern.format(source.sample_id)
            if edit.has(old_name):
                edit.write(self._base + pattern.format(new), edit.read(old_name))
        return new, tuple(files)

    def _pictures(self, stem: str) -> tuple[str, str]:
        """Where a sample's pictures are or may be."""
        image = f"{self._base}Image"
        return f"{image}/aligned/{stem}_aligned.jpg", f"{image}/original/{stem}.jpg"


class _KaggleFolder(ListedFolder):
    """A folder a label, and two tables."""

    def __init__(self, root: Path, tables: Path) -> None:
        base = tables.relative_to(root)
        self._base = "" if base == Path() else f"{base.as_posix()}/"
        samples = []
        for part in _DIGITS:
            text = (tables / f"{part}_labels.csv").read_text(encoding="utf-8")
            for line in text.splitlines()[1:]:
                name, label = line.split(",")
                stem = name.removesuffix("_aligned.jpg")
                samples.append(Sample(stem, label, part, (self._picture(stem, label),)))
        super().__init__(samples, _LABELS, "test")

    def add(
        self, edit: Edit, source: Sample, *, part: str, label: str, change: Change
    ) -> tuple[str, tuple[str, ...]]:
        """One more row and picture."""
        table = f"{self._base}{part}_labels.csv"
        new = _next_stem(edit, table, part)
        edit.append_line(table, f"{new}_aligned.jpg,{label}")
        name = self._picture(new, label)
        edit.write(name, change(name, edit.read(source.pictures[0])))
        return new, (name,)

    def _picture(self, stem: str, label: str) -> str:
        """Where a sample's picture is."""
        return f"{self._base}DATASET/{stem.partition('_')[0]}/{label}/{stem}_aligned.jpg"


def _next_stem(edit: Edit, table: str, part: str) -> str:
    """The name after the last of a part."""
    words = edit.read(table).decode().replace(",", " ").replace(".", " ").split()
    stems = [word.removesuffix("_aligned") for word in words if word.startswith(f"{part}_")]
    digits = _DIGITS[part]
    numbers = [int(stem.partition("_")[2]) for stem in stems]
    return f"{part}_{next_free(numbers, 10**digits - 1, f'{part} picture'):0{digits}d}"
