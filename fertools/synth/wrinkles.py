"""Folds of the skin that action units draw: where they run, and how deep a person shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from fertools.synth import head as parts
from fertools.synth.paint import Canvas

FloatArray = npt.NDArray[np.float64]

# Polylines (|x|, y) in mm of the average head with a half-width, and the units that deepen them.
_Line = tuple[tuple[tuple[float, float], ...], float]
_FOLDS: dict[str, tuple[tuple[_Line, ...], dict[int, float]]] = {
    "furrow": (
        (
            (((5.0, 3.0), (6.8, 11.0), (7.6, 21.0)), 1.5),
            (((2.2, 4.0), (2.8, 16.0)), 1.0),
        ),
        {4: 1.0, 9: 0.35},
    ),
    "nose_root": (((((0.0, -1.0), (5.0, 0.5), (10.0, 3.0)), 1.2),), {4: 0.6, 9: 0.7}),
    "forehead": (
        (
            (((0.0, 29.0), (20.0, 31.0), (40.0, 27.0)), 1.2),
            (((0.0, 36.0), (20.0, 38.5), (42.0, 34.0)), 1.3),
            (((0.0, 43.5), (20.0, 46.0), (38.0, 42.0)), 1.2),
        ),
        {1: 0.35, 2: 0.65},
    ),
    "mid_forehead": (
        (
            (((0.0, 25.0), (9.0, 27.0), (18.0, 24.0)), 1.2),
            (((0.0, 32.5), (10.0, 34.5), (17.0, 32.0)), 1.1),
        ),
        {1: 0.8, 2: -0.2},
    ),
    "crow": (
        (
            (((46.0, 2.5), (54.0, 7.5)), 1.0),
            (((46.5, -1.0), (55.0, -1.5)), 1.0),
            (((45.5, -4.5), (52.0, -9.0)), 1.0),
        ),
        {6: 0.55, 12: 0.15, 9: 0.1},
    ),
    "under_eye": (((((17.0, -8.5), (28.0, -12.5), (41.0, -9.0)), 1.4),), {6: 0.6, 7: 0.55, 9: 0.4}),
    "nasolabial": (
        ((((15.5, -37.0), (20.0, -45.0), (26.0, -56.0), (30.0, -67.0)), 1.9),),
        {12: 0.85, 9: 0.6, 10: 0.6, 11: 0.6, 15: 0.25, 6: 0.1},
    ),
    "nose_side": (
        (
            (((2.5, -3.0), (6.5, -5.0), (11.0, -10.0)), 1.4),
            (((3.5, -9.0), (7.5, -11.0), (12.5, -17.0)), 1.4),
        ),
        {9: 0.7},
    ),
    "corner": (
        ((((26.5, -59.0), (29.5, -66.0), (28.0, -75.0)), 1.4),),
        {12: 0.5, 14: 0.8, 20: 0.7},
    ),
    "droop": (((((24.5, -69.0), (28.0, -77.0), (28.5, -84.0)), 1.7),), {15: 0.9, 20: 0.2}),
    "chin": (
        (
            (((0.0, -82.0), (9.0, -81.5), (17.0, -86.0)), 1.8),
            (((4.0, -90.0), (9.0, -93.0)), 1.5),
        ),
        {17: 0.9, 15: 0.2, 24: 0.3},
    ),
    "lip_press": (
        (
            (((0.0, -77.0), (12.0, -76.0), (20.0, -72.0)), 1.6),
            (((0.0, -55.5), (11.0, -55.0), (20.0, -60.0)), 1.4),
        ),
        {23: 0.7, 24: 0.7},
    ),
}


@dataclass(frozen=True)
class Fold:
    """One group of folds: the texels it touches and its profile there (positive is dark)."""

    texels: npt.NDArray[np.int64]
    profile: npt.NDArray[np.float32]
    drivers: dict[int, float]


def make_folds(canvas: Canvas) -> tuple[Fold, ...]:
    """Work out all folds on a canvas."""
    x, y = np.abs(canvas.place[:, 0]), canvas.place[:, 1]
    front = (canvas.texels.part == parts.SKIN) & (canvas.place[:, 2] > -45) & (canvas.lips < 0.3)
    folds = []
    for lines, drivers in _FOLDS.values():
        total = np.zeros(len(x))
        for points, width in lines:
            total += _crease(x, y, points, width)
        chosen = np.flatnonzero(front & (np.abs(total) > 0.01))
        folds.append(Fold(chosen, total[chosen].astype(np.float32), drivers))
    return tuple(folds)


def shade_folds(
    folds: tuple[Fold, ...], num_texels: int, action_units: Mapping[int, float], *, depth: float
) -> npt.NDArray[np.float32]:
    """Factor on the paint of each texel, ``(T,)``, about 1.

    Args:
        folds: From :func:`make_folds`.
        num_texels: T.
        action_units: Strength of each unit in the scan.
        depth: How deep the person's folds are, about 0.3 (young) to 0.6.
    """
    result = np.ones(num_texels, dtype=np.float32)
    for fold in folds:
        drive = sum(weight * action_units.get(unit, 0.0) for unit, weight in fold.drivers.items())
        strength = np.float32(depth * min(max(drive, 0.0), 1.4))
        if strength > 0.004:
            result[fold.texels] *= np.clip(1 - strength * fold.profile, 0.25, 1.2)
    return result


def _crease(
    x: FloatArray, y: FloatArray, points: tuple[tuple[float, float], ...], width: float
) -> FloatArray:
    """Profile of one line: a dark groove that fades to its ends, with a lighter bank beside it."""
    best = np.full(len(x), np.inf)
    progress = np.zeros(len(x))
    lengths = [float(np.hypot(b[0] - a[0], b[1] - a[1])) for a, b in pairwise(points)]
    done = 0.0
    for (a, b), length in zip(pairwise(points), lengths, strict=True):
        along = ((x - a[0]) * (b[0] - a[0]) + (y - a[1]) * (b[1] - a[1])) / length**2
        along = np.clip(along, 0, 1)
        away = np.hypot(x - a[0] - along * (b[0] - a[0]), y - a[1] - along * (b[1] - a[1]))
        nearer = away < best
        best = np.where(nearer, away, best)
        progress = np.where(nearer, (done + along * length) / sum(lengths), progress)
        done += length
    ends_in_middle = points[0][0] < 1e-6  # a line across the face is not thinner on its axis
    fade = (
        1 - progress**2 if ends_in_middle else np.sqrt(np.clip(4 * progress * (1 - progress), 0, 1))
    )
    groove = np.exp(-((best / width) ** 2)) - 0.3 * np.exp(-(((best - 2.3 * width) / width) ** 2))
    return np.asarray(groove * fade)
