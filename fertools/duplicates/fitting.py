"""The compiled loops that lay one thumbnail over another where it fits best.

The second picture of a pair may show a part of the first. Which one says the *frame*: its left
edge, width, top edge and height as shares of the first. Both are sampled on one grid that lies
within the second, and blurred to the same degree, however much the part was enlarged.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from fertools.duplicates.residuals import detail_of, draw, unlikeness, worst_place

__all__ = ["fit_pairs", "screen_pairs"]

Pixels = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

_POINTS = 12  # a side, where coarse pictures are compared
_MARGIN = 0.03  # of the second picture's sides: beyond its edge there is nothing to blur with
_BLUR = 0.7  # of thumbnails as they are kept, in their pixels
_HALF_BLUR = np.sqrt(_BLUR**2 + 0.25) / 2.0  # of halved ones, in theirs
_QUARTER_BLUR = np.sqrt(_HALF_BLUR**2 + 0.25) / 2.0
_SPLINE = np.sqrt(1.0 / 3.0)  # standard deviation of a cubic B-spline with knots at distance 1
_QUARTER_GRID, _QUARTER_WANTED, _QUARTER_STEPS = 14, 0.75, 2  # of thumbnails halved twice
_HALF_GRID, _HALF_WANTED, _HALF_BOX = 28, 0.75, 3  # of halved ones
_FINE_GRID, _FINE_BLUR, _FINE_BOX = 48, 1.1, 5
_LONGEST_STEP = 0.06  # of the grid's side
_GLANCE = 0.9  # times the limit: the mean difference that a first step would leave
_TOO_FAR = np.array([3.0, 2.0, 1.6, 1.5])  # times the limit: the worst place before each step


@njit(cache=True, nogil=True, error_model="numpy")
def fit_pairs(
    pictures: Pixels, altered: Pixels, pairs: IntArray, frames: FloatArray, limits: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Move the second of each pair to where it fits best, and measure what remains.

    Args:
        pictures: Thumbnails, shape ``(N, 64, 64)``.
        altered: The same, altered as the second of a pair is.
        pairs: Shape ``(K, 2)``: numbers of the first and of the second.
        frames: Shape ``(K, 4)``: where to begin.
        limits: Shape ``(K,)``: a greater difference is of no interest and may come as infinite.

    Returns:
        Differences ``(K,)``, frames ``(K, 4)``, and how many times as bright the second is ``(K,)``.
    """
    halves, other_halves = _halved(pictures), _halved(altered)
    quarters, other_quarters = _halved(halves), _halved(other_halves)
    differences = np.full(len(pairs), np.inf)
    fitted, gains = frames.copy(), np.ones(len(pairs))
    for k in range(len(pairs)):
        i, j = pairs[k, 0], pairs[k, 1]
        _approach(quarters[i], other_quarters[j], fitted[k])
        if _move(halves[i], other_halves[j], fitted[k], limits[k]):
            one = _of_first(pictures[i], fitted[k], _FINE_GRID, _BLUR, _FINE_BLUR)
            other = _of_second(altered[j], fitted[k], _FINE_GRID, _BLUR, _FINE_BLUR)
            differences[k] = min(
                unlikeness(one, other, _FINE_BOX), unlikeness(other, one, _FINE_BOX)
            )
            gains[k] = (other.mean() + 1.0) / (one.mean() + 1.0)
    return differences, fitted, gains


@njit(cache=True, nogil=True, error_model="numpy")
def screen_pairs(
    pictures: Pixels, pairs: IntArray, frames: FloatArray, is_mirrored: bool, least: float
) -> npt.NDArray[np.bool_]:
    """Which pairs of coarse pictures correlate, up to their sign.

    Args:
        pictures: Shape ``(N, S, S)``.
        pairs: Shape ``(K, 2)``: numbers of the first and of the second.
        frames: Shape ``(K, 4)``.
        is_mirrored: Whether the second is to be mirrored.
        least: The least squared correlation.
    """
    kept = np.zeros(len(pairs), np.bool_)
    places = (np.arange(_POINTS) + 0.5) / _POINTS
    for k in range(len(pairs)):
        one, other, frame = pictures[pairs[k, 0]], pictures[pairs[k, 1]], frames[k]
        sx, sy, sxx, syy, sxy = 0.0, 0.0, 0.0, 0.0, 0.0
        for r in places:
            for c in places:
                x = _level(one, frame[2] + frame[3] * r, frame[0] + frame[1] * c)
                y = _level(other, r, 1.0 - c if is_mirrored else c)
                sx, sy = sx + x, sy + y
                sxx, syy, sxy = sxx + x * x, syy + y * y, sxy + x * y
        n = _POINTS**2
        both = sxy - sx * sy / n
        kept[k] = both * both > least * (sxx - sx * sx / n) * (syy - sy * sy / n)
    return kept


