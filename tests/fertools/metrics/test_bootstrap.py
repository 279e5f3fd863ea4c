from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fertools.metrics import accuracy_intervals, macro_f1
from fertools.metrics.bootstrap import (
    Drawing,
    Units,
    count_units,
    group_intervals,
    percentile_interval,
    resample,
)
from fertools.metrics.scores import class_codes, scores_of_counts


def _data(people: int, pictures: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """People of very different skill: pictures of one person agree."""
    rng = np.random.default_rng([3])
    skill = rng.random(people)
    subjects = np.repeat([f"F{i:03d}" for i in range(people)], pictures)
    correct = rng.random(people * pictures) < np.repeat(skill, pictures)
    return correct, np.zeros(len(subjects), dtype=np.int64), subjects


def test_it_agrees_with_drawing_people_one_by_one() -> None:
    correct, groups, subjects = _data(12, 30)
    [ours] = accuracy_intervals(correct, groups, subjects=subjects, num_resamples=4000)
    assert ours is not None
    rng = np.random.default_rng([1])
    by_person = [correct[subjects == name] for name in np.unique(subjects)]
    means = [
        np.concatenate([by_person[i] for i in rng.integers(0, 12, 12)]).mean() for _ in range(4000)
    ]
    tail = stats.norm.cdf(-np.sqrt(12 / 11) * stats.t.ppf(0.975, 11))  # a little wider: few people
    low, high = np.quantile(means, [tail, 1 - tail])
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.02)
    assert (ours.unit, ours.num_units) == ("subject", 12)


def test_people_give_a_wider_interval_than_pictures() -> None:
    correct, groups, subjects = _data(20, 50)
    [people] = accuracy_intervals(correct, groups, subjects=subjects)
    [pictures] = accuracy_intervals(correct, groups, subjects=None)
    assert people is not None
    assert pictures is not None
    assert people.high - people.low > 2 * (pictures.high - pictures.low)


def test_pictures_alone_agree_with_the_normal_approximation() -> None:
    correct = np.arange(1000) < 620
    [interval] = accuracy_intervals(correct, np.zeros(1000, dtype=np.int64), subjects=None)
    assert interval is not None
    half = 1.96 * np.sqrt(0.62 * 0.38 / 1000)
    assert (interval.low, interval.high) == pytest.approx((0.62 - half, 0.62 + half), abs=0.004)


def test_the_seed_decides_and_row_order_does_not() -> None:
    correct, groups, subjects = _data(10, 8)
    order = np.random.default_rng([0]).permutation(len(correct))
    first = accuracy_intervals(correct, groups, subjects=subjects, seed=5)
    second = accuracy_intervals(correct[order], groups, subjects=subjects[order], seed=5)
    assert first == second
    assert first != accuracy_intervals(correct, groups, subjects=subjects, seed=6)


def test_too_few_people_give_no_interval() -> None:
    correct, groups, subjects = _data(4, 100)
    assert accuracy_intervals(correct, groups, subjects=subjects) == [None]


def test_groups_are_apart() -> None:
    correct, _, subjects = _data(10, 10)
    groups = np.tile(np.array([0, 1], dtype=np.int64), 50)
    correct[groups == 1] = True
    first, second = accuracy_intervals(correct, groups, subjects=subjects)
    assert first is not None
    assert second is not None
    assert first.low < first.high < 1
    assert second.low == second.high == 1


def test_people_with_equal_counts_stand_in_one_row() -> None:
    # A: 2 of class 0, one hit; B: the same; C: one of class 1, no hit
    labels, hits = np.array([0, 0, 0, 1, 0]), np.array([0, 0, -1, -1, -1])
    units = count_units([labels, hits], 2, np.array(["B", "A", "B", "C", "A"]))
    assert units.counts.tolist() == [[[0, 1], [0, 0]], [[2, 0], [1, 0]]]
    assert units.copies.tolist() == [1, 2]
    assert (units.name, units.num_units) == ("subject", 3)
    assert units.num_with(units.counts[:, 0, 0] > 0) == 2


