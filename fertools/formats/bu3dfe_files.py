"""Which scans a folder of BU-3DFE holds, by the names of its files, and what cannot be used."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fertools.errors import DatasetError
from fertools.expressions import BU3DFE_CODES

__all__ = [
    "ETHNICITY_CODES",
    "SEXES",
    "SUBJECTS",
    "FoundScans",
    "Mesh",
    "ScanFault",
    "ScanFiles",
    "file_beside",
    "find_scans",
    "scan_files",
]

Mesh = Literal["F3D", "RAW"]

ETHNICITY_CODES = ("WH", "BL", "LA", "AE", "AM", "IN")

SUBJECTS = (*(f"F{n:04d}" for n in range(1, 57)), *(f"M{n:04d}" for n in range(1, 45)))
"""The 100 of the published set; only for saying who is absent."""

SEXES = {"F": "female", "M": "male"}
"""First letter of a subject to the sex that the set gives."""

_FLAGS = re.IGNORECASE | re.ASCII
_STEM = re.compile(
    rf"(?P<subject>[FM]\d{{4}})_(?P<expression>{'|'.join(BU3DFE_CODES)})(?P<level>0[0-4])"
    rf"(?P<ethnicity>{'|'.join(ETHNICITY_CODES)})_(?P<mesh>F3D|RAW)",
    _FLAGS,
)
_SUBJECT = re.compile(r"[FM]\d{4}", _FLAGS)
_LIKE_A_SUBJECT = re.compile(r"\s*[FM][\s_-]?\d\d", _FLAGS)
_SCAN_SUFFIXES = (".wrl", ".bnd", ".pse")
_TEXTURE_SUFFIXES = (".bmp", ".png")
_FRONTAL_PICTURE = "_f2d"
_NOT_OURS = (".", "$", "__MACOSX", "lost+found")  # what systems and archivers leave behind


@dataclass(frozen=True)
class ScanFiles:
    """Where the files of one scan are.

    Attributes:
        scan_id: ``F0001_AN01``: subject, expression code and intensity.
        subject_id: ``F0001`` to ``F0056``, ``M0001`` to ``M0044``.
        expression: Canonical name.
        intensity: 1 (weakest) to 4; None for neutral.
        ethnicity: The code in the file name.
        mesh: ``F3D`` or ``RAW``.
        wrl: The mesh.
        texture: The picture that its texture coordinates address, by its name.
        landmarks: ``.bnd`` of an F3D mesh, ``.pse`` of a RAW one.
    """

    scan_id: str
    subject_id: str
    expression: str
    intensity: int | None
    ethnicity: str
    mesh: Mesh
    wrl: Path
    texture: Path
    landmarks: Path


@dataclass(frozen=True)
class ScanFault:
    """Something of the set that cannot be used.

    Attributes:
        path: The file or folder.
        reason: What is wrong with it, in one line and without its path.
        scan_id: The scan it would have been, where the name says so.
    """

    path: Path
    reason: str
    scan_id: str | None = None

    def __str__(self) -> str:
        text = f"{self.path}: {self.reason}"
        return text.encode(errors="backslashreplace").decode()  # names need not be UTF-8


@dataclass(frozen=True)
class FoundScans:
    """What a folder holds.

    Attributes:
        scans: Sorted by ``scan_id``.
        faults: Sorted by path; none of them is among ``scans``.
    """

    scans: tuple[ScanFiles, ...]
    faults: tuple[ScanFault, ...]


def find_scans(root: Path, mesh: Mesh = "F3D") -> FoundScans:
    """Find the scans below a folder.

    Subjects' folders are taken from ``root`` and from the folders in it. Of a scan that is there
    twice, and of a subject whose folder is there twice, none is used; where a subject's files give
    two ethnicity codes, the rarer ones are not.

    Args:
        root: The folder that holds the subjects' folders, or one level above it.
        mesh: Which mesh of each scan; files of the other are not judged.

    Returns:
        One entry a mesh file (whether its texture and landmarks are there shows when it is read),
        and what cannot be used.

    Raises:
        DatasetError: If it is no folder, or no subject's folder or no scan is found in it.
    """
    if not os.path.isdir(root):  # noqa: PTH112 - Path.is_dir raises where a folder may not be entered
        raise DatasetError(f"{root}: is not a folder; expected the one with F0001, F0002, … in it")
    faults: list[ScanFault] = []
    folders = _subject_folders(root, faults)
    scans: list[ScanFiles] = []
    lacking: list[ScanFault] = []
    for subject, places in sorted(folders.items()):
        num_faults = len(faults)
        files = _files_of_subject(subject, places, faults)
        found = _sort_out(_describe_all(subject, files, mesh, faults), faults)
        if not found and len(faults) == num_faults:
            lacking.append(ScanFault(places[0], f"holds no *_{mesh}.wrl; unpack its archive again"))
        scans += found
    if not scans:
        raise DatasetError(_nothing_found(root, mesh, len(folders), faults))
    return FoundScans(
        scans=tuple(sorted(scans, key=lambda files: files.scan_id)),
        faults=tuple(sorted(faults + lacking, key=lambda fault: str(fault.path))),
    )


def scan_files(wrl: Path) -> ScanFiles:
    """The files of one scan, by the path of its mesh.

    Args:
        wrl: A ``.wrl`` named as BU-3DFE names them, in whatever folder.

    Raises:
        DatasetError: If the name does not follow the pattern.
    """
    match = _STEM.fullmatch(wrl.stem)
    if match is None or wrl.suffix.lower() != ".wrl":
        raise DatasetError(f"{wrl}: {_misnamed(wrl)}")
    if (reason := _impossible(match)) is not None:
        raise DatasetError(f"{wrl}: {reason}")
    return _describe(wrl, match, _names_in(wrl.parent))


def file_beside(path: Path, name: str) -> Path | None:
    """The file of a name in the same folder, in capitals or small letters; None if there is none.

    The name is looked up and never opened, so that none can lead out of the folder.
    """
    return _names_in(path.parent).get((path.parent, name.lower()))


def _entries(folder: Path, faults: list[ScanFault]) -> list[os.DirEntry[str]]:
    """What lies in a folder, sorted by name; a fault where it may not be listed."""
    try:
        with os.scandir(folder) as entries:
            kept = [entry for entry in entries if not entry.name.startswith(_NOT_OURS)]
    except OSError as error:
        faults.append(ScanFault(folder, f"cannot be listed: {error.strerror}"))
        return []
    return sorted(kept, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether to look inside; a link that leads nowhere counts, so that listing it is a fault."""
    try:
        return entry.is_dir() or (entry.is_symlink() and not entry.is_file())
    except OSError:
        return True


