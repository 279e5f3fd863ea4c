"""Light on the expressed face, worked out on its points and baked into the texture.

Real scans are photographs: their light is in the picture, and the renderers here draw it as it is.
So each scan gets soft light with shadows from its own shape: a few dozen distant lights stand for
a broad lamp, a weaker one and the room, each with a small depth map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MAP_SIZE = 128
_CELL_MM = 2.4
_BIAS_MM = 3.0
_GLIMMER = 0.07  # light that skin passes on into mouth and nostrils


@dataclass(frozen=True)
class Lights:
    """Distant lights.

    Attributes:
        directions: ``(K, 3)`` unit vectors from the face to the light.
        colours: ``(K, 3)`` linear RGB.
        shine: ``(K,)`` how much of a gloss each makes.
    """

    directions: FloatArray
    colours: FloatArray
    shine: FloatArray


def draw_lights(person_seed: list[int], scan_seed: list[int]) -> Lights:
    """A photographer's set-up for a person, moved a little from scan to scan."""
    rng = np.random.default_rng([*person_seed, 6])
    small = np.random.default_rng([*scan_seed, 7])
    key_yaw = rng.uniform(-35, 35) + small.normal(0, 4)
    key_pitch = rng.uniform(25, 45) + small.normal(0, 3)
    warmth = rng.normal(0, 0.03) + small.normal(0, 0.01)
    power = np.exp(rng.normal(0, 0.06) + small.normal(0, 0.03))
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    directions, colours, shine = [], [], []
    for yaw, pitch in ((0, 0), (12, 6), (-12, 6), (8, -9), (-8, -9)):
        directions.append(_direction(key_yaw + yaw, key_pitch + pitch))
        colours.append(0.62 / 5 * tint)
        shine.append(1 / 5)
    for yaw, pitch in ((0, 8), (14, -6), (-14, -6)):
        directions.append(_direction(-1.3 * key_yaw - np.sign(key_yaw) * 20 + yaw, 8 + pitch))
        colours.append(0.26 / 3 * (2 - tint))
        shine.append(0.3 / 3)
    room = _half_sphere(20)
    for direction in room:
        directions.append(direction)
        colours.append((0.40 + 0.22 * direction[1]) / len(room) * 2.0 * np.ones(3))
        shine.append(0.0)
    return Lights(np.array(directions), power * np.array(colours), np.array(shine))


def _direction(yaw_deg: float, pitch_deg: float) -> FloatArray:
    """Unit vector turned from +z to the right and upwards."""
    yaw, pitch = np.radians([yaw_deg, pitch_deg])
    return np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])


def _half_sphere(count: int) -> FloatArray:
    """Evenly spread directions, none from straight behind."""
    turns = np.pi * (1 + np.sqrt(5)) * (np.arange(count) + 0.5)
    depth = 1 - 1.35 * (np.arange(count) + 0.5) / count
    radius = np.sqrt(1 - depth**2)
    return np.stack([radius * np.cos(turns), radius * np.sin(turns), depth], axis=1)


@dataclass(frozen=True)
class Surface:
    """The fixed part of normal computation: quads and which points they touch."""

    quads: IntArray
    triangles: npt.NDArray[np.int32]
    touch: sparse.csr_matrix

    @classmethod
    def of(cls, quads: IntArray, num_points: int) -> Surface:
        """Prepare a quad mesh ``(F, 4)``."""
        owner = np.repeat(np.arange(len(quads)), 4)
        touch = sparse.csr_matrix(
            (np.ones(quads.size), (quads.ravel(), owner)), shape=(num_points, len(quads))
        )
        triangles = quads[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3).astype(np.int32)
        return cls(quads=quads, triangles=triangles, touch=touch)

    def normals(self, points: FloatArray) -> FloatArray:
        """Unit normals ``(N, 3)`` of points ``(N, 3)``."""
        corner = points[self.quads]
        faces = np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1])
        total = self.touch @ faces
        length = np.linalg.norm(total, axis=1, keepdims=True)
        return np.asarray(total / np.maximum(length, 1e-9))


def light_points(points: FloatArray, surface: Surface, lights: Lights) -> npt.NDArray[np.float32]:
    """Light that falls on each point.

    Args:
        points: ``(N, 3)`` mm.
        surface: Its quads.
        lights: The lights.

    Returns:
        ``(N, 4)`` float32: linear RGB to multiply the paint with, and gloss to add.
    """
    normals = surface.normals(points)
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    result = np.full((len(points), 4), _GLIMMER)
    result[:, 3] = 0.0
    _collect(
        points - middle,
        normals,
        surface.triangles,
        lights.directions,
        lights.colours,
        lights.shine,
        result,
    )
    return result.astype(np.float32)


