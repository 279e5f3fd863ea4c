from __future__ import annotations

import numpy as np
import pytest

from fertools.metrics import accuracy_intervals


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
    low, high = np.quantile(means, [0.025, 0.975])
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.015)
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
