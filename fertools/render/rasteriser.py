"""The inner loops of the software renderer, compiled by numba.

Plain IEEE arithmetic without fast-math: nothing is reordered or fused, so the same input gives the
same picture on every x86-64 machine, in whatever process it runs (docs/decisions/0003).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = [
    "EMPTY",
    "TRIANGLE_MASK",
    "nearest_at",
    "project",
    "rasterise",
    "triangle_of",
    "vertex_normals",
]

EMPTY = -1
"""A sample that no triangle covers."""

TRIANGLE_MASK = (1 << 32) - 1
"""The bits of a covered sample that hold its triangle's number, each turned over."""

_NEAREST_GAP = 64.0  # below and above the nearness of all corners, for what is extrapolated
_NEARNESS = 2.0**31 - 2.0 * _NEAREST_GAP - 1.0
_CELLS = 62  # along each side of the grid that sorts points; a row's are bits of one word
_EDGE = 1e-9  # of a barycentric weight: a sample on an edge belongs to both of its triangles


@njit(cache=True, nogil=True, error_model="numpy")
def project(
    points: npt.NDArray[np.float64],
    rotation: npt.NDArray[np.float64],
    centre: npt.NDArray[np.float64],
    offset: npt.NDArray[np.float64],
    scale: float,
    half: float,
    distance: float,
    screen: npt.NDArray[np.float64],
) -> None:
    """Turn points about a centre and project them.

    Written out, since a matrix product of a library may round otherwise from machine to machine.

    Args:
        points: Shape ``(N, 3)``, millimetres.
        rotation: Shape ``(3, 3)``.
        centre: Shape ``(3,)``.
        offset: Shape ``(2,)``: what of the centre's plane falls on the middle, millimetres.
        scale: Samples a millimetre in the centre's plane.
        half: Half the picture's side, in samples.
        distance: From the eye to the centre, millimetres; 0 for a parallel projection.
        screen: Shape ``(N, 4)``; receives x and y in samples, z towards the viewer in millimetres,
            and the foreshortening ``distance / (distance - z)``, which is 1 for a parallel one.
    """
    for i in range(points.shape[0]):
        px, py, pz = points[i, 0] - centre[0], points[i, 1] - centre[1], points[i, 2] - centre[2]
        x = rotation[0, 0] * px + rotation[0, 1] * py + rotation[0, 2] * pz
        y = rotation[1, 0] * px + rotation[1, 1] * py + rotation[1, 2] * pz
        z = rotation[2, 0] * px + rotation[2, 1] * py + rotation[2, 2] * pz
        near = 1.0 if distance == 0.0 else distance / (distance - z)
        screen[i, 0] = half + scale * (x * near - offset[0])
        screen[i, 1] = half - scale * (y * near - offset[1])
        screen[i, 2] = z
        screen[i, 3] = near


@njit(cache=True, nogil=True, error_model="numpy")
def rasterise(
    screen: npt.NDArray[np.float64],
    faces: npt.NDArray[np.int32],
    key: int,
    samples: npt.NDArray[np.int64],
    planes: npt.NDArray[np.float64],
) -> tuple[int, int, int, int]:
    """Find the nearest triangle behind every sample.

    Nearness and triangle share one number a sample, so that no branch is needed where the nearest
    one is kept: which samples a small triangle covers cannot be foreseen.

    Args:
        screen: Shape ``(V, K)``: x and y in samples, and the column ``key``.
        faces: Shape ``(F, 3)``.
        key: The column of ``screen`` that grows towards the viewer and is linear in the picture:
            z of a parallel projection, the foreshortening of a perspective one.
        samples: Shape ``(H, W)``; receives :data:`EMPTY`, or what :func:`triangle_of` reads.
        planes: Shape ``(F, 6)``; receives x and y of each triangle's first corner, and how the
            weights of its second and of its third corner grow with x and y. Rows of triangles
            that cover no sample are left.

    Returns:
        ``(x0, y0, x1, y1)``, right and bottom exclusive: the box of the face with a border of two
        samples. What is outside it in ``samples`` is left as it was.
    """
    height, width = samples.shape
    x_low, x_high, y_low, y_high, low, high = np.inf, -np.inf, np.inf, -np.inf, np.inf, -np.inf
    for i in range(screen.shape[0]):
        x_low, x_high = min(x_low, screen[i, 0]), max(x_high, screen[i, 0])
        y_low, y_high = min(y_low, screen[i, 1]), max(y_high, screen[i, 1])
        low, high = min(low, screen[i, key]), max(high, screen[i, key])
    box = (
        int(min(max(x_low - 3.0, 0.0), float(width))),
        int(min(max(y_low - 3.0, 0.0), float(height))),
        int(min(max(x_high + 3.0, 0.0), float(width))),
        int(min(max(y_high + 3.0, 0.0), float(height))),
    )
    samples[box[1] : box[3], box[0] : box[2]] = EMPTY
    scale = _NEARNESS / (high - low) if high > low else 0.0
    for t in range(faces.shape[0]):
        a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
        ax, ay = screen[a, 0], screen[a, 1]
        ux, uy = screen[b, 0] - ax, screen[b, 1] - ay
        vx, vy = screen[c, 0] - ax, screen[c, 1] - ay
        area = ux * vy - uy * vx
        left = np.ceil(ax + min(0.0, min(ux, vx)) - 0.5)
        right = np.floor(ax + max(0.0, max(ux, vx)) - 0.5)
        top = np.ceil(ay + min(0.0, min(uy, vy)) - 0.5)
        bottom = np.floor(ay + max(0.0, max(uy, vy)) - 0.5)
        if (left > right) | (top > bottom) | (area == 0.0):
            continue
        x0, x1 = max(0, int(left)), min(width - 1, int(right))
        y0, y1 = max(0, int(top)), min(height - 1, int(bottom))
        inverse = 1.0 / area
        b_dx, b_dy = vy * inverse, -vx * inverse
        c_dx, c_dy = -uy * inverse, ux * inverse
        planes[t, 0], planes[t, 1] = ax, ay
        planes[t, 2], planes[t, 3] = b_dx, b_dy
        planes[t, 4], planes[t, 5] = c_dx, c_dy
        nearness = (screen[a, key] - low) * scale + _NEAREST_GAP
        rise_b = (screen[b, key] - screen[a, key]) * scale
        rise_c = (screen[c, key] - screen[a, key]) * scale
        px = x0 + 0.5 - ax
        for y in range(y0, y1 + 1):
            py = y + 0.5 - ay
            w_b, w_c = px * b_dx + py * b_dy, px * c_dx + py * c_dy
            for x in range(x0, x1 + 1):
                inside = min(min(w_b, w_c), 1.0 - w_b - w_c) >= -_EDGE
                near = np.int64(nearness + w_b * rise_b + w_c * rise_c)
                old = samples[y, x]
                found = near << 32 | (TRIANGLE_MASK - t) if inside else old
                samples[y, x] = max(found, old)
                w_b += b_dx
                w_c += c_dx
    return box


