from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fertools.metrics import DetectableDifference, Equivalence, Omitted
from fertools.metrics.bootstrap import Drawing, Units, count_units, resample
from fertools.metrics.equivalence import (
    detectable_differences,
    equivalence_tests,
    standard_errors,
)
from fertools.metrics.pairing import differences_of_counts
from fertools.metrics.scores import METRICS, class_codes


def _random(sizes: np.ndarray, seed: int) -> tuple[Units, np.ndarray]:
    """Two runs of people with so many pictures, and each person's gain in hits."""
    rng = np.random.default_rng([seed])
    person = np.repeat(np.arange(len(sizes)), sizes)
    n = len(person)
    skill = rng.uniform(0.3, 0.9, len(sizes))[person]
    labels = rng.integers(0, 3, n)
    first = np.where(rng.random(n) < skill, labels, rng.integers(-1, 3, n))
    second = np.where(rng.random(n) < skill - 0.05, labels, rng.integers(-1, 3, n))
    codes = [*class_codes(labels, first), *class_codes(labels, second)[1:]]
    gains = np.bincount(person, weights=(first == labels) * 1.0 - (second == labels))
    return count_units(codes, 3, person), gains


EQUAL = np.full(40, 10)


def test_people_of_equal_size_give_the_t_tests_of_scipy() -> None:
    units, gains = _random(EQUAL, seed=1)
    shares = gains / 10
    assert standard_errors(units)["accuracy"] == pytest.approx(stats.sem(shares))
    ours = equivalence_tests(units, margin=0.1)["accuracy"]
    assert isinstance(ours, Equivalence)
    above = stats.ttest_1samp(shares, -0.1, alternative="greater")
    below = stats.ttest_1samp(shares, 0.1, alternative="less")
    assert ours.p_value == pytest.approx(max(above.pvalue, below.pvalue))
    between = stats.ttest_1samp(shares, 0).confidence_interval(0.9)
    assert (ours.low, ours.high) == pytest.approx((between.low, between.high))
    assert (ours.degrees, ours.unit, ours.alpha, ours.margin) == (39, "subject", 0.05, 0.1)


@pytest.mark.parametrize("margin", [0.02, 0.08, 0.12, 0.2])
def test_equivalent_means_that_the_interval_lies_between_the_margins(margin: float) -> None:
    units, _ = _random(EQUAL, seed=2)
    for test in equivalence_tests(units, margin=margin).values():
        assert isinstance(test, Equivalence)
        assert test.is_equivalent == (-margin < test.low and test.high < margin)


def test_the_error_is_the_spread_of_the_bootstrap_for_every_metric() -> None:
    sizes = np.random.default_rng([5]).integers(3, 40, 80)
    units, _ = _random(sizes, seed=5)
    drawn = differences_of_counts(resample(units, Drawing(4000)))
    errors = standard_errors(units)
    assert list(errors) == list(METRICS)
    for name, error in errors.items():
        assert error == pytest.approx(drawn[name].std(), rel=0.08)


def test_without_people_it_is_the_error_of_paired_pictures() -> None:
    rng = np.random.default_rng([9])
    labels, first, second = (rng.integers(0, 3, 500) for _ in range(3))
    codes = [*class_codes(labels, first), *class_codes(labels, second)[1:]]
    gains = (first == labels) * 1.0 - (second == labels)
    units = count_units(codes, 3, None)
    assert standard_errors(units)["accuracy"] == pytest.approx(stats.sem(gains))


def test_the_detectable_difference_by_its_formula() -> None:
    units, gains = _random(EQUAL, seed=3)
    ours = detectable_differences(units)["accuracy"]
    assert isinstance(ours, DetectableDifference)
    quantiles = stats.t.ppf(0.975, 39) + stats.t.ppf(0.8, 39)
    assert ours.difference == pytest.approx(quantiles * stats.sem(gains / 10))
    assert (ours.power, ours.alpha, ours.degrees) == (0.8, 0.05, 39)


def test_a_true_difference_of_that_size_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng([0])
    people = 30
    detectable = (stats.t.ppf(0.975, 29) + stats.t.ppf(0.8, 29)) / np.sqrt(people)  # SD 1
    shares = rng.normal(detectable, 1.0, (4000, people))
    found = stats.ttest_1samp(shares, 0.0, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.03)


def test_why_they_are_not_made() -> None:
    few, _ = _random(np.full(4, 10), seed=4)
    same = count_units([np.arange(30) % 3] * 5, 3, np.arange(30))
    for units, words in ((few, "4 subjects; at least 5"), (same, "no spread")):
        for results in (equivalence_tests(units, margin=0.1), detectable_differences(units)):
            assert list(results) == list(METRICS)
            for result in results.values():
                assert isinstance(result, Omitted)
                assert words in result.reason


@pytest.mark.parametrize("margin", [0.0, -0.1, 1.5, float("nan")])
def test_a_margin_that_is_none_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match=r"margin is .*expected above 0, at most 1"):
        equivalence_tests(_random(EQUAL, seed=1)[0], margin=margin)
