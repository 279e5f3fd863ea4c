"""One texture layout for the whole head, with most of its area spent on the face.

The source's layout gives the face a tenth of the picture. Here the island of the skin is turned
upright and stretched about the face by a monotone map an axis (so it stays free of folds), and the
small islands get cells of their own in a column beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from fertools.synth import head as parts
from fertools.synth.head import HeadData

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_COLUMN = 0.85  # where the column of small islands starts
_GAP = 0.006
_CELLS = {
    parts.LEFT_EYE: (_COLUMN, 0.85, 1.0, 1.0),
    parts.RIGHT_EYE: (_COLUMN, 0.70, 1.0, 0.85),
    parts.INNER_MOUTH: (_COLUMN, 0.54, 1.0, 0.70),
    parts.TONGUE: (_COLUMN, 0.44, 1.0, 0.54),
    parts.UPPER_TEETH: (_COLUMN, 0.37, 1.0, 0.44),
    parts.LOWER_TEETH: (_COLUMN, 0.30, 1.0, 0.37),
    parts.NECK: (_COLUMN, 0.0, 1.0, 0.16),
}
_SOCKET_CELLS = ((_COLUMN, 0.16, 0.925, 0.30), (0.925, 0.16, 1.0, 0.30))
_FACE_MIDDLE = (0.872, 0.4831)  # in the source's layout: between nose and mouth
_STRETCH = (0.055, 0.07)  # the smaller, the more of the picture the face takes


def layout(head: HeadData) -> FloatArray:
    """New texture coordinates ``(T, 2)`` in [0, 1], v upwards, in the numbering of ``head.uvs``."""
    result = np.zeros_like(head.uvs)
    point_of = np.zeros(len(head.uvs), dtype=np.int64)
    point_of[head.uv_quads] = head.quads
    members = {part: np.unique(head.uv_quads[head.parts == part]) for part in range(9)}
    skin = members[parts.SKIN]
    result[skin] = _fit(_stretch(head.uvs[skin]), (0.0, 0.0, _COLUMN, 1.0))
    for part, cell in _CELLS.items():
        chosen = members[part]
        if part in (parts.LEFT_EYE, parts.RIGHT_EYE):
            flat = _polar(head.vertices[point_of[chosen]], head, part)
        else:
            flat = head.uvs[chosen]
        result[chosen] = _fit(flat, cell)
    sockets = members[parts.SOCKETS]
    left = head.vertices[point_of[sockets], 0] > 0
    for side, cell in zip((left, ~left), _SOCKET_CELLS, strict=True):
        result[sockets[side]] = _fit(head.uvs[sockets[side]], cell)
    return result


def _stretch(uv: FloatArray) -> FloatArray:
    """Turn the island upright and give the middle of the face more room."""
    right = np.arcsinh((uv[:, 1] - _FACE_MIDDLE[1]) / _STRETCH[1])
    up = -np.arcsinh((uv[:, 0] - _FACE_MIDDLE[0]) / _STRETCH[0])
    return np.stack([right, up], axis=1)


def _polar(points: FloatArray, head: HeadData, part: int) -> FloatArray:
    """Front view of an eyeball: the angle off its axis becomes the distance from the middle."""
    ball = head.vertices[np.unique(head.quads[head.parts == part])]
    middle = 0.5 * (ball.min(axis=0) + ball.max(axis=0))
    middle[2] = ball[:, 2].min()
    arm = points - middle
    away = np.arccos(np.clip(arm[:, 2] / np.linalg.norm(arm, axis=1), -1, 1)) / (0.5 * np.pi)
    turn = np.arctan2(arm[:, 1], arm[:, 0])
    corners = np.stack([away * np.cos(turn), away * np.sin(turn)], axis=1)
    return np.asarray(corners)


def _fit(flat: FloatArray, cell: tuple[float, float, float, float]) -> FloatArray:
    """Stretch an island to its cell, leaving a gap at the cell's rim."""
    low, high = flat.min(axis=0), flat.max(axis=0)
    start = np.array(cell[:2]) + _GAP
    size = np.array(cell[2:]) - _GAP - start
    return np.asarray(start + (flat - low) / (high - low) * size)


