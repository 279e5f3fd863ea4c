"""Reader of VRML 2.0 scans: ``IndexedFaceSet`` shapes with texture coordinates.

The text is read as tokens and never by lines: comments go, commas are blanks, brackets delimit.
Polygons of three and more corners are cut into fans, their texture numbers along with them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fertools.errors import ScanError

__all__ = ["VrmlMesh", "read_vrml"]

MAX_SCAN_BYTES = 200_000_000
_MAX_NUMBER = 1e7  # a coordinate in millimetres; beyond it the renderer's arithmetic ends

_COMMENT_OR_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"|#[^\r\n]*')
_POINTS = re.compile(rb"\bCoordinate\s*\{\s*point\s*\[")
_UV_POINTS = re.compile(rb"\bTextureCoordinate\s*\{\s*point\s*\[")
_INDEX = re.compile(rb"\bcoordIndex\s*\[")
_UV_INDEX = re.compile(rb"\btexCoordIndex\s*\[")
_URL = re.compile(rb'\burl\s*\[?\s*"([^"]*)"')


@dataclass(frozen=True)
class VrmlMesh:
    """The mesh of one VRML file, triangulated; several shapes are joined.

    Attributes:
        vertices: Shape ``(V, 3)``.
        faces: Shape ``(F, 3)``, numbers in ``vertices``.
        uvs: Shape ``(T, 2)``, v upwards; ``(0, 2)`` if the file has none.
        uv_faces: Shape ``(F, 3)``, numbers in ``uvs``; ``(0, 3)`` if the file has none.
        texture_url: What ``ImageTexture`` names, or None.
    """

    vertices: npt.NDArray[np.float64]
    faces: npt.NDArray[np.int32]
    uvs: npt.NDArray[np.float64]
    uv_faces: npt.NDArray[np.int32]
    texture_url: str | None


def read_vrml(path: Path) -> VrmlMesh:
    """Read the mesh of a VRML 2.0 file.

    Args:
        path: A ``.wrl`` of at most 200 MB.

    Returns:
        Its triangles; a file with texture coordinates but no ``texCoordIndex`` uses the vertex
        numbers for both, as VRML defines it.

    Raises:
        ScanError: If it is missing, too large, not VRML 2.0, cut off, has a word where a number
            belongs, a number out of range, a coordinate that is not finite, or no face.
    """
    try:
        if path.stat().st_size > MAX_SCAN_BYTES:
            raise ScanError(f"{path}: larger than {MAX_SCAN_BYTES} bytes; not a scan of a face")
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise ScanError(f"{path}: the scan is missing") from error
    except OSError as error:
        raise ScanError(f"{path}: cannot be read: {error.strerror}") from error
    if not raw.startswith(b"#VRML V2.0"):
        raise ScanError(f"{path}: does not begin with '#VRML V2.0'; expected a VRML 2.0 scan")
    url = _URL.search(raw)
    text = _COMMENT_OR_STRING.sub(b" ", raw)
    starts = [match.start() for match in re.finditer(rb"\bIndexedFaceSet\b", text)]
    if not starts:
        raise ScanError(f"{path}: holds no IndexedFaceSet; unpack the file again")
    shapes = [
        _read_shape(path, text[start:end])
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True)
    ]
    texture_url = url.group(1).decode("utf-8", "replace") if url else None
    return _join(path, shapes, texture_url)


_Shape = tuple[
    npt.NDArray[np.float64], npt.NDArray[np.int32], npt.NDArray[np.float64], npt.NDArray[np.int32]
]


def _read_shape(path: Path, text: bytes) -> _Shape:
    """The four blocks of one IndexedFaceSet, triangulated."""
    point_tokens = _block(path, text, _POINTS, "coord points")
    index_tokens = _block(path, text, _INDEX, "coordIndex")
    if point_tokens is None or index_tokens is None:
        missing = "coord points" if point_tokens is None else "coordIndex"
        raise ScanError(f"{path}: an IndexedFaceSet has no {missing}; the file is cut off")
    vertices = _floats(path, point_tokens, 3, "coord points")
    corners, sizes = _polygons(path, _ints(path, index_tokens, "coordIndex"), "coordIndex")
    faces = _check_range(path, _fan(corners, sizes), len(vertices), "coordIndex")
    uv_tokens = _block(path, text, _UV_POINTS, "texCoord points")
    if uv_tokens is None:
        return vertices, faces, np.empty((0, 2)), np.empty((0, 3), np.int32)
    uvs = _floats(path, uv_tokens, 2, "texCoord points")
    uv_index_tokens = _block(path, text, _UV_INDEX, "texCoordIndex")
    if uv_index_tokens is None:
        return vertices, faces, uvs, _check_range(path, faces, len(uvs), "coordIndex as texture")
    uv_index = _ints(path, uv_index_tokens, "texCoordIndex")
    uv_corners, uv_sizes = _polygons(path, uv_index, "texCoordIndex")
    if not np.array_equal(sizes, uv_sizes):
        raise ScanError(
            f"{path}: coordIndex has {len(sizes)} polygons and texCoordIndex {len(uv_sizes)}, or "
            "their corners differ; the file is damaged"
        )
    uv_faces = _check_range(path, _fan(uv_corners, sizes), len(uvs), "texCoordIndex")
    return vertices, faces, uvs, uv_faces


def _block(path: Path, text: bytes, key: re.Pattern[bytes], name: str) -> list[bytes] | None:
    """The tokens between the brackets behind a key; None where the key is absent."""
    match = key.search(text)
    if match is None:
        return None
    end = text.find(b"]", match.end())
    if end < 0:
        raise ScanError(
            f"{path}: the block {name!r} is not closed by ']'; the file is cut off: unpack it again"
        )
    return text[match.end() : end].replace(b",", b" ").split()


def _floats(path: Path, tokens: list[bytes], width: int, name: str) -> npt.NDArray[np.float64]:
    """Tokens as finite numbers in rows."""
    try:
        values = np.array(tokens, dtype=np.float64)
    except ValueError as error:
        raise ScanError(f"{path}: {name}: {error}; expected numbers") from error
    if len(values) % width:
        raise ScanError(
            f"{path}: {name}: {len(values)} numbers do not make rows of {width}; it is damaged"
        )
    bad = np.flatnonzero(~(np.abs(values) < _MAX_NUMBER))
    if len(bad):
        raise ScanError(
            f"{path}: {name}: row {bad[0] // width} is not finite or beyond 1e7; it is damaged"
        )
    return values.reshape(-1, width)


def _ints(path: Path, tokens: list[bytes], name: str) -> npt.NDArray[np.int64]:
    """Tokens as whole numbers."""
    try:
        return np.array(tokens, dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise ScanError(f"{path}: {name}: {error}; expected whole numbers") from error


def _polygons(
    path: Path, index: npt.NDArray[np.int64], name: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Corner numbers without the closing -1, and the number of corners of each polygon."""
    ends = np.flatnonzero(index == -1)
    if len(index) and (not len(ends) or ends[-1] != len(index) - 1):  # VRML lets the last -1 go
        index = np.append(index, -1)
        ends = np.append(ends, len(index) - 1)
    sizes = np.diff(ends, prepend=-1) - 1
    if not len(sizes):
        raise ScanError(f"{path}: {name}: has no polygon; the file is damaged")
    few = np.flatnonzero(sizes < 3)
    if len(few):
        raise ScanError(
            f"{path}: {name}: polygon {few[0]} has {sizes[few[0]]} corners, expected 3 or more"
        )
    return index[index != -1], sizes


