from __future__ import annotations

import numpy as np
import pytest

from fertools.geometry import rotation_from_angles
from fertools.mesh import FaceScan
from fertools.render.camera import Camera
from fertools.render.software import render_scan, render_views
from fertools.render.views import VIEW_SETS


def sphere(radius: float, rings: int = 60) -> FaceScan:
    """A white sphere as triangles."""
    theta = np.linspace(0, np.pi, rings)
    phi = np.linspace(0, 2 * np.pi, 2 * rings)
    t, p = np.meshgrid(theta, phi, indexing="ij")
    points = np.stack([np.sin(t) * np.sin(p), np.cos(t), np.sin(t) * np.cos(p)], -1).reshape(-1, 3)
    n = 2 * rings
    corner = (np.arange(rings - 1)[:, None] * n + np.arange(n - 1)).ravel()
    faces = np.concatenate(
        [
            np.stack([corner, corner + n, corner + 1], 1),
            np.stack([corner + 1, corner + n, corner + n + 1], 1),
        ]
    ).astype(np.int32)
    white = np.full((4, 4, 3), 255, np.uint8)
    return FaceScan(radius * points, faces, np.full((len(points), 2), 0.5), faces, white)


def plane(side: float, texture: np.ndarray) -> FaceScan:
    """A square facing the viewer that shows the whole texture."""
    h = side / 2
    corners = np.array([[-h, -h, 0], [h, -h, 0], [h, h, 0], [-h, h, 0]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    uvs = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    return FaceScan(corners, faces, uvs, faces, texture)


ALL_VIEWS = [*VIEW_SETS["p1"].views, *VIEW_SETS["p2"].views]


def test_a_sphere_is_a_disc_of_its_radius_from_every_view() -> None:
    pictures = render_views(
        sphere(80.0), [v.rotation for v in ALL_VIEWS], camera=Camera(110, 220.0)
    )
    covered = (pictures[..., 0] / 255.0).sum(axis=(1, 2))
    assert covered == pytest.approx(np.full(len(ALL_VIEWS), np.pi * 40.0**2), rel=0.004)


def test_a_texture_keeps_right_left_up_and_down() -> None:
    texture = np.zeros((2, 2, 3), np.uint8)
    texture[0, 0], texture[0, 1] = (250, 0, 0), (0, 250, 0)  # upper left red, upper right green
    texture[1, 0] = (0, 0, 250)
    picture = render_views(plane(220.0, texture), [np.eye(3)], camera=Camera(8, 220.0))[0]
    assert picture[0, 0].tolist() == [250, 0, 0]
    assert picture[0, 7].tolist() == [0, 250, 0]
    assert picture[7, 0].tolist() == [0, 0, 250]


def test_a_plane_texel_for_pixel_is_the_texture_itself() -> None:
    texture = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    scan = plane(160.0, texture)
    picture = render_views(scan, [np.eye(3)], camera=Camera(16, 160.0), supersample=1)[0]
    assert np.array_equal(picture, texture)


def test_no_sample_falls_between_two_triangles() -> None:
    g = np.linspace(-100, 100, 41)
    x, y = np.meshgrid(g, g)
    points = np.stack([x, y, 10 * np.sin(x / 15) * np.cos(y / 11)], -1).reshape(-1, 3)
    corner = (np.arange(40)[:, None] * 41 + np.arange(40)).ravel()
    faces = np.concatenate(
        [
            np.stack([corner, corner + 1, corner + 42], 1),
            np.stack([corner, corner + 42, corner + 41], 1),
        ]
    ).astype(np.int32)
    white = np.full((2, 2, 3), 255, np.uint8)
    scan = FaceScan(points, faces, np.full((len(points), 2), 0.5), faces, white)
    rotations = [rotation_from_angles(yaw, yaw / 2) for yaw in np.linspace(-20, 20, 9)]
    for picture in render_views(scan, rotations, camera=Camera(80, 160.0), supersample=1):
        assert (picture[10:70, 10:70] == 255).all()


def test_what_is_nearer_hides_what_is_behind() -> None:
    near = plane(100.0, np.full((2, 2, 3), 255, np.uint8))
    scan = FaceScan(
        np.concatenate([near.vertices + np.array([0, 0, 30]), near.vertices * 2]),
        np.concatenate([near.faces, near.faces + 4]),
        np.concatenate([near.uvs * 0, near.uvs * 0 + 1.0]),
        np.concatenate([near.faces, near.faces + 4]),
        np.array([[[10] * 3, [90] * 3], [[200] * 3, [10] * 3]], np.uint8),
    )
    picture = render_views(scan, [np.eye(3)], camera=Camera(50, 220.0))[0]
    assert picture[25, 25, 0] == 200
    assert picture[8, 8, 0] == 90


def test_the_nose_goes_right_with_yaw_and_up_with_pitch() -> None:
    nose = np.array([[0.0, 0.0, 80.0]])
    camera = Camera(200, 220.0)
    for yaw, pitch in ((30.0, 0.0), (0.0, 30.0)):
        rotation = rotation_from_angles(yaw, pitch)
        marks = render_scan(
            sphere(80.0), [rotation], camera=camera, landmarks=nose, centre=np.zeros(3)
        ).landmarks[0, 0]
        shift = 80.0 * np.sin(np.radians(30.0)) * 200 / 220
        expected = (100 + shift, 100) if yaw else (100, 100 - shift)
        assert marks == pytest.approx(expected, abs=1e-9)


def test_a_point_behind_the_face_is_not_visible() -> None:
    points = np.array([[0, 0, 80.0], [0, 0, -80.0], [500.0, 0, 0]])
    seen = render_scan(
        sphere(80.0), [np.eye(3)], camera=Camera(64, 220.0), landmarks=points
    ).visible[0]
    assert seen.tolist() == [True, False, False]


def test_the_background_colour_is_kept() -> None:
    picture = render_views(
        sphere(20.0), [np.eye(3)], camera=Camera(32, 220.0), background=(10, 20, 30)
    )[0]
    assert picture[0, 0].tolist() == [10, 20, 30]


def test_a_triangle_without_area_is_harmless() -> None:
    scan = plane(100.0, np.full((2, 2, 3), 255, np.uint8))
    edge_on = render_views(scan, [rotation_from_angles(90.0)], camera=Camera(32, 220.0))
    assert edge_on.shape == (1, 32, 32, 3)


def test_p1_and_p2_have_the_published_numbers_of_pictures() -> None:
    for view_set in VIEW_SETS.values():
        count = len(view_set.views) * len(view_set.intensities) * 6 * 100
        assert count == view_set.expected_samples
