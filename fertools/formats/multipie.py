"""Multi-PIE: which pictures a folder holds, by their names, and the part that the paper uses.

The file NAME decides: ``001_02_02_051_07.png`` is subject 001, session 02, recording 02, camera
05_1, illumination 07, whatever the folders are called. In the authors' own folders
(``session02/multiview/001/02/05_1``) folders and name must agree.

Reference:
    Gross, Matthews, Cohn, Kanade and Baker, "Multi-PIE", Image and Vision Computing 28(5), 2010.
    The part of seven yaws, six expressions and 100 subjects: Liu et al., CMES 139(1), 2024,
    section 4.1. Cameras and recordings as public code reads them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fertools.errors import DatasetError
from fertools.expressions import MULTIPIE_EXPRESSIONS, MULTIPIE_RECORDINGS
from fertools.formats.folders import FolderFile, read_lines, walk
from fertools.formats.multipie_labels import MultipieLabels, read_subject_list
from fertools.formats.registry import (
    Fault,
    Note,
    Opened,
    PublishedCount,
    Row,
    Sample,
    register_dataset,
)

__all__ = ["CAMERA_YAWS", "MultipieOptions", "open_multipie", "read_subjects"]

CAMERA_YAWS: Mapping[str, int] = MappingProxyType(
    {
        "11_0": -90,
        "12_0": -75,
        "09_0": -60,
        "08_0": -45,
        "13_0": -30,
        "14_0": -15,
        "05_1": 0,
        "05_0": 15,
        "04_1": 30,
        "19_0": 45,
        "20_0": 60,
        "01_0": 75,
        "24_0": 90,
    }
)
"""Camera to nominal yaw in degrees; positive: the nose points to the image's right."""

ELEVATED_CAMERAS = ("08_1", "19_1")
"""The two surveillance cameras near the ceiling: no yaw of theirs is published."""

_NAME = re.compile(r"(\d{3})_(0[1-4])_(\d{2})_(\d{3})_(\d{2})\.(png|jpg)", re.IGNORECASE | re.ASCII)
_NEARLY = re.compile(r"\d{3}_\d{2}_\d{2}_\d{3}", re.ASCII)
_AUTHORS = re.compile(
    r"(?:.*/)?session(\d{2})/multiview/(\d{3})/(\d{2})/(\d{2}_\d)", re.IGNORECASE | re.ASCII
)
_RECORDINGS = {
    f"s{session}r{recording}": (session, recording) for session, recording in MULTIPIE_RECORDINGS
}
_SHOWN = 3
_Cell = tuple[str, str]  # expression and camera


class MultipieOptions(BaseModel):
    """What of Multi-PIE is taken.

    Attributes:
        select: ``paper``, one picture a subject, expression and view, or ``all`` of every subject.
        side: Which side the seven yaws 0 to 90 are on; the paper does not say. ``pos``: the nose
            points to the image's right.
        illumination: 0 to 19; 7 is the flash in front of camera 05_1. The paper does not say.
        neutral: Session and recording of the neutral pictures, of five that there are.
        smile: Session and recording of the smiling ones, of two that there are.
        subjects: How many, the first in order of those who have all 42 pictures.
        subject_list: Take exactly these instead.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    select: Literal["paper", "all"] = "paper"
    side: Literal["pos", "neg"] = "pos"
    illumination: int = Field(default=7, ge=0, le=19)
    neutral: Literal["s1r1", "s2r1", "s3r1", "s4r1", "s4r2"] = "s1r1"
    smile: Literal["s1r2", "s3r2"] = "s1r2"
    subjects: int = Field(default=100, ge=1)
    subject_list: tuple[str, ...] | None = None

    @property
    def cameras(self) -> tuple[str, ...]:
        """The seven cameras from 0 to 90 degrees."""
        sign = 1 if self.side == "pos" else -1
        return tuple(sorted((c for c, y in CAMERA_YAWS.items() if sign * y >= 0), key=_by_yaw))

    @property
    def recordings(self) -> dict[tuple[int, int], str]:
        """Session and recording to expression, one recording an expression."""
        twice = {_RECORDINGS[self.neutral], _RECORDINGS[self.smile]}
        return {
            place: name
            for place, name in MULTIPIE_RECORDINGS.items()
            if name not in ("neutral", "smile") or place in twice
        }


def read_subjects(path: Path) -> tuple[str, ...]:
    """Subjects of a list, a number a line; ``#`` begins a comment.

    Raises:
        DatasetError: If it cannot be read, is empty, or a line is no subject's number.
    """
    subjects: list[str] = []
    for line in read_lines(path):
        text = line.text.partition("#")[0].strip()
        if not text:
            continue
        if not (text.isascii() and text.isdecimal() and len(text) <= 3):
            raise DatasetError(
                f"{path}: line {line.number} is {text[:40]!r}; expected a subject's number, as 001"
            )
        subjects.append(f"{int(text):03d}")
    if not subjects:
        raise DatasetError(f"{path}: holds no subject; expected a number a line, as in 001")
    return tuple(sorted(set(subjects)))


def _counts(options: MultipieOptions) -> tuple[PublishedCount, ...]:
    """4,200 samples, of the paper's own part only."""
    if options.select == "all":
        return ()
    source = "Liu et al., CMES 139(1), 2024, section 4.1"
    return (
        PublishedCount("samples", {}, (4200,), source),
        *(
            PublishedCount(name, {"expression": (name,)}, (700,), source)
            for name in MULTIPIE_EXPRESSIONS
        ),
    )


