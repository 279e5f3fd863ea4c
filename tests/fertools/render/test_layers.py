from __future__ import annotations

import numpy as np
import pytest
import trimesh
from analytic_scenes import (
    checkers,
    dome,
    hit_plane,
    hit_sphere,
    nearest_triangles,
    outline_radius_mm,
    plane,
    project,
    rays,
    seen_by_rays,
    sphere,
    surface_points,
    triangle_soup,
    turn,
)

from fertools.geometry import FloatArray
from fertools.mesh import FaceScan
from fertools.render.backends import Look
from fertools.render.camera import Camera
from fertools.render.geometry_layers import Marks, draw_layers, project_landmarks
from fertools.render.scene import render_scan
from fertools.render.views import P1, P2

VIEWS = (*P1.views(""), *P2.views(""))
ROTATIONS = [turn(view.pan_deg, view.tilt_deg) for view in VIEWS]
P2_ROTATIONS = ROTATIONS[P1.num_views :]
CAMERAS = {
    "parallel": Camera(64, 220.0),
    "parallel, moved": Camera(64, 220.0, None, (13.0, -7.0)),
    "perspective": Camera(64, 220.0, 400.0),
    "perspective, moved": Camera(64, 220.0, 400.0, (13.0, -7.0)),
}
FRONT, ORIGIN = np.eye(3), np.zeros(3)


def project_all(
    scan: FaceScan,
    landmarks: FloatArray,
    rotations: list[FloatArray],
    camera: Camera,
    centre: FloatArray,
) -> tuple[FloatArray, np.ndarray]:
    """Pixels ``(views, K, 2)`` and visibility ``(views, K)``."""
    marks = [project_landmarks(scan, landmarks, R, camera, centre=centre) for R in rotations]
    return np.array([m.points for m in marks]), np.array([m.visible for m in marks])


class TestLandmarks:
    @pytest.mark.parametrize("name", CAMERAS)
    def test_they_agree_with_one_matrix_within_a_hundredth_of_a_pixel(self, name: str) -> None:
        scan, camera = dome(), CAMERAS[name]
        landmarks = surface_points(scan, 83, seed=0)
        found, _ = project_all(scan, landmarks, ROTATIONS, camera, scan.centre)
        for rotation, points in zip(ROTATIONS, found, strict=True):
            expected = project(landmarks, rotation, scan.centre, camera)
            assert np.abs(points - expected).max() < 0.01

    def test_the_nose_goes_right_with_yaw_and_up_with_pitch(self) -> None:
        nose, shift = np.array([[0.0, 0.0, 80.0]]), 80.0 * np.sin(np.radians(30.0)) * 200 / 220
        (right, up), _ = project_all(
            sphere(80.0), nose, [turn(30.0), turn(0.0, 30.0)], Camera(200, 220.0), ORIGIN
        )
        assert right[0] == pytest.approx([100 + shift, 100], abs=1e-9)
        assert up[0] == pytest.approx([100, 100 - shift], abs=1e-9)

    def test_none_are_no_landmarks(self) -> None:
        marks = project_landmarks(dome(), np.empty((0, 3)), FRONT, Camera(64, 220.0), centre=ORIGIN)
        assert (marks.points.shape, marks.visible.shape) == ((0, 2), (0,))


class TestVisibility:
    @pytest.mark.parametrize("name", ["parallel, moved", "perspective"])
    def test_it_agrees_with_rays_on_a_head(
        self, name: str, head: tuple[FaceScan, FloatArray]
    ) -> None:
        scan, landmarks = head
        assert agreement(scan, landmarks, CAMERAS[name]) >= 0.995

    @pytest.mark.parametrize("name", ["parallel", "perspective, moved"])
    def test_it_agrees_with_rays_on_a_bumpy_dome(self, name: str) -> None:
        scan = dome()
        assert agreement(scan, surface_points(scan, 100, seed=1), CAMERAS[name]) >= 0.995

    def test_it_does_not_depend_on_the_size_of_the_picture(
        self, head: tuple[FaceScan, FloatArray]
    ) -> None:
        scan, landmarks = head
        seen = [
            project_all(scan, landmarks, P2_ROTATIONS, Camera(size, 220.0), scan.centre)[1]
            for size in (8, 64, 1000)
        ]
        assert np.array_equal(seen[0], seen[1])
        assert np.array_equal(seen[1], seen[2])

    def test_a_point_behind_or_outside_is_not_visible(self) -> None:
        points = np.array([[0, 0, 80.0], [0, 0, -80.0], [500.0, 0, 0]])
        for camera in (Camera(64, 220.0), Camera(64, 220.0, 400.0)):
            assert visible(sphere(80.0), points, camera) == [True, False, False]

    @pytest.mark.parametrize("distance", [None, 400.0])
    def test_two_millimetres_before_a_point_hide_nothing_and_more_do(
        self, distance: float | None
    ) -> None:
        wall = plane(100.0, checkers(2, 2))
        points = np.array([[10.0, 7.0, z] for z in (5.0, 0.0, -1.99, -2.01, -50.0)])
        seen = visible(wall, points, Camera(64, 220.0, distance))
        assert seen == [True, True, True, False, False]

    def test_the_upper_left_border_is_inside_and_the_lower_right_outside(self) -> None:
        scan, camera = plane(200.0, checkers(2, 2)), Camera(64, 64.0)
        points = np.array([[-32, 32, 0], [32, 0, 0], [0, -32, 0], [31.999, -31.999, 0]], float)
        marks = project_landmarks(scan, points, FRONT, camera, centre=ORIGIN)
        assert marks.points[:3].tolist() == [[0, 0], [64, 32], [32, 64]]
        assert marks.visible.tolist() == [True, False, False, True]

    def test_a_point_where_there_is_no_surface_is_visible(self) -> None:
        assert visible(
            plane(50.0, checkers(2, 2)), np.array([[60.0, 0.0, -9.0]]), Camera(64, 220.0)
        )

    def test_a_point_on_the_line_between_two_triangles_is_hidden_by_both(self) -> None:
        wall = plane(100.0, checkers(2, 2), cells=4)
        behind = wall.vertices - np.array([0.0, 0.0, 5.0])  # every corner, also of the outline
        assert not any(visible(wall, behind, Camera(64, 220.0)))

    def test_edge_on_nothing_is_hidden_by_a_plane(self) -> None:
        wall = plane(100.0, checkers(2, 2))
        marks = project_landmarks(wall, wall.vertices, turn(90.0), Camera(64, 220.0), centre=ORIGIN)
        assert marks.visible.all()


