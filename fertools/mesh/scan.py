"""The value that the renderers take: a triangle mesh with texture coordinates and a picture."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fertools.errors import ScanError
from fertools.mesh.files import size_of_file

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["FaceScan", "read_texture"]

_MAX_TEXTURE_PIXELS = 64_000_000
_MAX_TEXTURE_BYTES = 300_000_000  # four bytes a pixel, and room for a header
_DEEP_MODES = ("I", "F")  # of Pillow: more than eight bits a pixel, which it would clip


@dataclass(frozen=True)
class FaceScan:
    """One textured 3D face.

    Attributes:
        vertices: Shape ``(V, 3)``, millimetres; x to the image's right, y up, z out of the face.
        faces: Shape ``(F, 3)``, vertex numbers of triangles.
        uvs: Shape ``(T, 2)``, texture coordinates, v upwards; in [0, 1], or up to 0.01 beyond,
            where the nearest pixel of the border counts.
        uv_faces: Shape ``(F, 3)``, the number in ``uvs`` of each corner of each triangle.
        texture: Shape ``(H, W, 3)``, uint8 RGB, C-contiguous, row 0 at the top (v = 1).
        textured: False where the picture was missing: ``texture`` is then one grey pixel, and all
            texture numbers are 0.
        texture_path: The file that ``texture`` was read from; None if it was not read from one.
    """

    vertices: npt.NDArray[np.float64]
    faces: npt.NDArray[np.int32]
    uvs: npt.NDArray[np.float64]
    uv_faces: npt.NDArray[np.int32]
    texture: npt.NDArray[np.uint8]
    textured: bool = True
    texture_path: Path | None = None

    @property
    def used_vertices(self) -> npt.NDArray[np.float64]:
        """The vertices that a triangle uses, shape ``(N, 3)``, millimetres."""
        used = np.zeros(len(self.vertices), np.bool_)
        used[self.faces.ravel()] = True
        return np.asarray(self.vertices[used])

    @property
    def centre(self) -> npt.NDArray[np.float64]:
        """Middle of the bounding box, shape ``(3,)``, millimetres."""
        used = self.used_vertices
        return np.asarray((used.min(axis=0) + used.max(axis=0)) / 2.0)


def read_texture(path: Path) -> npt.NDArray[np.uint8]:
    """Read a texture as RGB.

    Args:
        path: A BMP, PNG or JPEG of at most 64 million pixels of eight bits a channel.

    Returns:
        Shape ``(H, W, 3)``, uint8, row 0 at the top.

    Raises:
        ScanError: If it is missing, no picture, cut off, or too large.
    """
    from PIL import Image, UnidentifiedImageError

    if size_of_file(path, "the texture") > _MAX_TEXTURE_BYTES:
        raise ScanError(f"{path}: larger than {_MAX_TEXTURE_BYTES:,} bytes; expected a texture")
    try:
        with warnings.catch_warnings():
            # of sizes below its own limit, of metadata and transparency: nothing that matters here
            warnings.simplefilter("ignore")
            with Image.open(path, formats=("BMP", "PNG", "JPEG")) as picture:
                _check_kind(path, picture)
                return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))
    except Image.DecompressionBombError as error:
        raise _too_large(path, "hundreds of millions of") from error
    except UnidentifiedImageError as error:
        raise ScanError(f"{path}: is not a BMP, PNG or JPEG picture; unpack it again") from error
    except PermissionError as error:
        raise ScanError(f"{path}: cannot be read: {error.strerror}") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise ScanError(f"{path}: cannot be read to its end ({error}); unpack it again") from error


def _check_kind(path: Path, picture: Image.Image) -> None:
    """Refuse a picture of no pixels, of too many, or of more than eight bits a channel."""
    width, height = picture.size
    if width * height > _MAX_TEXTURE_PIXELS:
        raise _too_large(path, f"{width} x {height}")
    if width < 1 or height < 1:
        raise ScanError(f"{path}: has {width} x {height} pixels; unpack it again")
    if picture.mode.startswith(_DEEP_MODES):
        raise ScanError(
            f"{path}: has more than eight bits a channel; save it with eight as BMP or PNG"
        )


def _too_large(path: Path, pixels: str) -> ScanError:
    return ScanError(f"{path}: {pixels} pixels; a texture may have {_MAX_TEXTURE_PIXELS:,} at most")
