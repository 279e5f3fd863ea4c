"""The CSV files of OpenFace's FaceLandmarkImg: the head pose of every face of some pictures.

One file a picture, named after it, or one file of many pictures with a column that names them. Only
these columns are looked at; cells of the header may begin with a blank::

    face, confidence, …, pose_Rx, pose_Ry, pose_Rz, …

Angles are radians, ``R = Rx Ry Rz`` in a frame with x to the right, y down, z away from the camera
(the convention ``openface`` of :mod:`fertools.pose.conventions`).

Reference:
    Baltrusaitis, Zadeh, Lim and Morency, "OpenFace 2.0: facial behavior analysis toolkit", IEEE FG
    2018.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fertools.errors import DatasetError
from fertools.formats.csv_rows import CsvTable, read_csv_table, read_number
from fertools.pictures import PICTURE_SUFFIXES

__all__ = ["OpenFacePose", "OpenFacePoses", "read_openface", "stem_of"]

_ANGLES = ("pose_Rx", "pose_Ry", "pose_Rz")
_NAMES = ("image", "file", "filename", "name", "input")
_LARGEST = math.pi + 0.002  # OpenFace writes half a turn with three digits


@dataclass(frozen=True, slots=True)
class OpenFacePose:
    """One face of one picture.

    Attributes:
        picture: The picture as the file names it.
        face: Its number in the picture; None where the file does not number them.
        angles: ``pose_Rx``, ``pose_Ry``, ``pose_Rz``, radians; NaN where there are none.
        confidence: In [0, 1]; 1 where the file has none.
        success: Whether OpenFace says that it found the face; True where it does not say.
        place: File and line, for messages.
    """

    picture: str
    face: str | None
    angles: tuple[float, float, float]
    confidence: float
    success: bool
    place: str


@dataclass(frozen=True)
class OpenFacePoses:
    """All faces of a file or a folder.

    Attributes:
        poses: In the order of files and lines.
        pictures: Stems of all pictures that were looked at, also of those without a face.
        digest: SHA-256 over names and bytes of the files, hexadecimal.
    """

    poses: list[OpenFacePose]
    pictures: frozenset[str]
    digest: str


def read_openface(path: Path) -> OpenFacePoses:
    """Read one CSV file, or all of a folder.

    Args:
        path: A file; or a folder with one file a picture, as ``FaceLandmarkImg -fdir`` writes it.

    Raises:
        DatasetError: If it is missing, not UTF-8, lacks a column, has a number that is none or an
            angle that cannot be radians, or is of a video, whose rows name no pictures.
    """
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files:
        raise DatasetError(
            f"{path}: has no CSV file; expected the folder that 'FaceLandmarkImg -fdir PICTURES "
            "-out_dir FOLDER -pose' wrote"
        )
    sha = hashlib.sha256()
    poses: list[OpenFacePose] = []
    pictures: set[str] = set()
    for file in files:
        table = read_csv_table(file, expected="a CSV file of OpenFace")
        sha.update(f"{file.name} {table.sha256}\n".encode("utf-8", "surrogateescape"))
        columns = _columns(table)
        if "name" not in columns:
            pictures.add(stem_of(file.name))
        poses += _poses(table, columns)
    pictures |= {stem_of(pose.picture) for pose in poses}
    return OpenFacePoses(poses, frozenset(pictures), sha.hexdigest())


def stem_of(name: str) -> str:
    """The name of a picture or of its CSV file without folders and the ending.

    Example:
        >>> stem_of("test/a.b.jpg"), stem_of("a.b"), stem_of("a.b.csv")
        ('a.b', 'a.b', 'a.b')
    """
    last = PurePosixPath(name.strip().replace("\\", "/"))
    is_ending = last.suffix.lower() in (*PICTURE_SUFFIXES, ".csv")
    return last.stem if is_ending else last.name


def _columns(table: CsvTable) -> dict[str, int]:
    """Where the columns are that are looked at; ``name`` only where pictures are named."""
    header = table.header
    missing = [name for name in _ANGLES if name not in header]
    if missing:
        raise DatasetError(
            f"{table.path}: has no column {', '.join(map(repr, missing))}; expected a CSV file "
            "that OpenFace wrote with -pose"
        )
    wanted = (*_ANGLES, "confidence", "success", "face")
    columns = {name: header.index(name) for name in wanted if name in header}
    lower = [cell.lower() for cell in header]
    named = [name for name in _NAMES if name in lower]
    if named:
        columns["name"] = lower.index(named[0])
    elif "frame" in header:
        raise DatasetError(
            f"{table.path}: is of a video or a sequence (column 'frame'): its rows name no "
            "pictures; run 'FaceLandmarkImg -fdir PICTURES -out_dir FOLDER -pose' and give that "
            "folder"
        )
    return columns


def _poses(table: CsvTable, columns: dict[str, int]) -> Iterator[OpenFacePose]:
    """The rows of a file, checked."""
    for place, row in table.rows:
        x, y, z = (read_number(place, name, row[columns[name]]) for name in _ANGLES)
        largest = max((abs(v) for v in (x, y, z) if not math.isnan(v)), default=0.0)
        if largest > _LARGEST:
            raise DatasetError(
                f"{place}: an angle of {largest:g}; expected radians, within ±{_LARGEST:.2f}: "
                "OpenFace writes radians, and this looks like degrees"
            )
        picture = row[columns["name"]] if "name" in columns else table.path.name
        if not stem_of(picture):
            raise DatasetError(f"{place}: names no picture")
        confidence, success = 1.0, True
        if "confidence" in columns:
            confidence = read_number(place, "confidence", row[columns["confidence"]])
            if not 0.0 <= confidence <= 1.0:
                raise DatasetError(f"{place}: a confidence of {confidence:g}; expected 0 to 1")
        if "success" in columns:
            success = read_number(place, "success", row[columns["success"]]) == 1.0
        face = row[columns["face"]].strip() if "face" in columns else None
        yield OpenFacePose(picture.strip(), face, (x, y, z), confidence, success, place)
