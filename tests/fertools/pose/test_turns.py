from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fertools.pose.turns import angles_of, compose

ORDERS = ["".join(order) for order in itertools.permutations("XYZ")]


@pytest.mark.parametrize("order", ORDERS)
def test_they_are_those_of_scipy(order: str) -> None:
    rng = np.random.default_rng(0)
    turns = rng.uniform(-1, 1, (500, 3)) * [np.pi, np.pi / 2 - 1e-3, np.pi]
    rotations = compose(order, turns)  # type: ignore[arg-type]
    theirs = Rotation.from_euler(order, turns)
    np.testing.assert_allclose(rotations, theirs.as_matrix(), atol=1e-12)
    back = angles_of(order, rotations)  # type: ignore[arg-type]
    np.testing.assert_allclose(back, theirs.as_euler(order), atol=1e-9)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("side", [-1, 1])
def test_where_one_angle_is_left_the_last_is_0(order: str, side: int) -> None:
    turns = np.array([[0.4, side * np.pi / 2, 1.1]])
    rotations = compose(order, turns)  # type: ignore[arg-type]
    back = angles_of(order, rotations)  # type: ignore[arg-type]
    assert back[0, 2] == 0.0
    np.testing.assert_allclose(compose(order, back), rotations, atol=1e-6)  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        theirs = Rotation.from_matrix(rotations).as_euler(order)
    np.testing.assert_allclose(back, theirs, atol=1e-6)


def test_what_is_unknown_stays_unknown() -> None:
    turns = np.array([[0.1, 0.2, 0.3], [0.1, np.nan, 0.3]])
    rotations = compose("YXZ", turns)
    assert np.isnan(rotations[1]).all()
    assert np.isnan(angles_of("YXZ", rotations)[1]).all()
    np.testing.assert_allclose(angles_of("YXZ", rotations)[0], turns[0])
