"""One picture at several scales: a JPEG is decoded small wherever small is enough.

Coordinates count as in :mod:`fertools.render.camera`: the centre of the first pixel is (0.5, 0.5).
A picture at scale 1/R has every coordinate divided by exactly R; what its last column and row stand
for may reach a little beyond the original.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from fertools.pictures import decode_picture, picture_size

__all__ = ["RATIOS", "ScaledPicture", "pick_ratio"]

Pixels = npt.NDArray[np.uint8]

_ORIENTATION_TAG = 0x0112
_ORIENTATIONS = {  # EXIF's number: mirrored first, then right angles clockwise
    2: (True, 0),
    3: (False, 2),
    4: (True, 2),
    5: (True, 3),
    6: (False, 1),
    7: (True, 1),
    8: (False, 3),
}

RATIOS = (8, 4, 2, 1)
"""The scales are 1/8, 1/4, 1/2 and 1, as JPEG has them."""


def pick_ratio(least_scale: float) -> int:
    """The largest ratio of :data:`RATIOS` whose scale is not below one; 1 above full size.

    Example:
        >>> pick_ratio(0.3), pick_ratio(1.5)
        (2, 1)
    """
    return next((ratio for ratio in RATIOS if 1.0 / ratio >= least_scale), 1)


class ScaledPicture:
    """The bytes of a picture file, decoded at a scale when that scale is first asked for.

    Attributes:
        path: The file.
        sha256: Of its bytes.
        width: In pixels, after any turn.
        height: In pixels, after any turn.
    """

    def __init__(
        self, path: Path, data: bytes, size: tuple[int, int], *, turns: int, mirrored: bool
    ) -> None:
        self.path = path
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.width, self.height = size if turns % 2 == 0 else size[::-1]
        self._data = data
        self._stored = size
        self._turns = turns
        self._mirrored = mirrored
        self._decoded: dict[int, Pixels] = {}

    @classmethod
    def open(cls, path: Path, data: bytes, *, as_exif_says: bool = False) -> ScaledPicture:
        """Read a picture's header.

        Args:
            path: Stands in the errors.
            data: The file's bytes.
            as_exif_says: Turn the pixels as the EXIF data ask for; else they stay as stored.

        Raises:
            PictureError: If it is no picture.
        """
        size = picture_size(path, data)
        orientation = _read_orientation(data) if as_exif_says else 1
        mirrored, turns = _ORIENTATIONS.get(orientation, (False, 0))
        return cls(path, data, size, turns=turns, mirrored=mirrored)

    def at(self, ratio: int) -> Pixels:
        """RGB at 1/ratio, shape ``(ceil(H / ratio), ceil(W / ratio), 3)``.

        Raises:
            PictureError: If the bytes are damaged.
        """
        known = self._decoded.get(ratio)
        if known is None:
            finer = [r for r in self._decoded if r < ratio]
            known = (
                _shrink(self._decoded[max(finer)], ratio // max(finer))
                if finer
                else self._decode(ratio)
            )
            self._decoded[ratio] = known
        return known

    def _decode(self, ratio: int) -> Pixels:
        """Decode the file, at a smaller scale if it can be."""
        width, height = self._stored
        pixels = decode_picture(self.path, self._data, shortest=max(1, min(width, height) // ratio))
        if pixels.shape[:2] != (-(-height // ratio), -(-width // ratio)):
            if pixels.shape[:2] != (height, width):  # tiny, and at a scale that was not meant
                pixels = decode_picture(self.path, self._data)
            pixels = _shrink(pixels, ratio)
        if self._mirrored:
            pixels = pixels[:, ::-1]
        return np.ascontiguousarray(np.rot90(pixels, -self._turns))


def _read_orientation(data: bytes) -> int:
    """EXIF's number; 1, as stored, where there is none."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken EXIF data
            with Image.open(io.BytesIO(data)) as picture:
                value = picture.getexif().get(_ORIENTATION_TAG, 1)
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError):
        return 1
    return value if isinstance(value, int) else 1


def _shrink(pixels: Pixels, ratio: int) -> Pixels:
    """Mean over blocks of ratio x ratio pixels; the last ones are filled up with their edge."""
    if ratio == 1:
        return pixels
    height, width = pixels.shape[:2]
    below, beside = -height % ratio, -width % ratio
    if below or beside:
        pixels = cv2.copyMakeBorder(pixels, 0, below, 0, beside, cv2.BORDER_REPLICATE)  # type: ignore[assignment]
    size = (pixels.shape[1] // ratio, pixels.shape[0] // ratio)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
