"""Where the files of the Multi-PIE stand-in go, in the authors' layout and those that users have.

=============  =====================================================================================
``data``       ``data/session01/multiview/001/01/05_1/001_01_01_051_07.png``, as the authors ship it
``none``       the same without ``data/``
``deeper``     the same below ``Multi-Pie/``
``repacked``   ``001/05_1/Neutral/1/001_01_01_051_07.jpg``, JPEG, one folder a subject
=============  =====================================================================================
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from fertools.expressions import MULTIPIE_RECORDINGS
from fertools.formats.multipie import CAMERA_YAWS, ELEVATED_CAMERAS
from fertools.geometry import FloatArray

__all__ = [
    "ALL_CAMERAS",
    "LABELS",
    "LEVELS",
    "PERSONS",
    "Attendance",
    "Layout",
    "Level",
    "MultipieOptions",
    "Place",
    "attendance",
    "encode_picture",
    "is_whole_picture",
    "label_bytes",
    "places_of",
    "subject_list",
    "subject_number",
]

ALL_CAMERAS = (*CAMERA_YAWS, *ELEVATED_CAMERAS)
PERSONS = 1
"""Of random streams, so that nobody is also in another stand-in of the same seed."""

LABELS = "MPie_Labels/labels"
Level = Literal["data", "none", "deeper", "repacked"]
LEVELS: tuple[Level, ...] = get_args(Level)

_BASES: Mapping[str, str] = MappingProxyType(
    {"data": "data/", "none": "", "deeper": "Multi-Pie/data/", "repacked": ""}
)
_MAT_HEAD = b"MATLAB 5.0 MAT-file, made by fertools without a date"
_ENDS = {"png": b"\x00\x00\x00\x00IEND\xaeB`\x82", "jpg": b"\xff\xd9"}


@dataclass(frozen=True)
class MultipieOptions:
    """What is made of each subject.

    Attributes:
        seed: The same seed gives the same bytes.
        sessions: Of 1 to 4, sorted.
        cameras: In the order of the table, without a repetition.
        illuminations: Of 0 to 19, sorted.
        level: How the folders are laid out, one of ``LEVELS``.
        with_labels: Whether some landmark files are written.
    """

    seed: int
    sessions: tuple[int, ...]
    cameras: tuple[str, ...]
    illuminations: tuple[int, ...]
    level: Level = "data"
    with_labels: bool = True


@dataclass(frozen=True)
class Place:
    """One picture of the set.

    Attributes:
        subject: As in file names, ``001``.
        session: 1 to 4.
        recording: Of the session.
        camera: Such as ``05_1``.
        illumination: 0 to 19.
    """

    subject: str
    session: int
    recording: int
    camera: str
    illumination: int

    @property
    def expression(self) -> str:
        """Canonical name."""
        return MULTIPIE_RECORDINGS[self.session, self.recording]

    @property
    def sample_id(self) -> str:
        """Stem of the file name, such as ``001_01_01_051_07``."""
        return f"{self._start}_{self.illumination:02d}"

    @property
    def label_name(self) -> str:
        """Path of its label file below ``MPie_Labels/labels``."""
        return f"{self.camera.replace('_', '')}/{self.sample_id}_lm.mat"

    @property
    def _start(self) -> str:
        camera = self.camera.replace("_", "")
        return f"{self.subject}_{self.session:02d}_{self.recording:02d}_{camera}"


@dataclass(frozen=True)
class Layout:
    """The naming of one of :data:`LEVELS`."""

    level: Level

    @property
    def suffix(self) -> str:
        """``png`` or ``jpg``."""
        return "jpg" if self.level == "repacked" else "png"

    @property
    def beside(self) -> str:
        """Folder of ``meta`` and ``MPie_Labels``, with its slash; empty for the root."""
        return "Multi-Pie/" if self.level == "deeper" else ""

    def picture(self, place: Place) -> str:
        """POSIX path of a picture below the root."""
        name = f"{place.sample_id}.{self.suffix}"
        if self.level == "repacked":
            emotion = place.expression.capitalize()
            return f"{place.subject}/{place.camera}/{emotion}/{_which(place)}/{name}"
        folder = f"{self.unit(place)}/{place.recording:02d}/{place.camera}"
        return f"{folder}/{name}"

    def label(self, place: Place) -> str:
        """POSIX path of a picture's landmark file below the root."""
        return f"{self.beside}{LABELS}/{place.label_name}"

    def unit(self, place: Place) -> str:
        """The folder that holds this picture and belongs to its subject alone."""
        if self.level == "repacked":
            return place.subject
        session = f"session{place.session:02d}/multiview"
        return f"{_BASES[self.level]}{session}/{place.subject}"


def _which(place: Place) -> int:
    """The how-manyth recording of its expression this is, from 1."""
    same = [key for key, name in MULTIPIE_RECORDINGS.items() if name == place.expression]
    return sorted(same).index((place.session, place.recording)) + 1


def subject_number(index: int) -> int:
    """Number of a subject counted from 0: about every ninth is missing, 4 first, as in the set."""
    return index + 1 + (index + 6) // 9


def encode_picture(picture: npt.NDArray[np.uint8], suffix: str) -> bytes:
    """A PNG, or a JPEG of quality 92, without any date."""
    from PIL import Image

    buffer = io.BytesIO()
    if suffix == "png":
        Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    else:
        Image.fromarray(picture).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def is_whole_picture(data: bytes, suffix: str) -> bool:
    """Whether the last bytes of a file are those of its format."""
    return data.endswith(_ENDS[suffix])


def label_bytes(points: FloatArray) -> bytes:
    """A MATLAB file with ``pts``, shape ``(K, 2)``, whose head holds no date."""
    from scipy.io import savemat

    buffer = io.BytesIO()
    savemat(buffer, {"pts": np.round(points, 3)})
    return _MAT_HEAD.ljust(116) + buffer.getvalue()[116:]


@dataclass(frozen=True)
class Attendance:
    """A line of ``meta/subject_list.txt``."""

    subject: str
    birth_year: int
    male: bool
    sessions: tuple[int, ...]


def attendance(seed: int, index: int) -> Attendance:
    """Who a subject is and to which sessions they came."""
    rng = np.random.default_rng([seed, PERSONS, index, 22])
    birth_year = int(rng.integers(1948, 1989))  # of no regard to the looks
    absent: list[int] = []
    if index % 5 == 3:
        absent = rng.permutation([1, 2, 3, 4])[: 1 + int(rng.random() < 0.3)].tolist()
    sessions = tuple(session for session in (1, 2, 3, 4) if session not in absent)
    return Attendance(f"{subject_number(index):03d}", birth_year, index % 2 == 1, sessions)


def places_of(index: int, options: MultipieOptions) -> Iterator[Place]:
    """The pictures of a subject, recording after recording."""
    who = attendance(options.seed, index)
    for session, recording in MULTIPIE_RECORDINGS:
        if session in options.sessions and session in who.sessions:
            for illumination in options.illuminations:
                for camera in options.cameras:
                    yield Place(who.subject, session, recording, camera, illumination)


def subject_list(lines: Iterable[Attendance]) -> str:
    """Text of ``meta/subject_list.txt``: number, birth year, gender, and 1 a session attended."""
    text = []
    for line in lines:
        marks = " ".join("1" if session in line.sessions else "0" for session in (1, 2, 3, 4))
        text.append(f"{line.subject} {line.birth_year} {'M' if line.male else 'F'} {marks}\n")
    return "".join(text)
