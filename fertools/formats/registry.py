"""The data sets that can be indexed: one file each, found by name.

A reader tells the layouts of its set apart and yields what the files' names and lists say, a
:class:`Sample` a picture, a :class:`Fault` for what cannot be used, a :class:`Note` for what is
worth saying and no fault. It does not open pictures, crop, split or relabel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from fertools.errors import ConfigError

__all__ = [
    "Dataset",
    "Fault",
    "Note",
    "Opened",
    "PublishedCount",
    "Row",
    "Sample",
    "get_dataset",
    "list_datasets",
    "register_dataset",
]

Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture of a data set, by what its authors' files say.

    Attributes:
        sample_id: Stable name, unique in the set whatever its layout.
        image: POSIX path below the folder of :attr:`Opened.base`.
        expression: Canonical name.
        subject_id: Where the set has subjects.
        split: ``train``, ``val`` or ``test`` where the authors ship one.
        intensity: 1 to 4 where the set has levels.
        yaw_deg: Nominal head pose where the set has one.
        view_id: Name of the nominal view.
        pan_deg: Nominal pan of the view.
        tilt_deg: Nominal tilt of the view.
        pose_source: Where ``yaw_deg`` comes from.
        extra: The set's own columns; each sample of a set has the same ones.
        landmarks: Shape ``(K, 2)``, pixels of ``image``; None where there are none.
    """

    sample_id: str
    image: str
    expression: str
    subject_id: str | None = None
    split: str | None = None
    intensity: int | None = None
    yaw_deg: float | None = None
    view_id: str | None = None
    pan_deg: float | None = None
    tilt_deg: float | None = None
    pose_source: str | None = None
    extra: Mapping[str, Value] = field(default_factory=dict)
    landmarks: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Something of the set that cannot be used; it is listed, and ends a strict reading.

    Attributes:
        place: File below the set's folder, and line where it is a list.
        reason: What is wrong, what was expected, in one line.
    """

    place: str
    reason: str

    def __str__(self) -> str:
        text = f"{self.place}: {self.reason}"
        return text.encode(errors="backslashreplace").decode()  # names need not be UTF-8


@dataclass(frozen=True, slots=True)
class Note:
    """Something that is counted and said, such as AffectNet's 'uncertain', which is no sample.

    Attributes:
        reason: What, the same words for all of a kind.
        count: How many.
    """

    reason: str
    count: int = 1


Row = Sample | Fault | Note


@dataclass(frozen=True)
class Opened:
    """A folder whose layout was recognised.

    Attributes:
        layout: What was found, in words.
        base: The folder that :attr:`Sample.image` is relative to.
        rows: Yields the set, once.
    """

    layout: str
    base: Path
    rows: Iterator[Row]


@dataclass(frozen=True)
class PublishedCount:
    """How many samples the authors, or those who counted after them, say there are.

    Attributes:
        what: In words, as in ``train, fear``.
        where: Manifest columns and the values that are counted.
        accepted: The numbers in print, more than one where sources differ.
        source: Who says so.
        distinct: Count the different values of this column instead of the rows.
    """

    what: str
    where: Mapping[str, tuple[str, ...]]
    accepted: tuple[int, ...]
    source: str
    distinct: str | None = None


@dataclass(frozen=True)
class Dataset:
    """A registered data set.

    Attributes:
        name: ``multipie``, ``rafdb``, ``affectnet``, ``bu3dfe-rendered``.
        title: In full.
        reference: Whom to cite.
        licence: The terms in a few words.
        expressions: Canonical names that its samples may have.
        options: A pydantic model of what the user may choose.
        open: Recognises a folder's layout; raises DatasetError where it is none of the set's.
        counts: The published counts under some options.
        expected_ids: Every ``sample_id`` of the published set under some options, where that is
            known, so that those that are missing can be named.
    """

    name: str
    title: str
    reference: str
    licence: str
    expressions: tuple[str, ...]
    options: type[BaseModel]
    open: Callable[[Path, Any], Opened]
    counts: Callable[[Any], tuple[PublishedCount, ...]]
    expected_ids: Callable[[Any], Iterator[str]] | None


_DATASETS: dict[str, Dataset] = {}
_Open = Callable[[Path, Any], Opened]


def register_dataset(
    *,
    name: str,
    title: str,
    reference: str,
    licence: str,
    expressions: tuple[str, ...],
    options: type[BaseModel],
    counts: Callable[[Any], tuple[PublishedCount, ...]],
    expected_ids: Callable[[Any], Iterator[str]] | None = None,
) -> Callable[[_Open], _Open]:
    """Register the function that opens a data set; see :class:`Dataset` for the arguments.

    Raises:
        ValueError: If the name is taken.
    """

    def register(opener: _Open) -> _Open:
        if name in _DATASETS:
            raise ValueError(f"two data sets are called {name!r}")
        _DATASETS[name] = Dataset(
            name, title, reference, licence, expressions, options, opener, counts, expected_ids
        )
        return opener

    return register


@cache
def _load_all() -> None:
    """Import every module of this folder, so that each registers itself."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if not path.stem.startswith("_"):
            import_module(f"{__package__}.{path.stem}")


def list_datasets() -> tuple[str, ...]:
    """Sorted names of the data sets that can be indexed."""
    _load_all()
    return tuple(sorted(_DATASETS))


def get_dataset(name: str) -> Dataset:
    """A data set by its name.

    Raises:
        ConfigError: If there is none of that name.
    """
    if name not in list_datasets():
        raise ConfigError(f"unknown data set {name!r}; expected one of {', '.join(_DATASETS)}")
    return _DATASETS[name]
