"""The monotone correction of yaw and pitch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fertools.errors import ConfigError, ManifestError
from fertools.geometry import FloatArray
from fertools.pose.calibration import (
    Calibration,
    fit_calibration,
    read_calibration,
    write_calibration,
)
from fertools.pose.conventions import get_convention

FACTS: dict[str, Any] = {
    "estimator": "facemesh",
    "version": "facemesh 1",
    "dataset": "pose-validation",
    "digest": "a" * 64,
    "synthetic": True,
}


def poses(num: int, seed: int = 0) -> FloatArray:
    rng = np.random.default_rng(seed)
    angles: FloatArray = rng.uniform([-85.0, -30.0, -15.0], [85.0, 30.0, 15.0], (num, 3))
    return angles


def turn(angles: FloatArray) -> FloatArray:
    return get_convention("fertools").rotations(angles)


def angles(rotations: FloatArray) -> FloatArray:
    return get_convention("fertools").angles(rotations)


def bent(true: FloatArray) -> FloatArray:
    """An estimator that falls short at large yaw and looks 4 degrees too low."""
    return np.stack(
        [
            true[:, 0] - 0.002 * true[:, 0] ** 2 * np.sign(true[:, 0]),
            0.8 * true[:, 1] - 4,
            true[:, 2],
        ],
        axis=1,
    )


@pytest.fixture
def fitted() -> Calibration:
    true = poses(3000)
    noise = np.random.default_rng(1).normal(0, 1.0, true.shape)
    return fit_calibration(turn(bent(true) + noise), turn(true), **FACTS)


def test_it_takes_back_what_an_estimator_bends(fitted: Calibration) -> None:
    true = poses(500, seed=5)
    before, after = bent(true), angles(fitted.apply(turn(bent(true))))
    for place in (0, 1):
        wrong = np.abs(before - true)[:, place].mean()
        assert np.abs(after - true)[:, place].mean() < 0.25 * wrong
    np.testing.assert_allclose(after[:, 2], true[:, 2], atol=1e-6)


def test_yaw_is_odd_and_both_lines_rise(fitted: Calibration) -> None:
    x = np.linspace(-120, 120, 481)
    np.testing.assert_allclose(fitted.yaw(x), -fitted.yaw(-x), atol=1e-9)
    assert (np.diff(fitted.yaw(x)) > 0).all()
    assert (np.diff(fitted.pitch(x)) > 0).all()


def test_outside_its_knots_it_goes_on_parallel(fitted: Calibration) -> None:
    ends = fitted.yaw(np.array([75.0, 95.0, -85.0, -75.0]))
    assert ends[1] - ends[0] == pytest.approx(20.0)
    assert ends[3] - ends[2] == pytest.approx(10.0)


def test_a_right_estimator_is_left_alone() -> None:
    true = poses(2000)
    fitted = fit_calibration(turn(true), turn(true), **FACTS)
    assert fitted.num_samples == 2000
    x = np.linspace(-85, 85, 35)
    np.testing.assert_allclose(fitted.yaw(x), x, atol=0.05)
    np.testing.assert_allclose(fitted.pitch(x / 3), x / 3, atol=0.05)


def test_gross_errors_move_it_little() -> None:
    true = poses(3000)
    wrong = true.copy()
    wrong[::20, 0] *= -1  # one of twenty is taken for its mirror image
    fitted = fit_calibration(turn(wrong), turn(true), **FACTS)
    x = np.linspace(-80, 80, 33)
    assert np.abs(fitted.yaw(x) - x).max() < 2.0


def test_no_pose_stays_no_pose(fitted: Calibration) -> None:
    rotations = turn(poses(3))
    rotations[1] = np.nan
    result = fitted.apply(rotations)
    assert np.isnan(result[1]).all()
    assert np.isfinite(result[[0, 2]]).all()


def test_it_comes_back_from_its_file(fitted: Calibration, tmp_path: Path) -> None:
    write_calibration(tmp_path / "c.json", fitted)
    assert read_calibration(tmp_path / "c.json") == fitted
    assert json.loads((tmp_path / "c.json").read_text())["digest"] == "a" * 64


def test_a_calibration_that_was_edited_is_refused(fitted: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    write_calibration(path, fitted)
    values = json.loads(path.read_text())
    for edited in (
        values | {"yaw": {"knots": [-1.0, 1.0], "values": [-9.0, 9.0]}},
        {key: value for key, value in values.items() if key != "sha256"},
    ):
        path.write_text(json.dumps(edited))
        with pytest.raises(ConfigError, match=r"c\.json: was changed since it was written"):
            read_calibration(path)


def test_another_estimator_or_version_is_refused(fitted: Calibration) -> None:
    fitted.require("facemesh", "facemesh 1")
    with pytest.raises(ConfigError, match="estimator 'facemesh', the angles are of 'mtcnn'"):
        fitted.require("mtcnn", "facemesh 1")
    with pytest.raises(ConfigError, match="version 'facemesh 1', the angles are of 'facemesh 2'"):
        fitted.require("facemesh", "facemesh 2")


def test_too_few_samples_are_an_error() -> None:
    true = poses(120)
    estimated = turn(true)
    estimated[50:] = np.nan
    with pytest.raises(ConfigError, match="only 50 samples have an estimate"):
        fit_calibration(estimated, turn(true), **FACTS)


LINE = {"knots": [-90.0, 0.0, 90.0], "values": [-80.0, 0.0, 80.0]}
GOOD = {**FACTS, "format": "fertools pose calibration 1", "num_samples": 9, "tool_version": "1"}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ({"knots": [0.0, float("nan")], "values": [0.0, 1.0]}, "finite number"),
        ({"knots": [0.0, 1.0], "values": [0.0, float("inf")]}, "finite number"),
        ({"knots": [0.0, 1.0], "values": [0.0, 1e300]}, "less than or equal to 360"),
        ({"knots": [0.0, 0.0], "values": [0.0, 1.0]}, "knots must rise"),
        ({"knots": [0.0, 1.0], "values": [1.0, 0.5]}, "values must not fall"),
        ({"knots": [0.0, 1.0, 2.0], "values": [0.0, 1.0]}, "as many values as knots"),
        ({"knots": [0.0], "values": [0.0]}, "at least 2"),
        ({"knots": list(map(float, range(200))), "values": [0.0] * 200}, "at most 100"),
        ({"knots": ["0", "1"], "values": [0.0, 1.0]}, "valid number"),
    ],
)
def test_a_hostile_line_is_refused(tmp_path: Path, line: dict[str, Any], why: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({**GOOD, "yaw": line, "pitch": LINE}))
    with pytest.raises(ConfigError, match=why):
        read_calibration(path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is damaged"),
        ("[1]", "is damaged"),
        ('{"a": ' * 100_000, "is damaged"),
        (" " * 1_000_001, "is damaged"),
    ],
)
def test_what_is_no_calibration_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(ManifestError, match=why):
        read_calibration(tmp_path / "c.json")


def test_missing_and_unknown_fields_are_named(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({**GOOD, "yaw": LINE}))
    with pytest.raises(ConfigError, match="'pitch'"):
        read_calibration(path)
    path.write_text(json.dumps({**GOOD, "yaw": LINE, "pitch": LINE, "evil": 1}))
    with pytest.raises(ConfigError, match="'evil': unknown key"):
        read_calibration(path)
    with pytest.raises(ConfigError, match="is not a file"):
        read_calibration(tmp_path / "gone.json")