@numba.njit(cache=True)
def visible_share(
    flat: FloatArray, triangles: npt.NDArray[np.int32], size: int, bias_mm: float
) -> FloatArray:
    """Share in [0, 1] of each point that a light sees.

    Args:
        flat: ``(N, 3)``: x and y in cells of the depth map, height towards the light in mm.
        triangles: ``(M, 3)`` point numbers.
        size: Cells of the map along each side.
        bias_mm: How far below the map a point still counts as seen.
    """
    depth = np.full((size, size), -1e9)
    for index in range(triangles.shape[0]):
        a, b, c = triangles[index, 0], triangles[index, 1], triangles[index, 2]
        x0, y0, z0 = flat[a, 0], flat[a, 1], flat[a, 2]
        x1, y1, z1 = flat[b, 0], flat[b, 1], flat[b, 2]
        x2, y2, z2 = flat[c, 0], flat[c, 1], flat[c, 2]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9:
            continue
        for row in range(
            max(0, int(np.ceil(min(y0, y1, y2)))), min(size - 1, int(max(y0, y1, y2))) + 1
        ):
            for column in range(
                max(0, int(np.ceil(min(x0, x1, x2)))), min(size - 1, int(max(x0, x1, x2))) + 1
            ):
                w1 = ((column - x0) * (y2 - y0) - (x2 - x0) * (row - y0)) / area
                w2 = ((x1 - x0) * (row - y0) - (column - x0) * (y1 - y0)) / area
                if w1 < -1e-6 or w2 < -1e-6 or w1 + w2 > 1 + 1e-6:
                    continue
                z = z0 + w1 * (z1 - z0) + w2 * (z2 - z0)
                if z > depth[row, column]:
                    depth[row, column] = z
    seen = np.empty(flat.shape[0])
    for index in range(flat.shape[0]):
        x = min(max(flat[index, 0], 0.0), size - 1.001)
        y = min(max(flat[index, 1], 0.0), size - 1.001)
        column, row = int(x), int(y)
        u, v = x - column, y - row
        limit = flat[index, 2] + bias_mm
        seen[index] = (
            (1 - u) * (1 - v) * (depth[row, column] < limit)
            + u * (1 - v) * (depth[row, column + 1] < limit)
            + (1 - u) * v * (depth[row + 1, column] < limit)
            + u * v * (depth[row + 1, column + 1] < limit)
        )
    return seen


@numba.njit(cache=True)
def _collect(
    points: FloatArray,
    normals: FloatArray,
    triangles: npt.NDArray[np.int32],
    directions: FloatArray,
    colours: FloatArray,
    shine: FloatArray,
    result: FloatArray,
) -> None:
    """Add up what each light gives to each point, into ``result`` ``(N, 4)``."""
    flat = np.empty_like(points)
    for light in range(directions.shape[0]):
        dx, dy, dz = directions[light, 0], directions[light, 1], directions[light, 2]
        side = np.sqrt(dx * dx + dz * dz)
        rx, rz = dz / side, -dx / side
        ux, uy, uz = dy * rz, dz * rx - dx * rz, -dy * rx
        gloss_length = np.sqrt(dx * dx + dy * dy + (dz + 1.0) ** 2)
        for index in range(points.shape[0]):
            x, y, z = points[index, 0], points[index, 1], points[index, 2]
            flat[index, 0] = (x * rx + z * rz) / _CELL_MM + _MAP_SIZE / 2
            flat[index, 1] = (x * ux + y * uy + z * uz) / _CELL_MM + _MAP_SIZE / 2
            flat[index, 2] = x * dx + y * dy + z * dz
        seen = visible_share(flat, triangles, _MAP_SIZE, _BIAS_MM)
        for index in range(points.shape[0]):
            if seen[index] == 0.0:
                continue
            nx, ny, nz = normals[index, 0], normals[index, 1], normals[index, 2]
            facing = nx * dx + ny * dy + nz * dz
            lit = seen[index] * max(0.92 * facing + 0.08, 0.0)
            for k in range(3):
                result[index, k] += lit * colours[light, k]
            if shine[light] > 0.0:
                gloss = max((facing + nz) / gloss_length, 0.0) ** 8
                result[index, 3] += shine[light] * 0.07 * seen[index] * gloss * gloss * gloss


@numba.njit(cache=True)
def bake(
    paint: npt.NDArray[np.float32],
    folds: npt.NDArray[np.float32],
    light: npt.NDArray[np.float32],
    corners: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float32],
    curve: npt.NDArray[np.uint8],
    picture: npt.NDArray[np.uint8],
) -> None:
    """Paint times folds times light, per texel, into 8 bits.

    Args:
        paint: ``(T, 4)`` linear RGB of the surface, and how glossy it is.
        folds: ``(T,)`` factor of the wrinkles.
        light: ``(N, 4)`` of the points, from :func:`light_points`.
        corners: ``(T, 3)`` points of each texel.
        weights: ``(T, 3)``.
        curve: ``(4096,)`` display value of a linear one.
        picture: ``(T, 3)`` RGB, filled here.
    """
    top = np.float32(4095.0)
    for texel in range(paint.shape[0]):
        a, b, c = corners[texel, 0], corners[texel, 1], corners[texel, 2]
        wa, wb, wc = weights[texel, 0], weights[texel, 1], weights[texel, 2]
        gloss = paint[texel, 3] * (wa * light[a, 3] + wb * light[b, 3] + wc * light[c, 3])
        for k in range(3):
            fall = wa * light[a, k] + wb * light[b, k] + wc * light[c, k]
            value = (paint[texel, k] * fall * folds[texel] + gloss) * top
            picture[texel, k] = curve[int(min(max(value, np.float32(0.0)), top))]


def display_curve() -> npt.NDArray[np.uint8]:
    """Bytes (sRGB) of 4096 linear steps from 0 to 1."""
    linear = np.arange(4096) / 4095.0
    value = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(255 * value), dtype=np.uint8)
