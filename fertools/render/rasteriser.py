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
    "corner_texels",
    "nearest_at",
    "project",
    "rasterise",
    "shade",
    "triangle_of",
    "vertex_normals",
]

EMPTY = -1
"""A sample that no triangle covers."""

_TRIANGLE_MASK = (1 << 32) - 1
_NEAREST_GAP = 64.0  # below and above the nearness of all corners, for what is extrapolated
_NEARNESS = 2.0**31 - 2.0 * _NEAREST_GAP - 1.0
_CELLS = 62  # along each side of the grid that sorts points; a row's are bits of one word
_EDGE = 1e-9  # of a barycentric weight: a sample on an edge belongs to both of its triangles
_LANE = 21  # bits of a colour in the 64-bit sum of a pixel: 8 of the value, 13 of its weight
_LANE_MASK = (1 << _LANE) - 1
_WEIGHT_BITS = 13


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
def corner_texels(
    uvs: npt.NDArray[np.float64],
    uv_faces: npt.NDArray[np.int32],
    columns: int,
    rows: int,
) -> npt.NDArray[np.float64]:
    """Texture coordinates of triangles as column and row, the first texel's centre at (0, 0).

    Args:
        uvs: Shape ``(T, 2)``, v upwards.
        uv_faces: Shape ``(F, 3)``.
        columns: Width of the texture.
        rows: Its height.

    Returns:
        Shape ``(F, 6)``: those of the first corner, and how much those of the second and of the
        third lie further right and down.
    """
    texels = np.empty((uv_faces.shape[0], 6))
    for t in range(uv_faces.shape[0]):
        a, b, c = uv_faces[t, 0], uv_faces[t, 1], uv_faces[t, 2]
        texels[t, 0] = uvs[a, 0] * columns - 0.5
        texels[t, 1] = (1.0 - uvs[a, 1]) * rows - 0.5
        texels[t, 2] = (uvs[b, 0] - uvs[a, 0]) * columns
        texels[t, 3] = (uvs[a, 1] - uvs[b, 1]) * rows
        texels[t, 4] = (uvs[c, 0] - uvs[a, 0]) * columns
        texels[t, 5] = (uvs[a, 1] - uvs[c, 1]) * rows
    return texels


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
                found = near << 32 | (_TRIANGLE_MASK - t) if inside else old
                samples[y, x] = max(found, old)
                w_b += b_dx
                w_c += c_dx
    return box


