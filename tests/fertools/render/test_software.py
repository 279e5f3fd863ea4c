from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from analytic_scenes import (
    checkers,
    disc_coverage,
    dome,
    hit_sphere,
    outline_radius_mm,
    plane,
    plane_picture,
    rays,
    sphere,
    turn,
)

from fertools.errors import ScanError
from fertools.geometry import FloatArray
from fertools.mesh import FaceScan
from fertools.render.backends import Look, get_backend
from fertools.render.camera import Camera
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
FRONT = np.eye(3)
BACKGROUND = (10, 20, 30)


def draw(
    scan: FaceScan,
    rotations: list[FloatArray],
    camera: Camera,
    *,
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0),
    **look: Any,
) -> npt.NDArray[np.uint8]:
    """Pictures by the software backend, turned about the origin."""
    cameras = [camera] * len(rotations)
    return get_backend("software")(scan, rotations, cameras, Look(**look), centre=np.array(centre))


class TestSilhouette:
    @pytest.mark.parametrize("supersample", [1, 2, 3])
    @pytest.mark.parametrize("name", CAMERAS)
    def test_a_sphere_covers_the_exact_disc_in_every_view(
        self, name: str, supersample: int
    ) -> None:
        covered = draw(sphere(80.0), ROTATIONS, CAMERAS[name], supersample=supersample) / 255.0
        exact = disc_coverage(80.0, CAMERAS[name])
        # samples s apart see a straight edge to half of their distance
        assert np.abs(covered[..., 0] - exact).max() <= 0.5 / supersample + 0.01
        assert covered[..., 0].sum(axis=(1, 2)) == pytest.approx(
            exact.sum(), rel=0.01 / supersample
        )

    @pytest.mark.parametrize("name", CAMERAS)
    def test_a_sample_is_covered_if_its_centre_is_in_the_disc(self, name: str) -> None:
        camera = CAMERAS[name]
        pictures = draw(sphere(80.0), ROTATIONS, camera, supersample=1)
        from_middle = np.hypot(*np.moveaxis(rays(camera)[0][..., :2], -1, 0))
        beyond = from_middle - outline_radius_mm(80.0, camera)
        assert (pictures[:, beyond < -0.05] == 255).all()
        assert (pictures[:, beyond > 0.0] == 0).all()

    def test_a_perspective_sphere_is_larger_than_a_parallel_one(self) -> None:
        parallel, perspective = (
            draw(sphere(80.0), [FRONT], CAMERAS[name])[0, ..., 0] / 255.0
            for name in ("parallel", "perspective")
        )
        ratio = np.sqrt(perspective.sum() / parallel.sum())
        assert ratio == pytest.approx(400 / np.sqrt(400**2 - 80**2), abs=0.003)

    def test_no_sample_falls_between_two_triangles(self) -> None:
        bumpy = dome()
        white = np.full((2, 2, 3), 255, np.uint8)
        scan = FaceScan(bumpy.vertices, bumpy.faces, bumpy.uvs, bumpy.uv_faces, white)
        rotations = [turn(yaw, yaw / 2) for yaw in np.linspace(-20, 20, 9)]
        for camera in (Camera(200, 90.0), Camera(200, 80.0, 400.0)):
            pictures = draw(scan, rotations, camera, centre=(0.0, 0.0, 70.0), supersample=1)
            assert (pictures == 255).all()


