"""Scenes whose pictures are known exactly: what the renderer is held against.

Used by the tests of this folder and by ``benchmarks/render_accuracy.py``. Nothing here calls the
renderer or the project's geometry: rotations and projections are trimesh's and numpy's, and of a
camera only its numbers are read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import trimesh
from trimesh.transformations import rotation_matrix

from fertools.mesh import FaceScan
from fertools.render.camera import Camera

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.uint8]

WHITE = np.full((2, 2, 3), 255, np.uint8)
HIDDEN_BEHIND_MM = 2.0


def turn(yaw_deg: float, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> Floats:
    """The project's convention, R_y(yaw) R_x(-pitch) R_z(-roll), by trimesh's matrices."""
    about_y = rotation_matrix(np.radians(yaw_deg), [0, 1, 0])
    about_x = rotation_matrix(-np.radians(pitch_deg), [1, 0, 0])
    about_z = rotation_matrix(-np.radians(roll_deg), [0, 0, 1])
    return np.asarray((about_y @ about_x @ about_z)[:3, :3])


def project(points: Floats, rotation: Floats, centre: Floats, camera: Camera) -> Floats:
    """Pixels ``(N, 2)`` of points, by one homogeneous 3 x 4 matrix."""
    pose = np.eye(4)
    pose[:3, :3] = rotation
    pose[:3, 3] = -rotation @ centre
    if camera.distance_mm is None:
        lens = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    else:
        lens = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1 / camera.distance_mm, 1]])
    scale, half = camera.image_size / camera.window_mm, camera.image_size / 2
    right, up = camera.offset_mm
    grid = np.array([[scale, 0, half - scale * right], [0, -scale, half + scale * up], [0, 0, 1]])
    seen = np.c_[points, np.ones(len(points))] @ (grid @ lens @ pose).T
    return np.asarray(seen[:, :2] / seen[:, 2:])


def rays(camera: Camera, samples: int = 1) -> tuple[Floats, Floats]:
    """Through every sample: a point of the centre's plane, and the direction to the viewer.

    Both of shape ``(S * s, S * s, 3)``, in camera coordinates.
    """
    count = camera.image_size * samples
    steps = ((np.arange(count) + 0.5) / count - 0.5) * camera.window_mm
    x, y = np.meshgrid(camera.offset_mm[0] + steps, camera.offset_mm[1] - steps)
    points = np.stack([x, y, np.zeros_like(x)], axis=-1)
    if camera.distance_mm is None:
        return points, np.broadcast_to(np.array([0.0, 0.0, 1.0]), points.shape)
    towards = np.array([0.0, 0.0, camera.distance_mm]) - points
    return points, towards / np.linalg.norm(towards, axis=-1, keepdims=True)


def sphere(radius: float, rings: int = 80) -> FaceScan:
    """A white sphere about the origin."""
    theta, phi = np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, 2 * rings)
    t, p = np.meshgrid(theta, phi, indexing="ij")
    points = np.stack([np.sin(t) * np.sin(p), np.cos(t), np.sin(t) * np.cos(p)], -1).reshape(-1, 3)
    faces = _grid_faces(rings, 2 * rings)
    uvs = np.full((len(points), 2), 0.5)
    return FaceScan(radius * points, faces, uvs, faces, WHITE)


def plane(side: float, texture: Pixels, cells: int = 1) -> FaceScan:
    """A square about the origin that faces the viewer and shows the whole texture."""
    steps = np.linspace(-0.5, 0.5, cells + 1)
    x, y = (a.ravel() for a in np.meshgrid(steps, -steps))  # rows downwards, as _grid_faces counts
    faces = _grid_faces(cells + 1, cells + 1)
    points = side * np.stack([x, y, np.zeros_like(x)], axis=1)
    return FaceScan(points, faces, np.stack([x + 0.5, y + 0.5], axis=1), faces, texture)


def dome(size: int = 48) -> FaceScan:
    """An open shell of a head's size with bumps that hide parts of it from the side."""
    x, y = np.meshgrid(np.linspace(-1, 1, size), np.linspace(1, -1, size))
    z = 55 * np.sqrt(np.clip(2.2 - x**2 - y**2, 0, None)) + 12 * np.sin(7 * x) * np.cos(6 * y)
    z += 35 * np.exp(-25 * (x**2 + (y + 0.1) ** 2))  # a nose
    points = np.stack([70 * x, 85 * y, z], axis=-1).reshape(-1, 3)
    faces = _grid_faces(size, size)
    uvs = np.stack([(x + 1) / 2, (y + 1) / 2], axis=-1).reshape(-1, 2)
    return FaceScan(points, faces, uvs, faces, checkers(8, 4))


