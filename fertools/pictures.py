"""Picture files: what they are, and their pixels, with limits against hostile ones.

Pixels are given as they are stored: a turn that EXIF asks for is not made, since the data sets' own
boxes and landmarks count in stored pixels.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fertools.errors import PictureError
from fertools.regular_files import open_regular

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "MAX_PICTURE_BYTES",
    "MAX_PICTURE_PIXELS",
    "PICTURE_SUFFIXES",
    "PictureFacts",
    "decode_picture",
    "picture_size",
    "read_facts",
    "read_picture",
    "read_picture_bytes",
]

Pixels = npt.NDArray[np.uint8]

MAX_PICTURE_BYTES = 200_000_000
MAX_PICTURE_PIXELS = 100_000_000
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".gif", ".webp")
"""Endings of the files that are looked at, in small letters."""

_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "GIF", "WEBP")
_JPEG_START = b"\xff\xd8\xff"
_HARMLESS = ("extraneous bytes", "Invalid SOS parameters", "unknown Adobe", "JFIF")
_UNHEARD = logging.NullHandler()
_DEEP = ("I", "F")  # of Pillow: more than eight bits a channel


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What a manifest holds of a picture's file.

    Attributes:
        num_bytes: Its size.
        sha256: Of its bytes, hexadecimal.
        width: In pixels, from the header.
        height: In pixels, from the header.
    """

    num_bytes: int
    sha256: str
    width: int
    height: int


def read_facts(path: Path) -> PictureFacts:
    """Read a file whole for its digest, and the picture's size from its header.

    Raises:
        PictureError: If it is missing, no file, no picture, or above the limits of this module.
    """
    data = read_picture_bytes(path)
    width, height = picture_size(path, data)
    return PictureFacts(len(data), hashlib.sha256(data).hexdigest(), width, height)


def read_picture(path: Path, *, shortest: int | None = None) -> Pixels:
    """Decode a picture to its last byte.

    Args:
        path: A picture in one of the usual formats; of an animation the first frame.
        shortest: Give a JPEG at the smallest scale of 1, 1/2, 1/4 or 1/8 whose shorter side has
            this many pixels or more: several times as fast. Other formats are not scaled.

    Returns:
        RGB, shape ``(H, W, 3)``, uint8; what is transparent is black.

    Raises:
        PictureError: If it is missing, no picture, cut off, damaged, or above the limits.
    """
    return decode_picture(path, read_picture_bytes(path), shortest=shortest)


def read_picture_bytes(path: Path) -> bytes:
    """The bytes of a regular file of at most ``MAX_PICTURE_BYTES``.

    Raises:
        PictureError: If it is missing, something else than a file, empty, or larger.
    """
    try:
        with open_regular(path) as stream:
            num_bytes = os.fstat(stream.fileno()).st_size
            if num_bytes > MAX_PICTURE_BYTES:
                raise PictureError(
                    f"{path}: {num_bytes:,} bytes; a picture may have {MAX_PICTURE_BYTES:,}"
                )
            data = stream.read()
    except FileNotFoundError as error:
        raise PictureError(f"{path}: there is no such file") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"{path}: cannot be read: {reason}") from error
    if not data:
        raise PictureError(f"{path}: is empty; unpack it again")
    return data


def decode_picture(path: Path, data: bytes, *, shortest: int | None = None) -> Pixels:
    """As :func:`read_picture`, of bytes that are read already; ``path`` stands in the errors."""
    width, height = picture_size(path, data)
    if (pixels := _decode_jpeg(path, data, shortest)) is not None:
        return pixels
    try:
        with _quiet(), _open(path, data) as picture:
            if picture.mode.startswith(_DEEP):
                return _from_deep(picture)
            if "A" in picture.mode or "transparency" in picture.info:
                rgba = np.asarray(picture.convert("RGBA"))
                return np.where(rgba[..., 3:] > 0, rgba[..., :3], np.uint8(0))
            return np.array(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError) as error:
        raise PictureError(
            f"{path}: cannot be read to its end ({' '.join(str(error).split())}), {width} x "
            f"{height} pixels were promised; unpack it again"
        ) from error


def _decode_jpeg(path: Path, data: bytes, shortest: int | None) -> Pixels | None:
    """Pixels of a JPEG; None where the general way has to do it (CMYK)."""
    import simplejpeg

    header = _jpeg_header(data)
    if header is None or header[2] not in ("YCbCr", "GRAY", "Gray", "RGB"):
        return None
    width, height, _ = header
    least = {}
    if shortest is not None and min(height, width) > shortest:
        ratio = next((r for r in (8, 4, 2) if min(height, width) // r >= shortest), 1)
        least = {"min_height": height // ratio, "min_width": width // ratio}
    try:
        try:
            return np.asarray(simplejpeg.decode_jpeg(data, colorspace="RGB", strict=True, **least))
        except ValueError as error:
            if not any(words in str(error) for words in _HARMLESS):
                raise
        return np.asarray(simplejpeg.decode_jpeg(data, colorspace="RGB", strict=False, **least))
    except (ValueError, KeyError) as error:
        raise PictureError(
            f"{path}: cannot be read to its end ({' '.join(str(error).split())}), {width} x "
            f"{height} pixels were promised; unpack it again"
        ) from error


def _jpeg_header(data: bytes) -> tuple[int, int, str] | None:
    """Width, height and colour model of a JPEG; None where that is not to be had so fast."""
    import simplejpeg

    if not data.startswith(_JPEG_START):
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data, strict=False)
    except (ValueError, KeyError):
        return None
    return width, height, colours


def _from_deep(picture: Image.Image) -> Pixels:
    """Eight bits of a picture of sixteen; Pillow would clip them."""
    values = np.asarray(picture, dtype=np.float64)
    top = 255.0 if values.size == 0 or values.max() <= 255 else 65535.0
    grey = np.clip(values / top * 255.0, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Pillow's own words to itself: of sizes below its limit, of metadata, of damage."""
    logging.getLogger("PIL").addHandler(_UNHEARD)  # the same one is not added twice
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _open(path: Path, data: bytes) -> Image.Image:
    """Open with Pillow, of the known formats only."""
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(io.BytesIO(data), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise PictureError(
            f"{path}: hundreds of millions of pixels; a picture may have {MAX_PICTURE_PIXELS:,}"
        ) from error
    except UnidentifiedImageError as error:
        raise PictureError(
            f"{path}: is no picture (JPEG, PNG, BMP, TIFF, GIF or WebP); unpack it again"
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError) as error:
        raise PictureError(
            f"{path}: has a damaged header ({' '.join(str(error).split())}); unpack it again"
        ) from error


def picture_size(path: Path, data: bytes) -> tuple[int, int]:
    """Width and height from a file's bytes; ``path`` stands in the errors.

    Raises:
        PictureError: If it is no picture, or above the limits of this module.
    """
    header = _jpeg_header(data)
    width, height = _general_size(path, data) if header is None else header[:2]
    if width < 1 or height < 1:
        raise PictureError(f"{path}: has {width} x {height} pixels; unpack it again")
    if width * height > MAX_PICTURE_PIXELS:
        raise PictureError(
            f"{path}: {width} x {height} pixels; a picture may have {MAX_PICTURE_PIXELS:,}"
        )
    return width, height


def _general_size(path: Path, data: bytes) -> tuple[int, int]:
    """Width and height as Pillow finds them: several times as slow."""
    with _quiet(), _open(path, data) as picture:
        return picture.size