def test_without_people_every_picture_is_a_unit() -> None:
    units = count_units([np.array([0, 1, 1, 1]), np.array([0, -1, -1, 1])], 2, None)
    assert (units.name, units.num_units) == ("sample", 4)
    assert sorted(units.copies.tolist()) == [1, 1, 2]


def test_both_ways_of_drawing_have_the_same_law() -> None:
    counts = np.array([[[0.0]], [[1.0]]])
    few = resample(Units(counts, np.array([60, 40]), "subject"), Drawing(4000))  # multinomial
    rows = np.repeat(counts, [60, 40], axis=0)
    many = resample(Units(rows, np.ones(100, dtype=np.int64), "subject"), Drawing(4000))
    for drawn in (few, many):
        assert drawn.shape == (4000, 1, 1)
        assert drawn.mean() == pytest.approx(40, abs=0.4)
        assert drawn.std() == pytest.approx(np.sqrt(100 * 0.4 * 0.6), abs=0.2)


def test_macro_f1_agrees_with_drawing_people_one_by_one_with_scikit_learn() -> None:
    rng = np.random.default_rng([4])
    labels = rng.integers(0, 3, 240)
    predicted = np.where(rng.random(240) < 0.5, labels, rng.integers(-1, 3, 240))
    person = rng.integers(0, 15, 240)
    units = count_units(class_codes(labels, predicted), 3, person)
    ours = scores_of_counts(resample(units, Drawing(2000)))["macro_f1"]
    rows = [np.flatnonzero(person == name) for name in range(15)]
    theirs = []
    for _ in range(300):
        chosen = np.concatenate([rows[i] for i in rng.integers(0, 15, 15)])
        theirs.append(macro_f1(labels[chosen], predicted[chosen]))
    tails = [0.025, 0.5, 0.975]
    assert np.quantile(ours, tails) == pytest.approx(np.quantile(theirs, tails), abs=0.02)


def test_the_mean_of_groups_is_the_mean_in_each_drawing() -> None:
    rng = np.random.default_rng([2])
    groups, person = np.tile([0, 1], 100), np.repeat(np.arange(20), 10)
    correct = rng.random(200) < np.where(groups == 0, 0.9, 0.4)
    units = count_units([groups, np.where(correct, groups, -1)], 2, person)
    _, mean = group_intervals(units, Drawing())
    [pooled] = accuracy_intervals(correct, groups * 0, subjects=person)  # groups of equal size
    assert mean is not None
    assert pooled is not None
    assert (mean.low, mean.high) == pytest.approx((pooled.low, pooled.high), abs=0.01)


def test_drawings_where_a_value_does_not_exist_are_left_out() -> None:
    drawn = np.array([0.5, np.nan, 0.5])
    interval = percentile_interval(drawn, Drawing(3), unit="subject", num_units=9)
    assert interval is not None
    assert interval.low == interval.high == 0.5
    assert percentile_interval(drawn[1:2], Drawing(1), unit="subject", num_units=9) is None


def test_few_people_give_the_width_of_students_interval() -> None:
    values = np.random.default_rng([1]).normal(size=8)
    drawn = np.random.default_rng([2]).choice(values, (20_000, 8)).mean(axis=1)
    ours = percentile_interval(drawn, Drawing(20_000), unit="subject", num_units=8)
    theirs = stats.ttest_1samp(values, 0.0).confidence_interval()
    assert ours is not None
    assert ours.high - ours.low == pytest.approx(theirs.high - theirs.low, rel=0.08)


@pytest.mark.parametrize("people", [8, 60])
def test_an_interval_covers_the_truth_about_as_often_as_it_says(people: int) -> None:
    # People of their own skill, mean 0.7: the truth is known.
    rng = np.random.default_rng([8])
    covered = 0
    for seed in range(150):
        skill = rng.beta(7, 3, people)
        correct = rng.random((people, 10)) < skill[:, None]
        [interval] = accuracy_intervals(
            correct.ravel(),
            np.zeros(10 * people, dtype=np.int64),
            subjects=np.repeat(np.arange(people), 10),
            num_resamples=400,
            seed=seed,
        )
        assert interval is not None
        covered += interval.low <= 0.7 <= interval.high
    assert 0.88 <= covered / 150 <= 0.99
