"""The inner loops of the software renderer, compiled by numba.

Plain float64 arithmetic without fast-math: nothing is reordered or fused, so the same input gives
the same bytes on every x86-64 machine, in whatever process it runs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["EMPTY", "rasterise", "shade"]

EMPTY = -1
"""Triangle number of a sample that no triangle covers."""

_EDGE = 1e-9  # of a barycentric weight: a sample on an edge belongs to both of its triangles


@njit(cache=True, nogil=True, error_model="numpy")
def rasterise(
    screen: npt.NDArray[np.float64],
    faces: npt.NDArray[np.int32],
    depth: npt.NDArray[np.float64],
    triangles: npt.NDArray[np.int32],
) -> None:
    """Find the nearest triangle behind every sample.

    Args:
        screen: Shape ``(V, 3)``: x and y in samples, z towards the viewer.
        faces: Shape ``(F, 3)``.
        depth: Shape ``(H, W)``, filled with -inf; receives the nearest z.
        triangles: Shape ``(H, W)``, filled with :data:`EMPTY`; receives the triangle's number.
    """
    height, width = depth.shape
    for t in range(faces.shape[0]):
        a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
        ax, ay, az = screen[a, 0], screen[a, 1], screen[a, 2]
        ux, uy = screen[b, 0] - ax, screen[b, 1] - ay
        vx, vy = screen[c, 0] - ax, screen[c, 1] - ay
        area = ux * vy - uy * vx
        if area == 0.0:
            continue
        x0 = max(0, int(np.ceil(ax + min(0.0, min(ux, vx)) - 0.5)))
        x1 = min(width - 1, int(np.floor(ax + max(0.0, max(ux, vx)) - 0.5)))
        y0 = max(0, int(np.ceil(ay + min(0.0, min(uy, vy)) - 0.5)))
        y1 = min(height - 1, int(np.floor(ay + max(0.0, max(uy, vy)) - 0.5)))
        if x0 > x1 or y0 > y1:
            continue
        inverse = 1.0 / area
        b_z, c_z = screen[b, 2] - az, screen[c, 2] - az
        for y in range(y0, y1 + 1):
            py = y + 0.5 - ay
            for x in range(x0, x1 + 1):
                px = x + 0.5 - ax
                w_b = (px * vy - py * vx) * inverse
                w_c = (ux * py - uy * px) * inverse
                if w_b >= -_EDGE and w_c >= -_EDGE and w_b + w_c <= 1.0 + _EDGE:
                    z = az + w_b * b_z + w_c * c_z
                    if z > depth[y, x]:
                        depth[y, x] = z
                        triangles[y, x] = t


@njit(cache=True, nogil=True, error_model="numpy")
def shade(
    screen: npt.NDArray[np.float64],
    faces: npt.NDArray[np.int32],
    texels: npt.NDArray[np.float64],
    uv_faces: npt.NDArray[np.int32],
    texture: npt.NDArray[np.uint8],
    triangles: npt.NDArray[np.int32],
    supersample: int,
    background: npt.NDArray[np.float64],
    picture: npt.NDArray[np.uint8],
) -> None:
    """Colour every pixel by the mean of its samples, bilinearly from the texture.

    Args:
        screen: Shape ``(V, 3)``, as given to :func:`rasterise`.
        faces: Shape ``(F, 3)``.
        texels: Shape ``(T, 2)``: texture coordinates as column and row of the texture, its first
            texel's centre at (0, 0).
        uv_faces: Shape ``(F, 3)``.
        texture: Shape ``(h, w, 3)``.
        triangles: Shape ``(H * s, W * s)``, from :func:`rasterise`.
        supersample: Samples a pixel along each axis, s.
        background: Shape ``(3,)``, 0 to 255.
        picture: Shape ``(H, W, 3)``; receives the colours.
    """
    height, width, _ = picture.shape
    rows, columns, _ = texture.shape
    count = supersample * supersample
    sums = np.zeros(3)
    for y in range(height):
        for x in range(width):
            sums[:] = 0.0
            for j in range(supersample):
                for i in range(supersample):
                    row, column = y * supersample + j, x * supersample + i
                    t = triangles[row, column]
                    if t < 0:
                        for k in range(3):
                            sums[k] += background[k]
                        continue
                    a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
                    ax, ay = screen[a, 0], screen[a, 1]
                    ux, uy = screen[b, 0] - ax, screen[b, 1] - ay
                    vx, vy = screen[c, 0] - ax, screen[c, 1] - ay
                    inverse = 1.0 / (ux * vy - uy * vx)
                    px, py = column + 0.5 - ax, row + 0.5 - ay
                    w_b = (px * vy - py * vx) * inverse
                    w_c = (ux * py - uy * px) * inverse
                    w_a = 1.0 - w_b - w_c
                    ta, tb, tc = uv_faces[t, 0], uv_faces[t, 1], uv_faces[t, 2]
                    u = w_a * texels[ta, 0] + w_b * texels[tb, 0] + w_c * texels[tc, 0]
                    v = w_a * texels[ta, 1] + w_b * texels[tb, 1] + w_c * texels[tc, 1]
                    u = min(max(u, 0.0), columns - 1.0)
                    v = min(max(v, 0.0), rows - 1.0)
                    u0, v0 = int(u), int(v)
                    u1, v1 = min(u0 + 1, columns - 1), min(v0 + 1, rows - 1)
                    fu, fv = u - u0, v - v0
                    for k in range(3):
                        top = texture[v0, u0, k] * (1.0 - fu) + texture[v0, u1, k] * fu
                        bottom = texture[v1, u0, k] * (1.0 - fu) + texture[v1, u1, k] * fu
                        sums[k] += top * (1.0 - fv) + bottom * fv
            for k in range(3):
                picture[y, x, k] = np.uint8(sums[k] / count + 0.5)