class TestTexture:
    @pytest.mark.parametrize("supersample", [1, 2, 3])
    @pytest.mark.parametrize("name", CAMERAS)
    def test_a_checkered_plane_of_two_triangles_is_exact_within_a_level_in_every_view(
        self, name: str, supersample: int
    ) -> None:
        texture, camera = checkers(8, 4), CAMERAS[name]
        pictures = draw(
            plane(160.0, texture),
            P2_ROTATIONS,
            camera,
            supersample=supersample,
            background=BACKGROUND,
        )
        for rotation, picture in zip(P2_ROTATIONS, pictures, strict=True):
            exact = plane_picture(
                160.0, texture, rotation, camera, samples=supersample, background=BACKGROUND
            )
            assert np.abs(picture - exact.colours)[exact.is_certain].max() <= 1.0
            assert exact.is_certain.mean() > 0.999

    def test_perspective_foreshortens_the_texture_of_a_triangle(self) -> None:
        texture = np.zeros((1, 64, 3), np.uint8)
        texture[:, :32] = 255
        camera = Camera(101, 220.0, 300.0)
        picture = draw(plane(160.0, texture), [turn(45.0)], camera, supersample=1)[0, 50, :, 0]
        lit = np.flatnonzero(picture > 127)
        # the middle of the texture stays on the middle of the picture, that of its outline does not
        assert lit.max() in (49, 50)
        half, d = 80 * np.sqrt(0.5), 300.0
        left = 50.5 - 101 / 220 * half * d / (d - half)  # the left edge comes nearer
        assert lit.min() == pytest.approx(left, abs=1.0)

    @pytest.mark.parametrize("cells", [1, 7])
    def test_a_plane_texel_for_pixel_is_the_texture_itself(self, cells: int) -> None:
        texture = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
        picture = draw(plane(160.0, texture, cells), [FRONT], Camera(16, 160.0), supersample=1)[0]
        assert np.array_equal(picture, texture)

    def test_it_keeps_right_left_up_and_down(self) -> None:
        texture = np.zeros((2, 2, 3), np.uint8)
        texture[0, 0], texture[0, 1] = (250, 0, 0), (0, 250, 0)  # upper left red, right green
        texture[1, 0] = (0, 0, 250)
        picture = draw(plane(220.0, texture), [FRONT], Camera(8, 220.0))[0]
        assert picture[0, 0].tolist() == [250, 0, 0]
        assert picture[0, 7].tolist() == [0, 250, 0]
        assert picture[7, 0].tolist() == [0, 0, 250]

    def test_an_even_colour_stays_what_it_is(self) -> None:
        for colour in (0, 1, 127, 254, 255):
            texture = np.full((5, 3, 3), colour, np.uint8)
            for supersample in (1, 2, 3):
                picture = draw(
                    plane(400.0, texture), [turn(17.0)], Camera(32, 220.0), supersample=supersample
                )
                assert (picture == colour).all()

    def test_coordinates_just_beyond_the_picture_take_its_border(self) -> None:
        texture = np.random.default_rng(1).integers(0, 256, (2, 2, 3)).astype(np.uint8)
        square = plane(160.0, texture)
        wide = FaceScan(
            square.vertices, square.faces, square.uvs * 1.02 - 0.01, square.uv_faces, texture
        )
        picture = draw(wide, [FRONT], Camera(64, 160.0), supersample=1)[0]
        corners = picture[[0, 0, -1, -1], [0, -1, 0, -1]].reshape(2, 2, 3)
        assert np.array_equal(corners, texture)

    def test_what_is_nearer_hides_what_is_behind_whichever_is_listed_first(self) -> None:
        small, large = plane(100.0, WHITE_BLACK), plane(200.0, WHITE_BLACK)
        near = small.vertices + np.array([0.0, 0.0, 30.0])
        white, black = np.array([[0.0, 1.0]]), np.array([[1.0, 1.0]])
        for first_is_near in (True, False):
            points = [near, large.vertices] if first_is_near else [large.vertices, near]
            uvs = np.concatenate([white, black] if first_is_near else [black, white])
            faces = np.concatenate([small.faces, small.faces + 4])
            uv_faces = np.repeat([[0] * 3, [1] * 3], 2, axis=0).astype(np.int32)
            scan = FaceScan(np.concatenate(points), faces, uvs, uv_faces, WHITE_BLACK)
            picture = draw(scan, [FRONT], Camera(50, 220.0), background=(9, 9, 9))[0, ..., 0]
            assert (picture[25, 25], picture[8, 8], picture[0, 0]) == (255, 0, 9)


WHITE_BLACK = np.array([[[255] * 3, [0] * 3]], np.uint8)


