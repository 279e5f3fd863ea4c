"""One scan from several views: pictures by a backend, landmarks and layers by the geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fertools.geometry import FloatArray
from fertools.mesh import FaceScan
from fertools.render.backends import Look, get_backend
from fertools.render.camera import Camera
from fertools.render.geometry_layers import Layers, draw_layers, project_landmarks

__all__ = ["Rendering", "render_scan"]


@dataclass(frozen=True)
class Rendering:
    """One scan from several views.

    Attributes:
        pictures: Shape ``(N, S, S, 3)``, uint8 RGB.
        landmarks: Shape ``(N, K, 2)``, pixels (see :mod:`fertools.render.camera`).
        visible: Shape ``(N, K)``; False where the face itself hides the point, or it is outside.
        cameras: One a view.
        layers: One a view; empty unless asked for.
    """

    pictures: npt.NDArray[np.uint8]
    landmarks: FloatArray
    visible: npt.NDArray[np.bool_]
    cameras: tuple[Camera, ...]
    layers: tuple[Layers, ...]


def render_scan(
    scan: FaceScan,
    rotations: Sequence[FloatArray],
    *,
    camera: Camera,
    look: Look | None = None,
    landmarks: FloatArray | None = None,
    centre: FloatArray | None = None,
    fit_margin: float | None = None,
    with_layers: bool = False,
    backend: str = "software",
) -> Rendering:
    """Render a scan under several rotations and project its landmarks.

    Args:
        scan: The face.
        rotations: Each of shape ``(3, 3)``, head to camera coordinates.
        camera: Picture size, scale and projection.
        look: Light, background and anti-aliasing; unlit on black, 2 x 2 samples, if left out.
        landmarks: Shape ``(K, 3)``, millimetres in the scan's frame; none if left out.
        centre: The point that the head turns about and that falls on the picture's middle, shape
            ``(3,)``; the middle of the bounding box if left out.
        fit_margin: Lay the window about the face in every view, with this border as a fraction of
            the face; the camera's own window if left out.
        with_layers: Whether depth, normals and mask are drawn as well.
        backend: Who draws the pictures, one of :data:`fertools.render.backends.BACKENDS`.

    Returns:
        Pictures, landmarks and their visibility, and the layers.

    Raises:
        ScanError: If the scan reaches behind the eye of a perspective camera.
        MissingExtraError: If the backend's library is not installed.
    """
    scan = _without_strays(scan)
    middle = scan.centre if centre is None else np.asarray(centre, dtype=np.float64)
    points = np.empty((0, 3)) if landmarks is None else landmarks
    cameras = [
        camera if fit_margin is None else camera.fitted(scan.vertices, rotation, middle, fit_margin)
        for rotation in rotations
    ]
    views = list(zip(rotations, cameras, strict=True))
    marks = [project_landmarks(scan, points, r, c, centre=middle) for r, c in views]
    layers = [draw_layers(scan, r, c, centre=middle) for r, c in views] if with_layers else []
    draw = get_backend(backend)
    return Rendering(
        pictures=draw(scan, rotations, cameras, look or Look(), centre=middle),
        landmarks=np.array([m.points for m in marks]).reshape(len(views), len(points), 2),
        visible=np.array([m.visible for m in marks], dtype=bool).reshape(len(views), len(points)),
        cameras=tuple(cameras),
        layers=tuple(layers),
    )


def _without_strays(scan: FaceScan) -> FaceScan:
    """The scan without vertices of no triangle: they may lie anywhere, behind the eye as well."""
    is_used = np.zeros(len(scan.vertices), np.bool_)
    is_used[scan.faces.ravel()] = True
    if is_used.all():
        return scan
    number = np.cumsum(is_used, dtype=np.int32) - np.int32(1)
    return replace(scan, vertices=scan.vertices[is_used], faces=number[scan.faces])
