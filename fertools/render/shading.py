"""The colours of the software renderer: texture and light of every sample, compiled by numba.

Plain IEEE arithmetic, as in :mod:`fertools.render.rasteriser`. Most of the time would go by in
waiting for the texture, so every row of pixels is done twice: first where its samples lie in the
texture, which tells the processor what to fetch, then their colours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic

from fertools.render.rasteriser import TRIANGLE_MASK

__all__ = ["corner_texels", "shade"]

_LANE = 21  # bits of a colour in the 64-bit sum of a pixel: 8 of the value, 13 of its weight
_LANE_MASK = (1 << _LANE) - 1
_WEIGHT_BITS = 13
_AHEAD = 8  # samples by which the geometry is fetched before it is needed

_FunctionT = TypeVar("_FunctionT", bound=Callable[..., Any])


def _compiled(function: _FunctionT) -> _FunctionT:
    """A function as numba compiles it, with its types."""
    return cast(_FunctionT, njit(cache=True, nogil=True, error_model="numpy")(function))


def _build_prefetch(_context: Any, array: Any, index: Any) -> Any:
    """Code that asks the processor to fetch an element of a flat array; it changes no result."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, arguments[0])
        byte = ir.IntType(8).as_pointer()
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        place = builder.bitcast(builder.gep(made.data, [arguments[1]]), byte)
        to_read, keep_near, data = (ir.Constant(number, value) for value in (0, 3, 1))
        builder.call(fetch, [place, to_read, keep_near, data])
        return context.get_dummy_value()

    return types.void(array, index), generate


_prefetch: Any = intrinsic(_build_prefetch)


@_compiled
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


