from __future__ import annotations

import math

import numpy as np
import pytest

from fertools.geometry import FloatArray, rotation_from_angles
from fertools.pose.conventions import get_convention
from fertools.pose.face_shape import FIVE_OF_68, FaceShape, face_shape
from fertools.pose.fit import FaceModel, fit_poses, make_model
from fertools.pose.head_views import guess_pose, make_views
from fertools.render.camera import Camera

SIDE = 300


@pytest.fixture(scope="module")
def model() -> FaceModel:
    """68 points, robust."""
    return make_model(face_shape(), 1.2, tail=5.0)


@pytest.fixture(scope="module")
def five_model() -> FaceModel:
    """Five points."""
    return make_model(face_shape().combined(FIVE_OF_68), 1.5, tail=None)


def draw_head(rng: np.random.Generator) -> FloatArray:
    """A head that the modes can describe."""
    shape = face_shape()
    return np.asarray(
        shape.mean + np.tensordot(rng.normal(0, 0.7, len(shape.modes)), shape.modes, 1)
    )


def see(head: FloatArray, angles: FloatArray, distance_mm: float | None = 600.0) -> FloatArray:
    """Where a renderer's camera sees a head's points."""
    camera = Camera(SIDE, 320.0, distance_mm=distance_mm, offset_mm=(20.0, -9.0))
    rotation = rotation_from_angles(*angles.tolist())
    return camera.project(head, rotation, np.zeros(3)).screen[:, :2]


