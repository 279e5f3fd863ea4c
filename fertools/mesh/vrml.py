"""Reader of VRML 2.0 scans: ``IndexedFaceSet`` shapes with texture coordinates.

Polygons of three and more corners are cut into fans, their texture numbers along with them. What
cannot be read as it is meant is refused, in one line that says where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from fertools.errors import ScanError
from fertools.mesh.files import size_of_file
from fertools.mesh.number_blocks import find_token, read_floats, read_whole_numbers
from fertools.mesh.polygons import (
    END,
    CountArray,
    FloatArray,
    IntArray,
    count_corners,
    fan,
    has_area,
)
from fertools.mesh.vrml_text import NumberList, Shape, VrmlText, find_shapes

__all__ = ["VrmlMesh", "read_vrml"]

_MAX_NUMBER = 1e7  # a coordinate in millimetres; beyond it the renderer's arithmetic ends
_HEADER = b"#VRML V2.0"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_DAMAGED = "the file is damaged: unpack it again"


@dataclass(frozen=True)
class VrmlMesh:
    """The mesh of one VRML file, triangulated; several shapes are joined.

    Attributes:
        vertices: Shape ``(V, 3)``.
        faces: Shape ``(F, 3)``, numbers in ``vertices``.
        uvs: Shape ``(T, 2)``, v upwards; ``(0, 2)`` if the file has none.
        uv_faces: Shape ``(F, 3)``, numbers in ``uvs``; ``(0, 3)`` if the file has none.
        texture_url: What the first ``ImageTexture`` names, or None.
    """

    vertices: npt.NDArray[np.float64]
    faces: npt.NDArray[np.int32]
    uvs: npt.NDArray[np.float64]
    uv_faces: npt.NDArray[np.int32]
    texture_url: str | None


def read_vrml(path: Path, *, max_mb: float = 200.0, compiled: bool | None = None) -> VrmlMesh:
    """Read the mesh of a VRML 2.0 file.

    Args:
        path: A ``.wrl`` file.
        max_mb: Files of more megabytes are refused unread.
        compiled: Whether compiled loops read the numbers; None takes them where numba is. The
            arrays and the errors are the same.

    Returns:
        Its triangles; a file with texture coordinates but no ``texCoordIndex`` uses the vertex
        numbers for both, as VRML defines it.

    Raises:
        ScanError: If it is missing, no regular file, too large, not VRML 2.0 or cut off; if it has
            a word where a number belongs, a coordinate beyond 1e7, a number of a point that is not
            there, polygons of fewer than three corners, none at all, or none with an area; if
            only some of its shapes have a texture, or a shape is moved or takes the points of
            another.
    """
    text = find_shapes(path, _read_file(path, max_mb))
    lists = _Lists(text, compiled)
    mesh = _join(path, [_read_shape(lists, shape) for shape in text.shapes], text.texture_url)
    if not has_area(mesh.vertices, mesh.faces):
        raise ScanError(
            f"{path}: zero-area scan: its {len(mesh.faces)} triangles have no area; {_DAMAGED}"
        )
    return mesh


def _read_file(path: Path, max_mb: float) -> bytearray:
    """The bytes of a VRML 2.0 file."""
    size = size_of_file(path, "the scan")
    if size > max_mb * 1e6:
        raise ScanError(
            f"{path}: has {size / 1e6:.1f} MB, the limit is {max_mb:g} MB; if it is a scan, raise "
            "the limit with --max-scan-mb"
        )
    text = bytearray(size)
    try:
        with path.open("rb") as stream:
            del text[stream.readinto(text) :]  # a file may have shrunk since
    except OSError as error:
        raise ScanError(f"{path}: cannot be read: {error.strerror}") from error
    start = len(_BYTE_ORDER_MARK) if text.startswith(_BYTE_ORDER_MARK) else 0
    if not text.startswith(_HEADER, start):
        remedy = "it is compressed with gzip: decompress it" if text.startswith(_GZIP) else ""
        raise ScanError(
            f"{path}: does not begin with '#VRML V2.0'; {remedy or 'expected a VRML 2.0 scan'}"
        )
    return text


@dataclass(frozen=True)
class _Triangles:
    """One shape; ``uvs`` and ``uv_faces`` are empty where it has no texture coordinates."""

    vertices: FloatArray
    faces: IntArray
    uvs: FloatArray
    uv_faces: IntArray


@dataclass(frozen=True)
class _Lists:
    """Reads the lists of numbers of a file."""

    source: VrmlText
    compiled: bool | None

    def read_points(self, numbers: NumberList, width: int) -> FloatArray:
        """Rows of coordinates."""
        values, is_whole = read_floats(
            self.source.text, numbers.start, numbers.stop, compiled=self.compiled
        )
        if not is_whole:
            self._refuse_token(numbers, len(values), "numbers")
        if not len(values) or len(values) % width:
            self.fail(numbers, f"{len(values)} numbers do not make rows of {width}; {_DAMAGED}")
        if values.max() > _MAX_NUMBER or values.min() < -_MAX_NUMBER:
            bad = int(np.flatnonzero(np.abs(values) > _MAX_NUMBER)[0])
            what = f"in row {bad // width} is not finite or beyond 1e7; {_DAMAGED}"
            self.fail(numbers, what, token=bad)
        return values.reshape(-1, width)

    def read_index(self, numbers: NumberList) -> IntArray:
        """Corners of polygons, each polygon closed by -1."""
        index, is_whole = read_whole_numbers(
            self.source.text, numbers.start, numbers.stop, compiled=self.compiled
        )
        if not is_whole:
            self._refuse_token(numbers, len(index), "whole numbers")
        return index

    def count_corners(self, numbers: NumberList, index: IntArray) -> CountArray:
        """Number of corners of each polygon, 3 at least."""
        sizes = count_corners(index)
        if not len(sizes):
            self.fail(numbers, f"has no polygon; {_DAMAGED}")
        if sizes.min() < 3:
            bad = int(np.flatnonzero(sizes < 3)[0])
            first = int((sizes[:bad] + 1).sum())
            what = f"begins polygon {bad}, which has {sizes[bad]} corners, expected 3 or more"
            self.fail(numbers, f"{what}; {_DAMAGED}", token=first)
        return sizes

    def check_range(self, numbers: NumberList, index: IntArray, count: int, points: str) -> None:
        """Refuse corners that are none of the points."""
        if index.min() >= END and index.max() < count:
            return
        bad = int(np.flatnonzero((index < END) | (index >= count))[0])
        polygon = int(np.count_nonzero(index[:bad] == END))
        what = f"in polygon {polygon}, expected numbers from 0 to {count - 1}, of {points}"
        self.fail(numbers, f"{what}; {_DAMAGED}", token=bad)

    def fail(self, numbers: NumberList, what: str, *, token: int | None = None) -> NoReturn:
        """Raise, with the line of the list or of one of its tokens."""
        place, said = numbers.start, ""
        if token is not None:
            place, found = find_token(self.source.text, numbers.start, numbers.stop, token)
            said = f"{found[:40].decode('utf-8', 'replace')!r} "
        line = self.source.line_at(place)
        raise ScanError(f"{self.source.path}: line {line}: {numbers.name}: {said}{what}")

    def _refuse_token(self, numbers: NumberList, token: int, what: str) -> NoReturn:
        """Raise for a token that is no number."""
        self.fail(numbers, f"where a number belongs, expected {what}; {_DAMAGED}", token=token)


def _read_shape(lists: _Lists, shape: Shape) -> _Triangles:
    """The lists of one IndexedFaceSet, triangulated."""
    points, polygons = _need(lists, shape, "coord points"), _need(lists, shape, "coordIndex")
    vertices = lists.read_points(points, 3)
    index = lists.read_index(polygons)
    sizes = lists.count_corners(polygons, index)
    lists.check_range(polygons, index, len(vertices), points.name)
    uv_index, uv_polygons = index[:0], shape.lists.get("texCoordIndex")
    if uv_polygons is not None:
        uv_index = lists.read_index(uv_polygons)
    if uv_polygons is None or not len(uv_index):  # VRML: the numbers of coordIndex serve
        (faces,) = fan(sizes, index)
        if "texCoord points" not in shape.lists:
            return _Triangles(vertices, faces, np.empty((0, 2)), np.empty((0, 3), np.int32))
        uv_points = shape.lists["texCoord points"]
        uvs = lists.read_points(uv_points, 2)
        lists.check_range(polygons, index, len(uvs), f"{uv_points.name} (no texCoordIndex)")
        return _Triangles(vertices, faces, uvs, faces)
    uvs = lists.read_points(_need(lists, shape, "texCoord points"), 2)
    uv_sizes = lists.count_corners(uv_polygons, uv_index)
    _check_sizes(lists, uv_polygons, sizes, uv_sizes)
    lists.check_range(uv_polygons, uv_index, len(uvs), "texCoord points")
    faces, uv_faces = fan(sizes, index, uv_index)
    return _Triangles(vertices, faces, uvs, uv_faces)


def _need(lists: _Lists, shape: Shape, name: str) -> NumberList:
    """A list that must be there."""
    if name not in shape.lists:
        line = lists.source.line_at(shape.start)
        raise ScanError(
            f"{lists.source.path}: line {line}: the IndexedFaceSet has no {name}; {_DAMAGED}"
        )
    return shape.lists[name]


def _check_sizes(
    lists: _Lists, uv_polygons: NumberList, sizes: CountArray, uv_sizes: CountArray
) -> None:
    """Refuse texture numbers of other polygons than those of the vertices."""
    if len(sizes) != len(uv_sizes):
        lists.fail(
            uv_polygons,
            f"has {len(uv_sizes)} polygons, but coordIndex has {len(sizes)}; {_DAMAGED}",
        )
    if (sizes != uv_sizes).any():
        bad = int(np.flatnonzero(sizes != uv_sizes)[0])
        what = f"corners differ: polygon {bad} has {uv_sizes[bad]}, in coordIndex {sizes[bad]}"
        lists.fail(uv_polygons, f"{what}; {_DAMAGED}")


def _join(path: Path, shapes: list[_Triangles], texture_url: str | None) -> VrmlMesh:
    """One mesh of several shapes; all or none of them must have texture coordinates."""
    if len(shapes) == 1:
        (one,) = shapes
        return VrmlMesh(one.vertices, one.faces, one.uvs, one.uv_faces, texture_url)
    num_textured = sum(len(shape.uvs) > 0 for shape in shapes)
    if num_textured not in (0, len(shapes)):
        raise ScanError(
            f"{path}: {num_textured} of its {len(shapes)} shapes have texture coordinates; "
            "expected all or none: export the scan again"
        )
    starts = np.cumsum([0] + [len(shape.vertices) for shape in shapes[:-1]]).astype(np.int32)
    uv_starts = np.cumsum([0] + [len(shape.uvs) for shape in shapes[:-1]]).astype(np.int32)
    return VrmlMesh(
        vertices=np.concatenate([shape.vertices for shape in shapes]),
        faces=np.concatenate([s.faces + k for s, k in zip(shapes, starts, strict=True)]),
        uvs=np.concatenate([shape.uvs for shape in shapes]),
        uv_faces=np.concatenate([s.uv_faces + k for s, k in zip(shapes, uv_starts, strict=True)]),
        texture_url=texture_url,
    )
