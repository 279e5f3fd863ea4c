"""The compiled loops of :mod:`fertools.pose.fit`; arguments are checked by their caller.

One face at a time: whatever stands beside it in a batch, the same bits come out. Numbers of a face
that are fitted stand in one vector ``rest``: log scale, place 2, log of the camera's distance
beyond the nearest one, K coefficients. ``distance`` holds that nearest one, and what that logarithm
is expected to be: mean and standard deviation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["fit_faces"]

FloatArray = npt.NDArray[np.float64]

_LEAST_NEARNESS = 0.15  # 1 - z / d: no point is nearer to the camera
_MOST_STEPS = 40
_LONGEST_STEP, _LAST_STEP = 0.5, 5e-4  # of the rotation, radians
_DAMPING, _MOST_DAMPING = 1e-3, 1e6
_MOST_EASING = 0.1
_MOST_PRODUCT = 1e100
_POSE = 7  # unknowns beside the shape: rotation 3, log scale, place 2, log distance

_FunctionT = TypeVar("_FunctionT", bound=Callable[..., Any])


def _compiled(function: _FunctionT) -> _FunctionT:
    """A function as numba compiles it, with its types; sums may be taken in parts."""
    options = {"reassoc", "contract"}
    return cast(
        _FunctionT,
        njit(cache=True, nogil=True, error_model="numpy", fastmath=options)(function),
    )


@_compiled
def _deform(mean: FloatArray, modes: FloatArray, rest: FloatArray, shape: FloatArray) -> None:
    """Fill the head's points, shape ``(3, P)``, mm."""
    for axis in range(3):
        for p in range(shape.shape[1]):
            shape[axis, p] = mean[axis, p]
    for k in range(len(modes)):
        for axis in range(3):
            for p in range(shape.shape[1]):
                shape[axis, p] += rest[4 + k] * modes[k, axis, p]


@_compiled
def _cost(
    points: FloatArray,
    shape: FloatArray,
    sharpness: FloatArray,
    tail: float,
    distance: FloatArray,
    rotation: FloatArray,
    rest: FloatArray,
) -> float:
    """Twice the negative log posterior; infinite where a point is too near to the camera."""
    total: float = ((rest[3] - distance[1]) / distance[2]) ** 2
    for k in range(4, len(rest)):
        total += rest[k] ** 2
    scale, inverse = math.exp(rest[0]), 1.0 / (distance[0] + math.exp(rest[3]))
    product = 1.0  # of what logarithms are summed of: one of them for many points
    for p in range(len(sharpness)):
        a, b, c = shape[0, p], shape[1, p], shape[2, p]
        x = rotation[0, 0] * a + rotation[0, 1] * b + rotation[0, 2] * c
        y = rotation[1, 0] * a + rotation[1, 1] * b + rotation[1, 2] * c
        z = rotation[2, 0] * a + rotation[2, 1] * b + rotation[2, 2] * c
        nearness = 1.0 - z * inverse
        if not nearness > _LEAST_NEARNESS:
            return math.inf
        here = scale / nearness
        right = (points[0, p] - rest[1] - here * x) * sharpness[p]
        down = (points[1, p] - rest[2] + here * y) * sharpness[p]
        square = right * right + down * down
        if tail > 0.0:
            product *= 1.0 + square / tail
            if product > _MOST_PRODUCT:
                total += (tail + 2.0) * math.log(product)
                product = 1.0
        else:
            total += square
    return total + (tail + 2.0) * math.log(product)