def visible(scan: FaceScan, points: FloatArray, camera: Camera) -> list[bool]:
    """Which points are seen from the front."""
    marks: Marks = project_landmarks(scan, points, FRONT, camera, centre=ORIGIN)
    return marks.visible.tolist()


def agreement(scan: FaceScan, points: FloatArray, camera: Camera) -> float:
    """Share of the points over P2's views that rays judge as we do; some are seen, some not."""
    _, seen = project_all(scan, points, P2_ROTATIONS, camera, scan.centre)
    mesh = trimesh.Trimesh(scan.vertices, scan.faces, process=False)
    cameras = [camera] * len(P2_ROTATIONS)
    by_rays = seen_by_rays(mesh, points, P2_ROTATIONS, cameras, scan.centre)
    assert 0.02 < 1 - by_rays.mean() < 0.5
    return float((seen == by_rays).mean())


class TestDepth:
    @pytest.mark.parametrize("name", CAMERAS)
    def test_of_a_plane_it_is_exact_in_every_view(self, name: str) -> None:
        camera, half = CAMERAS[name], 80.0
        for rotation in P2_ROTATIONS:
            depth = draw_layers(
                plane(2 * half, checkers(2, 2)), rotation, camera, centre=ORIGIN
            ).depth_mm
            hits = hit_plane(rotation, camera)
            from_edge = np.abs(hits[..., :2]).max(axis=-1) - half
            inside, outside = from_edge < -1e-6, from_edge > 1e-6
            assert np.abs(depth - (hits @ rotation.T)[..., 2])[inside].max() < 1e-3
            assert np.isnan(depth[outside]).all()

    @pytest.mark.parametrize("name", CAMERAS)
    def test_of_a_sphere_it_is_exact(self, name: str) -> None:
        camera = CAMERAS[name]
        depth = draw_layers(sphere(80.0, 240), turn(20.0, 10.0), camera, centre=ORIGIN).depth_mm
        points, _ = rays(camera)
        radius = outline_radius_mm(80.0, camera)
        from_middle = np.hypot(points[..., 0], points[..., 1])
        inner = from_middle < 0.97 * radius
        assert np.abs(depth - hit_sphere(80.0, camera)[..., 2])[inner].max() < 0.05
        assert np.isnan(depth[from_middle > radius]).all()

    @pytest.mark.parametrize("name", CAMERAS)
    def test_of_crossing_triangles_it_is_that_of_the_nearest(self, name: str) -> None:
        for seed in range(8):
            scan, camera = triangle_soup(40, seed), CAMERAS[name]
            rotation = turn(*np.random.default_rng(seed).uniform(-180, 180, 3))
            layers = draw_layers(scan, rotation, camera, centre=ORIGIN)
            triangles, depth, is_certain = nearest_triangles(scan, rotation, camera)
            assert is_certain.mean() > 0.95
            hit = is_certain & (triangles >= 0)
            assert np.array_equal((layers.mask > 0)[is_certain], hit[is_certain])
            assert np.abs(layers.depth_mm - depth)[hit].max() < 1e-3
            a, b, c = np.moveaxis((scan.vertices @ rotation.T)[scan.faces], 1, 0)
            normals = np.cross(b - a, c - a)[triangles[hit]]
            cosine = (layers.normals[hit] * normals).sum(axis=1) / np.linalg.norm(normals, axis=1)
            assert np.abs(np.abs(cosine) - 1.0).max() < 1e-6

    def test_it_is_zero_in_the_centres_plane_and_grows_towards_the_viewer(self) -> None:
        for z in (-40.0, 0.0, 40.0):
            wall = plane(100.0, checkers(2, 2))
            moved = FaceScan(
                wall.vertices + np.array([0, 0, z]),
                wall.faces,
                wall.uvs,
                wall.uv_faces,
                wall.texture,
            )
            for camera in CAMERAS.values():
                depth = draw_layers(moved, FRONT, camera, centre=ORIGIN).depth_mm
                assert depth[32, 32] == pytest.approx(z, abs=1e-3)

    def test_from_a_hundred_metres_it_is_still_right(self) -> None:
        camera = Camera(96, 220.0, 100_000.0)
        depth = draw_layers(plane(160.0, checkers(2, 2)), turn(45.0), camera, centre=ORIGIN)
        exact = (hit_plane(turn(45.0), camera) @ turn(45.0).T)[..., 2]
        covered = np.isfinite(depth.depth_mm)
        assert np.abs(depth.depth_mm - exact)[covered].max() < 0.02


