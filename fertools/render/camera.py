"""The orthographic camera: millimetres of the head to pixels of the picture.

Pixel coordinates have (0, 0) at the picture's upper left corner, x to the right and y down; the
centre of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fertools.geometry import FloatArray

__all__ = ["Camera"]


@dataclass(frozen=True)
class Camera:
    """A parallel projection along z with a fixed physical scale.

    Attributes:
        image_size: Width and height of the picture in pixels.
        window_mm: What the picture spans, in millimetres; the same for every view and scan.
    """

    image_size: int
    window_mm: float

    def project(self, points: FloatArray, rotation: FloatArray, centre: FloatArray) -> FloatArray:
        """Turn points about a centre and project them.

        Args:
            points: Shape ``(N, 3)``, millimetres.
            rotation: Shape ``(3, 3)``, head to camera coordinates.
            centre: Shape ``(3,)``, the point that falls on the picture's middle.

        Returns:
            Shape ``(N, 3)``: x and y in pixels, and z in millimetres towards the viewer, 0 at the
            centre.
        """
        turned = (points - centre) @ rotation.T
        scale = self.image_size / self.window_mm
        half = self.image_size / 2.0
        return np.stack(
            [half + scale * turned[:, 0], half - scale * turned[:, 1], turned[:, 2]], axis=1
        )
