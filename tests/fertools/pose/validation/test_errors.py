"""Bias, mean absolute error, percentiles and geodesic angle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fertools.geometry import FloatArray
from fertools.manifest import Manifest
from fertools.pose.registry import NoOptions
from fertools.pose.validation.errors import deviations, geodesic_deg, measure
from fertools.pose.validation.estimates import Chosen, Estimates, estimate
from fertools.pose.validation.truth import Truth, read_truth

MakeManifest = Callable[..., Manifest]


def measured(truth: Truth, estimates: Estimates, **options: Any) -> Any:
    found = deviations(truth, estimates, min_confidence=0.5)
    return measure(truth, found, np.ones(len(truth), dtype=bool), **options)


def of(truth: Truth, angles: FloatArray) -> Estimates:
    from fertools.pose.conventions import get_convention

    rotations = get_convention("fertools").rotations(angles)
    known = np.isfinite(rotations).all(axis=(1, 2))
    reasons = tuple(None if k else "none" for k in known)
    return Estimates("x", "1", None, rotations, np.where(known, 0.9, np.nan), reasons)


def test_the_geodesic_angle_is_that_of_scipy() -> None:
    first, second = Rotation.random(50, rng=1), Rotation.random(50, rng=2)
    expected = np.degrees((first.inv() * second).magnitude())
    np.testing.assert_allclose(geodesic_deg(first.as_matrix(), second.as_matrix()), expected)


def test_errors_are_estimate_minus_truth(make_manifest: MakeManifest) -> None:
    truth = read_truth(make_manifest([[0, 0, 0], [10, 0, 0], [20, 0, 0], [30, 0, 0]]))
    wrong = np.array([[1.0, 0, 0], [-3, 0, 0], [1, 2, 0], [9, 0, 0]])
    errors = measured(truth, of(truth, truth.angles + wrong))
    assert errors.yaw.bias == pytest.approx(2.0, abs=1e-4)
    assert errors.yaw.mae == pytest.approx(3.5, abs=1e-4)
    assert errors.yaw.p95 == pytest.approx(9.0, abs=1e-4)
    assert errors.pitch.mae == pytest.approx(0.5, abs=1e-4)
    assert errors.found == 1.0


def test_an_error_never_exceeds_half_a_turn(make_manifest: MakeManifest) -> None:
    truth = read_truth(make_manifest([[170, 0, 0]]))
    errors = measured(truth, of(truth, np.array([[-170.0, 0.0, 0.0]])))
    assert errors.yaw.bias == pytest.approx(20.0, abs=1e-4)
    assert errors.geodesic.mae == pytest.approx(20.0, abs=1e-4)


def test_missing_poses_lower_the_found_rate_and_no_error(make_manifest: MakeManifest) -> None:
    truth = read_truth(make_manifest([[0, 0, 0], [10, 0, 0]]))
    errors = measured(truth, of(truth, np.array([[2.0, 0, 0], [np.nan] * 3])))
    assert errors.found == 0.5
    assert errors.yaw.mae == pytest.approx(2.0)


def test_nothing_found_gives_no_number(make_manifest: MakeManifest) -> None:
    truth = read_truth(make_manifest([[0, 0, 0]]))
    errors = measured(truth, of(truth, np.full((1, 3), np.nan)))
    assert errors.found == 0.0
    assert np.isnan(errors.yaw.mae)


def test_whole_weights_are_repeated_samples(make_manifest: MakeManifest) -> None:
    poses = [[0, 0, 0], [10, 0, 0], [20, 0, 0]]
    wrong = np.array([[1.0, 0, 0], [2.0, 0, 0], [6.0, 0, 0]])
    weights = np.array([3.0, 0.0, 2.0])
    truth = read_truth(make_manifest(poses))
    weighted = measured(truth, of(truth, truth.angles + wrong), weights=weights)
    repeated = np.repeat(np.arange(3), [3, 0, 2])
    other = read_truth(make_manifest([poses[n] for n in repeated]))
    plain = measured(other, of(other, other.angles + wrong[repeated]))
    assert weighted.yaw.bias == pytest.approx(plain.yaw.bias)
    assert weighted.yaw.p95 == pytest.approx(plain.yaw.p95)
    assert weighted.effective == pytest.approx(25 / 13)


def test_the_interval_is_that_of_people(make_manifest: MakeManifest, uniform: FloatArray) -> None:
    manifest = make_manifest(uniform, people=8)
    truth = read_truth(manifest)
    of_person = np.array([1.0, 1, 1, 1, 5, 5, 5, 5])
    wrong = np.zeros((400, 3))
    wrong[:, 0] = of_person[np.arange(400) % 8]
    errors = measured(truth, of(truth, truth.angles + wrong), seed=0)
    assert errors.yaw.mae == pytest.approx(3.0, abs=1e-4)
    assert 1.0 < errors.yaw.low < 2.3
    assert 3.7 < errors.yaw.high < 5.0
    few = read_truth(make_manifest(uniform, people=4))
    assert np.isnan(measured(few, of(few, few.angles), seed=0).yaw.low)


def test_pitch_has_no_error_where_only_yaw_is_true(
    make_manifest: MakeManifest, reader: object
) -> None:
    nan = float("nan")
    truth = read_truth(make_manifest([[45, nan, nan], [30, nan, nan]], source="camera"))
    found = estimate(truth, Chosen("reader", NoOptions()))[0]
    errors = measured(truth, found)
    assert errors.yaw.mae == pytest.approx(0.0, abs=1e-4)
    assert errors.pitch is None
    assert errors.geodesic is None