def checkers(squares: int, texels: int) -> Pixels:
    """A chessboard in two colours with one red square in its upper left corner."""
    row, column = np.indices((squares * texels, squares * texels)) // texels
    board = np.where(((row + column) % 2 == 0)[..., None], (230, 220, 40), (20, 60, 200))
    board[:texels, :texels] = (250, 0, 0)
    return board.astype(np.uint8)


def _grid_faces(rows: int, columns: int) -> npt.NDArray[np.int32]:
    """Triangles between the points of a grid, rows downwards as seen from the front."""
    corner = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    lower = np.stack([corner, corner + columns, corner + 1], axis=1)
    upper = np.stack([corner + 1, corner + columns, corner + columns + 1], axis=1)
    return np.concatenate([lower, upper]).astype(np.int32)


def outline_radius_mm(radius: float, camera: Camera) -> float:
    """Radius of the disc that hides the centre's plane behind a sphere about the centre."""
    if camera.distance_mm is None:
        return radius
    d = camera.distance_mm
    return float(radius * d / np.sqrt(d**2 - radius**2))


def disc_coverage(radius: float, camera: Camera, fine: int = 20) -> Floats:
    """Which share of every pixel a sphere about the centre covers, to about 1 / fine ** 2."""
    points, _ = rays(camera, fine)
    inside = (points[..., 0] ** 2 + points[..., 1] ** 2) <= outline_radius_mm(radius, camera) ** 2
    return block_mean(inside.astype(np.float64), fine)


def block_mean(values: Floats, side: int) -> Floats:
    """Means over squares of samples, shape ``(S * side, S * side, ...)`` to ``(S, S, ...)``."""
    size = values.shape[0] // side
    return values.reshape(size, side, size, side, *values.shape[2:]).mean(axis=(1, 3))


@dataclass(frozen=True)
class Exact:
    """The exact picture of a plane.

    Attributes:
        colours: Shape ``(S, S, 3)``, the mean of the samples, not rounded.
        is_certain: Shape ``(S, S)``; False where a sample lies on the outline within a nanometre.
    """

    colours: Floats
    is_certain: Bools


def hit_plane(rotation: Floats, camera: Camera, samples: int = 1) -> Floats:
    """Where the ray through every sample meets the plane z = 0 of the head, in head coordinates."""
    points, towards = rays(camera, samples)
    normal = rotation[:, 2]
    along = -(points @ normal) / (towards @ normal)
    return np.asarray((points + along[..., None] * towards) @ rotation)


def plane_picture(
    side: float,
    texture: Pixels,
    rotation: Floats,
    camera: Camera,
    *,
    samples: int = 1,
    background: tuple[int, int, int] = (0, 0, 0),
) -> Exact:
    """What :func:`plane` looks like: every sample is traced back into the texture."""
    hits = hit_plane(rotation, camera, samples)[..., :2]
    inside = (np.abs(hits) <= side / 2).all(axis=-1)
    near_outline = (np.abs(np.abs(hits) - side / 2) < 1e-6).any(axis=-1)
    colours = np.where(
        inside[..., None], bilinear(texture, hits / side + 0.5), np.array(background, float)
    )
    doubt = block_mean(near_outline.astype(np.float64), samples)
    return Exact(block_mean(colours, samples), doubt == 0)


def bilinear(texture: Pixels, uv: Floats) -> Floats:
    """Colours ``(..., 3)`` at texture coordinates ``(..., 2)``, v upwards; the border is kept."""
    height, width = texture.shape[:2]
    column = np.clip(uv[..., 0] * width - 0.5, 0, width - 1)
    row = np.clip((1 - uv[..., 1]) * height - 0.5, 0, height - 1)
    c0, r0 = np.floor(column).astype(int), np.floor(row).astype(int)
    c1, r1 = np.minimum(c0 + 1, width - 1), np.minimum(r0 + 1, height - 1)
    right, down = (column - c0)[..., None], (row - r0)[..., None]
    texels = texture.astype(np.float64)
    above = texels[r0, c0] * (1 - right) + texels[r0, c1] * right
    below = texels[r1, c0] * (1 - right) + texels[r1, c1] * right
    return np.asarray(above * (1 - down) + below * down)