@njit(cache=True, nogil=True, error_model="numpy")
def _level(picture: Pixels, y: float, x: float) -> float:
    """The level between four pixels, at shares of the height and width."""
    last = len(picture) - 1.001
    y, x = y * len(picture) - 0.5, x * len(picture) - 0.5
    y, x = min(max(y, 0.0), last), min(max(x, 0.0), last)
    r, c = int(y), int(x)
    y, x = y - r, x - c
    above = (1.0 - x) * picture[r, c] + x * picture[r, c + 1]
    below = (1.0 - x) * picture[r + 1, c] + x * picture[r + 1, c + 1]
    return (1.0 - y) * above + y * below


@njit(cache=True, nogil=True, error_model="numpy")
def _approach(first: Float32Array, second: Float32Array, frame: FloatArray) -> None:
    """Improve a frame in much smaller pictures, where everything is near; tones are a line."""
    other = _of_second(second, frame, _QUARTER_GRID, _QUARTER_BLUR, _QUARTER_WANTED)
    for _ in range(_QUARTER_STEPS):
        one = _of_first(first, frame, _QUARTER_GRID, _QUARTER_BLUR, _QUARTER_WANTED)
        shift, _ = _step(one, other, 1)
        _shift_frame(frame, shift)


@njit(cache=True, nogil=True, error_model="numpy")
def _move(first: Float32Array, second: Float32Array, frame: FloatArray, limit: float) -> bool:
    """Improve a frame step by step; false as soon as the two are found to be too far apart."""
    other = _of_second(second, frame, _HALF_GRID, _HALF_BLUR, _HALF_WANTED)
    num_white, other_detail = _num_white(other), detail_of(other)
    for number in range(len(_TOO_FAR)):
        one = _of_first(first, frame, _HALF_GRID, _HALF_BLUR, _HALF_WANTED)
        is_turned = _num_white(one) > num_white  # what is overexposed is drawn from what is not
        if is_turned:
            drawn, _ = draw(other, one)
            shift, left = _step(drawn, one, 2)
            residual, detail = one - drawn, detail_of(one)
        else:
            drawn, _ = draw(one, other)
            shift, left = _step(drawn, other, 2)
            residual, detail = other - drawn, other_detail
        if number == 0 and left > _GLANCE * limit * detail:
            return False
        if worst_place(residual, _HALF_BOX) > _TOO_FAR[number] * limit * detail:
            return False
        _shift_frame(frame, -shift if is_turned else shift)
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _halved(pictures: FloatArray) -> Float32Array:
    """Means over 2 x 2 pixels."""
    size = pictures.shape[1] // 2
    halves = np.empty((len(pictures), size, size), np.float32)
    for k in range(len(pictures)):
        for r in range(size):
            for c in range(size):
                total = np.float32(pictures[k, 2 * r, 2 * c]) + pictures[k, 2 * r, 2 * c + 1]
                total += np.float32(pictures[k, 2 * r + 1, 2 * c])
                halves[k, r, c] = 0.25 * (total + pictures[k, 2 * r + 1, 2 * c + 1])
    return halves


@njit(cache=True, nogil=True, error_model="numpy")
def _num_white(picture: Pixels) -> int:
    """Overexposed pixels."""
    count = 0
    for level in picture.flat:
        count += level >= 253
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _step(drawn: FloatArray, second: Pixels, stride: int) -> tuple[FloatArray, float]:
    """Shift and stretch of both axes that take most of ``second - drawn`` away, to first order.

    Gradients are means of both pictures', which makes the steps nearly of second order (Malis,
    "Improving vision-based control using efficient second-order minimization techniques", 2004).
    Gain and offset are found with them. What would be left comes too, as a root mean square.
    """
    size = len(drawn)
    products, sums, terms = np.zeros((6, 6)), np.zeros(6), np.zeros(6)
    energy, count = 0.0, 0
    for r in range(1, size - 1, stride):  # of large pictures not every pixel is needed
        for c in range(1, size - 1, stride):
            middle = np.float64(drawn[r, c])
            e = second[r, c] - middle
            across = np.float64(drawn[r, c + 1]) - drawn[r, c - 1]
            down = np.float64(drawn[r + 1, c]) - drawn[r - 1, c]
            across += np.float64(second[r, c + 1]) - second[r, c - 1]
            down += np.float64(second[r + 1, c]) - second[r - 1, c]
            gx, gy = 0.25 * size * across, 0.25 * size * down
            terms[0], terms[1] = gx, gx * ((c + 0.5) / size - 0.5)
            terms[2], terms[3] = gy, gy * ((r + 0.5) / size - 0.5)
            terms[4], terms[5] = 1.0, middle / 64.0
            energy += e * e
            count += 1
            for a in range(6):
                sums[a] += terms[a] * e
                for b in range(a + 1):
                    products[a, b] += terms[a] * terms[b]
    for a in range(6):
        products[a, a] = 1.001 * products[a, a] + 1e-6
        for b in range(a):
            products[b, a] = products[a, b]
    best = np.linalg.solve(products, sums)
    left = np.sqrt(max(energy - np.sum(best * sums), 0.0) / count)
    return np.minimum(np.maximum(best[:4], -_LONGEST_STEP), _LONGEST_STEP), left


