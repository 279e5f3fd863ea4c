"""The software backend: z-buffer and texture, on the processor, without a system library."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fertools.geometry import FloatArray, rotation_from_angles
from fertools.mesh import FaceScan
from fertools.render.backends import Look, register_backend
from fertools.render.camera import Camera
from fertools.render.rasteriser import rasterise, vertex_normals
from fertools.render.shading import corner_texels, shade

__all__ = ["draw", "light_on_vertices"]


@register_backend("software")
def draw(
    scan: FaceScan,
    rotations: Sequence[FloatArray],
    cameras: Sequence[Camera],
    look: Look,
    *,
    centre: FloatArray,
) -> npt.NDArray[np.uint8]:
    """Draw a scan from several views; see :class:`fertools.render.backends.Backend`."""
    supersample = look.supersample
    height, width = scan.texture.shape[:2]
    texels = corner_texels(scan.uvs, scan.uv_faces, width, height)
    texture = np.ascontiguousarray(scan.texture)
    background = np.array(look.background, dtype=np.uint8)
    size = cameras[0].image_size if cameras else 0
    pictures = np.empty((len(rotations), size, size, 3), np.uint8)
    samples = np.empty((size * supersample, size * supersample), np.int64)
    planes = np.empty((len(scan.faces), 6))
    normals = vertex_normals(scan.vertices, scan.faces) if look.light == "lambert" else None
    for index, (rotation, camera) in enumerate(zip(rotations, cameras, strict=True)):
        seen = camera.project(scan.vertices, rotation, centre, samples=supersample)
        box = rasterise(seen.screen, scan.faces, seen.key, samples, planes)
        light = np.empty((0, 2)) if normals is None else light_on_vertices(normals, rotation, look)
        shade(
            seen.screen,
            scan.faces,
            planes,
            texels,
            texture,
            light,
            camera.distance_mm is not None,
            samples,
            box,
            supersample,
            background,
            pictures[index],
        )
    return pictures


def light_on_vertices(normals: FloatArray, rotation: FloatArray, look: Look) -> FloatArray:
    """Lambert's light on every vertex: ambient, and the cosine of the angle to a distant light.

    Args:
        normals: Shape ``(V, 3)``, unit vectors in the scan's frame, out of its front.
        rotation: Shape ``(3, 3)``, head to camera coordinates.
        look: Where the light stands and how strong the ambient part is.

    Returns:
        Shape ``(V, 2)`` in [0, 1]: on the front and on the back of the surface.
    """
    turned = rotation_from_angles(look.light_yaw_deg, look.light_pitch_deg)[:, 2]
    towards = np.round(rotation.T @ turned, 12)  # in the scan's frame
    cosine = normals[:, 0] * towards[0] + normals[:, 1] * towards[1] + normals[:, 2] * towards[2]
    lit = np.stack([np.maximum(cosine, 0.0), np.maximum(-cosine, 0.0)], axis=1)
    return np.asarray(look.ambient + (1.0 - look.ambient) * lit)