class TestSupersample:
    @pytest.mark.parametrize("supersample", [1, 2, 3])
    def test_a_pixel_is_the_mean_of_its_samples(self, supersample: int) -> None:
        camera = Camera(48, 220.0)
        fine = Camera(48 * supersample, 220.0)
        scan = dome()
        picture = draw(scan, [turn(35.0, 10.0)], camera, supersample=supersample)[0]
        samples = draw(scan, [turn(35.0, 10.0)], fine, supersample=1)[0].astype(float)
        blocks = samples.reshape(48, supersample, 48, supersample, 3).mean(axis=(1, 3))
        assert np.abs(picture - blocks).max() <= 1.5  # each sample was rounded

    @pytest.mark.parametrize("supersample", [1, 2, 3])
    def test_an_outline_has_as_many_shades_as_samples_allow(self, supersample: int) -> None:
        picture = draw(sphere(80.0), [FRONT], Camera(96, 220.0), supersample=supersample)[0]
        shades = np.unique(picture)
        steps = np.rint(shades / 255.0 * supersample**2)
        assert np.abs(shades - steps * 255.0 / supersample**2).max() <= 0.5
        assert len(shades) == len(set(steps)) > supersample

    @pytest.mark.parametrize("supersample", [1, 2, 3])
    def test_the_background_has_its_colour_and_mixes_into_the_outline(
        self, supersample: int
    ) -> None:
        white_on_grey = draw(
            sphere(40.0),
            [FRONT],
            Camera(64, 220.0),
            supersample=supersample,
            background=(0, 100, 200),
        )[0].astype(float)
        assert white_on_grey[0, 0].tolist() == [0, 100, 200]
        share = white_on_grey[..., 0] / 255.0  # of the face, from red
        assert white_on_grey[..., 1] == pytest.approx(100 + 155 * share, abs=1.0)
        assert white_on_grey[..., 2] == pytest.approx(200 + 55 * share, abs=1.0)


def light_towards(yaw_deg: float, pitch_deg: float) -> FloatArray:
    """Unit vector to the light in camera coordinates."""
    yaw, pitch = np.radians([yaw_deg, pitch_deg])
    return np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])


LIGHTS = [(0.0, 0.0), (50.0, 0.0), (-50.0, 20.0), (0.0, 60.0), (30.0, -80.0), (180.0, 0.0)]


class TestLambert:
    @pytest.mark.parametrize("light", LIGHTS)
    @pytest.mark.parametrize("ambient", [0.0, 0.3, 1.0])
    def test_a_plane_has_the_cosine_of_the_light_in_every_view(
        self, light: tuple[float, float], ambient: float
    ) -> None:
        white = np.full((2, 2, 3), 255, np.uint8)
        pictures = draw(
            plane(400.0, white),
            P2_ROTATIONS,
            Camera(8, 20.0),
            light="lambert",
            light_yaw_deg=light[0],
            light_pitch_deg=light[1],
            ambient=ambient,
        )
        for rotation, picture in zip(P2_ROTATIONS, pictures, strict=True):
            cosine = max(0.0, rotation[:, 2] @ light_towards(*light))
            assert picture == pytest.approx(
                np.full((8, 8, 3), 255 * (ambient + (1 - ambient) * cosine)), abs=1.0
            )

    @pytest.mark.parametrize("light", LIGHTS)
    @pytest.mark.parametrize("name", ["parallel", "perspective"])
    def test_a_sphere_has_the_cosine_of_its_normals(
        self, name: str, light: tuple[float, float]
    ) -> None:
        camera = CAMERAS[name]
        picture = draw(
            sphere(80.0, 160),
            [turn(30.0, -15.0)],
            camera,
            supersample=1,
            light="lambert",
            light_yaw_deg=light[0],
            light_pitch_deg=light[1],
            ambient=0.2,
        )[0, ..., 0]
        points, _ = rays(camera)
        inner = np.hypot(points[..., 0], points[..., 1]) < 0.97 * outline_radius_mm(80.0, camera)
        cosine = np.maximum(hit_sphere(80.0, camera)[inner] / 80.0 @ light_towards(*light), 0.0)
        assert picture[inner] == pytest.approx(255 * (0.2 + 0.8 * cosine), abs=3.0)

    @pytest.mark.parametrize(
        ("light", "bright"),
        [
            ({"light_yaw_deg": 60.0}, "right"),
            ({"light_yaw_deg": -60.0}, "left"),
            ({"light_pitch_deg": 60.0}, "above"),
            ({"light_pitch_deg": -60.0}, "below"),
        ],
    )
    def test_positive_yaw_lights_the_right_and_positive_pitch_from_above(
        self, light: dict[str, float], bright: str
    ) -> None:
        picture = draw(sphere(80.0), [FRONT], Camera(96, 220.0), light="lambert", **light)[0]
        sides = {
            "right": picture[:, 48:],
            "left": picture[:, :48],
            "above": picture[:48],
            "below": picture[48:],
        }
        means = {side: part.mean() for side, part in sides.items()}
        assert max(means, key=lambda side: means[side]) == bright

    @pytest.mark.parametrize("light", LIGHTS)
    def test_the_back_of_a_surface_is_lit_as_a_front_that_looks_that_way(
        self, light: tuple[float, float]
    ) -> None:
        lamp = {"light": "lambert", "light_yaw_deg": light[0], "light_pitch_deg": light[1]}
        white = np.full((2, 2, 3), 255, np.uint8)
        square = plane(400.0, white)
        turned_round = FaceScan(
            square.vertices, square.faces[:, ::-1].copy(), square.uvs, square.uv_faces, white
        )
        for rotation in P2_ROTATIONS[::6]:
            front = draw(square, [rotation], Camera(8, 20.0), **lamp)
            back = draw(turned_round, [rotation], Camera(8, 20.0), **lamp)
            assert np.array_equal(front, back)

    def test_a_light_behind_the_viewer_leaves_a_front_as_it_is(self) -> None:
        texture, camera = checkers(8, 4), Camera(64, 160.0)
        unlit, lit = (
            draw(plane(160.0, texture), [FRONT], camera, light=light).astype(int)
            for light in ("unlit", "lambert")
        )
        assert np.abs(unlit - lit).max() <= 1