@njit(cache=True, nogil=True, error_model="numpy")
def _shift_frame(frame: FloatArray, shift: FloatArray) -> None:
    """Move a frame by a shift and stretch of the grid within it."""
    inner = 1.0 - 2.0 * _MARGIN
    for axis in range(2):
        by, stretch = shift[2 * axis], shift[2 * axis + 1]
        start, size = frame[2 * axis], frame[2 * axis + 1]
        frame[2 * axis] = start + size * (inner * (by - 0.5 * stretch) - _MARGIN * stretch)
        frame[2 * axis + 1] = min(max(size * (1.0 + stretch), 0.6), 1.1)


@njit(cache=True, nogil=True, error_model="numpy")
def _of_first(
    first: Float32Array, frame: FloatArray, grid: int, blur: float, wanted: float
) -> Pixels:
    """The first picture on a grid within the second, blurred to so many of its pixels."""
    own = np.sqrt(wanted**2 - blur**2)
    rows = _taps(frame[2], frame[3], grid, len(first), own)
    return _resampled(first, rows, _taps(frame[0], frame[1], grid, len(first), own))


@njit(cache=True, nogil=True, error_model="numpy")
def _of_second(
    second: Float32Array, frame: FloatArray, grid: int, blur: float, wanted: float
) -> Pixels:
    """The second picture on the same grid, blurred to so many of the first one's pixels."""
    down = np.sqrt((wanted / frame[3]) ** 2 - blur**2)
    across = np.sqrt((wanted / frame[1]) ** 2 - blur**2)
    rows = _taps(0.0, 1.0, grid, len(second), down)
    return _resampled(second, rows, _taps(0.0, 1.0, grid, len(second), across))


@njit(cache=True, nogil=True, error_model="numpy")
def _taps(
    start: float, length: float, grid: int, size: int, blur: float
) -> tuple[IntArray, FloatArray]:
    """For each point of the grid on one axis the pixels about it and their weights.

    Weights are a cubic B-spline, which is close to a Gaussian, as wide as the blur asks for.
    """
    step = blur / _SPLINE
    num_taps = int(np.ceil(4.0 * step)) + 1
    pixels, weights = np.empty((grid, num_taps), np.int64), np.empty((grid, num_taps), np.float32)
    for k in range(grid):
        share = _MARGIN + (1.0 - 2.0 * _MARGIN) * (k + 0.5) / grid
        place = (start + length * share) * size - 0.5
        begin = int(np.floor(place - 2.0 * step)) + 1
        total = 0.0
        for tap in range(num_taps):
            distance = abs(begin + tap - place) / step
            far, near = max(2.0 - distance, 0.0), max(1.0 - distance, 0.0)
            weight = far * far * far - 4.0 * near * near * near
            pixels[k, tap] = min(max(begin + tap, 0), size - 1)
            weights[k, tap] = weight
            total += weight
        for tap in range(num_taps):
            weights[k, tap] /= total
    return pixels, weights


@njit(cache=True, nogil=True, error_model="numpy")
def _resampled(
    picture: FloatArray,
    rows: tuple[IntArray, FloatArray],
    columns: tuple[IntArray, FloatArray],
) -> Pixels:
    """Weighted means about the points of a grid, as whole levels."""
    size, grid = len(picture), len(rows[0])
    between = np.zeros((grid, size), np.float32)
    for k in range(grid):
        target = between[k]
        for tap in range(rows[0].shape[1]):
            source, weight = picture[rows[0][k, tap]], rows[1][k, tap]
            for c in range(size):
                target[c] += weight * source[c]
    turned = between.T.copy()  # so that the inner loop runs along the memory again
    levels = np.full((grid, grid), np.float32(0.5))
    for k in range(grid):
        target = levels[k]
        for tap in range(columns[0].shape[1]):
            source, weight = turned[columns[0][k, tap]], columns[1][k, tap]
            for r in range(grid):
                target[r] += weight * source[r]
    result = np.empty((grid, grid), np.uint8)
    for r in range(grid):
        for c in range(grid):
            result[r, c] = np.uint8(levels[c, r])
    return result
