"""What lies beside Multi-PIE's pictures where its holder has it: landmarks, and who is who.

``MPie_Labels/labels/<camera>/SSS_SS_RR_CCC_II_lm.mat`` holds ``pts`` of shape (68, 2), (66, 2) or,
from the side, (39, 2). The illumination in the name differs from camera to camera, so a label
belongs to all pictures of its subject, session, recording and camera. ``meta/subject_list.txt`` has
a line a subject: number, birth year, gender, and four marks for the sessions.
"""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fertools.errors import DatasetError, PictureError
from fertools.formats.folders import find_below, read_lines, walk
from fertools.formats.registry import Fault
from fertools.pictures import read_picture_bytes

__all__ = ["MultipieLabels", "read_subject_list"]

_LABEL = re.compile(r"(\d{3}_\d{2}_\d{2}_\d{3})_\d{2}_lm\.mat", re.IGNORECASE | re.ASCII)
_COUNTS = (68, 66, 39)
_MAX_BYTES = 1_000_000
_MAX_NUMBERS = 1000


@dataclass(frozen=True)
class MultipieLabels:
    """The landmark files of a folder.

    Attributes:
        root: The data set's folder, for messages.
        paths: Subject, session, recording and camera, as in a file name, to the file.
        faults: What could not be listed.
    """

    root: Path
    paths: Mapping[str, Path]
    faults: tuple[Fault, ...]

    @classmethod
    def find(cls, root: Path) -> MultipieLabels:
        """Look for ``MPie_Labels`` in a folder, up to two levels below, or beside ``data``."""
        paths: dict[str, Path] = {}
        faults: list[Fault] = []
        for place in _beside(root, ("MPie_Labels", "mpie_labels"))[:1]:
            for item in walk(place):
                if isinstance(item, Fault):
                    faults.append(Fault(f"{_name(root, place)}/{item.place}", item.reason))
                elif match := _LABEL.fullmatch(item.name):
                    paths.setdefault(match[1], place / item.path)
        return cls(root, paths, tuple(faults))

    def read(self, sample_id: str) -> npt.NDArray[np.float32] | Fault | None:
        """The landmarks of a picture, shape ``(K, 2)`` in pixels; None where it has none."""
        from scipy.io import loadmat, whosmat

        path = self.paths.get(sample_id[:13])
        if path is None:
            return None
        place = _name(self.root, path)
        try:
            data = read_picture_bytes(path)
            if len(data) > _MAX_BYTES:
                return Fault(place, f"{len(data):,} bytes; expected a few points")
            shapes = [shape for name, shape, _ in whosmat(io.BytesIO(data)) if name == "pts"]
            if not shapes or math.prod(shapes[0]) > _MAX_NUMBERS:
                return Fault(place, f"'pts' has shape {shapes[:1]}; expected one as (68, 2)")
            points = np.asarray(loadmat(io.BytesIO(data), variable_names=["pts"])["pts"])
            points = points.astype(np.float32)
        except PictureError as error:
            return Fault(place, str(error).removeprefix(f"{path}: "))
        except Exception as error:  # whatever scipy makes of a damaged file
            kind = type(error).__name__
            return Fault(place, f"holds no landmarks 'pts' that can be read ({kind})")
        if points.ndim != 2 or points.shape[1] != 2 or len(points) not in _COUNTS:
            return Fault(
                place, f"'pts' has shape {points.shape}; expected (68, 2), (66, 2), (39, 2)"
            )
        return points if np.isfinite(points).all() else Fault(place, "a point is not a number")


def read_subject_list(root: Path) -> tuple[dict[str, str], list[Fault]]:
    """Subject to ``female`` or ``male`` by ``meta/subject_list.txt``; empty where there is none.

    Returns:
        The map, and a fault a line that does not fit.
    """
    about: dict[str, str] = {}
    faults: list[Fault] = []
    for path in _beside(root, ("meta/subject_list.txt",))[:1]:
        place = _name(root, path)
        try:
            for line in read_lines(path):
                words = line.text.split()
                is_number = words[0].isascii() and words[0].isdecimal() and len(words[0]) < 5
                if len(words) < 3 or not is_number:
                    if line.number > 1:  # the first may be a head
                        faults.append(Fault(f"{place}, line {line.number}", _EXPECTED))
                    continue
                sex = {"f": "female", "m": "male"}.get(words[2][0].lower())
                if sex is not None:
                    about[f"{int(words[0]):03d}"] = sex
        except DatasetError as error:
            faults.append(Fault(place, str(error).removeprefix(f"{path}: ")))
    return about, faults


def _beside(root: Path, names: tuple[str, ...]) -> list[Path]:
    """Where something is: in a folder or up to two levels below, else beside a folder ``data``."""
    found = find_below(root, names, depth=2)
    if not found and root.name.lower() == "data":
        found = find_below(root.parent, names, depth=0)
    return found


def _name(root: Path, path: Path) -> str:
    """A path as seen from the data set's folder."""
    return Path(os.path.relpath(path, root)).as_posix()


_EXPECTED = "expected a subject's number, birth year, gender and sessions, divided by blanks"
