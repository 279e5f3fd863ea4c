"""Angles and matrices of other tools: signs, known rotations, the way there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fertools.errors import ConfigError
from fertools.geometry import FloatArray, rotation_from_angles
from fertools.pose.conventions import CONVENTIONS, get_convention

NAMES = sorted(CONVENTIONS)
OURS = CONVENTIONS["fertools"]


def turn(axis: str, degrees: float) -> FloatArray:
    """The textbook's turn about one axis, counter-clockwise seen from its tip."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return {
        "x": np.array([[1, 0, 0], [0, c, -s], [0, s, c]]),
        "y": np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
        "z": np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
    }[axis]


def in_degrees(name: str, angles: FloatArray) -> FloatArray:
    return np.degrees(angles) if CONVENTIONS[name].unit == "radians" else angles


# Where the nose goes, right and up, and where the eye at the image's right goes (down if
# clockwise) for a small positive yaw, pitch and roll.
SIGNS = {
    "fertools": ((1, 0), (0, 1), -1),
    "openface": ((-1, 0), (0, -1), -1),
    "6drepnet": ((-1, 0), (0, 1), -1),
    "whenet": ((-1, 0), (0, 1), -1),
    "mediapipe": ((1, 0), (0, -1), 1),
}


@pytest.mark.parametrize("name", NAMES)
def test_positive_angles_turn_the_nose_as_the_table_says(name: str) -> None:
    unit = 10.0 if CONVENTIONS[name].unit == "degrees" else np.radians(10.0)
    yaw, pitch, roll = CONVENTIONS[name].rotations(np.eye(3) * unit)
    to_yaw, to_pitch, eye_rises = SIGNS[name]
    assert np.sign(np.round(yaw @ [0, 0, 1], 6)[:2]).tolist() == list(to_yaw)
    assert np.sign(np.round(pitch @ [0, 0, 1], 6)[:2]).tolist() == list(to_pitch)
    assert np.sign((roll @ [1, 0, 0])[1]) == eye_rises


