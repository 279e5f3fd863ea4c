"""Lit portraits and the 68 landmarks."""

from __future__ import annotations

import numpy as np
import pytest

from fertools.geometry import rotation_from_angles
from fertools.render.camera import Camera
from fertools.synth.ibug import IBUG_MIRROR, ibug68_vertices
from fertools.synth.portrait import Portrait, compose, take_portrait, turn_lights
from fertools.synth.shading import Lights
from fertools.synth.sitting import Shot, Sitter, Studio, invite, open_studio, pose_for

SIZE = 96


@pytest.fixture(scope="module")
def studio() -> Studio:
    return open_studio("8k", 64)


@pytest.fixture(scope="module")
def sitter(studio: Studio) -> Sitter:
    return invite(studio, [3, 1], male=True)


@pytest.fixture(scope="module")
def shot(studio: Studio, sitter: Sitter) -> Shot:
    return pose_for(studio, sitter, emotion="neutral", intensity=0)


def lamp(x: float, y: float, z: float) -> Lights:
    direction = np.array([[x, y, z]]) / np.linalg.norm([x, y, z])
    return Lights(direction, np.full((1, 3), 0.9), np.zeros(1))


def take(
    studio: Studio, sitter: Sitter, shot: Shot, angles: tuple[float, float, float], lights: Lights
) -> Portrait:
    return take_portrait(
        studio,
        sitter,
        shot,
        rotation=rotation_from_angles(*angles),
        lights=lights,
        camera=Camera(SIZE, 400.0, distance_mm=900.0),
        vertices=ibug68_vertices(studio.topology.raw),
    )


def test_the_landmarks_of_the_average_head_stand_in_ibug_order(studio: Studio) -> None:
    raw = studio.topology.raw
    vertices = ibug68_vertices(raw)
    points = raw.canonical[vertices]
    assert len(set(vertices.tolist())) == 68
    assert (np.diff(points[:17, 0]) > 0).all()  # from the subject's right to the left
    assert (np.diff(points[:9, 1]) < 0).all()
    assert (np.diff(points[17:27, 0]) > 0).all()
    assert (np.diff(points[27:31, 1]) < 0).all()
    assert (np.diff(points[31:36, 0]) > 0).all()
    brows, eyes, tip = points[17:27, 1], points[36:48, 1], points[30, 1]
    mouth, chin = points[48:, 1], points[8, 1]
    assert brows.min() > eyes.max() > tip > mouth.max() > mouth.min() > chin
    assert points[36, 0] < points[39, 0] < 0 < points[42, 0] < points[45, 0]
    assert points[37, 1] > points[41, 1]
    assert points[44, 1] > points[46, 1]
    assert points[48, 0] < points[51, 0] < points[54, 0]
    assert points[51, 1] > points[62, 1] >= points[66, 1] > points[57, 1]


def test_the_landmarks_are_alike_on_both_sides(studio: Studio) -> None:
    points = studio.topology.raw.canonical[ibug68_vertices(studio.topology.raw)]
    mirrored = points[IBUG_MIRROR] * [-1.0, 1.0, 1.0]
    assert np.abs(points - mirrored).max() < 0.01


def test_a_frontal_portrait_is_upright_and_shows_its_landmarks(
    studio: Studio, sitter: Sitter, shot: Shot
) -> None:
    portrait = take(studio, sitter, shot, (0.0, 0.0, 0.0), lamp(0, 0.4, 1))
    assert portrait.visible[:60].all()  # pressed lips may hide the inner ones
    assert (np.diff(portrait.points[:17, 0]) > 0).all()
    assert portrait.points[17:27, 1].max() < portrait.points[36:48, 1].min()
    covered = portrait.points.astype(int)
    assert (portrait.alpha[covered[17:, 1], covered[17:, 0]] == 1.0).all()
    assert portrait.alpha[:4].max() == 0.0
    assert portrait.alpha[-1, SIZE // 2] == 1.0  # the body reaches the lower border


def test_positive_yaw_moves_the_nose_right_and_hides_the_far_jaw(
    studio: Studio, sitter: Sitter, shot: Shot
) -> None:
    portrait = take(studio, sitter, shot, (45.0, 0.0, 0.0), lamp(0, 0.4, 1))
    eyes = portrait.points[36:48].mean(axis=0)
    assert portrait.points[30, 0] > eyes[0] + 2
    assert portrait.visible[0]
    assert not portrait.visible[16]
    assert portrait.yaw_deg == pytest.approx(45.0)


def test_a_lamp_stays_in_the_room_while_the_head_turns(
    studio: Studio, sitter: Sitter, shot: Shot
) -> None:
    from_right = lamp(1, 0.2, 0.15)
    for yaw in (-50.0, 50.0):
        fixed = take(studio, sitter, shot, (yaw, 0.0, 0.0), from_right).picture[:48].mean(axis=2)
        middle = int(np.average(np.arange(SIZE), weights=(fixed > 0).sum(axis=0)))
        assert fixed[:, middle:].sum() > 1.3 * fixed[:, :middle].sum()
    rotation = rotation_from_angles(-50.0)
    turned = take(studio, sitter, shot, (-50.0, 0.0, 0.0), turn_lights(from_right, rotation))
    facing = take(studio, sitter, shot, (-50.0, 0.0, 0.0), from_right)
    assert turned.picture.tobytes() != facing.picture.tobytes()


def test_the_background_shows_where_nobody_is(studio: Studio, sitter: Sitter, shot: Shot) -> None:
    portrait = take(studio, sitter, shot, (0.0, 0.0, 0.0), lamp(0, 1, 0))
    picture = compose(portrait, np.full((SIZE, SIZE, 3), (10, 200, 30), np.uint8))
    assert (picture[portrait.alpha == 0.0] == (10, 200, 30)).all()
    assert (picture[portrait.alpha == 1.0] == portrait.picture[portrait.alpha == 1.0]).all()


def test_the_neck_bends_below_the_jaw_only(studio: Studio, sitter: Sitter, shot: Shot) -> None:
    from fertools.synth.sitting import mesh_points
    from fertools.synth.torso import bend_neck

    raw = studio.topology.raw
    head = mesh_points(raw, sitter, shot, hair=True)
    bent = bend_neck(head, raw.canonical, rotation_from_angles(60, 10, 5), np.eye(3))
    moved = np.abs(bent - head).max(axis=1) > 1e-9
    assert not moved[ibug68_vertices(raw)].any()
    assert moved[raw.canonical[:, 1] < -128].all()