def _subject_folders(root: Path, faults: list[ScanFault]) -> dict[str, list[Path]]:
    """The folders of each subject, in ``root`` and in the folders of it."""
    folders: dict[str, list[Path]] = defaultdict(list)
    levels = [root]
    for level in levels:
        for entry in _entries(level, faults):
            path = level / entry.name
            if not _is_folder(entry):
                if _LIKE_A_SUBJECT.match(path.name) and path.suffix.lower() in _SCAN_SUFFIXES:
                    faults.append(ScanFault(path, "lies in no subject's folder; move it into one"))
            elif _SUBJECT.fullmatch(path.name):
                folders[path.name.upper()].append(path)
            elif _LIKE_A_SUBJECT.match(path.name):
                faults.append(ScanFault(path, _NEARLY_A_SUBJECT))
            elif level is root:
                levels.append(path)
    return folders


_NEARLY_A_SUBJECT = (
    "the name begins like a subject's folder but is none, as 'F0001' is; rename it or move it away"
)


def _files_of_subject(subject: str, places: list[Path], faults: list[ScanFault]) -> list[Path]:
    """The files of a subject's one folder; nothing where several folders hold scans."""
    once = {os.path.realpath(place): place for place in reversed(places)}  # a link is no second one
    held = {place: _files_of_folder(place, faults) for place in reversed(once.values())}
    filled = [place for place, files in held.items() if any(map(_is_of_a_scan, files))]
    if len(filled) > 1:
        for place in filled:
            other = next(p for p in filled if p != place)
            faults.append(ScanFault(place, f"subject {subject} is also in {other}; keep one"))
        return []
    return held[filled[0]] if filled else next(iter(held.values()))


def _files_of_folder(folder: Path, faults: list[ScanFault], *, inner: bool = False) -> list[Path]:
    """The files of a folder, and of one in it that has the same name: an archive's own."""
    files: list[Path] = []
    for entry in _entries(folder, faults):
        path = folder / entry.name
        if not _is_folder(entry):
            files.append(path)
        elif not os.path.exists(path):  # noqa: PTH110 - Path.exists raises behind a closed folder
            if _LIKE_A_SUBJECT.match(entry.name):
                faults.append(ScanFault(path, "is a link that leads nowhere; mend or remove it"))
        elif entry.name.upper() == folder.name.upper() and not inner:
            files += _files_of_folder(path, faults, inner=True)
        elif _LIKE_A_SUBJECT.match(entry.name):
            faults.append(ScanFault(path, "is a folder within a subject's folder; move it away"))
    return files


def _is_of_a_scan(path: Path) -> bool:
    """Whether the name ends as a mesh or its landmarks do."""
    return path.suffix.lower() in _SCAN_SUFFIXES