class TestHarmless:
    def test_edge_on_a_plane_shows_nothing(self) -> None:
        white = np.full((2, 2, 3), 255, np.uint8)
        for rotation in (turn(90.0), turn(-90.0), turn(0.0, 90.0)):
            assert not draw(plane(100.0, white), [rotation], Camera(32, 220.0)).any()

    def test_triangles_without_area_change_nothing(self) -> None:
        scan = dome()
        line = np.array([[0, 0, 0], [5, 5, 9], [9, 5, 9], [0, 1, 1]], np.int32)
        with_lines = FaceScan(
            scan.vertices,
            np.concatenate([line, scan.faces]),
            scan.uvs,
            np.concatenate([line, scan.uv_faces]),
            scan.texture,
        )
        for light in ("unlit", "lambert"):
            both = [draw(s, ROTATIONS, Camera(48, 220.0), light=light) for s in (scan, with_lines)]
            assert np.array_equal(*both)

    def test_triangles_outside_the_window_change_nothing(self) -> None:
        scan, far = dome(), sphere(40.0, rings=12)
        for place in ([400, 0, 0], [-400, 0, 0], [0, 400, 0], [0, -400, 0], [300, 300, 20]):
            with_far = FaceScan(
                np.concatenate([scan.vertices, far.vertices + np.array(place)]),
                np.concatenate([scan.faces, far.faces + np.int32(len(scan.vertices))]),
                scan.uvs,
                np.concatenate([scan.uv_faces, np.zeros_like(far.faces)]),
                scan.texture,
            )
            both = [draw(s, [FRONT], Camera(48, 220.0)) for s in (scan, with_far)]
            assert np.array_equal(*both)

    def test_a_triangle_may_leave_the_window_on_every_side(self) -> None:
        for camera in CAMERAS.values():
            texture = checkers(8, 4)
            picture = draw(plane(330.0, texture), [turn(20.0)], camera, supersample=1)[0]
            exact = plane_picture(330.0, texture, turn(20.0), camera)
            assert np.abs(picture - exact.colours)[exact.is_certain].max() <= 1.0

    @pytest.mark.parametrize("name", ["parallel", "perspective"])
    def test_a_plane_of_twenty_kilometres_is_exact(self, name: str) -> None:
        texture, camera = checkers(8, 4), CAMERAS[name]
        rotations = P2_ROTATIONS if name == "parallel" else [FRONT, turn(0, 0, 40)]
        for rotation, picture in zip(
            rotations, draw(plane(2e7, texture), rotations, camera), strict=True
        ):
            exact = plane_picture(2e7, texture, rotation, camera, samples=2)
            assert np.abs(picture - exact.colours).max() <= 1.0

    def test_scans_of_any_allowed_size_are_drawn_or_refused(self) -> None:
        refused = 0
        for seed in range(300):
            rng = np.random.default_rng(seed)
            points = rng.normal(size=(9, 3)) * 10.0 ** rng.uniform(-3, 7, (9, 1))
            faces = rng.integers(0, 9, (16, 3)).astype(np.int32)
            scan = FaceScan(
                points.clip(-1e7, 1e7), faces, rng.uniform(size=(9, 2)), faces, checkers(2, 2)
            )
            distance = None if seed % 2 else float(10 ** rng.uniform(1.7, 5))
            camera = Camera(16, float(10 ** rng.uniform(0, 3.3)), distance)
            try:
                assert draw(scan, [turn(*rng.uniform(-180, 180, 3))], camera).shape[1:3] == (16, 16)
            except ScanError:
                refused += 1
        assert 0 < refused < 150

    @pytest.mark.slow
    def test_the_largest_picture_is_drawn(self) -> None:
        picture = draw(plane(2e7, checkers(2, 2)), [turn(30.0)], Camera(4096, 1.0), supersample=3)
        assert picture.shape == (1, 4096, 4096, 3)
        assert (picture == picture[0, 2048, 2048]).all()

    def test_a_scan_that_reaches_behind_the_eye_is_refused(self) -> None:
        with pytest.raises(ScanError, match=r"80 mm before .* camera 60 mm"):
            draw(sphere(80.0), [FRONT], Camera(32, 220.0, 60.0))

    def test_no_view_is_no_picture(self) -> None:
        drawn = get_backend("software")(dome(), [], [], Look(), centre=np.zeros(3))
        assert drawn.size == 0


