from __future__ import annotations

import numpy as np
import pytest
from analytic_scenes import dome, project, turn

from fertools.errors import ScanError
from fertools.render.camera import Camera
from fertools.render.views import P1, P2, Turning, View

VIEWS = (*P1.views(""), *P2.views(""))
CENTRE = np.array([3.0, -8.0, 21.0])
CAMERAS = {
    "parallel": Camera(224, 220.0),
    "parallel, moved": Camera(97, 180.0, None, (13.0, -7.0)),
    "perspective": Camera(224, 220.0, 500.0),
    "perspective, moved": Camera(97, 180.0, 350.0, (13.0, -7.0)),
}


def some_points(count: int = 200) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 60, (count, 3)) + CENTRE


class TestProjection:
    @pytest.mark.parametrize("name", CAMERAS)
    @pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.view_id)
    def test_it_agrees_with_one_matrix_within_a_hundredth_of_a_pixel(
        self, name: str, view: View
    ) -> None:
        seen = CAMERAS[name].project(some_points(), Turning().rotation(view), CENTRE)
        expected = project(some_points(), turn(view.pan_deg, view.tilt_deg), CENTRE, CAMERAS[name])
        assert np.abs(seen.screen[:, :2] - expected).max() < 0.01

    @pytest.mark.parametrize("distance", [None, 400.0])
    def test_the_centre_falls_on_the_middle_and_the_offset_on_the_middle_instead(
        self, distance: float | None
    ) -> None:
        points = CENTRE + np.array([[0.0, 0.0, 0.0], [11.0, 22.0, 0.0]])
        seen = Camera(100, 200.0, distance).project(points, np.eye(3), CENTRE).screen
        assert seen[:, :2].tolist() == [[50.0, 50.0], [55.5, 39.0]]
        moved = Camera(100, 200.0, distance, (11.0, 22.0)).project(points, np.eye(3), CENTRE).screen
        assert moved[:, :2].tolist() == [[44.5, 61.0], [50.0, 50.0]]

    def test_the_upper_left_corner_is_zero_zero_and_the_window_ends_at_the_picture(self) -> None:
        corners = np.array([[-100.0, 100.0, 0.0], [100.0, -100.0, 0.0]])
        seen = Camera(64, 200.0).project(corners, np.eye(3), np.zeros(3)).screen
        assert seen[:, :2].tolist() == [[0.0, 0.0], [64.0, 64.0]]

    def test_samples_count_along_each_axis(self) -> None:
        turned = turn(20.0, 10.0)
        whole = Camera(50, 200.0, 400.0).project(some_points(), turned, CENTRE).screen
        fine = Camera(50, 200.0, 400.0).project(some_points(), turned, CENTRE, samples=3).screen
        assert fine[:, :2] == pytest.approx(3 * whole[:, :2], abs=1e-9)
        assert np.array_equal(fine[:, 2:], whole[:, 2:])

    def test_z_is_millimetres_towards_the_viewer_and_the_last_column_the_foreshortening(
        self,
    ) -> None:
        points = np.array([[0.0, 0.0, 100.0], [0.0, 0.0, -400.0]])
        parallel = Camera(10, 10.0).project(points, np.eye(3), np.zeros(3))
        assert parallel.screen[:, 2:].tolist() == [[100.0, 1.0], [-400.0, 1.0]]
        assert parallel.key == 2
        perspective = Camera(10, 10.0, 400.0).project(points, np.eye(3), np.zeros(3))
        assert perspective.screen[:, 2:] == pytest.approx(np.array([[100, 4 / 3], [-400, 0.5]]))
        assert perspective.key == 3

    def test_from_afar_a_perspective_is_a_parallel_projection(self) -> None:
        near = Camera(224, 220.0).project(some_points(), turn(30.0), CENTRE).screen
        far = Camera(224, 220.0, 1e8).project(some_points(), turn(30.0), CENTRE).screen
        assert np.abs(near[:, :2] - far[:, :2]).max() < 0.001

    def test_the_last_digits_of_a_rotation_change_no_bit(self) -> None:
        exact = np.round(turn(37.0, 11.0), 12)
        noise = np.random.default_rng(1).uniform(-2e-13, 2e-13, (3, 3))
        camera = Camera(224, 220.0, 500.0)
        first, second = (
            camera.project(some_points(), R, CENTRE).screen for R in (exact, exact + noise)
        )
        assert np.array_equal(first, second)

    def test_no_points_are_no_places(self) -> None:
        seen = Camera(224, 220.0, 500.0).project(np.empty((0, 3)), np.eye(3), CENTRE)
        assert seen.screen.shape == (0, 4)