class TestNormals:
    @pytest.mark.parametrize("name", CAMERAS)
    def test_of_a_plane_they_are_its_normal_turned_to_the_viewer(self, name: str) -> None:
        for rotation in (*P2_ROTATIONS, turn(180.0), turn(150.0, 20.0)):
            layers = draw_layers(
                plane(160.0, checkers(2, 2)), rotation, CAMERAS[name], centre=ORIGIN
            )
            normal = rotation[:, 2] * np.sign(rotation[2, 2])
            found = layers.normals[layers.mask > 0]
            assert np.abs(found - normal).max() < 1e-6

    @pytest.mark.parametrize("name", CAMERAS)
    def test_of_a_sphere_they_point_away_from_its_middle(self, name: str) -> None:
        layers = draw_layers(sphere(80.0, 240), turn(20.0, 10.0), CAMERAS[name], centre=ORIGIN)
        points, _ = rays(CAMERAS[name])
        inner = np.hypot(points[..., 0], points[..., 1]) < 0.97 * outline_radius_mm(
            80.0, CAMERAS[name]
        )
        cosine = (layers.normals * hit_sphere(80.0, CAMERAS[name]) / 80.0).sum(axis=-1)[inner]
        assert cosine.min() > np.cos(np.radians(1.0))

    @pytest.mark.parametrize("name", CAMERAS)
    def test_they_are_unit_and_face_the_viewer_on_a_face_and_zero_beside_it(
        self, name: str
    ) -> None:
        scan, camera = dome(), CAMERAS[name]
        _, towards = rays(camera)
        for rotation in ROTATIONS:
            layers = draw_layers(scan, rotation, camera, centre=scan.centre)
            covered = layers.mask > 0
            lengths = np.linalg.norm(layers.normals[covered], axis=-1)
            assert np.abs(lengths - 1.0).max() < 1e-6
            assert ((layers.normals * towards).sum(axis=-1)[covered] > -1e-6).all()
            assert not layers.normals[~covered].any()

    @pytest.mark.parametrize("distance", [None, 400.0])
    def test_a_line_that_only_rounding_gives_an_area_has_a_normal_too(
        self, distance: float | None
    ) -> None:
        points = np.array([[-3.0, -3.0, 0.0], [1.0, 1.0, 0.0], [3.0, 3.0, 0.0]])
        faces = np.array([[0, 1, 2]], np.int32)
        line = FaceScan(points, faces, np.zeros((3, 2)), faces, checkers(2, 2))
        found = 0
        for window in range(7, 40):
            layers = draw_layers(line, FRONT, Camera(64, float(window), distance), centre=ORIGIN)
            covered = layers.mask > 0
            found += int(covered.sum())
            assert np.allclose(np.linalg.norm(layers.normals[covered], axis=-1), 1.0)
            assert np.isfinite(layers.normals).all()
        assert found > 0


class TestMask:
    @pytest.mark.parametrize("name", CAMERAS)
    def test_it_is_where_there_is_depth_and_where_the_picture_is_not_background(
        self, name: str
    ) -> None:
        bumpy = dome()
        white = np.full((2, 2, 3), 255, np.uint8)
        scan = FaceScan(bumpy.vertices, bumpy.faces, bumpy.uvs, bumpy.uv_faces, white)
        rendering = render_scan(
            scan, ROTATIONS, camera=CAMERAS[name], look=Look(supersample=1), with_layers=True
        )
        for picture, layers in zip(rendering.pictures, rendering.layers, strict=True):
            assert set(np.unique(layers.mask)) == {0, 255}
            assert np.array_equal(layers.mask == 255, np.isfinite(layers.depth_mm))
            assert np.array_equal(layers.mask, picture[..., 0])

    def test_the_layers_have_the_documented_types(self) -> None:
        layers = draw_layers(dome(), FRONT, Camera(32, 220.0), centre=ORIGIN)
        assert (layers.depth_mm.dtype, layers.depth_mm.shape) == (np.float32, (32, 32))
        assert (layers.normals.dtype, layers.normals.shape) == (np.float32, (32, 32, 3))
        assert (layers.mask.dtype, layers.mask.shape) == (np.uint8, (32, 32))
