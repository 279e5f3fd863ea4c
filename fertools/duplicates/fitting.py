"""The compiled loops that lay one thumbnail over another, and say how much of it is not there.

The second picture of a pair may show a part of the first. Which one says the *frame*: its left
edge, width, top edge and height as shares of the first. Both are sampled on one grid that lies
within the second, and blurred to the same degree, however much the part was enlarged. On the grid
levels are whole numbers from 0 to 255. What is measured there says
:func:`fertools.duplicates.picture_differences`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fertools.duplicates.compiled import compiled

__all__ = ["fit_pairs"]

Pixels = npt.NDArray[np.uint8]
Picture = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Taps = tuple[IntArray, Picture]

_MARGIN = 0.03  # of the second picture's sides: beyond its edge there is nothing to blur with
_BLUR = 0.7  # of thumbnails as they are kept, in their pixels
_HALF_BLUR = float(np.sqrt(_BLUR**2 + 0.25) / 2.0)  # of halved ones, in theirs
_QUARTER_BLUR = float(np.sqrt(_HALF_BLUR**2 + 0.25) / 2.0)
_SPLINE = float(np.sqrt(1.0 / 3.0))  # standard deviation of a cubic B-spline, knots 1 apart
_QUARTER_GRID, _QUARTER_WANTED, _QUARTER_STEPS = 14, 0.75, 2  # of thumbnails halved twice
_HALF_GRID, _HALF_WANTED, _HALF_BOX = 28, 0.75, 3  # of halved ones
_FINE_GRID, _FINE_BLUR, _FINE_BOX = 48, 1.1, 5
_LONGEST_STEP = 0.06  # of the grid's side
_WHITE = 253  # and more: overexposed

# A pair is given up as soon as it is farther apart than all but 2 in 1,000 copies of no greater
# difference were at that step (see docs/leaks.md): detail that is left, as a + b times the limit.
_FIRST_LEFT = (0.10, 0.65)  # root mean square, in much smaller pictures
_LEFT = (0.05, 0.40)  # the same, in halved ones
_WORST = np.array([(0.30, 2.5), (0.06, 1.6), (0.06, 1.5), (0.06, 1.4)])  # there, at each step

_SHIFT = 2  # tone curves have a knot every four grey levels
_REACH = 4
_BENDING = 1.5
_WEIGHTS = np.exp(-0.5 * np.arange(_REACH + 1) ** 2)
_DETAIL_SIDE = 2  # detail is what a mean over 5 x 5 does not show
_LIGHT_SIDE = 5  # a mean over 11 x 11 is light, or a colour that was overexposed
_LEAST_DETAIL = 0.75  # grey levels: less may be the rounding's, and can be drawn from anything


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
        Differences ``(K,)``, frames ``(K, 4)``, and how many times as bright the second is,
        ``(K,)``.
    """
    fitted = frames.copy()
    are_near = _move_pairs(pictures, altered, pairs, fitted, limits)
    differences, gains = _compare_pairs(pictures, altered, pairs, fitted, are_near)
    return differences, fitted, gains


@compiled("f8[::1](f8[:,::1], f8[::1])")
def _solve(products: FloatArray, sums: FloatArray) -> FloatArray:
    """Solve normal equations, of which the lower triangle is given and used up (Cholesky)."""
    size = len(sums)
    best = sums.copy()
    for a in range(size):
        for b in range(a):
            for k in range(b):
                products[a, b] -= products[a, k] * products[b, k]
            products[a, b] /= products[b, b]
            products[a, a] -= products[a, b] * products[a, b]
            best[a] -= products[a, b] * best[b]
        products[a, a] = np.sqrt(max(products[a, a], 1e-12))
        best[a] /= products[a, a]
    for a in range(size - 1, -1, -1):
        for b in range(a + 1, size):
            best[a] -= products[b, a] * best[b]
        best[a] /= products[a, a]
    return best


