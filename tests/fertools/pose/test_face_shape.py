from __future__ import annotations

import importlib.util
import re

import numpy as np
import pytest

from fertools.pose.face_shape import FIVE_OF_68, FaceShape, face_shape, face_shape_digest
from fertools.synth.ibug import IBUG_MIRROR, five_points

MIRROR = np.array([-1.0, 1.0, 1.0])


def test_the_mean_face_is_symmetric_and_looks_at_the_viewer() -> None:
    mean = face_shape().mean
    np.testing.assert_allclose(mean[IBUG_MIRROR] * MIRROR, mean, atol=0.01)
    chin, nose, right_eye, left_eye, mouth = mean[8], mean[30], mean[36], mean[45], mean[62]
    assert nose[2] == mean[:, 2].max()
    assert right_eye[0] < 0 < left_eye[0]
    assert chin[1] < mouth[1] < nose[1] < right_eye[1]
    eyes = (FIVE_OF_68 @ mean)[:2]
    assert 55 < eyes[1, 0] - eyes[0, 0] < 70


def test_the_origin_is_what_stand_ins_turn_about() -> None:
    from fertools.synth.portrait import HEAD_CENTRE

    between_the_eyes = (FIVE_OF_68 @ face_shape().mean)[:2].mean(axis=0)
    assert between_the_eyes[1] == pytest.approx(-HEAD_CENTRE[1], abs=5)
    assert between_the_eyes[2] == pytest.approx(-HEAD_CENTRE[2], abs=12)  # eyes have a front


def test_the_modes_are_independent_and_sorted() -> None:
    modes = face_shape().modes.reshape(len(face_shape().modes), -1)
    products = modes @ modes.T
    sizes = np.sqrt(np.diag(products))
    np.testing.assert_allclose(products / np.outer(sizes, sizes), np.eye(len(modes)), atol=2e-3)
    assert (np.diff(sizes) < 0).all()


def test_five_points_are_those_of_the_stand_ins() -> None:
    shape = face_shape()
    five = shape.combined(FIVE_OF_68)
    np.testing.assert_allclose(five.mean, five_points(shape.mean))
    np.testing.assert_allclose(five.modes[3], five_points(shape.modes[3]))
    assert five.spread[2] == shape.spread[30]
    assert (five.spread[:2] < shape.spread[36:42].max()).all()


def test_means_of_points_spread_less() -> None:
    shape = FaceShape(np.zeros((4, 3)), np.zeros((1, 4, 3)), np.full(4, 2.0))
    assert shape.combined(np.full((1, 4), 0.25)).spread == pytest.approx(1.0)


def test_the_digest_is_that_of_the_numbers() -> None:
    assert re.fullmatch("[0-9a-f]{12}", face_shape_digest())


@pytest.mark.skipif(importlib.util.find_spec("anny") is None, reason="needs the extra 'synth'")
def test_people_that_are_not_in_it_are_described_within_two_millimetres() -> None:
    from fertools.synth.ibug import ibug68_vertices
    from fertools.synth.moods import express
    from fertools.synth.portrait import HEAD_CENTRE
    from fertools.synth.sitting import invite, mesh_points, open_studio

    studio = open_studio("8k", 64)
    mesh = studio.topology.raw
    shape = face_shape()
    modes = shape.modes.reshape(len(shape.modes), -1)
    for number, mood in enumerate(("happiness", "surprise", "contempt")):
        sitter = invite(studio, [0, 903, number], male=number == 1)
        shot = express(studio, sitter, mood, 4, seed=[0, 903, number, 1])
        points = mesh_points(mesh, sitter, shot, hair=False)[ibug68_vertices(mesh)] - HEAD_CENTRE
        points *= (points * shape.mean).sum() / (points**2).sum()
        rest = (points - shape.mean).ravel()
        left = rest - rest @ np.linalg.pinv(modes) @ modes
        assert np.sqrt((left**2).mean()) < 2.0