def golden_scene() -> tuple[FaceScan, list[FloatArray], list[Camera]]:
    """A pyramid with a base, all in whole numbers, and two ways to see it."""
    points = np.array(
        [[-60, -60, 0], [60, -60, 0], [60, 60, 0], [-60, 60, 0], [0, 0, 70], [90, 0, -30]], float
    )
    faces = np.array(
        [[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4], [2, 1, 0], [3, 2, 0], [1, 5, 2]], np.int32
    )
    uvs = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0.5, 0.5], [0.25, 0.75]])
    row, column, channel = np.indices((16, 8, 3))
    texture = ((row * 37 + column * 91 + channel * 53) % 256).astype(np.uint8)
    scan = FaceScan(points, faces, uvs, faces, texture)
    rotations = [turn(0.0), turn(30.0, -15.0), turn(-75.0, 30.0, 20.0)]
    return scan, rotations, [Camera(24, 220.0), Camera(24, 200.0, 400.0, (5.0, -3.0))]


def golden_digests() -> list[str]:
    """SHA-256 of the golden scene's pictures: parallel and unlit, perspective and lit."""
    scan, rotations, cameras = golden_scene()
    pictures = [
        draw(scan, rotations, cameras[0], supersample=2),
        draw(scan, rotations, cameras[1], supersample=3, light="lambert", light_yaw_deg=40.0),
    ]
    return [hashlib.sha256(picture.tobytes()).hexdigest() for picture in pictures]


class TestSameBytes:
    @pytest.mark.parametrize("light", ["unlit", "lambert"])
    @pytest.mark.parametrize("distance", [None, 400.0])
    def test_views_drawn_one_by_one_or_together_are_the_same(
        self, distance: float | None, light: str
    ) -> None:
        camera = Camera(48, 220.0, distance)
        together = draw(dome(), ROTATIONS, camera, light=light)
        for index, rotation in enumerate(ROTATIONS):
            assert np.array_equal(draw(dome(), [rotation], camera, light=light)[0], together[index])
        assert np.array_equal(draw(dome(), ROTATIONS[::-1], camera, light=light)[::-1], together)

    def test_another_process_draws_the_same(self) -> None:
        code = (
            f"import runpy, sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
            f"print(*runpy.run_path({__file__!r})['golden_digests']())"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == golden_digests()

    def test_no_byte_has_changed(self) -> None:
        # A change here makes every set that was rendered before another set. If it is meant, put
        # the new digests here and say so in CHANGELOG.md; if not, it is a bug.
        assert golden_digests() == GOLDEN


GOLDEN = [
    "19b479feb380865e1d37c57ef895eb9249b626443ea4390f2c90ba9a4ec43693",
    "528002b13772c26ab801c4362b603372c0e4ef3f5a1a15b95a7de471add00d4d",
]
