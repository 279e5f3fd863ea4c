"""BU-3DFE as it is unpacked: one folder a subject, 25 scans each, several files a scan.

``F0001/F0001_AN01WH_F3D.wrl`` is the cropped face of subject F0001 showing anger at intensity 1;
``WH`` is the subject's ethnicity code. RAW is the whole head, in another frame: each mesh goes
only with its own landmarks (``.bnd`` with F3D, ``.pse`` with RAW), and ``F3D.bmp`` is the texture
of both.
Files are found by their names; subjects and ethnicity codes are discovered, never assumed.

Reference:
    Yin, Wei, Sun, Wang and Rosato, "A 3D facial expression database for facial behavior research",
    FG 2006, doi:10.1109/FGR.2006.6.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fertools.errors import DatasetError, ScanError
from fertools.mesh import FaceScan, read_texture, read_vrml

__all__ = ["ETHNICITY_CODES", "EXPRESSION_CODES", "Mesh", "ScanFiles", "find_scans", "read_scan"]

Mesh = Literal["F3D", "RAW"]

EXPRESSION_CODES = {
    "AN": "anger",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happiness",
    "NE": "neutral",
    "SA": "sadness",
    "SU": "surprise",
}
"""Code in a file name to canonical name."""

ETHNICITY_CODES = ("WH", "BL", "LA", "AE", "AM", "IN")

_NAME = re.compile(
    r"^(?P<subject>[FM]\d{4})_(?P<expression>AN|DI|FE|HA|NE|SA|SU)(?P<level>0[0-4])"
    r"(?P<ethnicity>WH|BL|LA|AE|AM|IN)_(?P<mesh>F3D|RAW)\.wrl$",
    re.IGNORECASE,
)
_SUBJECT = re.compile(r"^[FM]\d{4}$", re.IGNORECASE)


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
        texture: The picture that its texture coordinates address.
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


def find_scans(root: Path, mesh: Mesh = "F3D") -> list[ScanFiles]:
    """Find the scans below a folder, sorted by ``scan_id``.

    Args:
        root: The folder that holds the subjects' folders, or one level above it.
        mesh: Which mesh of each scan.

    Returns:
        One entry a mesh file; whether its texture and landmarks are there shows when it is read.

    Raises:
        DatasetError: If no subject's folder is found, a name nearly fits but not quite, a scan is
            found twice, or a subject has two ethnicity codes.
    """
    folders = _subject_folders(root)
    found: dict[str, ScanFiles] = {}
    codes: dict[str, str] = {}
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() != ".wrl":
                continue
            match = _NAME.match(path.name)
            if match is None:
                raise DatasetError(
                    f"{path}: the name does not follow BU-3DFE's pattern, as in "
                    "'F0001_AN01WH_F3D.wrl'; rename the file or move it out of the folder"
                )
            files = _describe(path, match)
            if files.mesh != mesh:
                continue
            if files.subject_id != folder.name.upper():
                raise DatasetError(f"{path}: lies in the folder of another subject; move it")
            if files.scan_id in found:
                other = found[files.scan_id].wrl
                raise DatasetError(f"{path}: the scan {files.scan_id} is also in {other}; keep one")
            if codes.setdefault(files.subject_id, files.ethnicity) != files.ethnicity:
                raise DatasetError(
                    f"{path}: ethnicity code {files.ethnicity!r}, but the subject's other files "
                    f"say {codes[files.subject_id]!r}; one of them is misnamed"
                )
            found[files.scan_id] = files
    if not found:
        raise DatasetError(
            f"{root}: no *_{mesh}.wrl in its {len(folders)} subject folders; unpack the archives "
            "of the subjects, or choose the other mesh with --mesh"
        )
    return [found[scan_id] for scan_id in sorted(found)]


def read_scan(files: ScanFiles) -> FaceScan:
    """Read mesh and texture of one scan.

    Raises:
        ScanError: If a file is missing or damaged, or the mesh has no texture coordinates.
    """
    mesh = read_vrml(files.wrl)
    if not len(mesh.uv_faces):
        raise ScanError(f"{files.wrl}: has no texture coordinates; expected a textured scan")
    return FaceScan(
        vertices=mesh.vertices,
        faces=mesh.faces,
        uvs=mesh.uvs,
        uv_faces=mesh.uv_faces,
        texture=read_texture(files.texture),
    )


def _subject_folders(root: Path) -> Sequence[Path]:
    """The subjects' folders in ``root`` or in one folder of it."""
    if not root.is_dir():
        raise DatasetError(f"{root}: is not a folder; expected the one with F0001, F0002, … in it")
    for level in (root, *sorted(p for p in root.iterdir() if p.is_dir())):
        folders = sorted(p for p in level.iterdir() if p.is_dir() and _SUBJECT.match(p.name))
        if folders:
            return folders
    raise DatasetError(
        f"{root}: no subject's folder (F0001, …, M0044) here or one level below; "
        "expected BU-3DFE with the subjects' archives unpacked"
    )


def _describe(path: Path, match: re.Match[str]) -> ScanFiles:
    """The files that belong to one mesh, by its name."""
    code, level = match["expression"].upper(), int(match["level"])
    if (code == "NE") != (level == 0):
        raise DatasetError(
            f"{path}: expression {code!r} with intensity {level:02d}; neutral has 00, the others "
            "01 to 04"
        )
    mesh: Mesh = "F3D" if match["mesh"].upper() == "F3D" else "RAW"
    stem = path.name[: -len("_F3D.wrl")]
    return ScanFiles(
        scan_id=f"{match['subject'].upper()}_{code}{level:02d}",
        subject_id=match["subject"].upper(),
        expression=EXPRESSION_CODES[code],
        intensity=level or None,
        ethnicity=match["ethnicity"].upper(),
        mesh=mesh,
        wrl=path,
        texture=_beside(path, f"{stem}_F3D", (".bmp", ".png")),
        landmarks=_beside(path, path.stem, (".bnd",) if mesh == "F3D" else (".pse",)),
    )


def _beside(path: Path, stem: str, suffixes: tuple[str, ...]) -> Path:
    """A file beside a mesh, in whatever case its suffix is written; the first form if absent."""
    forms = [path.with_name(stem + s) for suffix in suffixes for s in (suffix, suffix.upper())]
    return next((form for form in forms if form.exists()), forms[0])
