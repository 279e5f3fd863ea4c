"""Lists of polygons, as VRML's ``coordIndex`` holds them, and the triangles they make."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["END", "count_corners", "fan", "has_area"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]
CountArray = npt.NDArray[np.intp]

END = -1
"""What closes a polygon in a list."""

_MIN_AREA = 1e-12  # twice a triangle's, in square millimetres; what is below it shows nowhere
_FIRST_LOOK, _CHUNK = 64, 1 << 16  # triangles at once


def count_corners(index: IntArray) -> CountArray:
    """Number of corners of each polygon; the last one need not be closed.

    Args:
        index: Shape ``(N,)``: corners, each polygon followed by :data:`END`.
    """
    ends = np.flatnonzero(index == END)
    if len(index) and index[-1] != END:
        ends = np.append(ends, len(index))
    return np.asarray(np.diff(ends, prepend=-1) - 1)


def fan(sizes: CountArray, *indices: IntArray) -> list[IntArray]:
    """Cut polygons into triangles: the first corner with every pair of neighbours.

    Args:
        sizes: From :func:`count_corners`; 3 at least.
        indices: Each of shape ``(N,)``: the corners of polygons of these sizes, each polygon
            followed by :data:`END`.

    Returns:
        One array a list, shape ``(F, 3)``, in the order of the polygons.
    """
    starts = np.cumsum(sizes + 1) - (sizes + 1)
    polygons = np.repeat(np.arange(len(sizes)), sizes - 2)
    firsts = starts[polygons]
    # a polygon takes three numbers more than it gives triangles: two corners and the end
    seconds = np.arange(1, len(polygons) + 1) + 3 * polygons
    triangles = []
    for index in indices:
        faces = np.empty((len(polygons), 3), np.int32)
        faces[:, 0] = index[firsts]
        faces[:, 1] = index[seconds]
        faces[:, 2] = index[1:][seconds]
        triangles.append(faces)
    return triangles


def has_area(vertices: FloatArray, faces: IntArray) -> bool:
    """Whether any triangle covers something; the first that does ends the search.

    Args:
        vertices: Shape ``(V, 3)``, millimetres.
        faces: Shape ``(F, 3)``, numbers in ``vertices``.
    """
    start, stop = 0, _FIRST_LOOK
    while start < len(faces):
        a, b, c = (vertices[corner] for corner in faces[start:stop].T)
        if np.abs(np.cross(b - a, c - a)).max() > _MIN_AREA:
            return True
        start, stop = stop, stop + _CHUNK
    return False
