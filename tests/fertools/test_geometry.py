from __future__ import annotations

from itertools import permutations
from typing import cast

import numpy as np
import pytest
from trimesh.transformations import rotation_matrix

from fertools.geometry import AxisOrder, angles_from_rotation, rotation_from_angles

NOSE, CROWN = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
ORDERS = [cast(AxisOrder, "".join(axes)) for axes in permutations("XYZ")]


def by_trimesh(yaw: float, pitch: float, roll: float, order: str = "YXZ") -> np.ndarray:
    """The convention as DESIGN.md words it: R_y(yaw), R_x(-pitch), R_z(-roll)."""
    turns = {
        "Y": rotation_matrix(np.radians(yaw), [0, 1, 0]),
        "X": rotation_matrix(np.radians(-pitch), [1, 0, 0]),
        "Z": rotation_matrix(np.radians(-roll), [0, 0, 1]),
    }
    return np.linalg.multi_dot([turns[axis] for axis in order])[:3, :3]


def test_positive_yaw_moves_the_nose_to_the_right() -> None:
    assert (rotation_from_angles(30.0) @ NOSE)[0] > 0.4


def test_positive_pitch_moves_the_nose_up() -> None:
    assert (rotation_from_angles(0.0, 30.0) @ NOSE)[1] > 0.4


def test_positive_roll_tilts_the_crown_to_the_right() -> None:
    assert (rotation_from_angles(0.0, 0.0, 30.0) @ CROWN)[0] > 0.4


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_is_the_product_of_trimeshs_matrices(order: AxisOrder) -> None:
    for seed in range(5):
        angles = np.random.default_rng(seed).uniform(-180, 180, 3).tolist()
        ours = rotation_from_angles(*angles, order=order)
        assert ours == pytest.approx(by_trimesh(*angles, order), abs=1e-14)


def test_the_default_order_is_the_convention() -> None:
    assert rotation_from_angles(40, 20, 10) == pytest.approx(by_trimesh(40, 20, 10), abs=1e-14)


def test_tilting_first_keeps_the_noses_height_and_panning_first_its_sideways_place() -> None:
    tilted_first = rotation_from_angles(40, 20) @ NOSE
    panned_first = rotation_from_angles(40, 20, order="XYZ") @ NOSE
    assert tilted_first[1] == pytest.approx(np.sin(np.radians(20)))
    assert panned_first[0] == pytest.approx(np.sin(np.radians(40)))
    assert tilted_first[0] < panned_first[0] - 0.03


@pytest.mark.parametrize("seed", range(20))
def test_angles_survive_the_way_there_and_back(seed: int) -> None:
    low, high = (-180, -89, -180), (180, 89, 180)
    angles = np.random.default_rng(seed).uniform(low, high)
    assert angles_from_rotation(rotation_from_angles(*angles)) == pytest.approx(angles, abs=1e-9)


@pytest.mark.parametrize("pitch", [-90.0, 90.0])
def test_roll_is_zero_where_pitch_is_90(pitch: float) -> None:
    R = rotation_from_angles(20.0, pitch, 35.0)
    yaw, found, roll = angles_from_rotation(R)
    assert (found, roll) == (pytest.approx(pitch), 0.0)
    assert rotation_from_angles(yaw, found, roll) == pytest.approx(R, abs=1e-9)


def test_half_a_turn_is_180_and_never_minus_180() -> None:
    assert angles_from_rotation(rotation_from_angles(-180.0))[0] == 180.0
    assert angles_from_rotation(rotation_from_angles(0.0, 0.0, -180.0))[2] == 180.0
    assert angles_from_rotation(np.diag([-1.0, 1.0, -1.0])) == (180.0, 0.0, 0.0)
    upside_down = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, -0.0]])
    assert angles_from_rotation(upside_down) == (180.0, 90.0, 0.0)


def test_no_angle_is_minus_zero() -> None:
    assert [str(a) for a in angles_from_rotation(np.eye(3))] == ["0.0"] * 3
    signed = np.array([[1.0, 0, -0.0], [0.0, 1, -0.0], [0, 0, 1]])
    assert [str(a) for a in angles_from_rotation(signed)] == ["0.0"] * 3


@pytest.mark.parametrize(
    "matrix",
    [np.diag([1.0, 1.0, -1.0]), 2 * np.eye(3), np.eye(4), np.full((3, 3), np.nan)],
    ids=["mirror", "scaled", "4 x 4", "NaN"],
)
def test_what_is_no_rotation_is_refused(matrix: np.ndarray) -> None:
    with pytest.raises(ValueError, match="proper"):
        angles_from_rotation(matrix)
