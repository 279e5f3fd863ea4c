"""The compiled loops that say how much of one picture cannot be drawn from another.

Pictures are square, grey and on the same grid. See :func:`fertools.duplicates.picture_differences`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["detail_of", "draw", "unlikeness", "worst_place"]

Pixels = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]

_SHIFT = 2  # tone curves have a knot every four grey levels
_REACH = 4
_BENDING = 1.5
_WEIGHTS = np.exp(-0.5 * np.arange(_REACH + 1) ** 2)
_DETAIL_SIDE = 2  # detail is what a mean over 5 x 5 does not show
_LIGHT_SIDE = 5  # a mean over 11 x 11 is light, or a colour that was overexposed
_LEAST_DETAIL = 0.75  # grey levels: less may be the rounding's, and can be drawn from anything


@njit(cache=True, nogil=True, error_model="numpy")
def unlikeness(first: Pixels, second: Pixels, box: int) -> float:
    """What of the second is not in the first, at the worst place, in units of its mean detail."""
    size, detail = len(first), detail_of(second)
    if detail < _LEAST_DETAIL:
        return np.inf
    drawn, curve = draw(first, second)
    residual = _without_motion(drawn, second)
    residual -= _local_means(residual, _LIGHT_SIDE)
    lowest, highest = _extremes(first)
    for r in range(size):
        for c in range(size):
            low, high = lowest[r, c], highest[r, c]
            if high > low:  # how much of it a bend of the curve explains at an edge
                share = (np.float64(first[r, c]) - low) / (high - low)
                bend = curve[low] + (curve[high] - curve[low]) * share - drawn[r, c]
                if residual[r, c] * bend > 0.0:
                    residual[r, c] = max(abs(residual[r, c]) - _BENDING * abs(bend), 0.0)
    return float(worst_place(residual, box) / detail)


@njit(cache=True, nogil=True, error_model="numpy")
def draw(first: Pixels, second: Pixels) -> tuple[FloatArray, FloatArray]:
    """The first in the tones of the second, and what each of 256 levels becomes for that."""
    size = len(first)
    sums = np.zeros((256 >> _SHIFT, 5))  # 1, x, xx, y, xy of the pixels in each range of levels
    for r in range(size):
        for c in range(size):
            x, y = np.float64(first[r, c]), np.float64(second[r, c])
            knot = first[r, c] >> _SHIFT
            sums[knot, 0] += 1.0
            sums[knot, 1] += x
            sums[knot, 2] += x * x
            sums[knot, 3] += y
            sums[knot, 4] += x * y
    curve = _tone_curve(sums)
    drawn = np.empty((size, size))
    for r in range(size):
        for c in range(size):
            drawn[r, c] = curve[first[r, c]]
    return drawn, curve


@njit(cache=True, nogil=True, error_model="numpy")
def worst_place(residual: FloatArray, box: int) -> float:
    """The greatest root mean square in any square of ``box`` x ``box`` points."""
    size = len(residual)
    columns = np.zeros(size)  # energy of the last rows of each column
    largest = 0.0
    for r in range(size):
        for c in range(size):
            columns[c] += residual[r, c] ** 2
            if r >= box:
                columns[c] -= residual[r - box, c] ** 2
        if r >= box - 1:
            energy = 0.0
            for c in range(size):
                energy += columns[c]
                if c >= box:
                    energy -= columns[c - box]
                if c >= box - 1:
                    largest = max(largest, energy)
    return float(np.sqrt(largest) / box)


@njit(cache=True, nogil=True, error_model="numpy")
def detail_of(picture: Pixels) -> float:
    """Root mean square of what the mean over a small square does not show, in grey levels."""
    means = _local_means(picture, _DETAIL_SIDE)
    return float(np.sqrt(np.mean((picture - means) ** 2)))


@njit(cache=True, nogil=True, error_model="numpy")
def _local_means(picture: FloatArray, side: int) -> FloatArray:
    """Means over squares that reach so far to each side, as far as the picture does."""
    size = len(picture)
    sums, means = np.zeros((size + 1, size + 1)), np.empty((size, size))
    for r in range(size):
        row = 0.0
        for c in range(size):
            row += picture[r, c]
            sums[r + 1, c + 1] = sums[r, c + 1] + row
    for r in range(size):
        above, below = max(r - side, 0), min(r + side + 1, size)
        for c in range(size):
            left, right = max(c - side, 0), min(c + side + 1, size)
            total = sums[below, right] - sums[above, right] - sums[below, left] + sums[above, left]
            means[r, c] = total / ((below - above) * (right - left))
    return means


@njit(cache=True, nogil=True, error_model="numpy")
def _without_motion(drawn: FloatArray, second: Pixels) -> FloatArray:
    """What remains of ``second - drawn`` after the small shift and stretch that explain most."""
    size = drawn.shape[0]
    products, sums, terms = np.zeros((6, 6)), np.zeros(6), np.zeros(6)
    for r in range(1, size - 1, 2):  # every fourth pixel is enough for six numbers
        for c in range(1, size - 1, 2):
            e = second[r, c] - drawn[r, c]
            gx = 0.5 * (drawn[r, c + 1] - drawn[r, c - 1])
            gy = 0.5 * (drawn[r + 1, c] - drawn[r - 1, c])
            x, y = 2.0 * c / (size - 1) - 1.0, 2.0 * r / (size - 1) - 1.0
            terms[0], terms[1], terms[2] = gx, gx * x, gx * y
            terms[3], terms[4], terms[5] = gy, gy * x, gy * y
            for a in range(6):
                sums[a] += terms[a] * e
                for b in range(a + 1):
                    products[a, b] += terms[a] * terms[b]
    for a in range(6):
        products[a, a] += 1e-6
        for b in range(a):
            products[b, a] = products[a, b]
    p = np.linalg.solve(products, sums)
    residual = np.empty((size, size))
    for r in range(size):
        above, below = max(r - 1, 0), min(r + 1, size - 1)
        y = 2.0 * r / (size - 1) - 1.0
        for c in range(size):
            left, right = max(c - 1, 0), min(c + 1, size - 1)
            x = 2.0 * c / (size - 1) - 1.0
            gx = (drawn[r, right] - drawn[r, left]) / (right - left)
            gy = (drawn[below, c] - drawn[above, c]) / (below - above)
            moved = gx * (p[0] + p[1] * x + p[2] * y) + gy * (p[3] + p[4] * x + p[5] * y)
            residual[r, c] = second[r, c] - drawn[r, c] - moved
    return residual


@njit(cache=True, nogil=True, error_model="numpy")
def _extremes(picture: Pixels) -> tuple[Pixels, Pixels]:
    """The lowest and the highest level of each pixel and its eight neighbours."""
    size = len(picture)
    low, high = picture.copy(), picture.copy()
    for r in range(size):
        for c in range(size):
            for near in (picture[r, max(c - 1, 0)], picture[r, min(c + 1, size - 1)]):
                low[r, c], high[r, c] = min(low[r, c], near), max(high[r, c], near)
    rows_low, rows_high = low.copy(), high.copy()
    for r in range(size):
        for near in (max(r - 1, 0), min(r + 1, size - 1)):
            for c in range(size):
                low[r, c] = min(low[r, c], rows_low[near, c])
                high[r, c] = max(high[r, c], rows_high[near, c])
    return low, high


@njit(cache=True, nogil=True, error_model="numpy")
def _tone_curve(sums: FloatArray) -> FloatArray:
    """What each of 256 levels becomes: a line for each knot, fitted to it and its neighbours."""
    num_knots = len(sums)
    curve = np.zeros(256)
    for knot in range(num_knots):
        if sums[knot, 0] == 0.0:
            continue
        n, sx, sxx, sy, sxy = 0.0, 0.0, 0.0, 0.0, 0.0
        for near in range(max(0, knot - _REACH), min(num_knots, knot + _REACH + 1)):
            weight = _WEIGHTS[abs(near - knot)]
            n += weight * sums[near, 0]
            sx += weight * sums[near, 1]
            sxx += weight * sums[near, 2]
            sy += weight * sums[near, 3]
            sxy += weight * sums[near, 4]
        x, y = sx / n, sy / n
        spread = sxx / n - x * x + 0.01  # of a single level the slope is 0
        slope = (sxy / n - x * y) / spread
        for level in range(knot << _SHIFT, (knot + 1) << _SHIFT):
            curve[level] = y + slope * (level - x)
    return curve