@_compiled
def _slope(
    points: FloatArray,
    shape: FloatArray,
    modes: FloatArray,
    sharpness: FloatArray,
    tail: float,
    distance: FloatArray,
    rotation: FloatArray,
    rest: FloatArray,
    slopes: FloatArray,
    errors: FloatArray,
    shifts: FloatArray,
) -> None:
    """Fill weighted derivatives ``(7 + K, 2 P)`` of the points' places, and errors ``(2 P,)``.

    A small shift (dx, dy, dz) of a turned point moves it in the picture by
    ``(s dx + e dz, -s dy - f dz)``; ``shifts`` ``(6, P)`` holds the same for shifts of the head's
    own point.
    """
    scale, inverse = math.exp(rest[0]), 1.0 / (distance[0] + math.exp(rest[3]))
    beyond = 1.0 - distance[0] * inverse  # d's derivative by its logarithm, relative to d
    low = len(sharpness)  # derivatives of the right come first, then those of down
    for p in range(low):
        a, b, c = shape[0, p], shape[1, p], shape[2, p]
        x = rotation[0, 0] * a + rotation[0, 1] * b + rotation[0, 2] * c
        y = rotation[1, 0] * a + rotation[1, 1] * b + rotation[1, 2] * c
        z = rotation[2, 0] * a + rotation[2, 1] * b + rotation[2, 2] * c
        near = 1.0 / (1.0 - z * inverse)
        s, weight = scale * near, sharpness[p]
        right = (points[0, p] - rest[1] - s * x) * weight
        down = (points[1, p] - rest[2] + s * y) * weight
        if tail > 0.0:
            root = math.sqrt((tail + 2.0) / (tail + right**2 + down**2))
            weight, right, down = weight * root, right * root, down * root
        errors[p], errors[low + p] = right, down
        s *= weight
        e, f = s * x * inverse * near, s * y * inverse * near
        slopes[0, p], slopes[0, low + p] = e * y, s * z - f * y  # about x: (0, -z, y)
        slopes[1, p], slopes[1, low + p] = s * z - e * x, f * x  # about y: (z, 0, -x)
        slopes[2, p], slopes[2, low + p] = -s * y, -s * x  # about z: (-y, x, 0)
        slopes[3, p], slopes[3, low + p] = s * x, -s * y
        slopes[4, p], slopes[4, low + p] = weight, 0.0
        slopes[5, p], slopes[5, low + p] = 0.0, weight
        slopes[6, p], slopes[6, low + p] = -e * z * beyond, f * z * beyond  # farther is smaller
        for axis in range(3):
            shifts[axis, p] = s * rotation[0, axis] + e * rotation[2, axis]
            shifts[3 + axis, p] = -s * rotation[1, axis] - f * rotation[2, axis]
    for k in range(len(modes)):
        for side in range(2):
            for p in range(low):
                slopes[_POSE + k, side * low + p] = (
                    shifts[3 * side, p] * modes[k, 0, p]
                    + shifts[3 * side + 1, p] * modes[k, 1, p]
                    + shifts[3 * side + 2, p] * modes[k, 2, p]
                )


@_compiled
def _gather(
    slopes: FloatArray,
    errors: FloatArray,
    distance: FloatArray,
    rest: FloatArray,
    matrix: FloatArray,
    gradient: FloatArray,
) -> None:
    """The normal equations: the lower half of ``matrix``, and ``gradient``."""
    for i in range(len(gradient)):
        for j in range(i + 1):
            total = 0.0
            for p in range(errors.shape[0]):
                total += slopes[i, p] * slopes[j, p]
            matrix[i, j] = total
        total = 0.0
        for p in range(errors.shape[0]):
            total += slopes[i, p] * errors[p]
        gradient[i] = total
    matrix[6, 6] += distance[2] ** -2
    gradient[6] -= (rest[3] - distance[1]) / distance[2] ** 2
    for k in range(4, len(rest)):
        matrix[3 + k, 3 + k] += 1.0
        gradient[3 + k] -= rest[k]


