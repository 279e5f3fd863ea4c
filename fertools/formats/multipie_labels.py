"""What lies beside Multi-PIE's pictures where its holder has it: landmarks, and who is who.

``MPie_Labels/labels/<camera>/SSS_SS_RR_CCC_II_lm.mat`` holds ``pts`` of shape (68, 2), (66, 2) or,
from the side, (39, 2). The illumination in the name differs from camera to camera, so a label
belongs to all pictures of its subject, session, recording and camera. ``meta/subject_list.txt`` has
a line a subject: number, birth year, gender, and four marks for the sessions.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fertools.errors import DatasetError, PictureError
from fertools.formats.folders import FolderFile, find_below, read_lines, walk
from fertools.formats.registry import Fault
from fertools.pictures import read_picture_bytes

__all__ = ["MultipieLabels", "read_subject_list"]

_LABEL = re.compile(r"(\d{3}_\d{2}_\d{2}_\d{3})_\d{2}_lm\.mat", re.IGNORECASE | re.ASCII)
_COUNTS = (68, 66, 39)
_MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class MultipieLabels:
    """The landmark files of a folder.

    Attributes:
        root: The data set's folder, for messages.
        paths: Subject, session, recording and camera, as in a file name, to the file.
    """

    root: Path
    paths: Mapping[str, Path]

    @classmethod
    def find(cls, root: Path) -> MultipieLabels:
        """Look for ``MPie_Labels`` in a folder, up to two levels below, or beside ``data``."""
        paths: dict[str, Path] = {}
        for place in find_below(root, ("MPie_Labels", "mpie_labels"), depth=2)[:1]:
            for item in walk(place):
                if isinstance(item, FolderFile) and (match := _LABEL.fullmatch(item.name)):
                    paths.setdefault(match[1], place / item.path)
        return cls(root, paths)

    def read(self, sample_id: str) -> npt.NDArray[np.float32] | Fault | None:
        """The landmarks of a picture, shape ``(K, 2)`` in pixels; None where it has none."""
        from scipy.io import loadmat

        path = self.paths.get(sample_id[:13])
        if path is None:
            return None
        place = path.relative_to(self.root).as_posix()
        try:
            data = read_picture_bytes(path)
            if len(data) > _MAX_BYTES:
                return Fault(place, f"{len(data):,} bytes; expected a few points")
            points = np.asarray(loadmat(io.BytesIO(data), variable_names=["pts"])["pts"])
            points = points.astype(np.float32)
        except PictureError as error:
            return Fault(place, str(error).removeprefix(f"{path}: "))
        except Exception as error:  # whatever scipy makes of a damaged file
            words = " ".join(str(error).split())[:100]
            return Fault(place, f"holds no landmarks 'pts' that can be read ({words})")
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
    for path in find_below(root, ("meta/subject_list.txt",), depth=2)[:1]:
        place = path.relative_to(root).as_posix()
        try:
            for line in read_lines(path):
                words = line.text.split()
                if len(words) < 3 or not words[0].isdecimal():
                    if line.number > 1:  # the first may be a head
                        faults.append(Fault(f"{place}, line {line.number}", _EXPECTED))
                    continue
                sex = {"f": "female", "m": "male"}.get(words[2][0].lower())
                if sex is not None:
                    about[f"{int(words[0]):03d}"] = sex
        except DatasetError as error:
            faults.append(Fault(place, str(error).removeprefix(f"{path}: ")))
    return about, faults


_EXPECTED = "expected a subject's number, birth year, gender and sessions, divided by blanks"