@_compiled
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
    pixel: its colour is within one level of 255 of the exact mean (``benchmarks/
    render_accuracy.py`` prints the largest difference).

    Args:
        screen: Shape ``(V, 4)``, from :func:`fertools.render.rasteriser.project`.
        faces: Shape ``(F, 3)``.
        planes: Shape ``(F, 6)``, from :func:`fertools.render.rasteriser.rasterise`.
        texels: Shape ``(F, 6)``, from :func:`corner_texels`.
        texture: Shape ``(h, w, 3)``, C-contiguous.
        light: Shape ``(V, 2)``, the light on each vertex in [0, 1], seen from the front and from
            behind; ``(0, 2)`` draws the texture as it is.
        perspective: Whether the foreshortening is to be divided out.
        samples: Shape ``(H * s, W * s)``, from :func:`fertools.render.rasteriser.rasterise`.
        box: Where the face is, from the same.
        supersample: Samples a pixel along each axis, s.
        background: Shape ``(3,)``.
        picture: Shape ``(H, W, 3)``; receives the colours.
    """
    rows, columns, _ = texture.shape
    num_samples = supersample * supersample
    weight = (1 << _WEIGHT_BITS) // num_samples
    whole = weight * num_samples
    reciprocal = (1 << 40) // whole + 1  # exact for numbers below 2**21: a lane
    picture[:, :, 0], picture[:, :, 1], picture[:, :, 2] = background
    nothing = _texel(picture.reshape(-1), 0)
    colours = texture.reshape(-1)
    found = np.empty((picture.shape[1] * num_samples, 8), np.int32)
    totals = np.zeros(picture.shape[1], np.int64)
    counts = np.zeros(picture.shape[1], np.int64)
    border = supersample - 1  # pixels that lie within the box: all that the face touches
    first, last = (box[0] + border) // supersample, box[2] // supersample
    for y in range((box[1] + border) // supersample, box[3] // supersample):
        num_found = _find_texels(
            screen,
            faces,
            planes,
            texels,
            (rows, columns),
            light,
            perspective,
            samples,
            (y, first, last, box[2] - 1),
            supersample,
            weight,
            colours,
            found,
        )
        for i in range(num_found):
            place, right, down = found[i, 1], found[i, 2], found[i, 3]
            total = _texel(colours, place) * found[i, 4]
            total += _texel(colours, place + right) * found[i, 5]
            total += _texel(colours, place + down) * found[i, 6]
            total += _texel(colours, place + down + right) * found[i, 7]
            totals[found[i, 0]] += total
            counts[found[i, 0]] += 1
        for x in range(first, last):
            if counts[x] > 0:
                total = totals[x] + nothing * (weight * (num_samples - counts[x]))
                for k in range(3):
                    lane = (total >> _LANE * k & _LANE_MASK) + (whole >> 1)
                    picture[y, x, k] = lane * reciprocal >> 40
                totals[x] = counts[x] = 0


@_compiled
def _find_texels(
    screen: npt.NDArray[np.float64],
    faces: npt.NDArray[np.int32],
    planes: npt.NDArray[np.float64],
    texels: npt.NDArray[np.float64],
    shape: tuple[int, int],
    light: npt.NDArray[np.float64],
    perspective: bool,
    samples: npt.NDArray[np.int64],
    span: tuple[int, int, int, int],
    supersample: int,
    weight: int,
    colours: npt.NDArray[np.uint8],
    found: npt.NDArray[np.int32],
) -> int:
    """Find where the samples of a row of pixels lie in the texture; how many the face covers.

    ``shape`` is the texture's, ``span`` the row of pixels, its first one, the one behind its last,
    and the last known column of samples; ``weight`` is a sample's in full light. ``found`` receives
    the pixel, the place in ``colours`` of the upper left of four texels, the steps to those at the
    right and below, and the weights of the four. All else is as in :func:`shade`.
    """
    last_u, last_v = shape[1] - 1.0, shape[0] - 1.0
    lit = light.shape[0] > 0
    plane_numbers, texel_numbers = planes.reshape(-1), texels.reshape(-1)
    i = 0
    for x in range(span[1], span[2]):
        for row in range(span[0] * supersample, (span[0] + 1) * supersample):
            for column in range(x * supersample, (x + 1) * supersample):
                later = samples[row, min(column + _AHEAD, span[3])]
                soon = TRIANGLE_MASK - (later & TRIANGLE_MASK)
                _prefetch(plane_numbers, 6 * soon)
                _prefetch(texel_numbers, 6 * soon)
                if samples[row, column] < 0:
                    continue
                t = np.uint64(TRIANGLE_MASK - (samples[row, column] & TRIANGLE_MASK))
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
                        is_back = planes[t, 2] * planes[t, 5] > planes[t, 3] * planes[t, 4]
                        s = 1 if is_back else 0  # rows count downwards
                        share *= w_a * light[a, s] + w_b * light[b, s] + w_c * light[c, s]
                        share = min(max(share, 0.0), float(weight))
                u = texels[t, 0] + w_b * texels[t, 2] + w_c * texels[t, 4]
                v = texels[t, 1] + w_b * texels[t, 3] + w_c * texels[t, 5]
                u, v = min(max(u, 0.0), last_u), min(max(v, 0.0), last_v)
                u0, v0 = int(u), int(v)
                fu, fv = u - u0, (v - v0) * share
                w11 = int(fu * fv)
                w01 = int(fu * (share - fv))
                w10 = int(fv) - w11
                place = 3 * (v0 * shape[1] + u0)
                right = 3 if u0 + 1 < shape[1] else 0
                down = 3 * shape[1] if v0 + 1 < shape[0] else 0
                _prefetch(colours, place)
                _prefetch(colours, place + down)
                found[i, 0], found[i, 1], found[i, 2], found[i, 3] = x, place, right, down
                found[i, 4], found[i, 5] = int(share) - w11 - w01 - w10, w01
                found[i, 6], found[i, 7] = w10, w11
                i += 1
    return i


@_compiled
def _texel(colours: npt.NDArray[np.uint8], place: int) -> int:
    """The three colours of a texel, each in its lane of one word."""
    i = np.uint64(place)  # so that numba need not look for negative ones
    red, green, blue = colours[i], colours[i + np.uint64(1)], colours[i + np.uint64(2)]
    return int(np.int64(red) | np.int64(green) << _LANE | np.int64(blue) << 2 * _LANE)
