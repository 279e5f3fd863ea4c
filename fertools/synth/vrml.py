"""Text of the files beside a scan's texture: VRML 2.0 meshes, ``.bnd`` and ``.pse``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from fertools.synth.topology import Mesh

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_HEADER = """#VRML V2.0 utf8
# Synthetic stand-in laid out like a BU-3DFE scan: no person, made from CC0 head data.

WorldInfo {{
 title "{title}"
}}
Shape {{
 appearance Appearance {{
  material Material {{
   ambientIntensity 0.35
   diffuseColor 0.7 0.7 0.7
   specularColor 0.2 0.2 0.2
   shininess 0.2
  }}
  texture ImageTexture {{ url "{texture}" }}
 }}
 geometry IndexedFaceSet {{
  ccw TRUE solid FALSE
 coord Coordinate {{ point [
"""
_END_OF_LIST = " " * 40 + "]"


@dataclass(frozen=True)
class MeshText:
    """The part of a mesh's file that is the same in every scan."""

    tail: str

    @classmethod
    @lru_cache(maxsize=8)
    def of(cls, mesh: Mesh) -> MeshText:
        """Write the polygons and texture coordinates of a mesh once."""
        uvs = "\n".join(f"{u:.5f} {v:.5f}," for u, v in mesh.uvs.tolist())
        pieces = [
            f"\n{_END_OF_LIST}\n }}\n coordIndex [\n",
            _index_text(mesh.polygons),
            f"\n{_END_OF_LIST}\n texCoord TextureCoordinate {{ point [\n",
            uvs,
            f"\n{_END_OF_LIST}\n }}\n texCoordIndex [\n",
            _index_text(mesh.uv_polygons),
            f"\n{_END_OF_LIST}\n }}\n}}\n",
        ]
        return cls(tail="".join(pieces))


def mesh_bytes(mesh: Mesh, points: FloatArray, *, title: str, texture: str) -> bytes:
    """A whole ``.wrl`` file.

    Args:
        mesh: Polygons and texture coordinates.
        points: ``(V, 3)`` mm; written with three decimals.
        title: Name of the scan.
        texture: File name of its picture.
    """
    head = _HEADER.format(title=title, texture=texture)
    rows = "%.3f %.3f %.3f,\n" * len(points) % tuple(points.ravel().tolist())
    return (head + rows[:-1] + MeshText.of(mesh).tail).encode("ascii")


def bnd_bytes(vertices: IntArray, points: FloatArray) -> bytes:
    """A ``.bnd`` file: vertex number, two tabs, coordinates; numbers count from 0."""
    lines = [
        f"{number}\t\t{x:.3f} {y:.3f} {z:.3f}\n"
        for number, (x, y, z) in zip(vertices.tolist(), points[vertices].tolist(), strict=True)
    ]
    return "".join(lines).encode("ascii")


def pse_bytes(vertices: IntArray, points: FloatArray) -> bytes:
    """A ``.pse`` file: a vertex number and three coordinates a line."""
    lines = [
        f"{number} {x:.3f} {y:.3f} {z:.3f}\n"
        for number, (x, y, z) in zip(vertices.tolist(), points[vertices].tolist(), strict=True)
    ]
    return "".join(lines).encode("ascii")


def _index_text(polygons: list[list[int]]) -> str:
    """Polygons, each closed by -1, one a line."""
    return "\n".join(", ".join(map(str, row)) + ", -1," for row in polygons)