@register_dataset(
    name="multipie",
    title="CMU Multi-PIE",
    reference="Gross et al., Image and Vision Computing 28(5), 2010",
    licence="licence from Carnegie Mellon University",
    expressions=MULTIPIE_EXPRESSIONS,
    options=MultipieOptions,
    counts=_counts,
)
def open_multipie(root: Path, options: MultipieOptions) -> Opened:
    """Find the pictures below ``root``; see :mod:`fertools.formats.multipie`.

    Raises:
        DatasetError: If there is no picture of Multi-PIE's naming, two layouts are mixed, or nobody
            has all pictures of the part that is asked for.
    """
    found = _Found(root, options)
    for item in walk(root, skip=("highres", "mpie_labels", "movie", "calibration")):
        if isinstance(item, Fault):
            found.faults.append(item)
        else:
            found.add(item)
    return Opened(found.layout(), root, found.rows())


class _Found:
    """The pictures while they are being looked for."""

    def __init__(self, root: Path, options: MultipieOptions) -> None:
        self.root = root
        self.options = options
        self.faults: list[Fault] = []
        self.places: dict[str, str] = {}  # sample_id to path
        self.left_out: dict[str, int] = defaultdict(int)
        self.layouts: dict[str, str] = {}  # layout to an example
        self.num_pictures = 0
        self.incomplete: list[Note] = []

    def add(self, file: FolderFile) -> None:
        """Sort in one file by its name."""
        match = _NAME.fullmatch(file.name)
        if match is None:
            if _NEARLY.match(file.name) and file.name.lower().endswith((".png", ".jpg", ".jpeg")):
                self.faults.append(Fault(file.path, _MISNAMED))
            return
        self.num_pictures += 1
        subject, session, recording, camera, illumination, _ = match.groups()
        authors = _AUTHORS.fullmatch(file.folder)
        self.layouts.setdefault("repacked" if authors is None else "authors", file.path)
        said = (session, subject, recording, f"{camera[:2]}_{camera[2]}")
        if authors is not None and authors.groups() != said:
            self.faults.append(Fault(file.path, _ELSEWHERE))
        elif (reason := self._why_not(int(session), int(recording), said[3], illumination)) is None:
            self._keep(file)
        elif reason.startswith("the name"):
            self.faults.append(Fault(file.path, reason))
        else:
            self.left_out[reason] += 1

    def _why_not(self, session: int, recording: int, camera: str, illumination: str) -> str | None:
        """Why a picture is not taken; None if it is."""
        if (session, recording) not in MULTIPIE_RECORDINGS:
            return f"the name says recording {recording} of session {session}, which has none"
        if camera not in CAMERA_YAWS and camera not in ELEVATED_CAMERAS:
            return f"the name says camera {camera}, which Multi-PIE does not have"
        if int(illumination) > 19:
            return f"the name says illumination {illumination}; expected 00 to 19"
        options = self.options
        if options.select == "all":
            return None
        if camera not in options.cameras:
            return "another camera"
        if (session, recording) not in options.recordings:
            return "another recording of neutral or smile"
        return None if int(illumination) == options.illumination else "another illumination"

    def _keep(self, file: FolderFile) -> None:
        """Take a picture, unless it is there twice."""
        sample_id = file.name[:-4]
        other = self.places.setdefault(sample_id, file.path)
        if other != file.path:
            self.faults.append(Fault(file.path, f"this picture is also in {other}; keep one"))

    def layout(self) -> str:
        """What was found, in words; raises where it cannot be used."""
        if not self.num_pictures:
            first = f"; {self.faults[0]}" if self.faults else ""
            raise DatasetError(
                f"{self.root}: no picture named as Multi-PIE's are (001_02_02_051_07.png) here or "
                "below; expected the folder that holds session01/multiview, unpacked" + first
            )
        if len(self.layouts) > 1:
            raise DatasetError(
                f"{self.root}: holds two layouts, the authors' ({self.layouts['authors']}) and "
                f"another ({self.layouts['repacked']}); give the folder of one of them"
            )
        if "repacked" in self.layouts:
            return "repacked: the file names decide"
        start = self.layouts["authors"].lower().find("session")
        prefix = self.layouts["authors"][:start]
        return f"the authors' session##/multiview below {prefix or './'}"

    def rows(self) -> Iterator[Row]:
        """Samples sorted by name, then faults and what was left out."""
        chosen = self._chosen()
        labels = MultipieLabels.find(self.root)
        about, faults = read_subject_list(self.root)
        self.faults += [*labels.faults, *faults]
        for sample_id, path in sorted(self.places.items()):
            subject = sample_id[:3]
            if chosen is not None and subject not in chosen:
                self.left_out["another subject"] += 1
                continue
            landmarks = labels.read(sample_id)
            if isinstance(landmarks, Fault):
                self.faults.append(landmarks)
                landmarks = None
            session, recording = int(sample_id[4:6]), int(sample_id[7:9])
            camera = f"{sample_id[10:12]}_{sample_id[12]}"
            yaw = CAMERA_YAWS.get(camera)
            yield Sample(
                sample_id=sample_id,
                image=path,
                expression=MULTIPIE_RECORDINGS[session, recording],
                subject_id=subject,
                yaw_deg=yaw,
                view_id=f"cam{camera}" if yaw is None else f"yaw{yaw:02d}",
                pan_deg=yaw,
                tilt_deg=None if yaw is None else 0.0,
                pose_source=None if yaw is None else "camera",
                extra={
                    "session": session,
                    "recording": recording,
                    "camera": camera,
                    "illumination": int(sample_id[14:16]),
                    "sex": about.get(subject),
                },
                landmarks=landmarks,
            )
        yield from sorted(self.faults, key=str)
        for reason, count in sorted(self.left_out.items()):
            yield Note(f"{reason}, left out", count)
        yield from self.incomplete

    def _chosen(self) -> frozenset[str] | None:
        """The subjects that are taken; None for all of them."""
        options = self.options
        cells: dict[str, set[_Cell]] = defaultdict(set)
        for sample_id in self.places:
            place = int(sample_id[4:6]), int(sample_id[7:9])
            cells[sample_id[:3]].add((MULTIPIE_RECORDINGS[place], sample_id[10:13]))
        if options.select == "all":
            return self._listed(cells) if options.subject_list is not None else None
        wanted = {
            (name, c.replace("_", "")) for name in MULTIPIE_EXPRESSIONS for c in options.cameras
        }
        complete = sorted(subject for subject, have in cells.items() if wanted <= have)
        if options.subject_list is not None:
            chosen = self._listed(cells)
            if lacking := sorted(chosen - set(complete)):
                first = lacking[0]
                raise DatasetError(
                    f"{self.root}: subject {first} of the subject list lacks "
                    f"{_name_cell(min(wanted - cells[first]))} (and {len(lacking) - 1} more "
                    "subjects lack pictures); unpack the rest, or leave them out of the list"
                )
            return chosen
        self.incomplete = _describe_incomplete(cells, wanted)
        if not complete:
            raise DatasetError(self._nobody(cells, wanted))
        return frozenset(complete[: options.subjects])

    def _listed(self, cells: Mapping[str, set[_Cell]]) -> frozenset[str]:
        """The subjects of the user's list, who must be there."""
        listed = frozenset(self.options.subject_list or ())
        if absent := sorted(listed - set(cells)):
            raise DatasetError(
                f"{self.root}: no picture of subject {absent[0]} of the subject list (and "
                f"{len(absent) - 1} more); expected three digits a line, as in 001"
            )
        return listed

    def _nobody(self, cells: Mapping[str, set[_Cell]], wanted: set[_Cell]) -> str:
        """What to say where no subject has all pictures."""
        what = f"nobody has all {len(wanted)} pictures of this choice"
        if not cells:
            return f"{self.root}: {what}: {_remedy(self.left_out)}"
        best = min(cells, key=lambda subject: (len(wanted - cells[subject]), subject))
        lacks = min(wanted - cells[best])
        return (
            f"{self.root}: {what}; subject {best} is nearest and lacks {_name_cell(lacks)} (of "
            f"{len(wanted - cells[best])} pictures); unpack all four sessions, or choose another "
            "--illumination, --side, --neutral or --smile, or --select all"
        )