def triangle_of(samples: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Triangle numbers of samples from :func:`rasterise`, none of them :data:`EMPTY`."""
    return np.asarray(TRIANGLE_MASK - (samples & TRIANGLE_MASK))


@njit(cache=True, nogil=True, error_model="numpy")
def nearest_at(
    screen: npt.NDArray[np.float64],
    faces: npt.NDArray[np.int32],
    key: int,
    marks: npt.NDArray[np.float64],
    size: float,
    nearest: npt.NDArray[np.float64],
) -> None:
    """Find the nearest triangle at exact points of the picture, between the samples.

    Args:
        screen: Shape ``(V, K)``, as for :func:`rasterise`.
        faces: Shape ``(F, 3)``.
        key: As for :func:`rasterise`.
        marks: Shape ``(N, K)``: x and y of the points; those outside the picture are left.
        size: Width and height of the picture.
        nearest: Shape ``(N,)``, filled with -inf; receives the key of the nearest triangle.
    """
    cells = _CELLS / size
    last = _CELLS - 1.0
    first = np.full((_CELLS, _CELLS), -1, np.int64)  # a linked list of the points of each cell
    following = np.full(marks.shape[0], -1, np.int64)
    taken = np.zeros(_CELLS, np.int64)  # a bit for each cell of a row that has points
    for i in range(marks.shape[0]):
        x, y = marks[i, 0] * cells, marks[i, 1] * cells
        if 0.0 <= x < _CELLS and 0.0 <= y < _CELLS:
            following[i] = first[int(y), int(x)]
            first[int(y), int(x)] = i
            taken[int(y)] |= 1 << int(x)
    column, row = np.empty(screen.shape[0], np.int8), np.empty(screen.shape[0], np.int8)
    for i in range(screen.shape[0]):
        column[i] = int(min(max(screen[i, 0] * cells, 0.0), last))
        row[i] = int(min(max(screen[i, 1] * cells, 0.0), last))
    for t in range(faces.shape[0]):
        a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
        x0, x1 = min(column[a], column[b], column[c]), max(column[a], column[b], column[c])
        y0, y1 = min(row[a], row[b], row[c]), max(row[a], row[b], row[c])
        touched = (np.int64(2) << x1) - (np.int64(1) << x0)  # the cells from x0 to x1
        if y1 - y0 < 2 and not (taken[y0] | taken[y1]) & touched:
            continue
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                i = first[y, x]
                while i >= 0:
                    z = _key_at(screen, a, b, c, key, marks[i, 0], marks[i, 1])
                    nearest[i] = max(nearest[i], z)
                    i = following[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _key_at(
    screen: npt.NDArray[np.float64], a: int, b: int, c: int, key: int, x: float, y: float
) -> float:
    """The key of a triangle at a point of the picture; -inf beside it."""
    ax, ay = screen[a, 0], screen[a, 1]
    ux, uy = screen[b, 0] - ax, screen[b, 1] - ay
    vx, vy = screen[c, 0] - ax, screen[c, 1] - ay
    area = ux * vy - uy * vx
    px, py = x - ax, y - ay
    w_b, w_c = (px * vy - py * vx) / area, (ux * py - uy * px) / area
    if w_b >= -_EDGE and w_c >= -_EDGE and w_b + w_c <= 1.0 + _EDGE:
        az = screen[a, key]
        return float(az + w_b * (screen[b, key] - az) + w_c * (screen[c, key] - az))
    return -np.inf


@njit(cache=True, nogil=True, error_model="numpy")
def vertex_normals(
    vertices: npt.NDArray[np.float64], faces: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    """Unit normals of vertices: the sum of their triangles' normals, weighted by area.

    Args:
        vertices: Shape ``(V, 3)``.
        faces: Shape ``(F, 3)``, counter-clockwise as seen from the front.

    Returns:
        Shape ``(V, 3)``; 0 for a vertex without a triangle.
    """
    normals = np.zeros_like(vertices)
    for t in range(faces.shape[0]):
        a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
        ux, uy, uz = vertices[b] - vertices[a]
        vx, vy, vz = vertices[c] - vertices[a]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for corner in (a, b, c):
            normals[corner, 0] += nx
            normals[corner, 1] += ny
            normals[corner, 2] += nz
    for i in range(normals.shape[0]):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        length = np.sqrt(x * x + y * y + z * z)
        if length > 0.0:
            normals[i] /= length
    return normals
