"""Decisions of estimated poses against those of true ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binomtest

from fertools.geometry import FloatArray
from fertools.manifest import Manifest
from fertools.pose.conventions import get_convention
from fertools.pose.rules import PoseRule
from fertools.pose.validation.decisions import Decision, decide, list_rules
from fertools.pose.validation.estimates import Estimates
from fertools.pose.validation.truth import Truth, read_truth

MakeManifest = Callable[..., Manifest]
YAW30 = PoseRule(30.0, rule="yaw", convention="fertools")


def decided(
    truth: Truth,
    angles: FloatArray,
    rule: PoseRule = YAW30,
    *,
    unsure: tuple[int, ...] = (),
    weights: FloatArray | None = None,
) -> tuple[Decision, Decision]:
    rotations = get_convention("fertools").rotations(angles)
    known = np.isfinite(rotations).all(axis=(1, 2))
    estimates = Estimates(
        "x", "1", None, rotations, known * 1.0, tuple(None if k else "none" for k in known)
    )
    doubt = np.isin(np.arange(len(truth)), unsure)
    where = np.ones(len(truth), dtype=bool)
    whole, near = decide(truth, estimates, doubt, rule, where=where, weights=weights)
    return whole, near


def yaws(*values: float) -> FloatArray:
    return np.array([[value, 0.0, 0.0] for value in values])


def test_the_truth_decides_without_fault(make_manifest: MakeManifest, uniform: FloatArray) -> None:
    truth = read_truth(make_manifest(uniform))
    for rule in list_rules("openface", has_all_angles=True):
        whole, near = decided(truth, truth.angles, rule)
        assert (whole.precision, whole.recall) == (1.0, 1.0)
        assert whole.num == 400
        assert 0 < near.num < 200


def test_counts_are_right_wrong_and_missed(make_manifest: MakeManifest) -> None:
    truth = read_truth(make_manifest(yaws(40, -50, 20, 10, 60)))
    whole, near = decided(truth, yaws(35, -25, 31, 0, -90))
    assert (whole.true_positive, whole.false_positive) == (2, 1)
    assert (whole.false_negative, whole.true_negative) == (1, 1)
    assert whole.precision == pytest.approx(2 / 3)
    assert whole.recall == pytest.approx(2 / 3)
    assert near.num == 0
    assert np.isnan(near.precision)


def test_an_unknown_large_pose_lowers_recall_alone(make_manifest: MakeManifest) -> None:
    truth = read_truth(make_manifest(yaws(40, 50, 60, 10)))
    angles = yaws(40, 50, 60, 10)
    angles[0] = np.nan
    whole, _ = decided(truth, angles, unsure=(1, 3))
    assert (whole.unknown_positive, whole.unknown_negative) == (2, 1)
    assert whole.precision == 1.0
    assert whole.recall == pytest.approx(1 / 3)


def test_near_means_five_degrees_of_the_true_angle(make_manifest: MakeManifest) -> None:
    truth = read_truth(make_manifest(yaws(24.9, 25, -30, 35, 35.1)))
    _, near = decided(truth, yaws(0, 0, 0, 90, 90))
    assert near.num == 3
    assert (near.true_positive, near.false_negative, near.true_negative) == (1, 0, 2)


def test_an_exact_threshold_is_not_above_it(make_manifest: MakeManifest) -> None:
    whole, _ = decided(read_truth(make_manifest(yaws(30, -30))), yaws(30, 31))
    assert (whole.true_negative, whole.false_positive) == (1, 1)


def test_weights_count_as_samples(make_manifest: MakeManifest) -> None:
    truth = read_truth(make_manifest(yaws(40, 10, 50)))
    whole, _ = decided(truth, yaws(40, 40, 10), weights=np.array([3.0, 1.0, 2.0]))
    assert whole.precision == pytest.approx(3 / 4)
    assert whole.recall == pytest.approx(3 / 5)
    assert whole.effective == pytest.approx(36 / 14)


def test_the_interval_is_wilsons(make_manifest: MakeManifest, uniform: FloatArray) -> None:
    truth = read_truth(make_manifest(uniform))
    whole, _ = decided(truth, truth.angles + np.array([4.0, 0.0, 0.0]))
    hits, tries = int(whole.true_positive), int(whole.true_positive + whole.false_positive)
    expected = binomtest(hits, tries).proportion_ci(method="wilson")
    assert whole.precision_interval == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_only_our_yaw_is_decided_where_pitch_is_unknown(make_manifest: MakeManifest) -> None:
    nan = float("nan")
    truth = read_truth(make_manifest([[45, nan, nan], [15, nan, nan]], source="camera"))
    rules = list_rules("openface", has_all_angles=truth.has_all_angles)
    assert {(rule.rule, rule.convention) for rule in rules} == {("yaw", "fertools")}
    whole, _ = decided(truth, np.array([[44.0, 20.0, 3.0], [16.0, -50.0, 0.0]]))
    assert (whole.true_positive, whole.true_negative) == (1, 1)


def test_a_convention_of_its_own_is_not_decided_twice() -> None:
    rules = list_rules("fertools", has_all_angles=True)
    assert len(rules) == len(set(rules)) == 6


def test_recall_of_known_leaves_the_unknown_out(make_manifest: MakeManifest) -> None:
    truth = read_truth(make_manifest(yaws(40, 50, 60, 70)))
    whole, _ = decided(truth, yaws(40, 50, 0, 70), unsure=(0,))
    assert whole.recall == pytest.approx(2 / 4)
    assert whole.recall_of_known == pytest.approx(2 / 3)