def hit_sphere(radius: float, camera: Camera) -> Floats:
    """Where the ray through every pixel first meets a sphere about the centre; NaN if nowhere.

    Shape ``(S, S, 3)``, camera coordinates.
    """
    points, towards = rays(camera)
    half = (points * towards).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        along = -half + np.sqrt(half**2 - ((points**2).sum(axis=-1) - radius**2))
    return np.asarray(points + along[..., None] * towards)


def triangle_soup(count: int, seed: int) -> FaceScan:
    """Triangles of all sizes and directions that cross each other."""
    rng = np.random.default_rng(seed)
    sizes = 10.0 ** rng.uniform(0.5, 2.0, (count, 1, 1))
    points = rng.uniform(-80, 80, (count, 1, 3)) + sizes * rng.normal(size=(count, 3, 3))
    faces = np.arange(3 * count, dtype=np.int32).reshape(count, 3)
    return FaceScan(points.reshape(-1, 3), faces, np.zeros((3 * count, 2)), faces, WHITE)


def nearest_triangles(
    scan: FaceScan, rotation: Floats, camera: Camera
) -> tuple[npt.NDArray[np.int64], Floats, Bools]:
    """Triangle through every pixel's centre by brute force, the head turned about the origin.

    Returns:
        Its number (-1 for none), its depth, and whether both are certain: no edge is within a
        millionth of a triangle, no other triangle within a micrometre. Each of shape ``(S, S)``.
    """
    points, towards = rays(camera)
    a, b, c = np.moveaxis((scan.vertices @ rotation.T)[scan.faces], 1, 0)
    normals = np.cross(b - a, c - a)  # (F, 3)
    along = ((a * normals).sum(axis=1) - points @ normals.T) / (towards @ normals.T)  # (S, S, F)
    hits = points[..., None, :] + along[..., None] * towards[..., None, :]
    squares = (normals**2).sum(axis=1)
    weight_b = (np.cross(hits - a, c - a) * normals).sum(axis=-1) / squares
    weight_c = (np.cross(b - a, hits - a) * normals).sum(axis=-1) / squares
    margin = np.minimum(np.minimum(weight_b, weight_c), 1 - weight_b - weight_c)
    depth = np.where(margin >= 0, hits[..., 2], -np.inf)
    best, second = depth.argmax(axis=-1), np.sort(depth, axis=-1)[..., -2:]
    none = np.isinf(second[..., 1])
    with np.errstate(invalid="ignore"):
        apart = none | (second[..., 1] - second[..., 0] > 1e-3)
    is_certain = (np.abs(margin) > 1e-6).all(axis=-1) & apart
    return np.where(none, -1, best), np.where(none, np.nan, second[..., 1]), is_certain


def directions_to_viewer(
    points: Floats, rotation: Floats, centre: Floats, camera: Camera
) -> Floats:
    """Unit vectors in the scan's frame, shape ``(N, 3)``."""
    if camera.distance_mm is None:
        return np.broadcast_to(rotation.T @ np.array([0.0, 0.0, 1.0]), points.shape)
    eye = rotation.T @ np.array([0.0, 0.0, camera.distance_mm]) + centre
    return np.asarray((eye - points) / np.linalg.norm(eye - points, axis=1, keepdims=True))


def seen_by_rays(
    mesh: trimesh.Trimesh,
    points: Floats,
    rotations: list[Floats],
    cameras: list[Camera],
    centre: Floats,
) -> Bools:
    """Which points of a scan trimesh's rays reach the viewer from, shape ``(views, N)``.

    A ray begins 2 mm before its point; points outside the picture count as unseen.
    """
    views = list(zip(rotations, cameras, strict=True))
    towards = [directions_to_viewer(points, r, centre, c) for r, c in views]
    starts = np.concatenate([points + HIDDEN_BEHIND_MM * t for t in towards])
    hidden = mesh.ray.intersects_any(starts, np.concatenate(towards)).reshape(len(views), -1)
    pixels = np.array([project(points, r, centre, c) for r, c in views])
    sizes = np.array([c.image_size for c in cameras])[:, None, None]
    return np.asarray(~hidden & ((pixels >= 0) & (pixels < sizes)).all(axis=-1))


def surface_points(scan: FaceScan, count: int, seed: int) -> Floats:
    """Random points on the triangles of a scan, evenly over the area."""
    mesh = trimesh.Trimesh(scan.vertices, scan.faces, process=False)
    points, _ = trimesh.sample.sample_surface(mesh, count, seed=seed)
    return np.asarray(points, dtype=np.float64)
