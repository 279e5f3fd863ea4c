"""What a portrait shows below the head: a neck that bends, and shoulders in a plain shirt.

The body stands upright and faces its own way. The skin of the lower neck follows it more and more
towards the collar, so that a turned or nodding head does not carry its neck about like a pole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fertools.geometry import angles_from_rotation, rotation_from_angles
from fertools.synth.cropping import COLLAR
from fertools.synth.sheets import Sheet, stretch, turned

__all__ = ["Clothes", "bend_neck", "draw_clothes", "dress"]

FloatArray = npt.NDArray[np.float64]
Colour = tuple[float, float, float]

_PIVOT = np.array([0.0, -95.0, -85.0])  # where the neck bends, mm, origin between the eyes
_BEND_STEPS = 24
_SEGMENTS = 48
_STRIP = (64, 192)  # texels of the cloth

# Below the collar in mm, wider and deeper than the neck, and how far behind it the middle lies.
_RINGS: tuple[tuple[float, float, float, float], ...] = (
    (2.0, 0.0, 0.0, 0.0),  # inside of the collar
    (-9.0, 0.0, 0.0, 0.0),
    (-10.5, 3.0, 3.0, 0.0),
    (-6.0, 6.0, 6.0, 0.0),
    (4.0, 10.0, 8.0, 0.0),
    (14.0, 28.0, 14.0, 2.0),
    (26.0, 62.0, 24.0, 4.0),
    (42.0, 96.0, 34.0, 6.0),
    (62.0, 118.0, 42.0, 8.0),
    (90.0, 130.0, 48.0, 8.0),
    (140.0, 134.0, 54.0, 6.0),
    (240.0, 126.0, 56.0, 6.0),
    (420.0, 116.0, 54.0, 6.0),
    (1100.0, 116.0, 54.0, 6.0),  # below every picture
)
_COLLAR_RINGS = 5
_UNDER_CHIN = ([0, 1, 2, 6, 9], [0.25, 0.4, 0.7, 0.85, 1.0])  # shadow of the head, by ring


@dataclass(frozen=True)
class Clothes:
    """A shirt.

    Attributes:
        colour: Linear RGB.
        trim: Linear RGB of the collar and of the pattern.
        pattern: Of the cloth: plain, rings or checks.
        stripes: How many of them from the collar down.
        seed: Of the folds.
    """

    colour: Colour
    trim: Colour
    pattern: str
    stripes: int
    seed: int


def draw_clothes(seed: list[int]) -> Clothes:
    """A shirt of a seed."""
    rng = np.random.default_rng([*seed, 11])
    hue, depth = rng.uniform(0, 2 * np.pi), rng.beta(0.9, 2.2)
    tint = 1 + rng.beta(1.1, 2.0) * np.cos(hue + np.array([0.0, 2.1, 4.2]))
    colour = (0.015 + 0.6 * depth) * tint
    trim = colour * rng.uniform(0.5, 1.0) if rng.random() < 0.7 else np.full(3, 0.5)
    pattern = str(rng.choice(["plain", "rings", "checks"], p=[0.7, 0.18, 0.12]))
    stripes, number = int(rng.integers(6, 16)), int(rng.integers(2**31))
    return Clothes(_colour(colour), _colour(trim), pattern, stripes, number)


def bend_neck(
    points: FloatArray, canonical: FloatArray, rotation: FloatArray, body: FloatArray
) -> FloatArray:
    """Points of a head, those of the lower neck turned so that they follow the body.

    Args:
        points: ``(V, 3)`` mm in the head's frame.
        canonical: ``(V, 3)`` the same points on the average head, which say how far down they are.
        rotation: ``(3, 3)`` of the head, to camera coordinates.
        body: ``(3, 3)`` of the body, to camera coordinates.
    """
    share = _neck_share(canonical)
    chosen = np.flatnonzero(share > 0.0)
    head, below = angles_from_rotation(rotation), angles_from_rotation(body)
    change = (np.array(below) - head + 180.0) % 360.0 - 180.0
    steps = np.round(share[chosen] * _BEND_STEPS).astype(np.int64)
    result = points.copy()
    for step in np.unique(steps).tolist():
        part = chosen[steps == step]
        angles = head + change * (step / _BEND_STEPS)
        turn = rotation.T @ rotation_from_angles(*map(float, angles))
        result[part] = turned(points[part] - _PIVOT, turn) + _PIVOT
    return result


def _neck_share(canonical: FloatArray) -> FloatArray:
    """How much a point follows the body: 0 on the head, 1 at the collar."""
    y, z = canonical[:, 1], canonical[:, 2]
    start = 62.0 + 50.0 * np.clip((z + 115.0) / 85.0, 0.0, 1.0)
    t = np.clip((-y - start) / (-COLLAR - 4.0 - start), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def dress(rim: FloatArray, clothes: Clothes, rotation: FloatArray, body: FloatArray) -> Sheet:
    """Shoulders about the lower end of a neck.

    Args:
        rim: ``(K, 3)`` points of the neck's cut end, mm in the head's frame, bent.
        clothes: The shirt.
        rotation: ``(3, 3)`` of the head, to camera coordinates.
        body: ``(3, 3)`` of the body, to camera coordinates.
    """
    to_body = body.T @ rotation
    ends = turned(rim - _PIVOT, to_body)
    low, high = ends.min(axis=0), ends.max(axis=0)
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    turn = np.linspace(-np.pi, np.pi, _SEGMENTS + 1)  # starts and ends behind
    grid = np.empty((len(_RINGS), len(turn), 3))
    for ring, (down, wide, deep, back) in zip(grid, _RINGS, strict=True):
        power = 1.0 / (1.0 + 0.25 * min(1.0, wide / 120.0))  # shoulders are less round than a neck
        across = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power
        along = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power
        ring[:, 0] = middle[0] + (half[0] + 2.0 + wide) * across
        ring[:, 1] = middle[1] - down
        ring[:, 2] = middle[2] - back + (half[2] + 2.0 + deep) * along
    return Sheet(
        grid=turned(grid, to_body.T) + _PIVOT,
        colours=_cloth(clothes),
        shade=np.interp(np.arange(len(_RINGS)), *_UNDER_CHIN),
    )


def _cloth(clothes: Clothes) -> FloatArray:
    """Colours of the cloth ``(H, W, 3)``."""
    height, width = _STRIP
    row, column = np.mgrid[0:height, 0:width]
    wave = np.sin(2 * np.pi * clothes.stripes * row / height)
    if clothes.pattern == "checks":
        wave = 0.5 * (wave + np.sin(2 * np.pi * 3 * clothes.stripes * column / width))
    share = 0.8 * np.clip(0.5 + 3.0 * wave, 0.0, 1.0) * (clothes.pattern != "plain")
    share = np.where(row < height * _COLLAR_RINGS / len(_RINGS), 1.0, share)[..., None]
    colour = np.array(clothes.colour) * (1 - share) + np.array(clothes.trim) * share
    return np.asarray(colour * _folds(clothes.seed)[..., None])


def _folds(seed: int) -> FloatArray:
    """Light and dark of folds and weave ``(H, W)``, about 1."""
    rng = np.random.default_rng([seed, 12])
    result = np.ones(_STRIP)
    for rows, columns, depth in ((9, 17, 0.10), (6, 49, 0.07), (*_STRIP, 0.03)):
        grain = rng.normal(size=(rows, columns))
        grain[:, -1] = grain[:, 0]
        result += depth * stretch(grain, *_STRIP)
    return np.clip(result, 0.5, 1.5)


def _colour(values: FloatArray) -> Colour:
    """Three floats in [0, 1]."""
    red, green, blue = np.clip(values, 0.006, 0.85)
    return float(red), float(green), float(blue)