@compiled("f4[:,::1](f4[:,::1], i8)")
def _local_means(picture: Picture, side: int) -> Picture:
    """Means over squares that reach so far to each side, as far as the picture does."""
    size = len(picture)
    sums, means = np.zeros((size + 1, size + 1)), np.empty((size, size), np.float32)
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


@compiled("f8(f4[:,::1])")
def _detail_of(picture: Picture) -> float:
    """Root mean square of what the mean over a small square does not show, in grey levels."""
    size, energy = len(picture), 0.0
    means = _local_means(picture, _DETAIL_SIDE)
    for r in range(size):
        for c in range(size):
            energy += (picture[r, c] - means[r, c]) ** 2
    return float(np.sqrt(energy / size**2))


@compiled("f8[::1](f8[:,::1])")
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


@compiled("Tuple((f4[:,::1], f8[::1]))(f4[:,::1], f4[:,::1])")
def _draw(first: Picture, second: Picture) -> tuple[Picture, FloatArray]:
    """The first in the tones of the second, and what each of 256 levels becomes for that."""
    size = len(first)
    sums = np.zeros((256 >> _SHIFT, 5))  # 1, x, xx, y, xy of the pixels in each range of levels
    for r in range(size):
        for c in range(size):
            x, y = np.float64(first[r, c]), np.float64(second[r, c])
            knot = int(first[r, c]) >> _SHIFT
            sums[knot, 0] += 1.0
            sums[knot, 1] += x
            sums[knot, 2] += x * x
            sums[knot, 3] += y
            sums[knot, 4] += x * y
    curve = _tone_curve(sums)
    drawn = np.empty((size, size), np.float32)
    for r in range(size):
        for c in range(size):
            drawn[r, c] = curve[int(first[r, c])]
    return drawn, curve


@compiled("f8(f4[:,::1], i8)")
def _worst_place(residual: Picture, box: int) -> float:
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


@compiled("f4[:,::1](f4[:,::1], f4[:,::1])")
def _without_motion(drawn: Picture, second: Picture) -> Picture:
    """What remains of ``second - drawn`` after the small affine motion that explains most."""
    size = len(drawn)
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
        products[a, a] = (1.0 + 1e-9) * products[a, a] + 1e-6
    p = _solve(products, sums)
    residual = np.empty((size, size), np.float32)
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


@compiled("f8(f4[:,::1], f4[:,::1], i8)")
def _unlikeness(first: Picture, second: Picture, box: int) -> float:
    """What of the second is not in the first, at the worst place, in units of its mean detail."""
    size, detail = len(first), _detail_of(second)
    if min(detail, _detail_of(first)) < _LEAST_DETAIL:
        return np.inf
    drawn, curve = _draw(first, second)
    residual = _without_motion(drawn, second)
    light = _local_means(residual, _LIGHT_SIDE)
    for r in range(size):
        above, below = max(r - 1, 0), min(r + 2, size)
        for c in range(size):
            left, right = max(c - 1, 0), min(c + 2, size)
            rest = residual[r, c] - light[r, c]
            low = high = first[r, c]
            for near in range(above, below):
                for beside in range(left, right):
                    low, high = min(low, first[near, beside]), max(high, first[near, beside])
            if high > low:  # how much of it a bend of the curve explains at an edge
                share = (first[r, c] - low) / (high - low)
                begin, end = curve[int(low)], curve[int(high)]
                bend = begin + (end - begin) * share - drawn[r, c]
                if rest * bend > 0.0:
                    rest = max(abs(rest) - _BENDING * abs(bend), 0.0)
            residual[r, c] = rest
    return float(_worst_place(residual, box) / detail)


@compiled("f4[:,::1](f4[:,::1])")
def _halved(picture: Picture) -> Picture:
    """Means over 2 x 2 pixels."""
    size = len(picture) // 2
    half = np.empty((size, size), np.float32)
    for r in range(size):
        for c in range(size):
            above = picture[2 * r, 2 * c] + picture[2 * r, 2 * c + 1]
            below = picture[2 * r + 1, 2 * c] + picture[2 * r + 1, 2 * c + 1]
            half[r, c] = 0.25 * (above + below)
    return half


