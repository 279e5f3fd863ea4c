"""Pictures and layers to the bytes of files."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from fertools.errors import OutputError

__all__ = ["ImageFormat", "encode_depth", "encode_mask", "encode_normals", "encode_picture"]

ImageFormat = Literal["png", "jpeg"]


def encode_picture(
    picture: npt.NDArray[np.uint8], image_format: ImageFormat = "png", *, jpeg_quality: int = 95
) -> bytes:
    """Encode a picture.

    Args:
        picture: Shape ``(H, W, 3)``, RGB.
        image_format: ``png`` keeps every pixel, ``jpeg`` does not.
        jpeg_quality: 1 to 100.

    Raises:
        OutputError: If the library cannot encode it.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality] if image_format == "jpeg" else []
    suffix = ".jpg" if image_format == "jpeg" else ".png"
    return _encode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)


def encode_depth(depth_mm: npt.NDArray[np.float32]) -> bytes:
    """A TIFF of 32-bit floats: millimetres towards the viewer, NaN where there is no face."""
    deflate = [cv2.IMWRITE_TIFF_COMPRESSION, cv2.IMWRITE_TIFF_COMPRESSION_ADOBE_DEFLATE]
    return _encode(".tiff", depth_mm, deflate)


def encode_normals(normals: npt.NDArray[np.float32]) -> bytes:
    """A 16-bit RGB PNG: x, y and z from -1 to 1 as 1 to 65535; black where there is no face."""
    covered = (normals != 0.0).any(axis=-1, keepdims=True)
    scaled = np.where(covered, np.rint((normals + 1.0) * 32767.0) + 1.0, 0.0)
    return _encode(".png", np.ascontiguousarray(scaled.astype(np.uint16)[..., ::-1]), [])


def encode_mask(mask: npt.NDArray[np.uint8]) -> bytes:
    """An 8-bit grey PNG: 255 on the face, else 0."""
    return _encode(".png", mask, [])


def _encode(suffix: str, values: npt.NDArray[Any], options: list[int]) -> bytes:
    """Bytes of a picture file, by OpenCV."""
    is_whole, encoded = cv2.imencode(suffix, values, options)
    if not is_whole:
        raise OutputError(f"a picture of shape {values.shape} cannot be encoded as {suffix}")
    return encoded.tobytes()
