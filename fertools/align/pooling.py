"""Shrinking by means over areas, from one table of sums for areas of any number and size.

The areas are those of torch's ``interpolate(mode="area")``: output pixel i of n stands for the
input pixels from floor(i m / n) to ceil((i + 1) m / n), all of the same weight, so that neighbours
may share some. A detector that is sensitive to such details then sees what it was written for.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["AreaSums"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]


class AreaSums:
    """A picture's table of sums.

    Args:
        pixels: Shape ``(H, W, 3)``. An area may have 8 million pixels: sums are kept modulo 2^32.

    Attributes:
        height: Of the picture.
        width: Of the picture.
    """

    def __init__(self, pixels: Pixels) -> None:
        self.height, self.width = pixels.shape[:2]
        self._sums = cv2.integral(pixels, sdepth=cv2.CV_32S)

    def resize(self, height: int, width: int) -> FloatArray:
        """The whole picture at another size, shape ``(height, width, 3)``, 0 to 255."""
        top, bottom = _edges(np.array([self.height]), height)
        left, right = _edges(np.array([self.width]), width)
        bands = self._sums[bottom[0]] - self._sums[top[0]]
        sums = bands[:, right[0]] - bands[:, left[0]]
        return _mean(sums, (bottom - top)[0][:, None] * (right - left)[0][None, :])

    def cut(self, boxes: IntArray, side: int) -> FloatArray:
        """Squares of some boxes, each stretched to ``side`` pixels.

        Args:
            boxes: Shape ``(N, 4)``: x0, y0, x1, y1, right and bottom exclusive; only what lies in
                the picture is taken, and of a box outside nothing but black.
            side: Of the output.

        Returns:
            Shape ``(N, side, side, 3)``, 0 to 255.
        """
        limits = np.array([self.width, self.height, self.width, self.height])
        x0, y0, x1, y1 = np.clip(boxes, 0, limits).T
        top, bottom = (edge + y0[:, None] for edge in _edges(y1 - y0, side))
        left, right = (edge + x0[:, None] for edge in _edges(x1 - x0, side))
        top, bottom = top[:, :, None], bottom[:, :, None]
        left, right = left[:, None, :], right[:, None, :]
        sums = self._sums[bottom, right] - self._sums[top, right]
        sums -= self._sums[bottom, left]
        sums += self._sums[top, left]
        return _mean(sums, np.maximum((bottom - top) * (right - left), 1))


def _edges(sizes: IntArray, count: int) -> tuple[IntArray, IntArray]:
    """Where ``count`` areas of each size begin and end, shapes ``(N, count)``."""
    number = np.arange(count + 1, dtype=np.int64)
    product = number * sizes[:, None]
    return product[:, :-1] // count, -(-product[:, 1:] // count)


def _mean(sums: npt.NDArray[np.int32], areas: IntArray) -> FloatArray:
    """Sums by areas."""
    return np.asarray(sums / areas[..., None].astype(np.float32), dtype=np.float32)
