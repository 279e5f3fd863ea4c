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
    from PIL import Image, ImageFile

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
        columns = self.used_vertices.T  # one at a time: several times as fast
        return np.array([(column.min() + column.max()) / 2.0 for column in columns])


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
                if picture.format == "BMP" and picture.mode == "RGB":
                    pixels = _read_plain_bitmap(path, picture)
                else:
                    pixels = np.asarray(picture.convert("RGB"))
        pixels.flags.writeable = False  # whatever it comes from: one type to compile for
        return pixels
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


def _read_plain_bitmap(path: Path, picture: ImageFile.ImageFile) -> npt.NDArray[np.uint8]:
    """The pixels of a 24-bit BMP; of those without compression straight from the file.

    That is what BU-3DFE's textures are, and several times as fast as the general way.
    """
    import cv2

    codec, _, offset, form = picture.tile[0]
    if codec != "raw" or not isinstance(form, tuple) or form[0] != "BGR":
        return np.array(picture)
    width, height = picture.size
    _, stride, direction = form
    data = np.fromfile(path, np.uint8, stride * height, offset=offset)
    if len(data) < stride * height:
        raise OSError(f"{stride * height - len(data)} bytes are missing")
    rows = data.reshape(height, stride)[:, : 3 * width].reshape(height, width, 3)
    pixels = cv2.cvtColor(rows, cv2.COLOR_BGR2RGB)
    return np.asarray(cv2.flip(pixels, 0) if direction < 0 else pixels, dtype=np.uint8)


def _too_large(path: Path, pixels: str) -> ScanError:
    return ScanError(f"{path}: {pixels} pixels; a texture may have {_MAX_TEXTURE_PIXELS:,} at most")
