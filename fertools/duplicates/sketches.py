"""What is kept of a picture to find its duplicates: perceptual hashes and a thumbnail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fertools.duplicates.windows import Windows, hash_windows

__all__ = [
    "FLAT_BELOW",
    "THUMBNAIL_SIZE",
    "VARIANTS",
    "Sketch",
    "Sketches",
    "Thumbnails",
    "altered",
    "coarse_pictures",
    "sketch_picture",
    "stack_sketches",
]

Pixels = npt.NDArray[np.uint8]

THUMBNAIL_SIZE = 64
COARSE_SIZE = 16
VARIANTS = ("same", "mirrored")
"""In which ways a copy may be altered beyond its tones and its file; each has its own hash."""

FLAT_BELOW = 3.0
"""Standard deviation of a thumbnail, in grey levels, below which a picture shows nothing."""

_BLUR = 0.7  # of a thumbnail's pixels; copies of other sizes then agree to the pixel
_MAX_SIDE = 512


class Thumbnails(Protocol):
    """Thumbnails that may lie on the disk; an array is one too."""

    def __getitem__(self, numbers: Any, /) -> Pixels:
        """Some of them, shape ``(K, 64, 64)``, for ``(K,)`` numbers."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is kept of one picture.

    Attributes:
        hashes: Shape ``(2,)``, uint64: of the picture as each of ``VARIANTS``.
        thumbnail: Grey, shape ``(64, 64)``, uint8.
        is_flat: Whether it shows next to nothing (one colour): its hash means nothing then.
    """

    hashes: npt.NDArray[np.uint64]
    thumbnail: Pixels
    is_flat: bool


@dataclass(frozen=True)
class Sketches:
    """Sketches of ``N`` pictures.

    Attributes:
        hashes: Shape ``(N, 2)``, uint64, a column each of ``VARIANTS``.
        coarse: Shape ``(N, 16, 16)``, see :func:`coarse_pictures`.
        thumbnails: ``N`` of them.
        is_flat: Shape ``(N,)``; such pictures are no one's near duplicates.
        windows: By which cut copies are found; None where nobody looks for them.
    """

    hashes: npt.NDArray[np.uint64]
    coarse: Pixels
    thumbnails: Thumbnails
    is_flat: npt.NDArray[np.bool_]
    windows: Windows | None = None

    def __len__(self) -> int:
        return len(self.hashes)


def sketch_picture(pixels: Pixels, *, size: tuple[int, int] | None = None) -> Sketch:
    """Sketch a picture.

    The hash is the 64-bit ``phash`` of the package imagehash: the signs, against their median, of
    the 8 x 8 lowest frequencies. Brightness, contrast and re-encoding change few of its bits.

    Args:
        pixels: RGB, shape ``(H, W, 3)``, uint8, of any size.
        size: Width and height of the picture where ``pixels`` are a JPEG's at a smaller scale
            (:func:`fertools.pictures.read_picture` with ``shortest``). Their last row and column
            may reach beyond the picture's edge, which would move everything by a little.
    """
    import cv2
    import imagehash
    from PIL import Image

    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    reach = _reach((width, height), size)
    if max(height, width) > _MAX_SIDE:
        width, height = min(width, _MAX_SIDE), min(height, _MAX_SIDE)
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    steps = np.array([width, height]) * reach / THUMBNAIL_SIZE  # between a thumbnail's pixels
    smooth = cv2.GaussianBlur(
        grey.astype(np.float32),
        (0, 0),
        sigmaX=max(_BLUR * steps[0], 0.01),
        sigmaY=max(_BLUR * steps[1], 0.01),
        borderType=cv2.BORDER_REPLICATE,
    )
    places = (np.arange(THUMBNAIL_SIZE, dtype=np.float32) + 0.5)[:, None] * steps - 0.5
    columns, rows = np.meshgrid(*places.T.astype(np.float32))
    sampled = cv2.remap(smooth, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    thumbnail = sampled.round().astype(np.uint8)
    words = [
        np.packbits(imagehash.phash(Image.fromarray(picture)).hash).view(">u8")[0]
        for picture in (np.ascontiguousarray(altered(thumbnail, name)) for name in VARIANTS)
    ]
    return Sketch(np.array(words, np.uint64), thumbnail, bool(thumbnail.std() < FLAT_BELOW))


def _reach(given: tuple[int, int], size: tuple[int, int] | None) -> npt.NDArray[np.float64]:
    """How far the picture reaches into given pixels, as shares of their width and height."""
    if size is None:
        return np.ones(2)
    ratio = max(1, round(max(size[0] / given[0], size[1] / given[1])))
    return np.array([min(s / (ratio * g), 1.0) for s, g in zip(size, given, strict=True)])


def altered(thumbnails: Pixels, variant: str) -> Pixels:
    """Thumbnails as one of ``VARIANTS``, shape ``(..., S, S)``."""
    return thumbnails[..., ::-1] if variant == "mirrored" else thumbnails


def coarse_pictures(thumbnails: Pixels) -> Pixels:
    """Means over squares of thumbnails ``(K, 64, 64)``, shape ``(K, 16, 16)``."""
    side, part = COARSE_SIZE, THUMBNAIL_SIZE // COARSE_SIZE
    cut = thumbnails.reshape(-1, side, part, side, part)
    means: npt.NDArray[np.float32] = cut.mean(axis=(2, 4), dtype=np.float32)
    return (means + 0.5).astype(np.uint8)


def stack_sketches(sketches: Sequence[Sketch]) -> Sketches:
    """Sketches of pictures that are in memory anyway."""
    side = (0, THUMBNAIL_SIZE, THUMBNAIL_SIZE)
    thumbnails = np.array([s.thumbnail for s in sketches], np.uint8).reshape(-1, *side[1:])
    return Sketches(
        np.array([s.hashes for s in sketches], np.uint64).reshape(-1, len(VARIANTS)),
        coarse_pictures(thumbnails),
        thumbnails,
        np.array([s.is_flat for s in sketches], np.bool_),
        hash_windows(thumbnails),
    )
