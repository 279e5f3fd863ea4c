from __future__ import annotations

import numpy as np
import pytest

from fertools.geometry import angles_from_rotation, rotation_from_angles

NOSE, CROWN = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])


def test_positive_yaw_moves_the_nose_to_the_right() -> None:
    assert (rotation_from_angles(30.0) @ NOSE)[0] > 0.4


def test_positive_pitch_moves_the_nose_up() -> None:
    assert (rotation_from_angles(0.0, 30.0) @ NOSE)[1] > 0.4


def test_positive_roll_tilts_the_crown_to_the_right() -> None:
    assert (rotation_from_angles(0.0, 0.0, 30.0) @ CROWN)[0] > 0.4


@pytest.mark.parametrize("seed", range(20))
def test_angles_survive_the_way_there_and_back(seed: int) -> None:
    low, high = (-180, -89, -180), (180, 89, 180)
    angles = np.random.default_rng(seed).uniform(low, high)
    assert angles_from_rotation(rotation_from_angles(*angles)) == pytest.approx(angles, abs=1e-9)


def test_roll_is_zero_where_pitch_is_90() -> None:
    R = rotation_from_angles(20.0, 90.0, 35.0)
    yaw, pitch, roll = angles_from_rotation(R)
    assert (pitch, roll) == (pytest.approx(90.0), 0.0)
    assert rotation_from_angles(yaw, pitch, roll) == pytest.approx(R, abs=1e-9)


def test_a_mirror_is_no_rotation() -> None:
    with pytest.raises(ValueError, match="proper"):
        angles_from_rotation(np.diag([1.0, 1.0, -1.0]))