class TestTheEye:
    @pytest.mark.parametrize("z", [499.5, 500.0, 501.0, 1e7])
    def test_a_point_behind_it_or_within_a_millimetre_is_refused(self, z: float) -> None:
        points = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, z]])
        with pytest.raises(ScanError, match=r"a point lies .* the camera 500 mm: .*--distance-mm"):
            Camera(224, 220.0, 500.0).project(points, np.eye(3), np.zeros(3))

    def test_a_point_two_millimetres_before_it_is_projected(self) -> None:
        seen = Camera(224, 220.0, 500.0).project(
            np.array([[0.1, 0.0, 498.0]]), np.eye(3), np.zeros(3)
        )
        assert seen.screen[0, :2] == pytest.approx([112 + 224 / 220 * 25, 112])

    def test_a_parallel_projection_has_none(self) -> None:
        seen = Camera(10, 10.0).project(np.array([[1.0, 0.0, 1e7]]), np.eye(3), np.zeros(3))
        assert seen.screen[0].tolist() == [6.0, 5.0, 1e7, 1.0]


class TestFittedWindow:
    @pytest.mark.parametrize("margin", [0.0, 0.1, 1.0])
    @pytest.mark.parametrize("distance", [None, 350.0])
    def test_the_points_fill_the_picture_up_to_the_margin_in_every_view(
        self, distance: float | None, margin: float
    ) -> None:
        points = dome().vertices
        for view in VIEWS:
            rotation = turn(view.pan_deg, view.tilt_deg)
            camera = Camera(200, 1.0, distance).fitted(points, rotation, CENTRE, margin)
            pixels = project(points, rotation, CENTRE, camera)
            low, high = pixels.min(axis=0), pixels.max(axis=0)
            assert (high - low).max() == pytest.approx(200 / (1 + 2 * margin), abs=1e-3)
            assert (low + high) / 2 == pytest.approx([100, 100], abs=1e-3)

    def test_size_and_distance_stay(self) -> None:
        camera = Camera(200, 1.0, 350.0, (5.0, 5.0)).fitted(some_points(), np.eye(3), CENTRE, 0.1)
        assert (camera.image_size, camera.distance_mm) == (200, 350.0)

    def test_the_old_window_does_not_matter(self) -> None:
        fitted = [
            camera.fitted(some_points(), turn(30.0), CENTRE, 0.1)
            for camera in (Camera(200, 1.0, 350.0), Camera(200, 999.0, 350.0, (5.0, 6.0)))
        ]
        assert fitted[0] == fitted[1]

    def test_one_point_has_no_window(self) -> None:
        with pytest.raises(ScanError, match="the whole scan is one point"):
            Camera(200, 220.0).fitted(np.zeros((3, 3)), np.eye(3), np.zeros(3), 0.1)

    def test_points_behind_the_eye_are_refused(self) -> None:
        with pytest.raises(ScanError, match="--distance-mm"):
            Camera(200, 220.0, 100.0).fitted(some_points(), np.eye(3), CENTRE, 0.1)


@pytest.mark.parametrize(
    "values", [(0, 220.0), (8, 0.0), (8, -1.0), (8, 220.0, 0.0), (8, 1.0, -5.0)]
)
def test_a_camera_that_cannot_be_is_refused(values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        Camera(*values)