@dataclass(frozen=True)
class TexelMap:
    """Which mesh point each texel of the picture shows.

    Attributes:
        corners: ``(S * S, 3)`` int32 vertex numbers, row 0 the top of the picture.
        uv_corners: ``(S * S, 3)`` int32 numbers of the texture points there.
        weights: ``(S * S, 3)`` float32 that sum to 1.
        part: ``(S * S,)`` int8 part of the head (constants of :mod:`fertools.synth.head`).
        size: S.
    """

    corners: npt.NDArray[np.int32]
    uv_corners: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]
    part: npt.NDArray[np.int8]
    size: int

    def spread(self, values: FloatArray) -> FloatArray:
        """Values ``(N, C)`` of the points at every texel, ``(S * S, C)``."""
        return _blend(values, self.corners, self.weights)

    def spread_uv(self, values: FloatArray) -> FloatArray:
        """Values ``(T, C)`` of the texture points at every texel, ``(S * S, C)``."""
        return _blend(values, self.uv_corners, self.weights)


def _blend(
    values: FloatArray, corners: npt.NDArray[np.int32], weights: npt.NDArray[np.float32]
) -> FloatArray:
    """Barycentric mean of the values at three corners."""
    total = weights[:, :1] * values[corners[:, 0]]
    for k in (1, 2):
        total = total + weights[:, k : k + 1] * values[corners[:, k]]
    return np.asarray(total, dtype=np.float64)


def map_texels(
    quads: IntArray, uv_quads: IntArray, uvs: FloatArray, quad_parts: IntArray, *, size: int
) -> TexelMap:
    """Find the triangle under every texel; texels outside any island take the nearest island's.

    Args:
        quads: ``(F, 4)`` vertex numbers.
        uv_quads: ``(F, 4)`` numbers into ``uvs``.
        uvs: ``(T, 2)`` in [0, 1], v upwards.
        quad_parts: ``(F,)`` part of each quad.
        size: Width and height of the picture.
    """
    halves = [[0, 1, 2], [0, 2, 3]]
    triangles = quads[:, halves].reshape(-1, 3)
    flat = uvs[uv_quads[:, halves].reshape(-1, 3)]
    pixels = np.stack([flat[..., 0] * size - 0.5, (1.0 - flat[..., 1]) * size - 0.5], axis=-1)
    owner = np.full((size, size), -1, dtype=np.int32)
    weights = np.zeros((size, size, 3), dtype=np.float32)
    _fill(pixels, owner, weights)
    nearest = ndimage.distance_transform_edt(owner < 0, return_distances=False, return_indices=True)
    owner = owner[nearest[0], nearest[1]].ravel()
    return TexelMap(
        corners=triangles[owner].astype(np.int32),
        uv_corners=uv_quads[:, halves].reshape(-1, 3)[owner].astype(np.int32),
        weights=weights[nearest[0], nearest[1]].reshape(-1, 3),
        part=np.repeat(quad_parts, 2)[owner].astype(np.int8),
        size=size,
    )


@numba.njit(cache=True)
def _fill(
    pixels: FloatArray, owner: npt.NDArray[np.int32], weights: npt.NDArray[np.float32]
) -> None:
    """Scan-convert triangles ``(N, 3, 2)``, in pixels, into owner and barycentric weights."""
    size = owner.shape[0]
    for index in range(pixels.shape[0]):
        x0, y0 = pixels[index, 0, 0], pixels[index, 0, 1]
        x1, y1 = pixels[index, 1, 0], pixels[index, 1, 1]
        x2, y2 = pixels[index, 2, 0], pixels[index, 2, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-12:
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
                owner[row, column] = index
                weights[row, column, 0] = 1 - w1 - w2
                weights[row, column, 1] = w1
                weights[row, column, 2] = w2