@compiled("i8(f4[:,::1])")
def _num_white(picture: Picture) -> int:
    """Overexposed pixels."""
    return int(np.sum(picture >= _WHITE))


@compiled("Tuple((i8[:,::1], f4[:,::1]))(f8, f8, i8, i8, f8)")
def _taps(start: float, length: float, grid: int, size: int, blur: float) -> Taps:
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


@compiled("f4[:,::1](f4[:,::1], f8[::1], i8, f8, f8)")
def _sampled(picture: Picture, frame: FloatArray, grid: int, down: float, across: float) -> Picture:
    """A picture on a grid within a frame of it, blurred by so many pixels, as whole levels."""
    size = len(picture)
    pixels, weights = _taps(frame[2], frame[3], grid, size, down)
    between = np.zeros((grid, size), np.float32)
    for k in range(grid):
        target = between[k]
        for tap in range(pixels.shape[1]):
            source, weight = picture[pixels[k, tap]], weights[k, tap]
            for c in range(size):
                target[c] += weight * source[c]
    turned = between.T.copy()  # so that the inner loop runs along the memory again
    pixels, weights = _taps(frame[0], frame[1], grid, size, across)
    levels = np.zeros((grid, grid), np.float32)
    for k in range(grid):
        target = levels[k]
        for tap in range(pixels.shape[1]):
            source, weight = turned[pixels[k, tap]], weights[k, tap]
            for r in range(grid):
                target[r] += weight * source[r]
    result = np.empty((grid, grid), np.float32)
    for r in range(grid):
        for c in range(grid):
            result[r, c] = np.floor(levels[c, r] + np.float32(0.5))
    return result


@compiled("f4[:,::1](f4[:,::1], f8[::1], i8, f8, f8)")
def _of_first(first: Picture, frame: FloatArray, grid: int, blur: float, wanted: float) -> Picture:
    """The first picture on a grid within the second, blurred to so many of its pixels."""
    own = np.sqrt(wanted**2 - blur**2)
    return _sampled(first, frame, grid, own, own)


@compiled("f4[:,::1](f4[:,::1], f8[::1], i8, f8, f8)")
def _of_second(
    second: Picture, frame: FloatArray, grid: int, blur: float, wanted: float
) -> Picture:
    """The second picture on the same grid, blurred to so many of the first one's pixels."""
    down = np.sqrt((wanted / frame[3]) ** 2 - blur**2)
    across = np.sqrt((wanted / frame[1]) ** 2 - blur**2)
    return _sampled(second, np.array([0.0, 1.0, 0.0, 1.0]), grid, down, across)


@compiled("Tuple((f8[::1], f8))(f4[:,::1], f4[:,::1], i8)")
def _step(drawn: Picture, second: Picture, stride: int) -> tuple[FloatArray, float]:
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
            across = drawn[r, c + 1] - drawn[r, c - 1] + second[r, c + 1] - second[r, c - 1]
            down = drawn[r + 1, c] - drawn[r - 1, c] + second[r + 1, c] - second[r - 1, c]
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
    best = _solve(products, sums)
    for a in range(6):
        energy -= best[a] * sums[a]
    left = np.sqrt(max(energy, 0.0) / count)
    for a in range(4):
        best[a] = min(max(best[a], -_LONGEST_STEP), _LONGEST_STEP)
    return best, left


@compiled("void(f8[::1], f8[::1], f8)")
def _shift_frame(frame: FloatArray, shift: FloatArray, sign: float) -> None:
    """Move a frame by a shift and stretch of the grid within it, or back."""
    inner = 1.0 - 2.0 * _MARGIN
    for axis in range(2):
        by, stretch = sign * shift[2 * axis], sign * shift[2 * axis + 1]
        start, size = frame[2 * axis], frame[2 * axis + 1]
        frame[2 * axis] = start + size * (inner * (by - 0.5 * stretch) - _MARGIN * stretch)
        frame[2 * axis + 1] = min(max(size * (1.0 + stretch), 0.6), 1.1)


