"""Hashes of windows within pictures: a copy that was cut at its sides shares one with its source.

What a copy shows is a window of its source, and which one nobody knows. Every picture is therefore
hashed within 16 *inner* windows, as one that copies may have been cut from, and within 16 *outer*
ones, as one that may be cut. Each side of an inner window leaves out 5 or 15 %, of an outer one 0
or 5 %. So four cuts of a side are met exactly (0 = 5 - 5, 5 = 5 - 0, 10 = 15 - 5, 15 = 15 - 0), and
those between within 2.5 %, which changes few bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = [
    "FRAMES",
    "NUM_UNSURE",
    "NUM_WINDOWS",
    "StoredWords",
    "Windows",
    "hash_windows",
    "mirrored_words",
]

Words = npt.NDArray[np.uint64]

NUM_WINDOWS = 16
NUM_UNSURE = 10
"""How many bits of a word are told as those that a small change may turn."""

_INNER_CUTS = (0.05, 0.15)
_OUTER_CUTS = (0.0, 0.05)
_SIDES = tuple(product(range(2), repeat=4))  # which cut at the left, right, top, bottom
_NUM_WAVES = 13  # of each axis, the constant one included
_AT_ONCE = 256
_OVERSAMPLING = 16


def _frequencies() -> npt.NDArray[np.int64]:
    """The 128 lowest ones, without the constant: row and column; both words' bits shuffled."""
    every = sorted(product(range(_NUM_WAVES), repeat=2), key=lambda f: (f[0] ** 2 + f[1] ** 2, f))
    lowest = np.array(every[1:129])
    shuffle = np.random.default_rng(0).permutation(64)  # each part of a word tells as much
    return np.concatenate([lowest[:64][shuffle], lowest[64:]])


def _frames() -> npt.NDArray[np.float64]:
    """Where a copy lies on its source if windows show the same; ``(inner, outer, 4)``."""
    frames = np.empty((NUM_WINDOWS, NUM_WINDOWS, 4))
    for (i, inner), (o, outer) in product(enumerate(_SIDES), repeat=2):
        for axis in range(2):
            before, after = (_INNER_CUTS[inner[2 * axis + side]] for side in range(2))
            start, end = (_OUTER_CUTS[outer[2 * axis + side]] for side in range(2))
            length = (1 - before - after) / (1 - start - end)
            frames[i, o, 2 * axis : 2 * axis + 2] = before - start * length, length
    return frames


_FREQUENCIES = _frequencies()
_MIRROR = np.packbits((_FREQUENCIES[:, 1] % 2).astype(np.bool_), bitorder="little").view("<u8")
_SWAPPED = [_SIDES.index((right, left, *rest)) for left, right, *rest in _SIDES]

FRAMES = _frames()
"""Left edge, width, top edge and height of a copy as shares of its source, by both windows."""


class StoredWords(Protocol):
    """Words of pictures that may lie on the disk; an array is one too."""

    def __getitem__(self, numbers: Any, /) -> Words:
        """Those of ``(K,)`` pictures, by their numbers; shape ``(K, ...)``."""


@dataclass(frozen=True)
class Windows:
    """Hashes of the windows of ``N`` pictures; bits are signs of low frequencies.

    Attributes:
        inner: Shape ``(N, 16, 2)``: 64 low frequencies, 64 higher ones.
        outer: The same.
        unsure: Shape ``(N, 16)``: the bits of the first word of each outer window that are nearest
            to turning.
    """

    inner: StoredWords
    outer: StoredWords
    unsure: StoredWords


def hash_windows(thumbnails: npt.NDArray[np.uint8]) -> Windows:
    """Hash the windows of thumbnails, shape ``(N, S, S)``."""
    shape = (len(thumbnails), NUM_WINDOWS)
    inner, outer = np.empty((*shape, 2), np.uint64), np.empty((*shape, 2), np.uint64)
    unsure = np.empty(shape, np.uint64)
    for start in range(0, len(thumbnails), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        pictures = thumbnails[part].astype(np.float32)
        inner[part] = _as_words(_coefficients(pictures, _INNER_CUTS) > 0)
        waves = _coefficients(pictures, _OUTER_CUTS)
        outer[part] = _as_words(waves > 0)
        sizes = np.abs(waves[..., :64])
        nearest = np.argpartition(sizes, NUM_UNSURE, axis=-1)[..., :NUM_UNSURE]
        is_near = np.zeros(sizes.shape, np.bool_)
        np.put_along_axis(is_near, nearest, True, axis=-1)
        unsure[part] = _as_words(is_near)[..., 0]
    return Windows(inner, outer, unsure)


def mirrored_words(outer: Words, unsure: Words) -> tuple[Words, Words]:
    """What the mirrored pictures' windows would be, which may be inner ones as well."""
    outer, unsure = (np.take(words, _SWAPPED, axis=1) for words in (outer, unsure))
    return outer ^ _MIRROR, unsure


def _coefficients(
    pictures: npt.NDArray[np.float32], cuts: tuple[float, float]
) -> npt.NDArray[np.float32]:
    """Cosine transforms within all windows, shape ``(K, 16, 128)``."""
    size = pictures.shape[-1]
    pairs = tuple(product(cuts, repeat=2))  # before and after, of one axis
    waves = np.concatenate([_waves(size, *pair) for pair in pairs])
    every = (waves @ pictures @ waves.T).reshape(-1, 4, _NUM_WAVES, 4, _NUM_WAVES)
    rows, columns = _FREQUENCIES.T
    chosen = every[:, :, rows, :, columns]  # (128, K, rows' pair, columns' pair)
    result: npt.NDArray[np.float32] = np.moveaxis(chosen, 0, -1)
    # windows count as (left, right) before (top, bottom)
    return np.ascontiguousarray(result.swapaxes(1, 2)).reshape(-1, NUM_WINDOWS, len(rows))


def _waves(size: int, before: float, after: float) -> npt.NDArray[np.float32]:
    """Cosines over a window of one axis, shape ``(13, size)``; a pixel may lie in it by a part."""
    places = (np.arange(size * _OVERSAMPLING) + 0.5) / (size * _OVERSAMPLING)
    share = (places - before) / (1 - before - after)
    waves = np.cos(np.pi * np.arange(_NUM_WAVES)[:, None] * share)
    waves[:, (share < 0) | (share > 1)] = 0
    return np.asarray(waves.reshape(_NUM_WAVES, size, -1).mean(axis=2), np.float32)


def _as_words(bits: npt.NDArray[np.bool_]) -> Words:
    """Words of 64 bits, the first one the lowest; shape ``(..., 64 * W)`` to ``(..., W)``."""
    return np.asarray(np.packbits(bits, axis=-1, bitorder="little").view("<u8"), np.uint64)
