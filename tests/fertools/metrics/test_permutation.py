from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, permutation_test

from fertools.metrics import Predictions, pair_runs
from fertools.metrics.bootstrap import Units, count_units
from fertools.metrics.pairing import count_pair
from fertools.metrics.permutation import MAX_EXACT_UNITS, permutation_tests
from fertools.metrics.scores import METRICS, class_codes, score

MakeRun = Callable[..., list[Predictions]]


def _units(
    labels: np.ndarray, first: np.ndarray, second: np.ndarray, person: np.ndarray | None
) -> Units:
    codes = [*class_codes(labels, first), *class_codes(labels, second)[1:]]
    return count_units(codes, 3, person)


def _random(people: int, pictures: int, seed: int) -> tuple[np.ndarray, ...]:
    """Labels, a better and a worse run, people."""
    rng = np.random.default_rng([seed])
    n = people * pictures
    labels = rng.integers(0, 3, n)
    first = np.where(rng.random(n) < 0.5, labels, rng.integers(-1, 3, n))
    second = np.where(rng.random(n) < 0.35, labels, rng.integers(-1, 3, n))
    return labels, first, second, np.repeat(np.arange(people), pictures)


def test_every_pattern_with_scikit_learn_by_hand() -> None:
    labels, first, second, person = _random(6, 12, seed=2)
    tests = permutation_tests(_units(labels, first, second, person))
    for name in METRICS:
        drawn = []
        for pattern in product([False, True], repeat=6):
            turned = np.array(pattern)[person]
            ours, theirs = np.where(turned, second, first), np.where(turned, first, second)
            drawn.append(score(name, labels, ours) - score(name, labels, theirs))
        larger = np.abs(drawn) >= abs(drawn[0]) - 1e-12
        assert tests[name].p_value == pytest.approx(larger.mean())
        assert tests[name].method == "exact"
        assert tests[name].num_permutations == 2 ** tests[name].num_differing
        assert tests[name].seed is None


def test_accuracy_agrees_with_scipy() -> None:
    labels, first, second, person = _random(10, 9, seed=3)
    gains = np.bincount(person, weights=(first == labels) * 1.0 - (second == labels))
    theirs = permutation_test(
        (gains, np.zeros(10)),
        lambda x, y, axis: (x - y).sum(axis=axis),
        permutation_type="samples",
        n_resamples=2**10,
        vectorized=True,
    )
    ours = permutation_tests(_units(labels, first, second, person))["accuracy"]
    assert ours.p_value == pytest.approx(theirs.pvalue)


def test_drawn_patterns_come_close_to_the_normal_law() -> None:
    labels, first, second, person = _random(60, 8, seed=5)
    gains = np.bincount(person, weights=(first == labels) * 1.0 - (second == labels))
    near = 2 * norm.sf(abs(gains.sum()) / np.sqrt((gains**2).sum()))
    ours = permutation_tests(_units(labels, first, second, person))["accuracy"]
    assert ours.method == "sampled"
    assert ours.p_value == pytest.approx(near, abs=0.01)
    assert (ours.num_permutations, ours.seed, ours.num_units) == (10_000, 0, 60)


def test_the_seed_decides_and_the_order_of_rows_does_not() -> None:
    labels, first, second, person = _random(40, 5, seed=6)
    order = np.random.default_rng([0]).permutation(len(labels))
    one = permutation_tests(_units(labels, first, second, person), num_permutations=300, seed=4)
    shuffled = _units(labels[order], first[order], second[order], person[order])
    assert one == permutation_tests(shuffled, num_permutations=300, seed=4)
    assert one != permutation_tests(shuffled, num_permutations=300, seed=5)


def test_people_change_sides_as_a_whole() -> None:
    # One person of forty pictures gains all of them: as pictures that is certain, as people chance.
    labels = np.zeros(40, dtype=np.int64)
    first, second = labels, labels + 1
    people = permutation_tests(_units(labels, first, second, labels))["accuracy"]
    assert (people.p_value, people.smallest_p, people.num_differing) == (1.0, 1.0, 1)
    pictures = permutation_tests(_units(labels, first, second, None))["accuracy"]
    assert pictures.p_value == pictures.smallest_p == 1 / 10_001
    assert (pictures.unit, pictures.num_units) == ("sample", 40)


def test_five_people_by_hand() -> None:
    # Each of five gains one picture: only all or none turned is as large, 2 of 32 patterns.
    labels = np.zeros(5, dtype=np.int64)
    test = permutation_tests(_units(labels, labels, labels + 1, np.arange(5)))["accuracy"]
    assert test.p_value == test.smallest_p == 2 / 32


def test_equal_runs_give_one() -> None:
    labels, first, _, person = _random(30, 4, seed=7)
    for test in permutation_tests(_units(labels, first, first, person)).values():
        assert (test.p_value, test.num_differing, test.num_permutations) == (1.0, 0, 1)


def test_all_patterns_are_tried_up_to_a_number_of_people() -> None:
    for people, method in ((MAX_EXACT_UNITS, "exact"), (MAX_EXACT_UNITS + 1, "sampled")):
        labels = np.zeros(people, dtype=np.int64)
        units = _units(labels, labels, labels + 1, np.arange(people))
        test = permutation_tests(units, num_permutations=50)["accuracy"]
        assert test.method == method


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(-1, 2), st.integers(-1, 2), st.integers(0, 30)),
        min_size=1,
        max_size=60,
    )
)
def test_p_is_above_zero_at_most_one_and_symmetric(rows: list[tuple[int, int, int, int]]) -> None:
    labels, first, second, person = np.array(rows, dtype=np.int64).T
    ours = permutation_tests(_units(labels, first, second, person), num_permutations=200)
    theirs = permutation_tests(_units(labels, second, first, person), num_permutations=200)
    for name in METRICS:
        assert 0 < ours[name].smallest_p <= ours[name].p_value <= 1
        if ours[name].method == "exact":
            assert ours[name].p_value == theirs[name].p_value


def test_a_pair_of_runs_is_tested_by_person(make_run: MakeRun) -> None:
    people = [f"F{i // 3}" for i in range(18)]
    pair = pair_runs(
        make_run([0] * 18, [0] * 18, subjects=people), make_run([0] * 18, [1] * 18, subjects=people)
    )
    assert permutation_tests(count_pair(pair))["accuracy"].p_value == 2 / 2**6
