"""BU-3DFE as it is unpacked: one folder a subject, 25 scans each, several files a scan.

``F0001/F0001_AN01WH_F3D.wrl`` is the cropped face of subject F0001 showing anger at intensity 1;
``WH`` is the subject's ethnicity code. RAW is the whole head, in another frame: each mesh goes
only with its own landmarks (``.bnd`` with F3D, ``.pse`` with RAW), and ``F3D.bmp`` is the texture
of both.
Files are found by their names; subjects and ethnicity codes are discovered, never assumed. What
only nearly fits is neither used nor passed over: it is a fault, listed beside the scans.

Reference:
    Yin, Wei, Sun, Wang and Rosato, "A 3D facial expression database for facial behavior research",
    FG 2006, doi:10.1109/FGR.2006.6.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from fertools.errors import ScanError
from fertools.formats.bu3dfe_files import (
    ETHNICITY_CODES,
    SUBJECTS,
    FoundScans,
    Mesh,
    ScanFault,
    ScanFiles,
    file_beside,
    find_scans,
    scan_files,
)
from fertools.mesh import FaceScan, VrmlMesh, read_bnd, read_pse, read_texture, read_vrml
from fertools.mesh.files import size_of_file

__all__ = [
    "ETHNICITY_CODES",
    "SUBJECTS",
    "FoundScans",
    "Mesh",
    "MissingTexture",
    "ScanFault",
    "ScanFiles",
    "find_scans",
    "is_standin",
    "read_landmarks",
    "read_scan",
    "scan_files",
]

MissingTexture = Literal["error", "grey"]

_STANDIN_MARK = b"Synthetic stand-in"
_UV_SLACK = 0.01
_GREY = 128


def read_scan(
    files: ScanFiles,
    *,
    max_scan_mb: float = 200.0,
    missing_texture: MissingTexture = "error",
) -> FaceScan:
    """Read mesh and texture of one scan.

    The texture is the picture that is named as the scan is; without it, the one beside the mesh
    that bears the name in the mesh's ``ImageTexture``.

    Args:
        files: Where they are.
        max_scan_mb: Meshes of more megabytes are refused unread.
        missing_texture: What a mesh without texture coordinates, or without a picture, comes to:
            an error, or an evenly grey face. A damaged picture is an error either way.

    Raises:
        ScanError: If a file is missing or damaged, or the texture coordinates leave the picture.
    """
    mesh = read_vrml(files.wrl, max_mb=max_scan_mb)
    texture = _texture_of(files, mesh)
    if missing_texture == "grey" and (texture is None or not len(mesh.uv_faces)):
        return FaceScan(
            vertices=mesh.vertices,
            faces=mesh.faces,
            uvs=np.zeros((1, 2)),
            uv_faces=np.zeros_like(mesh.faces),
            texture=_grey_picture(),
            textured=False,
        )
    if not len(mesh.uv_faces):
        raise ScanError(f"{files.wrl}: has no texture coordinates; expected a textured scan")
    if texture is None:
        raise ScanError(
            f"{files.texture}: the texture is missing; unpack it again, or have the scan drawn "
            "grey with --missing-texture grey"
        )
    picture = read_texture(texture)
    _check_uvs(files.wrl, mesh.uvs, texture, picture)
    return FaceScan(
        vertices=mesh.vertices,
        faces=mesh.faces,
        uvs=mesh.uvs,
        uv_faces=mesh.uv_faces,
        texture=picture,
        texture_path=texture,
    )


def read_landmarks(files: ScanFiles, scan: FaceScan) -> npt.NDArray[np.float64]:
    """Read the landmarks that belong to a mesh, in its frame.

    Args:
        files: Where they are.
        scan: What :func:`read_scan` gave for the same files.

    Returns:
        Shape ``(83, 3)`` for F3D, ``(K, 3)`` with K at least 8 for RAW; millimetres.

    Raises:
        ScanError: If the file is missing or damaged, or names a vertex that the mesh has not.
    """
    if files.mesh == "RAW":
        return read_pse(files.landmarks)
    landmarks = read_bnd(files.landmarks)
    last = int(landmarks.indices.max())
    if last >= len(scan.vertices):
        raise ScanError(
            f"{files.landmarks}: names vertex {last}, but {files.wrl.name} has "
            f"{len(scan.vertices)}; the two files do not belong together"
        )
    return landmarks.points


def is_standin(files: ScanFiles) -> bool:
    """Whether a scan says of itself, in its first lines, that it is one of our stand-ins.

    Raises:
        ScanError: If it cannot be read.
    """
    size_of_file(files.wrl, "the scan")  # opening a pipe would wait for ever
    try:
        with files.wrl.open("rb") as stream:
            return _STANDIN_MARK in stream.read(400)
    except OSError as error:
        raise ScanError(f"{files.wrl}: cannot be read: {error.strerror}") from error


def _texture_of(files: ScanFiles, mesh: VrmlMesh) -> Path | None:
    """The picture of a scan: by the scan's name, else by the url in its mesh."""
    if os.path.lexists(files.texture):
        return files.texture
    base = re.split(r"[/\\]", mesh.texture_url or "")[-1]
    return file_beside(files.wrl, base)


def _grey_picture() -> npt.NDArray[np.uint8]:
    """One grey pixel, read-only as pictures from files are: compiled code knows them apart."""
    picture = np.full((1, 1, 3), _GREY, np.uint8)
    picture.flags.writeable = False
    return picture


def _check_uvs(
    wrl: Path, uvs: npt.NDArray[np.float64], texture: Path, picture: npt.NDArray[np.uint8]
) -> None:
    """Refuse texture coordinates that address another picture, or pixels."""
    if uvs.min() >= -_UV_SLACK and uvs.max() <= 1 + _UV_SLACK:
        return
    row = int(np.flatnonzero(((uvs < -_UV_SLACK) | (uvs > 1 + _UV_SLACK)).any(axis=1))[0])
    u, v = uvs[row].tolist()
    guess = "; they look like pixels" if np.abs(uvs).max() > 2 else ""
    height, width = picture.shape[:2]
    raise ScanError(
        f"{wrl}: texture coordinates: row {row} is ({u:g}, {v:g}), expected 0 to 1 across "
        f"{texture.name}, which has {width} x {height} pixels{guess}"
    )
