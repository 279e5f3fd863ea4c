"""What may be done to a picture that is used twice; for benchmarks/leaks.py."""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["ALTERED", "Alteration"]

Pixels = npt.NDArray[np.uint8]
Rng = np.random.Generator
Alteration = Callable[[Pixels, Rng], Pixels]


def jpeg(pixels: Pixels, quality: int, kind: str = "JPEG") -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def scaled(pixels: Pixels, factor: float) -> Pixels:
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=how), np.uint8)


def toned(pixels: Pixels, factor: float, gamma: float = 1.0) -> Pixels:
    return np.asarray(np.clip(255 * (pixels / 255) ** gamma * factor, 0, 255), np.uint8)


def cut(pixels: Pixels, left: float, right: float, top: float, bottom: float) -> Pixels:
    height, width = pixels.shape[:2]
    rows = slice(round(top * height), height - round(bottom * height))
    return pixels[rows, round(left * width) : width - round(right * width)]


def cut_any(pixels: Pixels, rng: Rng) -> Pixels:
    """3 to 15 % off one or more sides."""
    which = rng.random(4) < 0.6
    which[rng.integers(4)] = True
    return cut(pixels, *np.where(which, rng.uniform(0.03, 0.15, 4), 0).tolist())


def one_side(pixels: Pixels, rng: Rng, share: float) -> Pixels:
    return cut(pixels, *np.roll([share, 0, 0, 0], rng.integers(4)).tolist())


def turned(pixels: Pixels, degrees: float) -> Pixels:
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(
        cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8
    )


def drawn_on(pixels: Pixels) -> Pixels:
    """A white square of a fifth of the side in a corner."""
    marked = pixels.copy()
    marked[: pixels.shape[0] // 5, : pixels.shape[1] // 5] = 255
    return marked


def everything(pixels: Pixels, rng: Rng) -> Pixels:
    shown = cut_any(pixels[:, ::-1], rng)
    return jpeg(toned(scaled(shown, rng.uniform(0.6, 1.4)), rng.uniform(0.7, 1.3)), 60)


ALTERED: dict[str, Alteration] = {
    "JPEG 90": lambda p, _: jpeg(p, 90),
    "JPEG 50": lambda p, _: jpeg(p, 50),
    "JPEG 30": lambda p, _: jpeg(p, 30),
    "WebP 70": lambda p, _: jpeg(p, 70, "WEBP"),
    "half the size, JPEG 75": lambda p, _: jpeg(scaled(p, 0.5), 75),
    "1.5 times the size, JPEG 75": lambda p, _: jpeg(scaled(p, 1.5), 75),
    "mirrored, JPEG 85": lambda p, _: jpeg(p[:, ::-1], 85),
    "0.4 as bright, JPEG 85": lambda p, _: jpeg(toned(p, 0.4), 85),
    "0.7 as bright, JPEG 85": lambda p, _: jpeg(toned(p, 0.7), 85),
    "1.2 as bright, JPEG 85": lambda p, _: jpeg(toned(p, 1.2), 85),
    "1.5 as bright (overexposed), JPEG 85": lambda p, _: jpeg(toned(p, 1.5), 85),
    "gamma 0.7, JPEG 85": lambda p, _: jpeg(toned(p, 1, 0.7), 85),
    "gamma 1.5, JPEG 85": lambda p, _: jpeg(toned(p, 1, 1.5), 85),
    "5 % off one side, JPEG 85": lambda p, rng: jpeg(one_side(p, rng, 0.05), 85),
    "15 % off one side, JPEG 85": lambda p, rng: jpeg(one_side(p, rng, 0.15), 85),
    "20 % off one side, JPEG 85": lambda p, rng: jpeg(one_side(p, rng, 0.20), 85),
    "3 to 15 % off any sides, JPEG 85": lambda p, rng: jpeg(cut_any(p, rng), 85),
    "5 % off all sides, JPEG 85": lambda p, _: jpeg(cut(p, 0.05, 0.05, 0.05, 0.05), 85),
    "8 % off all sides, JPEG 85": lambda p, _: jpeg(cut(p, 0.08, 0.08, 0.08, 0.08), 85),
    "15 % off all sides, JPEG 85": lambda p, _: jpeg(cut(p, 0.15, 0.15, 0.15, 0.15), 85),
    "20 % off all sides, JPEG 85": lambda p, _: jpeg(cut(p, 0.2, 0.2, 0.2, 0.2), 85),
    "mirrored, cut, scaled, 0.7 to 1.3, JPEG 60": everything,
    "turned by 2 degrees": lambda p, _: turned(p, 2),
    "turned by 5 degrees": lambda p, _: turned(p, 5),
    "a white square drawn on": lambda p, _: drawn_on(p),
}