@_compiled
def _solve(matrix: FloatArray, damping: float, change: FloatArray, lower: FloatArray) -> bool:
    """Solve in place with the diagonal raised, by Cholesky; False where that cannot be done."""
    size = len(change)
    for i in range(size):
        for j in range(i + 1):
            total = matrix[i, j] * (1.0 + damping) if i == j else matrix[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            if i > j:
                lower[i, j] = total / lower[j, j]
            elif total > 0.0:
                lower[i, i] = math.sqrt(total)
            else:
                return False
        for k in range(i):
            change[i] -= lower[i, k] * change[k]
        change[i] /= lower[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            change[i] -= lower[k, i] * change[k]
        change[i] /= lower[i, i]
    return True


@_compiled
def _turn(rotation: FloatArray, x: float, y: float, z: float, result: FloatArray) -> None:
    """A rotation followed by that of a rotation vector, by Rodrigues' formula."""
    angle = math.sqrt(x * x + y * y + z * z)
    first = math.sin(angle) / angle if angle > 1e-9 else 1.0
    second = 2.0 * (math.sin(0.5 * angle) / angle) ** 2 if angle > 1e-9 else 0.5
    for j in range(3):
        a, b, c = rotation[0, j], rotation[1, j], rotation[2, j]
        along = x * a + y * b + z * c
        square = angle * angle
        result[0, j] = a + first * (y * c - z * b) + second * (x * along - square * a)
        result[1, j] = b + first * (z * a - x * c) + second * (y * along - square * b)
        result[2, j] = c + first * (x * b - y * a) + second * (z * along - square * c)


@_compiled
def _step(
    matrix: FloatArray,
    gradient: FloatArray,
    damping: float,
    rotation: FloatArray,
    rest: FloatArray,
    change: FloatArray,
    lower: FloatArray,
    new_rotation: FloatArray,
    new_rest: FloatArray,
) -> tuple[float, float]:
    """Fill in what a damped step leads to; the rotation's length, and by how much cost should fall.

    Both are infinite if there is no step.
    """
    for i in range(len(change)):
        change[i] = gradient[i]
    is_solved = _solve(matrix, damping, change, lower)
    length = math.sqrt(change[0] ** 2 + change[1] ** 2 + change[2] ** 2)
    factor = _LONGEST_STEP / max(length, _LONGEST_STEP) if is_solved else 0.0
    fall = 0.0
    for i in range(len(change)):
        fall += change[i] * (gradient[i] + damping * matrix[i, i] * change[i])
    _turn(rotation, factor * change[0], factor * change[1], factor * change[2], new_rotation)
    for i in range(len(rest)):
        new_rest[i] = rest[i] + factor * change[3 + i]
    return (length, fall) if is_solved else (math.inf, math.inf)


@_compiled
def _copy(rotation: FloatArray, to_rotation: FloatArray, rest: FloatArray, to: FloatArray) -> None:
    """Copy what is fitted, number by number: slices take numba many seconds to compile."""
    for i in range(3):
        for j in range(3):
            to_rotation[i, j] = rotation[i, j]
    for i in range(len(rest)):
        to[i] = rest[i]


@_compiled
def fit_faces(
    points: FloatArray,
    mean: FloatArray,
    modes: FloatArray,
    noise: FloatArray,
    tail: float,
    distance: FloatArray,
    rotations: FloatArray,
    rests: FloatArray,
    costs: FloatArray,
    converged: npt.NDArray[np.bool_],
) -> None:
    """Levenberg and Marquardt's method, from first guesses, in place.

    Args:
        points: Shape ``(N, 2, P)``; of about unit size, so that the steps' limits fit.
        mean: Shape ``(3, P)``, mm.
        modes: Shape ``(K, 3, P)``, mm.
        noise: Shape ``(P,)``: standard deviation of a coordinate, mm.
        tail: Degrees of freedom of Student's distribution; 0 for the normal one.
        distance: Shape ``(3,)``: see the module's text.
        rotations: Shape ``(N, 3, 3)``: the guesses, then the results, like ``rests``.
        rests: Shape ``(N, 4 + K)``.
        costs: Shape ``(N,)``: filled with twice the negative log posterior.
        converged: Shape ``(N,)``: filled with whether the last step was a short one.
    """
    size, num_points = _POSE + len(modes), len(noise)
    matrix, lower = np.empty((size, size)), np.empty((size, size))
    gradient, change = np.empty(size), np.empty(size)
    slopes, errors = np.empty((size, 2 * num_points)), np.empty(2 * num_points)
    shifts, shape = np.empty((6, num_points)), np.empty((3, num_points))
    sharpness, rotation, rest = np.empty(num_points), np.empty((3, 3)), np.empty(size - 3)
    for n in range(len(points)):
        marks, best_rotation, best = points[n], rotations[n], rests[n]
        scale = math.exp(best[0])
        for p in range(num_points):
            sharpness[p] = 1.0 / (scale * noise[p])
        _deform(mean, modes, best, shape)
        cost = _cost(marks, shape, sharpness, tail, distance, best_rotation, best)
        damping, raising, is_new, is_done = _DAMPING, 2.0, True, False
        for _ in range(_MOST_STEPS):
            if is_new:
                _slope(
                    marks,
                    shape,
                    modes,
                    sharpness,
                    tail,
                    distance,
                    best_rotation,
                    best,
                    slopes,
                    errors,
                    shifts,
                )
                _gather(slopes, errors, distance, best, matrix, gradient)
            length, fall = _step(
                matrix, gradient, damping, best_rotation, best, change, lower, rotation, rest
            )
            _deform(mean, modes, rest, shape)
            new = _cost(marks, shape, sharpness, tail, distance, rotation, rest)
            is_new = new <= cost
            if is_new:
                gain = (cost - new) / max(fall, 1e-300)
                damping *= max(_MOST_EASING, 1.0 - (2.0 * gain - 1.0) ** 3)
                cost, raising = new, 2.0
                _copy(rotation, best_rotation, rest, best)
            else:
                damping *= raising
                raising *= 2.0
            is_done = (is_new and length < _LAST_STEP) or damping > _MOST_DAMPING
            if is_done:
                break
        costs[n], converged[n] = cost, is_done and cost < math.inf