def _describe_all(
    subject: str, files: list[Path], mesh: Mesh, faults: list[ScanFault]
) -> list[ScanFiles]:
    """The meshes of a subject whose names can be true."""
    beside = _by_name(files)
    found: list[ScanFiles] = []
    for path in files:
        is_picture = path.suffix.lower() in _TEXTURE_SUFFIXES
        if is_picture:
            if path.stem.lower().endswith(_FRONTAL_PICTURE) or not _LIKE_A_SUBJECT.match(path.name):
                continue
        elif not _is_of_a_scan(path):
            continue
        match = _STEM.fullmatch(path.stem)
        if match is None:
            faults.append(ScanFault(path, _misnamed(path)))
        elif match["mesh"].upper() != mesh and not is_picture:
            continue
        elif (reason := _impossible(match)) is not None:
            faults.append(ScanFault(path, reason))
        elif match["subject"].upper() != subject:
            reason = f"lies in the folder of another subject, {subject}; move it"
            faults.append(ScanFault(path, reason, _scan_id(match)))
        elif path.suffix.lower() == ".wrl":
            found.append(_describe(path, match, beside))
    return found


def _sort_out(found: list[ScanFiles], faults: list[ScanFault]) -> list[ScanFiles]:
    """Of one subject's scans those with its ethnicity code that are there once."""
    counts = Counter(files.ethnicity for files in found)
    most = max(counts.values(), default=0)
    usual = [code for code, count in counts.items() if count == most]
    by_id: dict[str, list[ScanFiles]] = defaultdict(list)
    for files in found:
        if [files.ethnicity] == usual:
            by_id[files.scan_id].append(files)
            continue
        others = ", ".join(sorted({repr(code) for code in counts} - {repr(files.ethnicity)}))
        reason = (
            f"ethnicity code {files.ethnicity!r}, but other files of the subject say {others}; "
            "one of them is misnamed"
        )
        faults.append(ScanFault(files.wrl, reason, files.scan_id))
    for scan_id, twins in by_id.items():
        for files in twins if len(twins) > 1 else []:
            other = next(twin.wrl for twin in twins if twin is not files)
            reason = f"the scan {scan_id} is also in {other}; keep one"
            faults.append(ScanFault(files.wrl, reason, scan_id))
    return [twins[0] for twins in by_id.values() if len(twins) == 1]


def _nothing_found(root: Path, mesh: Mesh, num_folders: int, faults: list[ScanFault]) -> str:
    """Why a folder cannot be used as a data set."""
    first = min(faults, key=lambda fault: str(fault.path), default=None)
    if not num_folders:
        what = "no subject's folder (F0001, …, M0044) here or one level below"
        remedy = "expected BU-3DFE with the subjects' archives unpacked"
    else:
        what = f"no *_{mesh}.wrl that can be used in its {num_folders} subject folders"
        remedy = "unpack the subjects' archives, or choose the other mesh with --mesh"
    if first is not None:
        remedy = str(first) if len(faults) == 1 else f"{first} (and {len(faults) - 1} more faults)"
    return f"{root}: {what}; {remedy}"


def _misnamed(path: Path) -> str:
    """What to say of a name that only nearly fits."""
    form = "F0001_AN01WH_F3D" + path.suffix.lower()
    return (
        f"the name does not follow BU-3DFE's pattern, as in {form!r}; rename the file or move it "
        "out of the folder"
    )


def _impossible(match: re.Match[str]) -> str | None:
    """What is wrong with expression and intensity; None if they go together."""
    code, level = match["expression"].upper(), match["level"]
    if (code == "NE") == (level == "00"):
        return None
    return f"expression {code!r} with intensity {level}; neutral has 00, the others 01 to 04"


def _scan_id(match: re.Match[str]) -> str:
    """``F0001_AN01`` of a name."""
    return f"{match['subject']}_{match['expression']}{match['level']}".upper()


_Names = Mapping[tuple[Path, str], Path]


def _by_name(files: list[Path]) -> _Names:
    """Files by their folder and their name in small letters."""
    return {(path.parent, path.name.lower()): path for path in files}


def _names_in(folder: Path) -> _Names:
    """The files of a folder; none where it cannot be listed."""
    return _by_name([folder / entry.name for entry in _entries(folder, [])])


def _describe(path: Path, match: re.Match[str], beside: _Names) -> ScanFiles:
    """The files that belong to one mesh, by its name."""
    mesh: Mesh = "F3D" if match["mesh"].upper() == "F3D" else "RAW"
    level = int(match["level"])
    return ScanFiles(
        scan_id=_scan_id(match),
        subject_id=match["subject"].upper(),
        expression=BU3DFE_CODES[match["expression"].upper()],
        intensity=level or None,
        ethnicity=match["ethnicity"].upper(),
        mesh=mesh,
        wrl=path,
        texture=_pick(path, path.stem[: -len(mesh)] + "F3D", _TEXTURE_SUFFIXES, beside),
        landmarks=_pick(path, path.stem, (".bnd",) if mesh == "F3D" else (".pse",), beside),
    )


def _pick(path: Path, stem: str, suffixes: tuple[str, ...], beside: _Names) -> Path:
    """A file beside a mesh, in capitals or small letters; where it would be if it is absent."""
    keys = [(path.parent, (stem + suffix).lower()) for suffix in suffixes]
    return next((beside[key] for key in keys if key in beside), path.with_name(stem + suffixes[0]))
