"""What stands behind a face in the wild, made of simple shapes and soft noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["BACKGROUNDS", "draw_background"]

FloatArray = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

BACKGROUNDS = ("gradient", "lights", "room", "foliage", "street")
"""What :func:`draw_background` knows."""

_LONG_SIDE = 200  # pixels in which it is drawn before it is enlarged


def draw_background(kind: str, width: int, height: int, rng: np.random.Generator) -> Floats:
    """A background without faces.

    Args:
        kind: One of :data:`BACKGROUNDS`.
        width: Of the picture, pixels.
        height: Of the picture.
        rng: Where to draw all else from.

    Returns:
        Shape ``(H, W, 3)``, float32, sRGB values from 0 to 255.

    Raises:
        ValueError: If the kind is unknown.
    """
    import cv2

    draw = {
        "gradient": _gradient,
        "lights": _lights,
        "room": _room,
        "foliage": _foliage,
        "street": _street,
    }.get(kind)
    if draw is None:
        raise ValueError(f"unknown background {kind!r}; expected one of {', '.join(BACKGROUNDS)}")
    scale = _LONG_SIDE / max(width, height)
    w, h = max(8, round(width * scale)), max(8, round(height * scale))
    small = draw(w, h, rng)
    small *= 1 + 0.05 * rng.normal() * np.linspace(-1, 1, h)[:, None, None]
    small = np.clip(small, 0.0, 1.0).astype(np.float32) * 255.0
    full = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(full, 0.0, 255.0), dtype=np.float32)


def _colour(rng: np.random.Generator, low: float = 0.08, high: float = 0.9) -> FloatArray:
    """A colour, seldom a strong one."""
    hue = rng.uniform(0, 2 * np.pi)
    strength = 0.75 * rng.beta(1.1, 4.5)
    return np.clip(
        rng.uniform(low, high) * (1 + strength * np.cos(hue + np.array([0.0, 2.1, 4.2]))), 0, 1
    )


def _soft(picture: FloatArray, sigma: float) -> FloatArray:
    """Blurred."""
    import cv2

    return np.asarray(cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.3)))


def _noise(w: int, h: int, rng: np.random.Generator, octaves: tuple[int, ...]) -> FloatArray:
    """Soft noise ``(h, w)`` of about unit spread."""
    import cv2

    total = np.zeros((h, w))
    for cells in octaves:
        grain = rng.normal(size=(max(2, cells * h // max(w, h)), max(2, cells * w // max(w, h))))
        total += cv2.resize(grain, (w, h), interpolation=cv2.INTER_CUBIC) * (octaves[0] / cells)
    return np.asarray(total / max(float(total.std()), 1e-9))


def _gradient(w: int, h: int, rng: np.random.Generator) -> FloatArray:
    """A studio wall: two colours, brighter somewhere."""
    first, second = _colour(rng), _colour(rng)
    second = 0.5 * first + 0.5 * second
    row, column = np.mgrid[0:h, 0:w]
    x, y = rng.uniform(0.1, 0.9) * w, rng.uniform(0.0, 0.8) * h
    away = np.hypot(column - x, row - y) / max(w, h)
    share = np.clip(away * rng.uniform(0.8, 1.6), 0, 1)[..., None]
    return np.asarray(first * (1 - share) + second * share) * (
        1 + 0.015 * _noise(w, h, rng, (6, 40))[..., None]
    )


def _lights(w: int, h: int, rng: np.random.Generator) -> FloatArray:
    """A dark place with lamps out of focus."""
    import cv2

    picture = np.ones((h, w, 3)) * _colour(rng, 0.03, 0.25)
    picture *= np.exp(0.25 * _noise(w, h, rng, (3, 7)))[..., None]
    for _ in range(int(rng.integers(8, 45))):
        centre = (int(rng.uniform(0, w)), int(rng.uniform(0, h)))
        disc = np.zeros((h, w))
        cv2.circle(disc, centre, int(rng.uniform(3, 15)), 1.0, -1, cv2.LINE_AA)
        picture += disc[..., None] * _colour(rng, 0.2, 0.8) * rng.uniform(0.2, 0.8)
    return _soft(np.clip(picture, 0, 1), rng.uniform(0.8, 2.5))


def _room(w: int, h: int, rng: np.random.Generator) -> FloatArray:
    """A wall with a floor line, a window or pictures, shelves, a door."""
    import cv2

    wall, floor = _colour(rng, 0.3, 0.85), _colour(rng, 0.1, 0.5)
    picture = np.ones((h, w, 3)) * wall
    line = int(h * rng.uniform(0.7, 1.1))
    picture[line:] = floor
    for _ in range(int(rng.integers(2, 8))):
        x, y = rng.uniform(-0.2, 0.95) * w, rng.uniform(-0.2, 0.8) * h
        wide, high = rng.uniform(0.08, 0.4) * w, rng.uniform(0.1, 0.6) * h
        corners = (int(x), int(y)), (int(x + wide), int(y + high))
        cv2.rectangle(picture, *corners, _values(_colour(rng)), -1)
        if rng.random() < 0.5:
            cv2.rectangle(picture, *corners, _values(_colour(rng, 0.02, 0.9)), 2)
        if rng.random() < 0.3:
            for step in np.arange(0.2, 1.0, 0.2):
                row = int(y + step * high)
                ends = (int(x), row), (int(x + wide), row)
                cv2.line(picture, *ends, _values(_colour(rng, 0.05, 0.5)), 2)
    side = np.linspace(rng.uniform(0.6, 1.1), rng.uniform(0.6, 1.1), w)[None, :, None]
    return _soft(picture * side, float(np.exp(rng.uniform(-0.5, 1.9))))


def _foliage(w: int, h: int, rng: np.random.Generator) -> FloatArray:
    """Leaves, sky and light spots, out of focus."""
    green = np.array([0.21, 0.28, 0.14]) * rng.uniform(0.5, 1.5) * rng.uniform(0.8, 1.2, 3)
    bright = np.array([0.75, 0.85, 0.9]) * rng.uniform(0.6, 1.1)
    leaves = np.exp(0.45 * _noise(w, h, rng, (5, 12, 30, 70)))[..., None]
    sky = np.clip(0.5 + 1.4 * (_noise(w, h, rng, (3, 8, 20)) - rng.uniform(0.3, 1.6)), 0, 1)
    sky *= np.linspace(1.0, rng.uniform(0, 0.6), h)[:, None]
    picture = green * leaves * (1 - sky[..., None]) + bright * sky[..., None]
    return _soft(picture, float(np.exp(rng.uniform(-0.7, 1.5))))


def _street(w: int, h: int, rng: np.random.Generator) -> FloatArray:
    """Sky, blocks of houses with windows, ground."""
    import cv2

    sky = np.array([0.72, 0.80, 0.90]) * rng.uniform(0.5, 1.1) * rng.uniform(0.9, 1.1, 3)
    picture = np.ones((h, w, 3)) * sky
    x = -0.1 * w
    while x < w:
        wide, top = rng.uniform(0.1, 0.35) * w, rng.uniform(0.0, 0.55) * h
        colour = _colour(rng, 0.15, 0.7)
        cv2.rectangle(picture, (int(x), int(top)), (int(x + wide), h), _values(colour), -1)
        pane = _values(np.clip(colour * rng.uniform(0.3, 1.7), 0, 1))
        step = max(5, int(rng.uniform(6, 14)))
        for left in range(int(x) + 3, int(x + wide) - 3, step):
            for upper in range(int(top) + 3, int(h * 0.8), step + 2):
                corner = (left + step // 2, upper + step // 2 + 1)
                cv2.rectangle(picture, (left, upper), corner, pane, -1)
        x += wide
    picture[int(h * rng.uniform(0.75, 1.0)) :] = _colour(rng, 0.1, 0.4)
    return _soft(picture, float(np.exp(rng.uniform(-0.3, 1.6))))


def _values(colour: FloatArray) -> tuple[float, float, float]:
    """Three floats, as the drawing library wants them."""
    return float(colour[0]), float(colour[1]), float(colour[2])
