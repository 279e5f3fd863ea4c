"""Curved surfaces beside the head in a portrait: shirts, glasses, hands.

A sheet is a grid of points with colours. All sheets of a picture share its texture: each gets a
strip of rows below the head's, in which its light is painted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from fertools.synth.shading import Lights, display_curve

__all__ = ["Sheet", "SheetMesh", "join_sheets", "paint_sheet", "stretch", "turned"]

FloatArray = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Sheet:
    """One surface.

    Attributes:
        grid: Shape ``(R, C, 3)``, R and C at least 2, mm in the head's frame.
        colours: Linear RGB, shape ``(H, W, 3)``, spread over the grid; ``(1, 1, 3)`` for one.
        shade: Shape ``(R,)``, a factor on the light of each row.
        gloss: How much of a lamp it mirrors, from 0.
    """

    grid: FloatArray
    colours: FloatArray
    shade: FloatArray
    gloss: float = 0.0

    @property
    def rows(self) -> int:
        """Rows of texture that it takes."""
        return int(max(4 * self.grid.shape[0], self.colours.shape[0]))


@dataclass(frozen=True)
class SheetMesh:
    """Several sheets as one mesh.

    Attributes:
        points: Shape ``(V, 3)``, mm in the head's frame.
        triangles: Shape ``(M, 3)``; the same numbers stand for points and texture points.
        places: Shape ``(V, 2)``: column in [0, 1] and row of the joint texture, in texels.
        num_rows: Of the joint texture.
    """

    points: FloatArray
    triangles: npt.NDArray[np.int32]
    places: FloatArray
    num_rows: int


def turned(points: FloatArray, rotation: FloatArray) -> FloatArray:
    """Points ``(..., 3)`` turned; a library's product may round otherwise on other machines."""
    return np.stack([(points * axis).sum(axis=-1) for axis in rotation], axis=-1)


def join_sheets(sheets: Sequence[Sheet]) -> SheetMesh:
    """Lay sheets into one mesh and their strips below each other."""
    points, triangles, places = [], [], []
    start = row = 0
    for sheet in sheets:
        num_rows, num_columns = sheet.grid.shape[:2]
        column, down = np.meshgrid(np.linspace(0, 1, num_columns), np.linspace(0, 1, num_rows))
        rows = row + 0.5 + down * (sheet.rows - 1.0)
        points.append(sheet.grid.reshape(-1, 3))
        triangles.append(_triangles(num_rows, num_columns) + np.int32(start))
        places.append(np.stack([column.ravel(), rows.ravel()], axis=1))
        start += num_rows * num_columns
        row += sheet.rows
    return SheetMesh(np.concatenate(points), np.concatenate(triangles), np.concatenate(places), row)


def paint_sheet(sheet: Sheet, lights: Lights, rotation: FloatArray, *, size: int) -> Pixels:
    """The strip of a sheet, ``(sheet.rows, size, 3)``, lit as it stands; both sides alike.

    Args:
        sheet: The surface.
        lights: In camera coordinates.
        rotation: Shape ``(3, 3)``, head to camera coordinates.
        size: Width of the texture.
    """
    grid = turned(sheet.grid, rotation)
    normals = np.cross(np.gradient(grid, axis=0), np.gradient(grid, axis=1))
    normals /= np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-9)
    normals *= np.where(normals[..., 2:] < 0.0, -1.0, 1.0)
    facing = normals @ lights.directions.T
    light = np.maximum(0.85 * facing + 0.15, 0.0) @ lights.colours + 0.03
    light *= sheet.shade[:, None, None]
    half = lights.directions + np.array([0.0, 0.0, 1.0])
    half /= np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-9)
    spark = sheet.gloss * (np.clip(normals @ half.T, 0.0, 1.0) ** 30 @ lights.shine)
    cloth = stretch(sheet.colours, sheet.rows, size)
    value = stretch(light, sheet.rows, size) * cloth + stretch(spark[..., None], sheet.rows, size)
    return display_curve()[np.clip(value * 4095.0, 0.0, 4095.0).astype(np.int64)]


def stretch(values: FloatArray, num_rows: int, num_columns: int) -> FloatArray:
    """Values ``(R, C, ...)`` interpolated to ``(num_rows, num_columns, ...)``, ends on ends.

    Without a matrix product, whose threads would wait for each other on a busy machine.
    """
    for axis, count in ((0, num_rows), (1, num_columns)):
        place = np.linspace(0.0, values.shape[axis] - 1.0, count)
        low = np.minimum(place.astype(np.int64), max(values.shape[axis] - 2, 0))
        shape = [1] * values.ndim
        shape[axis] = count
        share = (place - low).reshape(shape)
        first = np.take(values, low, axis=axis)
        second = np.take(values, np.minimum(low + 1, values.shape[axis] - 1), axis=axis)
        values = first + share * (second - first)
    return values


@lru_cache(maxsize=64)
def _triangles(num_rows: int, num_columns: int) -> npt.NDArray[np.int32]:
    """Triangles ``(M, 3)`` of a grid."""
    row, column = np.mgrid[0 : num_rows - 1, 0 : num_columns - 1]
    first = (row * num_columns + column).ravel()
    below = first + num_columns
    upper = np.stack([first, below, first + 1], axis=1)
    lower = np.stack([first + 1, below, below + 1], axis=1)
    return np.concatenate([upper, lower]).astype(np.int32)
