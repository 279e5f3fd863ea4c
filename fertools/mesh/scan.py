"""The value that the renderers take: a triangle mesh with texture coordinates and a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fertools.errors import ScanError

__all__ = ["FaceScan", "read_texture"]

_MAX_TEXTURE_PIXELS = 64_000_000


@dataclass(frozen=True)
class FaceScan:
    """One textured 3D face.

    Attributes:
        vertices: Shape ``(V, 3)``, millimetres; x to the image's right, y up, z out of the face.
        faces: Shape ``(F, 3)``, vertex numbers of triangles.
        uvs: Shape ``(T, 2)``, texture coordinates in [0, 1], v upwards.
        uv_faces: Shape ``(F, 3)``, the number in ``uvs`` of each corner of each triangle.
        texture: Shape ``(H, W, 3)``, uint8 RGB, row 0 at the top (v = 1).
    """

    vertices: npt.NDArray[np.float64]
    faces: npt.NDArray[np.int32]
    uvs: npt.NDArray[np.float64]
    uv_faces: npt.NDArray[np.int32]
    texture: npt.NDArray[np.uint8]

    @property
    def centre(self) -> npt.NDArray[np.float64]:
        """Middle of the bounding box, shape ``(3,)``, millimetres."""
        used = self.vertices[np.unique(self.faces)]
        return np.asarray((used.min(axis=0) + used.max(axis=0)) / 2.0)


def read_texture(path: Path) -> npt.NDArray[np.uint8]:
    """Read a texture as RGB.

    Args:
        path: A BMP, PNG or JPEG of at most 64 million pixels.

    Returns:
        Shape ``(H, W, 3)``, uint8, row 0 at the top.

    Raises:
        ScanError: If it is missing, no picture, cut off, or too large.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=("BMP", "PNG", "JPEG")) as picture:
            width, height = picture.size
            if width * height > _MAX_TEXTURE_PIXELS:
                raise ScanError(
                    f"{path}: {width} x {height} pixels; a texture may have "
                    f"{_MAX_TEXTURE_PIXELS:,} at most"
                )
            return np.asarray(picture.convert("RGB"))
    except FileNotFoundError as error:
        raise ScanError(f"{path}: the texture is missing; it belongs beside the mesh") from error
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ScanError(f"{path}: is not a BMP, PNG or JPEG picture; unpack it again") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise ScanError(f"{path}: cannot be read to its end ({error}); unpack it again") from error