def _fan(corners: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Triangles of polygons: the first corner with every pair of neighbours."""
    firsts = np.repeat(np.cumsum(sizes) - sizes, sizes - 2)
    ordinal = np.arange(len(firsts)) - np.repeat(np.cumsum(sizes - 2) - (sizes - 2), sizes - 2)
    picks = np.stack([firsts, firsts + ordinal + 1, firsts + ordinal + 2], axis=1)
    return np.asarray(corners[picks])


def _check_range(
    path: Path, faces: npt.NDArray[np.signedinteger], count: int, name: str
) -> npt.NDArray[np.int32]:
    """The faces as int32, all of their numbers within a list."""
    bad = np.flatnonzero(((faces < 0) | (faces >= count)).any(axis=1))
    if len(bad):
        raise ScanError(
            f"{path}: {name}: triangle {bad[0]} uses {faces[bad[0]].tolist()}, expected numbers "
            f"from 0 to {count - 1}; the file is damaged"
        )
    return faces.astype(np.int32)


def _join(path: Path, shapes: list[_Shape], texture_url: str | None) -> VrmlMesh:
    """One mesh of several shapes; all or none of them must have texture coordinates."""
    textured = [len(shape[3]) > 0 for shape in shapes]
    if any(textured) and not all(textured):
        raise ScanError(f"{path}: only some of its {len(shapes)} shapes have texture coordinates")
    vertex_starts = np.cumsum([0] + [len(shape[0]) for shape in shapes[:-1]]).astype(np.int32)
    uv_starts = np.cumsum([0] + [len(shape[2]) for shape in shapes[:-1]]).astype(np.int32)
    return VrmlMesh(
        vertices=np.concatenate([shape[0] for shape in shapes]),
        faces=np.concatenate([s[1] + k for s, k in zip(shapes, vertex_starts, strict=True)]),
        uvs=np.concatenate([shape[2] for shape in shapes]),
        uv_faces=np.concatenate([s[3] + k for s, k in zip(shapes, uv_starts, strict=True)]),
        texture_url=texture_url,
    )