def _describe_incomplete(cells: Mapping[str, set[_Cell]], wanted: set[_Cell]) -> list[Note]:
    """Who lacks pictures, and what the first few lack."""
    lacking = {s: wanted - have for s, have in sorted(cells.items()) if not wanted <= have}
    if not lacking:
        return []
    first = [f"{s} lacks {len(no)}, as {_name_cell(min(no))}" for s, no in lacking.items()]
    listed = "; ".join(first[:_SHOWN]) + ("; …" if len(first) > _SHOWN else "")
    return [Note(f"subjects without all {len(wanted)} pictures, left out ({listed})", len(lacking))]


_MISNAMED = (
    "the name does not follow Multi-PIE's pattern, as in '001_02_02_051_07.png'; rename the file "
    "or move it out of the folder"
)
_ELSEWHERE = "the name says another subject, session, recording or camera than its folders; move it"


def _by_yaw(camera: str) -> int:
    return abs(CAMERA_YAWS[camera])


def _name_cell(cell: _Cell) -> str:
    """An expression and a camera in words."""
    expression, camera = cell
    return f"{expression!r} from camera {camera[:2]}_{camera[2]}"


def _remedy(left_out: Mapping[str, int]) -> str:
    """What the pictures that are there have instead."""
    if not left_out:
        return "unpack all four sessions"
    listed = ", ".join(f"{count:,} of {reason}" for reason, count in sorted(left_out.items()))
    return f"there are only pictures of other kinds ({listed}); or take them with --select all"