@compiled("b1(f4[:,::1], f4[:,::1], f8[::1], f8)")
def _approach(first: Picture, second: Picture, frame: FloatArray, limit: float) -> bool:
    """Improve a frame in much smaller pictures, where everything is near; tones are a line."""
    other = _of_second(second, frame, _QUARTER_GRID, _QUARTER_BLUR, _QUARTER_WANTED)
    most = (_FIRST_LEFT[0] + _FIRST_LEFT[1] * limit) * _detail_of(other)
    for _ in range(_QUARTER_STEPS):
        one = _of_first(first, frame, _QUARTER_GRID, _QUARTER_BLUR, _QUARTER_WANTED)
        shift, left = _step(one, other, 1)
        if left > most:
            return False
        _shift_frame(frame, shift, 1.0)
    return True


@compiled("b1(f4[:,::1], f4[:,::1], f8[::1], f8)")
def _move(first: Picture, second: Picture, frame: FloatArray, limit: float) -> bool:
    """Improve a frame step by step; false as soon as the two are found to be too far apart."""
    other = _of_second(second, frame, _HALF_GRID, _HALF_BLUR, _HALF_WANTED)
    num_white = _num_white(other)
    for number in range(len(_WORST)):
        one = _of_first(first, frame, _HALF_GRID, _HALF_BLUR, _HALF_WANTED)
        is_turned = _num_white(one) > num_white  # what is overexposed is drawn from what is not
        source, target = (other, one) if is_turned else (one, other)
        drawn, _ = _draw(source, target)
        shift, left = _step(drawn, target, 2)
        detail = _detail_of(target)
        if number == 0 and left > (_LEFT[0] + _LEFT[1] * limit) * detail:
            return False
        most = (_WORST[number, 0] + _WORST[number, 1] * limit) * detail
        if _worst_place(target - drawn, _HALF_BOX) > most:
            return False
        _shift_frame(frame, shift, -1.0 if is_turned else 1.0)
    return True


@compiled("b1[::1](u1[:,:,::1], u1[:,:,::1], i8[:,::1], f8[:,::1], f8[::1])")
def _move_pairs(
    pictures: Pixels, altered: Pixels, pairs: IntArray, frames: FloatArray, limits: FloatArray
) -> npt.NDArray[np.bool_]:
    """Improve the frames of pairs; which of them may be near enough."""
    are_near = np.zeros(len(pairs), np.bool_)
    for k in range(len(pairs)):
        one = _halved(pictures[pairs[k, 0]].astype(np.float32))
        other = _halved(altered[pairs[k, 1]].astype(np.float32))
        if _approach(_halved(one), _halved(other), frames[k], limits[k]):
            are_near[k] = _move(one, other, frames[k], limits[k])
    return are_near


@compiled("Tuple((f8[::1], f8[::1]))(u1[:,:,::1], u1[:,:,::1], i8[:,::1], f8[:,::1], b1[::1])")
def _compare_pairs(
    pictures: Pixels,
    altered: Pixels,
    pairs: IntArray,
    frames: FloatArray,
    are_near: npt.NDArray[np.bool_],
) -> tuple[FloatArray, FloatArray]:
    """Differences of the pairs that are near, infinite ones of others; and gains."""
    differences, gains = np.full(len(pairs), np.inf), np.ones(len(pairs))
    for k in range(len(pairs)):
        if are_near[k]:
            first = pictures[pairs[k, 0]].astype(np.float32)
            second = altered[pairs[k, 1]].astype(np.float32)
            one = _of_first(first, frames[k], _FINE_GRID, _BLUR, _FINE_BLUR)
            other = _of_second(second, frames[k], _FINE_GRID, _BLUR, _FINE_BLUR)
            there, back = _unlikeness(one, other, _FINE_BOX), _unlikeness(other, one, _FINE_BOX)
            differences[k] = min(there, back)
            gains[k] = (other.mean() + 1.0) / (one.mean() + 1.0)
    return differences, gains
