"""What a picture shows beside its colours: landmarks, their visibility, depth, normals, mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fertools.geometry import FloatArray
from fertools.mesh import FaceScan
from fertools.render.camera import Camera, Projection
from fertools.render.rasteriser import EMPTY, nearest_at, rasterise, triangle_of

__all__ = ["HIDDEN_BEHIND_MM", "Layers", "Marks", "draw_layers", "project_landmarks"]

HIDDEN_BEHIND_MM = 2.0
"""A landmark is hidden where the surface is more than this nearer to the viewer."""


@dataclass(frozen=True)
class Marks:
    """Landmarks in one picture.

    Attributes:
        points: Shape ``(K, 2)``, pixels (see :mod:`fertools.render.camera`).
        visible: Shape ``(K,)``; False where the face itself hides the point, or it is outside.
    """

    points: FloatArray
    visible: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Layers:
    """What lies under the centre of every pixel.

    Attributes:
        depth_mm: Shape ``(S, S)``, float32: towards the viewer, 0 in the plane of the centre that
            the head turns about; NaN where there is no face.
        normals: Shape ``(S, S, 3)``, float32: unit normal of the triangle in camera coordinates,
            turned to the viewer; 0 where there is no face.
        mask: Shape ``(S, S)``, uint8: 255 where there is the face, else 0.
    """

    depth_mm: npt.NDArray[np.float32]
    normals: npt.NDArray[np.float32]
    mask: npt.NDArray[np.uint8]


def project_landmarks(
    scan: FaceScan,
    landmarks: FloatArray,
    rotation: FloatArray,
    camera: Camera,
    *,
    centre: FloatArray,
) -> Marks:
    """Project landmarks and find out which ones the face hides, at their exact places.

    Args:
        scan: The face.
        landmarks: Shape ``(K, 3)``, millimetres in the scan's frame.
        rotation: Shape ``(3, 3)``, head to camera coordinates.
        camera: Of the picture.
        centre: Shape ``(3,)``, the point that the head turns about.
    """
    seen = camera.project(scan.vertices, rotation, centre)
    marks = camera.project(landmarks, rotation, centre)
    nearest = np.full(len(landmarks), -np.inf)
    size = camera.image_size
    nearest_at(seen.screen, scan.faces, seen.key, marks.screen, float(size), nearest)
    points = marks.screen[:, :2].copy()
    inside = ((points >= 0.0) & (points < size)).all(axis=1)
    in_front = _depth(nearest, camera) - marks.screen[:, 2]
    return Marks(points, np.asarray(inside & (in_front <= HIDDEN_BEHIND_MM)))


def draw_layers(
    scan: FaceScan, rotation: FloatArray, camera: Camera, *, centre: FloatArray
) -> Layers:
    """Depth, normals and mask of one view, sampled at the pixels' centres.

    Args:
        scan: The face.
        rotation: Shape ``(3, 3)``, head to camera coordinates.
        camera: Of the picture.
        centre: Shape ``(3,)``, the point that the head turns about.
    """
    seen = camera.project(scan.vertices, rotation, centre)
    size = camera.image_size
    samples = np.full((size, size), EMPTY, np.int64)
    planes = np.empty((len(scan.faces), 6))
    rasterise(seen.screen, scan.faces, seen.key, samples, planes)
    covered = samples != EMPTY
    triangles = triangle_of(samples[covered])
    depth = np.full((size, size), np.nan)
    depth[covered] = _depth(_keys(scan, seen, planes, covered, triangles), camera)
    normals = np.zeros((size, size, 3), np.float32)
    normals[covered] = _normals(scan, rotation, centre, camera, triangles)
    return Layers(depth.astype(np.float32), normals, np.where(covered, 255, 0).astype(np.uint8))


def _keys(
    scan: FaceScan,
    seen: Projection,
    planes: FloatArray,
    covered: npt.NDArray[np.bool_],
    triangles: npt.NDArray[np.int64],
) -> FloatArray:
    """What the rasteriser sorts by, of triangles at the centres of the pixels they cover."""
    y, x = np.nonzero(covered)
    plane = planes[triangles]
    px, py = x + 0.5 - plane[:, 0], y + 0.5 - plane[:, 1]
    a, b, c = seen.screen[scan.faces[triangles], seen.key].T
    w_b, w_c = px * plane[:, 2] + py * plane[:, 3], px * plane[:, 4] + py * plane[:, 5]
    return np.asarray(a + w_b * (b - a) + w_c * (c - a))


def _depth(key: FloatArray, camera: Camera) -> FloatArray:
    """Millimetres towards the viewer from what the rasteriser sorts by."""
    if camera.distance_mm is None:
        return key
    with np.errstate(divide="ignore"):
        return np.where(np.isfinite(key), camera.distance_mm * (1.0 - 1.0 / key), -np.inf)


def _normals(
    scan: FaceScan,
    rotation: FloatArray,
    centre: FloatArray,
    camera: Camera,
    triangles: npt.NDArray[np.int64],
) -> FloatArray:
    """Unit normals of triangles in camera coordinates, turned to the viewer."""
    corners = (scan.vertices[scan.faces[triangles]] - centre) @ np.round(rotation, 12).T
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    eye = np.array([0.0, 0.0, camera.distance_mm or 0.0])
    to_viewer = eye - corners[:, 0] if camera.distance_mm else np.array([[0.0, 0.0, 1.0]])
    normals *= np.where((normals * to_viewer).sum(axis=1, keepdims=True) < 0.0, -1.0, 1.0)
    is_line = ~normals.any(axis=1, keepdims=True)  # its area in the picture is rounding alone
    normals = np.where(is_line, to_viewer, normals)
    return np.asarray(normals / np.linalg.norm(normals, axis=1, keepdims=True))