@pytest.mark.parametrize("name", NAMES)
@given(
    angles=st.tuples(
        st.floats(-80, 80), st.floats(-80, 80), st.floats(-80, 80)
    )  # away from gimbal lock, whichever axis is in the middle
)
def test_angles_come_back(name: str, angles: tuple[float, float, float]) -> None:
    convention = CONVENTIONS[name]
    given_angles = np.array([angles])
    if convention.unit == "radians":
        given_angles = np.radians(given_angles)
    again = convention.angles(convention.rotations(given_angles))
    np.testing.assert_allclose(again, given_angles, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@given(angles=st.tuples(st.floats(-89, 89), st.floats(-89, 89), st.floats(-179, 179)))
def test_rotations_come_back_through_every_convention(
    name: str, angles: tuple[float, float, float]
) -> None:
    rotation = rotation_from_angles(*angles)[None]
    convention = CONVENTIONS[name]
    np.testing.assert_allclose(
        convention.rotations(convention.angles(rotation)), rotation, atol=1e-6
    )
    np.testing.assert_allclose(
        convention.from_matrices(convention.from_matrices(rotation)), rotation, atol=1e-12
    )


def test_46_and_30_are_smaller_where_yaw_is_in_the_middle() -> None:
    rotation = OURS.rotations(np.array([[46.0, 30.0, 0.0]]))
    # By hand: sin yaw' = sin 46 cos 30 and tan pitch' = tan 30 / cos 46.
    yaw = np.degrees(np.arcsin(np.sin(np.radians(46)) * np.cos(np.radians(30))))
    pitch = np.degrees(np.arctan(np.tan(np.radians(30)) / np.cos(np.radians(46))))
    assert (round(yaw, 1), round(pitch, 1)) == (38.5, 39.7)
    for name, signs in (("openface", (-1, -1)), ("6drepnet", (-1, 1)), ("whenet", (-1, 1))):
        found = in_degrees(name, CONVENTIONS[name].angles(rotation))[0, :2]
        np.testing.assert_allclose(found, np.array(signs) * [yaw, pitch], atol=1e-9)


def test_openface_is_rx_ry_rz_with_y_down_and_z_away() -> None:
    x, y, z = 12.0, -33.0, 21.0
    theirs = turn("x", x) @ turn("y", y) @ turn("z", z)
    openface = CONVENTIONS["openface"]
    ours = openface.from_matrices(theirs[None])
    np.testing.assert_allclose(openface.rotations(np.radians([[y, x, z]])), ours, atol=1e-12)
    nose = ours[0] @ [0, 0, 1]
    assert nose[0] > 0 > nose[1]  # Ry < 0: to the image's right; Rx > 0: down


def test_6drepnet_s_matrix_is_ours_transposed() -> None:
    pitch, yaw, roll = 14.0, 35.0, -8.0
    theirs = turn("z", roll) @ turn("y", yaw) @ turn("x", pitch)  # get_R of its utils.py
    convention = CONVENTIONS["6drepnet"]
    ours = convention.from_matrices(theirs[None])
    np.testing.assert_allclose(
        convention.rotations(np.array([[yaw, pitch, roll]])), ours, atol=1e-12
    )
    # What it reads from its own matrix: x, y, z of compute_euler_angles_from_rotation_matrices.
    read = np.degrees(
        [
            np.arctan2(theirs[2, 1], theirs[2, 2]),
            np.arctan2(-theirs[2, 0], np.hypot(theirs[0, 0], theirs[1, 0])),
            np.arctan2(theirs[1, 0], theirs[0, 0]),
        ]
    )
    np.testing.assert_allclose(read, [pitch, yaw, roll], atol=1e-9)
    np.testing.assert_allclose(convention.angles(ours)[0], [yaw, pitch, roll], atol=1e-9)


@pytest.mark.parametrize("name", ["6drepnet", "whenet"])
def test_300w_lp_s_angles_are_drawn_as_hopenet_draws_them(name: str) -> None:
    yaw, pitch, roll = np.radians([25.0, -12.0, 9.0])
    # The ends of the three axes in its draw_axis, x to the right and y down.
    ends = np.array(
        [
            [
                np.cos(yaw) * np.cos(roll),
                np.cos(pitch) * np.sin(roll) - np.cos(roll) * np.sin(pitch) * np.sin(yaw),
            ],
            [
                -np.cos(yaw) * np.sin(roll),
                np.cos(pitch) * np.cos(roll) + np.sin(pitch) * np.sin(yaw) * np.sin(roll),
            ],
            [-np.sin(yaw), -np.cos(yaw) * np.sin(pitch)],
        ]
    )
    rotation = CONVENTIONS[name].rotations(np.array([[25.0, -12.0, 9.0]]))[0]
    head = np.array([[1, 0, 0], [0, -1, 0], [0, 0, 1]])  # right, down, out of the face
    np.testing.assert_allclose((head @ rotation.T)[:, :2] * [1, -1], ends, atol=1e-12)


def test_whenet_s_yaw_reaches_all_around() -> None:
    from_behind = CONVENTIONS["whenet"].rotations(np.array([[150.0, 0.0, 0.0]]))[0]
    nose = from_behind @ [0, 0, 1]
    np.testing.assert_allclose(nose, [-0.5, 0, -np.sqrt(0.75)], atol=1e-12)


def test_mediapipe_s_angles_are_those_that_its_users_read() -> None:
    matrix = turn("z", 11.0) @ turn("y", -28.0) @ turn("x", 17.0)
    convention = CONVENTIONS["mediapipe"]
    np.testing.assert_array_equal(convention.from_matrices(matrix[None])[0], matrix)
    pitch = np.degrees(np.arctan2(matrix[2, 1], matrix[2, 2]))
    yaw = np.degrees(np.arctan2(-matrix[2, 0], np.hypot(matrix[0, 0], matrix[1, 0])))
    roll = np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))
    np.testing.assert_allclose(convention.angles(matrix[None])[0], [yaw, pitch, roll], atol=1e-9)
    np.testing.assert_allclose([yaw, pitch, roll], [-28.0, 17.0, 11.0], atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_unknown_stays_unknown(name: str) -> None:
    convention = CONVENTIONS[name]
    rotations = convention.rotations(np.array([[0.1, np.nan, 0.0], [0.1, 0.2, 0.3]]))
    assert np.isnan(rotations[0]).all()
    angles = convention.angles(rotations)
    assert np.isnan(angles[0]).all()
    np.testing.assert_allclose(angles[1], [0.1, 0.2, 0.3])


@pytest.mark.parametrize("name", NAMES)
def test_a_locked_gimbal_keeps_the_rotation(name: str) -> None:
    convention = CONVENTIONS[name]
    for rotation in (rotation_from_angles(90, 0, 20), rotation_from_angles(30, 90, 0)):
        again = convention.rotations(convention.angles(rotation[None]))[0]
        np.testing.assert_allclose(again, rotation, atol=1e-6)


def test_an_unknown_convention_is_named() -> None:
    with pytest.raises(ConfigError, match=r"unknown angle convention 'hopenet'.*6drepnet"):
        get_convention("hopenet")
