from __future__ import annotations

import numpy as np
import pytest
from analytic_scenes import checkers, dome, plane, sphere, turn

from fertools.errors import ConfigError, ScanError
from fertools.mesh import FaceScan
from fertools.render.backends import BACKENDS, Look, get_backend, register_backend
from fertools.render.camera import Camera
from fertools.render.scene import render_scan
from fertools.render.views import P1, P2

VIEWS = (*P1.views(""), *P2.views(""))
ROTATIONS = [turn(view.pan_deg, view.tilt_deg) for view in VIEWS]
FRONT = np.eye(3)


def with_strays(scan: FaceScan) -> FaceScan:
    """The scan with vertices that no triangle uses, some of them behind any eye."""
    strays = np.array([[0.0, 0.0, 9000.0], [-9000.0, 0.0, 0.0]])
    return FaceScan(
        np.concatenate([strays[:1], scan.vertices, strays[1:]]),
        scan.faces + np.int32(1),
        scan.uvs,
        scan.uv_faces,
        scan.texture,
    )


class TestRendering:
    def test_it_has_one_of_everything_a_view(self) -> None:
        rendering = render_scan(
            dome(), ROTATIONS[:3], camera=Camera(32, 220.0), landmarks=np.zeros((5, 3))
        )
        assert rendering.pictures.shape == (3, 32, 32, 3)
        assert rendering.pictures.dtype == np.uint8
        assert rendering.landmarks.shape == (3, 5, 2)
        assert rendering.visible.shape == (3, 5)
        assert rendering.visible.dtype == np.bool_
        assert rendering.cameras == (Camera(32, 220.0),) * 3
        assert rendering.layers == ()

    def test_landmarks_and_layers_are_made_only_if_asked_for(self) -> None:
        rendering = render_scan(dome(), [FRONT], camera=Camera(32, 220.0), with_layers=True)
        assert rendering.landmarks.shape == (1, 0, 2)
        assert rendering.visible.shape == (1, 0)
        assert len(rendering.layers) == 1

    def test_no_view_is_an_empty_rendering(self) -> None:
        rendering = render_scan(dome(), [], camera=Camera(32, 220.0), landmarks=np.zeros((5, 3)))
        assert len(rendering.pictures) == 0
        assert rendering.landmarks.shape == (0, 5, 2)

    def test_the_head_turns_about_the_middle_of_its_box_unless_told_otherwise(self) -> None:
        scan = dome()
        low, high = scan.vertices.min(axis=0), scan.vertices.max(axis=0)
        middle = (low + high) / 2
        marks = np.array([middle, [0.0, 0.0, 0.0]])
        camera = Camera(100, 220.0, 600.0)
        for rotation in ROTATIONS[::7]:
            own = render_scan(scan, [rotation], camera=camera, landmarks=marks)
            given = render_scan(
                scan, [rotation], camera=camera, landmarks=marks, centre=np.zeros(3)
            )
            assert own.landmarks[0, 0] == pytest.approx([50, 50], abs=1e-9)
            assert given.landmarks[0, 1] == pytest.approx([50, 50], abs=1e-9)

    def test_the_look_is_unlit_on_black_with_four_samples_if_left_out(self) -> None:
        expected = Look("unlit", background=(0, 0, 0), supersample=2)
        pictures = [
            render_scan(dome(), ROTATIONS[:5], camera=Camera(64, 220.0), look=look).pictures
            for look in (None, expected)
        ]
        assert np.array_equal(*pictures)

    @pytest.mark.parametrize("fit_margin", [None, 0.1])
    @pytest.mark.parametrize("distance", [None, 500.0])
    def test_views_rendered_one_by_one_or_together_are_the_same(
        self, distance: float | None, fit_margin: float | None
    ) -> None:
        scan, marks = dome(), dome().vertices[::97]
        options = {
            "camera": Camera(48, 220.0, distance),
            "landmarks": marks,
            "fit_margin": fit_margin,
            "with_layers": True,
        }
        together = render_scan(scan, ROTATIONS, **options)
        for index, rotation in enumerate(ROTATIONS):
            alone = render_scan(scan, [rotation], **options)
            assert np.array_equal(alone.pictures[0], together.pictures[index])
            assert np.array_equal(alone.landmarks[0], together.landmarks[index])
            assert np.array_equal(alone.visible[0], together.visible[index])
            assert alone.cameras[0] == together.cameras[index]
            for name in ("depth_mm", "normals", "mask"):
                first, second = (
                    getattr(alone.layers[0], name),
                    getattr(together.layers[index], name),
                )
                assert first.tobytes() == second.tobytes()  # NaN is not equal to itself


