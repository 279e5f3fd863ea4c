from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from fertools.align.landmarks import five_points, read_landmarks
from fertools.errors import ManifestError


def cloud(count: int) -> np.ndarray:
    """Points anywhere but where the tests put them."""
    return np.random.default_rng(1).uniform(0, 10, size=(count, 2))


def test_five_points_stay_as_they_are() -> None:
    points = np.array([[10.0, 10], [30, 11], [20, 20], [12, 30], [28, 31]])
    np.testing.assert_array_equal(five_points(points), points)


def test_sides_of_the_person_are_exchanged_for_those_of_the_picture() -> None:
    points = np.array([[10.0, 10], [30, 11], [20, 20], [12, 30], [28, 31]])
    np.testing.assert_array_equal(five_points(points[[1, 0, 2, 4, 3]]), points)


def test_68_points_give_eye_middles_nose_and_mouth_corners() -> None:
    marks = cloud(68)
    marks[36:42], marks[42:48] = [100, 50], [200, 52]
    marks[36] += [6, 0]
    marks[30], marks[48], marks[54] = [150, 100], [110, 150], [190, 151]
    wanted = [[101, 50], [200, 52], [150, 100], [110, 150], [190, 151]]
    np.testing.assert_allclose(five_points(marks), wanted)


def test_83_points_have_no_nose_tip_and_their_first_eye_is_at_the_picture_s_right() -> None:
    marks = cloud(83)
    marks[:8], marks[8:16] = [200, 52], [100, 50]
    marks[48], marks[54] = [190, 151], [110, 150]
    wanted = [[100, 50], [200, 52], [np.nan, np.nan], [110, 150], [190, 151]]
    np.testing.assert_allclose(five_points(marks), wanted)


def test_the_83_and_the_68_points_of_a_stand_in_agree() -> None:
    if importlib.util.find_spec("anny") is None:
        pytest.skip("needs the extra 'synth'")
    from fertools.synth.ibug import ibug68_vertices
    from fertools.synth.landmarks import bnd_vertices
    from fertools.synth.sitting import open_studio

    mesh = open_studio("8k", 64).topology.raw
    flat = mesh.canonical[:, :2] * [1.0, -1.0]
    of_68, of_83 = (
        five_points(flat[vertices]) for vertices in (ibug68_vertices(mesh), bnd_vertices(mesh))
    )
    assert of_68 is not None
    assert of_83 is not None
    np.testing.assert_allclose(of_68[[0, 1, 3, 4]], of_83[[0, 1, 3, 4]], atol=1.0)  # mm


@pytest.mark.parametrize("count", [0, 4, 39, 67, 84])
def test_other_schemes_give_none(count: int) -> None:
    assert five_points(cloud(count)) is None


def test_a_point_that_is_not_finite_gives_none() -> None:
    marks = cloud(68)
    marks[48] = np.nan
    assert five_points(marks) is None


def test_no_file_is_no_landmarks_and_a_damaged_one_is_a_fault(tmp_path: Path) -> None:
    assert read_landmarks(tmp_path).points == {}
    (tmp_path / "landmarks.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ManifestError, match=r"landmarks\.parquet: is damaged"):
        read_landmarks(tmp_path)