def draw_faces(number: int, *, noise: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Points and angles of faces turned to all sides, noise as a share of the eyes' distance."""
    rng = np.random.default_rng(1)
    angles = rng.uniform([-85, -30, -30], [85, 30, 30], (number, 3))
    distances = 160.0 / np.tan(np.radians(rng.uniform(20, 80, number) / 2))
    points = [
        see(draw_head(rng), row, far) for row, far in zip(angles, distances.tolist(), strict=True)
    ]
    eyes = 59.0 * SIDE / 320.0
    return np.array(points) + noise * eyes * rng.normal(0, 1, (number, 68, 2)), angles


def errors_deg(rotations: FloatArray, angles: FloatArray) -> FloatArray:
    """Absolute errors of yaw, pitch and roll, degrees."""
    difference = get_convention("fertools").angles(rotations) - angles
    return np.asarray(np.abs((difference + 180) % 360 - 180))


def test_heads_of_the_model_are_found_to_all_sides(model: FaceModel) -> None:
    points, angles = draw_faces(200)
    fit = fit_poses(model, points)
    assert fit.converged.all()
    assert errors_deg(fit.rotations, angles).mean(axis=0).max() < 0.8
    assert fit.surprise.max() < 0.6
    squares = fit.rotations @ fit.rotations.swapaxes(1, 2)
    np.testing.assert_allclose(squares, np.broadcast_to(np.eye(3), squares.shape), atol=1e-12)


def test_noise_turns_heads_a_little(model: FaceModel) -> None:
    points, angles = draw_faces(200, noise=0.03)
    assert errors_deg(fit_poses(model, points).rotations, angles).mean(axis=0).max() < 1.5


def test_five_points_are_enough_for_a_pose(five_model: FaceModel) -> None:
    points, angles = draw_faces(200)
    fit = fit_poses(five_model, FIVE_OF_68 @ points)
    assert fit.converged.all()
    assert (errors_deg(fit.rotations, angles).mean(axis=0) < [4, 5, 2]).all()


@pytest.mark.parametrize("which", ["model", "five_model"])
@pytest.mark.parametrize("angle", [(50, 0, 0), (-50, 0, 0), (0, 25, 0), (0, -25, 0), (0, 0, 70)])
def test_the_mean_face_gets_its_own_angles(
    which: str, angle: tuple[int, int, int], request: pytest.FixtureRequest
) -> None:
    fitted: FaceModel = request.getfixturevalue(which)
    head = face_shape().mean if which == "model" else FIVE_OF_68 @ face_shape().mean
    angles = np.array([angle], dtype=np.float64)
    fit = fit_poses(fitted, see(head, angles[0], 800.0)[None])
    assert errors_deg(fit.rotations, angles).max() < 0.2


def test_a_head_upside_down_is_found(model: FaceModel) -> None:
    points, angles = see(face_shape().mean, np.array([20.0, 10.0, 170.0])), [[20.0, 10.0, 170.0]]
    assert errors_deg(fit_poses(model, points[None]).rotations, np.array(angles)).max() < 1


def test_a_few_points_anywhere_do_no_harm(model: FaceModel) -> None:
    points, angles = draw_faces(100)
    rng = np.random.default_rng(2)
    for face in points:
        face[rng.permutation(68)[:5]] += rng.uniform(-60, 60, (5, 2))
    assert errors_deg(fit_poses(model, points).rotations, angles).mean(axis=0).max() < 1.0


def test_parallel_and_near_cameras_give_the_same_pose(model: FaceModel) -> None:
    angles = np.array([35.0, -12.0, 8.0])
    for distance in (200.0, 400.0, 2000.0, None):
        fit = fit_poses(model, see(face_shape().mean, angles, distance)[None])
        assert errors_deg(fit.rotations, angles[None]).max() < 1.2, distance


def test_place_and_size_in_the_picture_do_not_matter(model: FaceModel) -> None:
    points, _ = draw_faces(20)
    here = fit_poses(model, points).rotations
    np.testing.assert_allclose(fit_poses(model, points * 7 - 900).rotations, here, atol=1e-6)
    np.testing.assert_allclose(fit_poses(model, points / 50).rotations, here, atol=1e-6)


@pytest.mark.parametrize("which", ["model", "five_model"])
def test_a_face_s_pose_does_not_depend_on_the_others(
    which: str, request: pytest.FixtureRequest
) -> None:
    fitted: FaceModel = request.getfixturevalue(which)
    points, _ = draw_faces(70, noise=0.05)
    if which == "five_model":
        points = FIVE_OF_68 @ points
    together = fit_poses(fitted, points)
    for part in ([3], [69, 0, 12], list(range(20, 61))):
        alone = fit_poses(fitted, points[part])
        np.testing.assert_array_equal(alone.rotations, together.rotations[part])
        np.testing.assert_array_equal(alone.surprise, together.surprise[part])


def test_points_of_no_face_are_a_surprise(model: FaceModel, five_model: FaceModel) -> None:
    points = np.random.default_rng(3).uniform(0, 300, (100, 68, 2))
    assert fit_poses(model, points).surprise.min() > 10
    assert np.median(fit_poses(five_model, points[:, :5]).surprise) > 10


def test_nothing_is_fitted_to_nothing(model: FaceModel) -> None:
    fit = fit_poses(model, np.zeros((0, 68, 2)))
    assert fit.rotations.shape == (0, 3, 3)
    assert fit.surprise.shape == fit.converged.shape == (0,)


def test_what_the_modes_leave_counts_as_noise() -> None:
    shape = FaceShape(face_shape().mean, face_shape().modes, np.full(68, 3.0))
    assert make_model(shape, 4.0, tail=None).noise_mm == pytest.approx(5.0)


def test_the_first_guess_is_the_view_itself() -> None:
    mean = face_shape().mean
    views = make_views(mean, np.ones(68))
    turn = math.radians(25.0)
    points = see(mean, np.array([45.0, -15.0, 0.0]), 800.0)[None] / (SIDE / 320.0)
    cos, sin = math.cos(turn), math.sin(turn)
    rolled = points @ np.array([[cos, sin], [-sin, cos]]) * 3.0  # clockwise, as y goes down
    guess = guess_pose(views, rolled)
    expected = rotation_from_angles(0, 0, 25) @ rotation_from_angles(45, -15)
    np.testing.assert_allclose(guess.rotations[0], expected, atol=1e-9)
    assert guess.scales == pytest.approx(3.0)
    assert guess.distances == pytest.approx(800.0)