class TestWindow:
    def test_a_fixed_window_has_the_same_scale_in_all_views(self) -> None:
        rendering = render_scan(
            sphere(80.0),
            ROTATIONS,
            camera=Camera(96, 220.0),
            look=Look(supersample=1),
            with_layers=True,
        )
        assert set(rendering.cameras) == {Camera(96, 220.0)}
        areas = [np.count_nonzero(layers.mask) for layers in rendering.layers]
        assert areas == pytest.approx([np.pi * (80 * 96 / 220) ** 2] * len(areas), rel=0.005)

    @pytest.mark.parametrize("margin", [0.0, 0.1, 0.25])
    @pytest.mark.parametrize("distance", [None, 400.0])
    def test_in_a_fitted_window_the_face_fills_every_picture_up_to_the_margin(
        self, distance: float | None, margin: float
    ) -> None:
        egg = sphere(1.0)
        scan = FaceScan(
            egg.vertices * np.array([60.0, 90.0, 75.0]) + np.array([30.0, 0.0, 10.0]),
            egg.faces,
            egg.uvs,
            egg.uv_faces,
            egg.texture,
        )
        rendering = render_scan(
            scan,
            ROTATIONS,
            camera=Camera(100, 1.0, distance),
            centre=np.zeros(3),
            fit_margin=margin,
            with_layers=True,
        )
        for layers in rendering.layers:
            rows, columns = np.nonzero(layers.mask)
            low = np.array([columns.min(), rows.min()])
            high = np.array([columns.max(), rows.max()]) + 1
            assert (high - low).max() == pytest.approx(100 / (1 + 2 * margin), abs=1.5)
            assert (low + high) / 2 == pytest.approx([50, 50], abs=1.0)

    def test_a_fitted_window_moves_the_landmarks_with_the_picture(self) -> None:
        scan = plane(100.0, checkers(8, 4))
        corners = np.array([[-50.0, 50.0, 0.0], [50.0, -50.0, 0.0]])
        rendering = render_scan(
            scan, [FRONT], camera=Camera(120, 1.0), fit_margin=0.1, landmarks=corners
        )
        assert rendering.landmarks[0] == pytest.approx(np.array([[10, 10], [110, 110]]), abs=1e-4)
        assert rendering.pictures[0, 12, 12].tolist() == [250, 0, 0]
        assert not rendering.pictures[0, 8, 8].any()


class TestStrayVertices:
    @pytest.mark.parametrize("distance", [None, 400.0])
    @pytest.mark.parametrize("fit_margin", [None, 0.1])
    def test_vertices_of_no_triangle_change_nothing(
        self, distance: float | None, fit_margin: float | None
    ) -> None:
        scan = dome()
        plain, stray = (
            render_scan(
                s,
                ROTATIONS[::6],
                camera=Camera(48, 220.0, distance),
                look=Look("lambert"),
                landmarks=scan.vertices[::97],
                fit_margin=fit_margin,
                with_layers=True,
            )
            for s in (scan, with_strays(scan))
        )
        assert np.array_equal(plain.pictures, stray.pictures)
        assert np.array_equal(plain.landmarks, stray.landmarks)
        assert np.array_equal(plain.visible, stray.visible)
        assert plain.cameras == stray.cameras
        assert all(
            a.depth_mm.tobytes() == b.depth_mm.tobytes()
            for a, b in zip(plain.layers, stray.layers, strict=True)
        )


class TestRefused:
    def test_a_scan_behind_the_eye_is_refused_with_the_option_that_mends_it(self) -> None:
        with pytest.raises(ScanError, match=r"80 mm before .* --distance-mm"):
            render_scan(sphere(80.0), [FRONT], camera=Camera(32, 220.0, 75.0))

    def test_a_scan_of_one_point_cannot_be_fitted(self) -> None:
        scan, corner = dome(), np.zeros((1, 3), np.int32)
        point = FaceScan(scan.vertices, corner, scan.uvs, corner, scan.texture)
        with pytest.raises(ScanError, match="one point"):
            render_scan(point, [FRONT], camera=Camera(32, 220.0), fit_margin=0.1)

    def test_an_unknown_backend_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="'opengl'; expected software or pyrender"):
            render_scan(dome(), [FRONT], camera=Camera(32, 220.0), backend="opengl")


class TestBackends:
    def test_a_name_cannot_be_registered_twice_nor_one_that_nobody_knows(self) -> None:
        software = get_backend("software")
        for name in ("software", "opengl"):
            with pytest.raises(ValueError, match="is registered already or not in BACKENDS"):
                register_backend(name)(software)

    def test_software_is_the_first(self) -> None:
        assert BACKENDS[0] == "software"
