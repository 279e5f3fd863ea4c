"""The software renderer: z-buffer and unlit texture, on the processor, without a system library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fertools.geometry import FloatArray
from fertools.mesh import FaceScan
from fertools.render.camera import Camera
from fertools.render.rasteriser import EMPTY, rasterise, shade

__all__ = ["Rendering", "render_scan", "render_views"]

_VISIBLE_WITHIN_MM = 2.0


@dataclass(frozen=True)
class Rendering:
    """One scan from several views.

    Attributes:
        pictures: Shape ``(N, S, S, 3)``, uint8 RGB.
        landmarks: Shape ``(N, K, 2)``, pixels (see :mod:`fertools.render.camera`).
        visible: Shape ``(N, K)``; False where the face itself hides the point, or it is outside.
    """

    pictures: npt.NDArray[np.uint8]
    landmarks: FloatArray
    visible: npt.NDArray[np.bool_]


def render_views(
    scan: FaceScan,
    rotations: Sequence[FloatArray],
    *,
    camera: Camera,
    centre: FloatArray | None = None,
    supersample: int = 2,
    background: tuple[int, int, int] = (0, 0, 0),
) -> npt.NDArray[np.uint8]:
    """Render a scan under several rotations; see :func:`render_scan`."""
    return render_scan(
        scan,
        rotations,
        camera=camera,
        centre=centre,
        supersample=supersample,
        background=background,
    ).pictures


def render_scan(
    scan: FaceScan,
    rotations: Sequence[FloatArray],
    *,
    camera: Camera,
    landmarks: FloatArray | None = None,
    centre: FloatArray | None = None,
    supersample: int = 2,
    background: tuple[int, int, int] = (0, 0, 0),
) -> Rendering:
    """Render a scan under several rotations and project its landmarks.

    Args:
        scan: The face.
        rotations: Each of shape ``(3, 3)``, head to camera coordinates.
        camera: Picture size and scale.
        landmarks: Shape ``(K, 3)``, millimetres in the scan's frame; none if left out.
        centre: The point that the head turns about and that falls on the picture's middle, shape
            ``(3,)``; the middle of the bounding box if left out.
        supersample: Samples a pixel along each axis, 1 to 3; their mean is the pixel.
        background: RGB where there is no face.

    Returns:
        Pictures, landmarks and their visibility (a point is hidden where the mesh is more than
        2 mm nearer to the viewer).
    """
    middle = scan.centre if centre is None else np.asarray(centre, dtype=np.float64)
    points = np.empty((0, 3)) if landmarks is None else landmarks
    size = camera.image_size
    fine = Camera(size * supersample, camera.window_mm)
    height, width = scan.texture.shape[:2]
    texels = np.stack([scan.uvs[:, 0] * width - 0.5, (1.0 - scan.uvs[:, 1]) * height - 0.5], axis=1)
    colour = np.array(background, dtype=np.float64)
    texture = np.ascontiguousarray(scan.texture)
    pictures = np.empty((len(rotations), size, size, 3), np.uint8)
    projected = np.empty((len(rotations), len(points), 2))
    visible = np.empty((len(rotations), len(points)), np.bool_)
    depth = np.empty((fine.image_size, fine.image_size))
    triangles = np.empty((fine.image_size, fine.image_size), np.int32)
    for index, rotation in enumerate(rotations):
        screen = fine.project(scan.vertices, rotation, middle)
        depth.fill(-np.inf)
        triangles.fill(EMPTY)
        rasterise(screen, scan.faces, depth, triangles)
        shade(
            screen,
            scan.faces,
            texels,
            scan.uv_faces,
            texture,
            triangles,
            supersample,
            colour,
            pictures[index],
        )
        marks = fine.project(points, rotation, middle)
        projected[index] = marks[:, :2] / supersample
        visible[index] = _is_visible(marks, depth)
    return Rendering(pictures, projected, visible)


def _is_visible(marks: FloatArray, depth: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether points lie in the picture and not behind the mesh."""
    column = np.floor(marks[:, 0]).astype(int)
    row = np.floor(marks[:, 1]).astype(int)
    size = len(depth)
    inside = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    nearest = depth[np.clip(row, 0, size - 1), np.clip(column, 0, size - 1)]
    return np.asarray(inside & (marks[:, 2] >= nearest - _VISIBLE_WITHIN_MM))
