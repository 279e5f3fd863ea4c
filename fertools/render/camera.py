"""The camera: millimetres of the head to pixels of the picture.

Pixel coordinates have (0, 0) at the picture's upper left corner, x to the right and y down; the
centre of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fertools.errors import ScanError
from fertools.geometry import FloatArray
from fertools.render.rasteriser import project

__all__ = ["Camera", "Projection"]

_NEAREST_MM = 1.0


@dataclass(frozen=True)
class Projection:
    """Points in a picture.

    Attributes:
        screen: Shape ``(N, 4)``: x and y in pixels (or samples), z in millimetres towards the
            viewer, 0 at the centre, and the foreshortening, 1 for a parallel projection.
        key: The column of ``screen`` that sorts by nearness and is linear in the picture.
    """

    screen: FloatArray
    key: int


@dataclass(frozen=True)
class Camera:
    """A camera that looks along -z at the centre that the head turns about.

    Attributes:
        image_size: Width and height of the picture in pixels.
        window_mm: What the picture spans in the centre's plane, in millimetres.
        distance_mm: From the eye to the centre; None for a parallel projection.
        offset_mm: The point of the centre's plane that falls on the picture's middle, right and up.
    """

    image_size: int
    window_mm: float
    distance_mm: float | None = None
    offset_mm: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        for name in ("image_size", "window_mm", "distance_mm"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, got {value!r}")

    def project(
        self, points: FloatArray, rotation: FloatArray, centre: FloatArray, *, samples: int = 1
    ) -> Projection:
        """Turn points about a centre and project them.

        Args:
            points: Shape ``(N, 3)``, millimetres.
            rotation: Shape ``(3, 3)``, head to camera coordinates. Its entries are rounded to
                1e-12, so that sines of another C library give the same picture.
            centre: Shape ``(3,)``, the point that the head turns about.
            samples: Samples a pixel along each axis; x and y count these.

        Returns:
            The points in the picture.

        Raises:
            ScanError: If a point is behind the eye of a perspective camera, or nearer than 1 mm.
        """
        size = float(self.image_size * samples)
        screen = np.empty((len(points), 4))
        distance = self.distance_mm or 0.0
        project(
            np.ascontiguousarray(points, dtype=np.float64),
            np.round(rotation, 12),
            np.asarray(centre, dtype=np.float64),
            np.array(self.offset_mm, dtype=np.float64),
            size / self.window_mm,
            size / 2.0,
            distance,
            screen,
        )
        if distance and len(screen) and screen[:, 2].max() > distance - _NEAREST_MM:
            raise ScanError(
                f"a point lies {screen[:, 2].max():.0f} mm before the scan's centre and the camera "
                f"{distance:.0f} mm: move it away with a larger --distance-mm"
            )
        return Projection(screen, 3 if distance else 2)

    def fitted(
        self, points: FloatArray, rotation: FloatArray, centre: FloatArray, margin: float
    ) -> Camera:
        """The same camera with its window laid about the points.

        Args:
            points: Shape ``(N, 3)``, what is to be seen whole.
            rotation: Shape ``(3, 3)``.
            centre: Shape ``(3,)``.
            margin: Empty border on each side, as a fraction of the points' larger extent.

        Returns:
            A camera whose square window has its middle at that of the points' bounding box.

        Raises:
            ScanError: If the points are one point, or reach behind the eye.
        """
        unit = replace(self, image_size=1, window_mm=1.0, offset_mm=(0.0, 0.0))
        flat = unit.project(points, rotation, centre).screen[:, :2] - 0.5
        low, high = flat.min(axis=0), flat.max(axis=0)
        side = round(float((high - low).max()) * (1.0 + 2.0 * margin), 6)
        if side == 0.0:
            raise ScanError("the whole scan is one point: no window can be fitted to it")
        middle = (low + high) / 2.0
        return replace(self, window_mm=side, offset_mm=(float(middle[0]), float(-middle[1])))
