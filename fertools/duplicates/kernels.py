"""The compiled loops of the search for duplicates; arguments are checked by their callers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["find_block", "root_of", "roots_of", "screen", "tone_differences"]

HashArray = npt.NDArray[np.uint64]
IntArray = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]

_BOX = 7  # of a thumbnail's pixels
_SMALL_BOX = 3  # of a coarse picture's
_SHIFT = 2  # tone curves have a knot every four grey levels
_REACH = 4
_BENDING = 1.5
_WEIGHTS = np.exp(-0.5 * np.arange(_REACH + 1) ** 2)


@njit(cache=True, nogil=True, error_model="numpy")
def _count_bits(word: np.uint64) -> np.int64:
    """Ones in 64 bits."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(cache=True, nogil=True, error_model="numpy")
def find_block(
    hashes: HashArray,
    sorted_others: HashArray,
    orders: npt.NDArray[np.int32],
    starts: npt.NDArray[np.int32],
    flips: IntArray,
    num_flips: IntArray,
    radii: IntArray,
    distance: int,
    begin: int,
    pairs: IntArray,
) -> tuple[int, int]:
    """Fill ``pairs`` with (i, j), i < j, from query ``begin`` on, until it is full.

    Args:
        hashes: Queries, shape ``(N,)``.
        sorted_others: What is searched, shape ``(B, N)``, in the order of the bits in each band.
        orders: Shape ``(B, N)``: their numbers.
        starts: Shape ``(B, 65537)``: where each value of a band begins in ``orders``.
        flips: Shape ``(B, F)``: the masks of up to ``radii[b]`` bits.
        num_flips: Shape ``(B,)``: how many of them.
        radii: Shape ``(B,)``.
        distance: The greatest number of bits that may differ.
        begin: The first query.
        pairs: Shape ``(C, 2)``, C at least N.

    Returns:
        The query to go on with, and how many pairs there are.
    """
    count = 0
    bits = np.uint64(0xFFFF)
    for i in range(begin, len(hashes)):
        first = count
        query = hashes[i]
        for band in range(len(radii)):
            key = np.int64((query >> np.uint64(16 * band)) & bits)
            for f in range(num_flips[band]):
                value = key ^ flips[band, f]
                for place in range(starts[band, value], starts[band, value + 1]):
                    differing = query ^ sorted_others[band, place]
                    if _count_bits(differing) > distance:
                        continue
                    j = orders[band, place]
                    if j <= i:
                        continue
                    is_new = True  # an earlier band has not given this pair already
                    for earlier in range(band):
                        part = (differing >> np.uint64(16 * earlier)) & bits
                        if _count_bits(part) <= radii[earlier]:
                            is_new = False
                            break
                    if is_new:
                        if count == len(pairs):
                            return i, first
                        pairs[count, 0] = i
                        pairs[count, 1] = j
                        count += 1
    return len(hashes), count


@njit(cache=True, nogil=True, error_model="numpy")
def root_of(parents: IntArray, member: int) -> int:
    """The first of a member's group; shortens the way there."""
    while parents[member] != member:
        parents[member] = parents[parents[member]]
        member = parents[member]
    return member


@njit(cache=True, nogil=True, error_model="numpy")
def roots_of(parents: IntArray) -> IntArray:
    """The first member of everyone's group."""
    return np.array([root_of(parents, member) for member in range(len(parents))])


@njit(cache=True, nogil=True, error_model="numpy")
def screen(
    pairs: IntArray, coarse: Pixels, turned: Pixels, roots: IntArray, limit: float
) -> npt.NDArray[np.bool_]:
    """Which pairs are of two groups and look alike in coarse pictures.

    Args:
        pairs: Shape ``(K, 2)``.
        coarse: Shape ``(N, S, S)``.
        turned: The same, altered as the second of a pair is.
        roots: Shape ``(N,)``: the first member of each one's group.
        limit: Of the same measure as :func:`tone_differences`, without the shift and stretch.
    """
    kept = np.zeros(len(pairs), np.bool_)
    for k in range(len(pairs)):
        i, j = pairs[k, 0], pairs[k, 1]
        if roots[i] != roots[j]:
            kept[k] = (
                _one_way(coarse[i], turned[j], _SMALL_BOX, False) <= limit
                or _one_way(turned[j], coarse[i], _SMALL_BOX, False) <= limit
            )
    return kept


@njit(cache=True, nogil=True, error_model="numpy")
def tone_differences(first: Pixels, second: Pixels) -> FloatArray:
    """The measure of :func:`fertools.duplicates.picture_differences`, shapes ``(K, S, S)``."""
    result = np.empty(len(first))
    for k in range(len(first)):
        result[k] = min(
            _one_way(first[k], second[k], _BOX, True),
            _one_way(second[k], first[k], _BOX, True),
        )
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _one_way(first: Pixels, second: Pixels, box: int, may_move: bool) -> float:
    """The largest local residual of ``second`` drawn from ``first``, as a share of its contrast."""
    size = first.shape[0]
    sums = np.zeros((256 >> _SHIFT, 5))  # 1, x, xx, y, xy of the pixels in each range of levels
    total, squares = 0.0, 0.0
    for r in range(size):
        for c in range(size):
            x, y = np.float64(first[r, c]), np.float64(second[r, c])
            knot = first[r, c] >> _SHIFT
            sums[knot, 0] += 1.0
            sums[knot, 1] += x
            sums[knot, 2] += x * x
            sums[knot, 3] += y
            sums[knot, 4] += x * y
            total += y
            squares += y * y
    n = size * size
    variance = squares / n - (total / n) ** 2
    if variance <= 0.0:
        return 1.0
    curve = _tone_curve(sums)
    lowest, highest = _extremes(first)
    drawn = np.empty((size, size))
    for r in range(size):
        for c in range(size):
            drawn[r, c] = curve[first[r, c]]
    residual = _without_motion(drawn, second) if may_move else second - drawn
    columns = np.zeros(size)  # energy of the last rows of each column
    energies = np.empty((box, size))
    largest = 0.0
    for r in range(size):
        for c in range(size):
            x, low, high = first[r, c], lowest[r, c], highest[r, c]
            e = residual[r, c]
            if high > low:  # how much of it a bend of the curve explains at an edge
                dark, light = curve[low], curve[high]
                bend = dark + (light - dark) * (np.float64(x) - low) / (high - low) - drawn[r, c]
                if e * bend > 0.0:
                    e = max(abs(e) - _BENDING * abs(bend), 0.0)
            if r >= box:
                columns[c] -= energies[r % box, c]
            energies[r % box, c] = e * e
            columns[c] += e * e
        if r >= box - 1:
            energy = 0.0
            for c in range(size):
                energy += columns[c]
                if c >= box:
                    energy -= columns[c - box]
                if c >= box - 1:
                    largest = max(largest, energy)
    return float(np.sqrt(largest / box**2 / variance))


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
    low, high = picture.copy(), picture.copy()
    low[:, 1:] = np.minimum(low[:, 1:], picture[:, :-1])
    low[:, :-1] = np.minimum(low[:, :-1], picture[:, 1:])
    high[:, 1:] = np.maximum(high[:, 1:], picture[:, :-1])
    high[:, :-1] = np.maximum(high[:, :-1], picture[:, 1:])
    rows_low, rows_high = low.copy(), high.copy()
    low[1:] = np.minimum(low[1:], rows_low[:-1])
    low[:-1] = np.minimum(low[:-1], rows_low[1:])
    high[1:] = np.maximum(high[1:], rows_high[:-1])
    high[:-1] = np.maximum(high[:-1], rows_high[1:])
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
