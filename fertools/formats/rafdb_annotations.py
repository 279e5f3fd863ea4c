"""RAF-DB's annotation files of one picture: box, five points, three attributes.

Boxes and points count in pixels of the ORIGINAL picture, so they go with those only.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from fertools.errors import DatasetError
from fertools.formats.folders import read_lines
from fertools.formats.registry import Fault

__all__ = ["FIELDS", "RafdbAnnotations"]

FIELDS = ("gender", "race", "age", "face_x0", "face_y0", "face_x1", "face_y1")
"""The set's own columns."""

_GENDERS = ("male", "female", "unsure")
_RACES = ("caucasian", "african-american", "asian")
_AGES = ("0-3", "4-19", "20-39", "40-69", "70+")
_NUM_POINTS = 5

Value = str | int | float | None
Landmarks = npt.NDArray[np.float32]


class RafdbAnnotations:
    """The folder ``Annotation``, where it is there.

    Args:
        base: The folder that holds ``Annotation``.
    """

    def __init__(self, base: Path) -> None:
        self._base = base
        self._has = {
            kind: (base / "Annotation" / kind).is_dir() for kind in ("manual", "boundingbox")
        }

    def read(
        self, stem: str, *, with_places: bool
    ) -> tuple[dict[str, Value], Landmarks | None, list[Fault]]:
        """What is known of a picture.

        Args:
            stem: As ``train_00001``.
            with_places: Also box and points, which fit the original picture only.

        Returns:
            The columns of :data:`FIELDS`; five points of shape ``(5, 2)`` (left eye, right eye,
            nose, left and right corner of the mouth, as the authors call them) or None; and a
            fault for each file that is missing or not as expected.
        """
        extra: dict[str, Value] = dict.fromkeys(FIELDS)
        landmarks: Landmarks | None = None
        faults: list[Fault] = []
        if self._has["manual"]:
            name = f"Annotation/manual/{stem}_manu_attri.txt"
            try:
                points, attributes = self._manual(name)
                extra |= attributes
                landmarks = points if with_places else None
            except (DatasetError, ValueError, IndexError) as error:
                faults.append(self._fault(name, error, "five lines 'x y', then three codes"))
        if self._has["boundingbox"] and with_places:
            name = f"Annotation/boundingbox/{stem}_boundingbox.txt"
            try:
                extra |= dict(zip(FIELDS[3:], self._box(name), strict=True))
            except (DatasetError, ValueError, IndexError) as error:
                faults.append(self._fault(name, error, "x_min y_min x_max y_max"))
        return extra, landmarks, faults

    def _manual(self, name: str) -> tuple[Landmarks, dict[str, Value]]:
        """Five points and three attributes."""
        lines = [line.text.split() for line in read_lines(self._base / name)]
        if len(lines) != _NUM_POINTS + 3:
            raise ValueError(f"{len(lines)} lines")
        points = np.array([[float(x), float(y)] for x, y in lines[:_NUM_POINTS]], np.float32)
        codes = [_code(words) for words in lines[_NUM_POINTS:]]
        if not np.isfinite(points).all():
            raise ValueError("a point is not a number")
        names = (_GENDERS[codes[0]], _RACES[codes[1]], _AGES[codes[2]])
        return points, dict(zip(FIELDS[:3], names, strict=True))

    def _box(self, name: str) -> list[float]:
        """The face's box."""
        words = " ".join(line.text for line in read_lines(self._base / name)).split()
        box = [float(word) for word in words]
        if len(box) != 4 or not np.isfinite(box).all() or box[2] <= box[0] or box[3] <= box[1]:
            raise ValueError(f"{len(box)} numbers, or no box")
        return box

    def _fault(self, name: str, error: Exception, expected: str) -> Fault:
        """One annotation that is not used; its picture is."""
        said = " ".join(str(error).split()).replace(f"{self._base / name}: ", "")
        return Fault(name, f"{said[:120]}; expected {expected}; the picture is used without it")


def _code(words: list[str]) -> int:
    """A code of one line; negative ones would count from the end."""
    if len(words) != 1 or not words[0].isdecimal():
        raise ValueError(f"{' '.join(words)[:20]!r} is no code")
    return int(words[0])