def triangle_of(samples: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Triangle numbers of samples from :func:`rasterise`, none of them :data:`EMPTY`."""
    return np.asarray(_TRIANGLE_MASK - (samples & _TRIANGLE_MASK))


@njit(cache=True, nogil=True, error_model="numpy")
def shade(
    screen: npt.NDArray[np.float64],
    faces: npt.NDArray[np.int32],
    planes: npt.NDArray[np.float64],
    texels: npt.NDArray[np.float64],
    texture: npt.NDArray[np.uint8],
    light: npt.NDArray[np.float64],
    perspective: bool,
    samples: npt.NDArray[np.int64],
    box: tuple[int, int, int, int],
    supersample: int,
    background: npt.NDArray[np.uint8],
    picture: npt.NDArray[np.uint8],
) -> None:
    """Colour every pixel by the mean of its samples, bilinearly from the texture.

    A texel's three colours are summed in one 64-bit word of three lanes, with 13 bits of weight a
    pixel: its colour is within 0.6 of the exact mean, which is as near as eight bits come.

    Args:
        screen: Shape ``(V, 4)``, from :func:`project`.
        faces: Shape ``(F, 3)``.
        planes: Shape ``(F, 6)``, from :func:`rasterise`.
        texels: Shape ``(F, 6)``, from :func:`corner_texels`.
        texture: Shape ``(h, w, 3)``.
        light: Shape ``(V, 2)``, the light on each vertex in [0, 1], seen from the front and from
            behind; ``(0, 2)`` draws the texture as it is.
        perspective: Whether the foreshortening is to be divided out.
        samples: Shape ``(H * s, W * s)``, from :func:`rasterise`.
        box: Where the face is, from :func:`rasterise`.
        supersample: Samples a pixel along each axis, s.
        background: Shape ``(3,)``.
        picture: Shape ``(H, W, 3)``; receives the colours.
    """
    rows, columns, _ = texture.shape
    last_u, last_v = columns - 1.0, rows - 1.0
    lit = light.shape[0] > 0
    weight = (1 << _WEIGHT_BITS) // (supersample * supersample)
    whole = weight * supersample * supersample
    reciprocal = (1 << 40) // whole + 1  # exact for numbers below 2**21: a lane
    picture[:, :, 0], picture[:, :, 1], picture[:, :, 2] = background
    nothing = _texel(picture, 0, 0)
    border = supersample - 1  # pixels that lie within the box: all that the face touches
    for y in range((box[1] + border) // supersample, box[3] // supersample):
        for x in range((box[0] + border) // supersample, box[2] // supersample):
            total = 0
            num_empty = 0
            for row in range(y * supersample, (y + 1) * supersample):
                for column in range(x * supersample, (x + 1) * supersample):
                    sample = samples[np.uint64(row), np.uint64(column)]
                    if sample < 0:
                        num_empty += 1
                        continue
                    t = np.uint64(_TRIANGLE_MASK - (sample & _TRIANGLE_MASK))
                    px, py = column + 0.5 - planes[t, 0], row + 0.5 - planes[t, 1]
                    w_b = px * planes[t, 2] + py * planes[t, 3]
                    w_c = px * planes[t, 4] + py * planes[t, 5]
                    share = float(weight)
                    if perspective or lit:
                        a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
                        w_a = 1.0 - w_b - w_c
                        if perspective:
                            far_b, far_c = w_b * screen[b, 3], w_c * screen[c, 3]
                            far = 1.0 / (w_a * screen[a, 3] + far_b + far_c)
                            w_b, w_c = far_b * far, far_c * far
                            w_a = 1.0 - w_b - w_c
                        if lit:
                            back = planes[t, 2] * planes[t, 5] > planes[t, 3] * planes[t, 4]
                            s = 1 if back else 0  # rows count downwards
                            share *= w_a * light[a, s] + w_b * light[b, s] + w_c * light[c, s]
                            share = min(max(share, 0.0), float(weight))
                    u = texels[t, 0] + w_b * texels[t, 2] + w_c * texels[t, 4]
                    v = texels[t, 1] + w_b * texels[t, 3] + w_c * texels[t, 5]
                    u, v = min(max(u, 0.0), last_u), min(max(v, 0.0), last_v)
                    u0, v0 = int(u), int(v)
                    u1, v1 = min(u0 + 1, columns - 1), min(v0 + 1, rows - 1)
                    fu, fv = u - u0, (v - v0) * share
                    w11 = int(fu * fv)
                    w01 = int(fu * (share - fv))
                    w10 = int(fv) - w11
                    w00 = int(share) - w11 - w01 - w10
                    total += _texel(texture, v0, u0) * w00
                    total += _texel(texture, v0, u1) * w01
                    total += _texel(texture, v1, u0) * w10
                    total += _texel(texture, v1, u1) * w11
            if num_empty < supersample * supersample:
                total += nothing * (weight * num_empty)
                for k in range(3):
                    lane = (total >> _LANE * k & _LANE_MASK) + (whole >> 1)
                    picture[y, x, k] = lane * reciprocal >> 40


@njit(cache=True, nogil=True, inline="always")
def _texel(texture: npt.NDArray[np.uint8], row: int, column: int) -> int:
    """The three colours of a texel, each in its lane of one word."""
    y, x = np.uint64(row), np.uint64(column)  # so that numba need not look for negative ones
    red, green, blue = texture[y, x, 0], texture[y, x, 1], texture[y, x, 2]
    return int(np.int64(red) | np.int64(green) << _LANE | np.int64(blue) << 2 * _LANE)


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
