from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fertools.metrics import FoldTest, McNemar, Omitted, Predictions, corrected_t, holm, mcnemar
from fertools.metrics.pairing import Pair, pair_runs
from fertools.metrics.scores import METRICS, score

MakeRun = Callable[..., list[Predictions]]
RATES = st.lists(st.floats(0, 1, exclude_min=True), min_size=1, max_size=12)


@pytest.fixture
def make_pair(make_run: MakeRun) -> Callable[..., Pair]:
    """Four folds of ten; the runs are right on so many samples of each fold."""

    def make(ours: list[int], theirs: list[int], size: int = 10) -> Pair:
        folds = [fold for fold in range(len(ours)) for _ in range(size)]

        def answers(right: list[int]) -> list[int]:
            return [0 if place < num else 1 for num in right for place in range(size)]

        labels = [0] * len(folds)
        return pair_runs(
            make_run(labels, answers(ours), folds=folds),
            make_run(labels, answers(theirs), folds=folds),
        )

    return make


class TestMcNemar:
    def test_six_by_hand(self, make_run: MakeRun) -> None:
        # The run alone has 1, the baseline alone 5: p = 2 (C(6,0) + C(6,1)) / 2^6
        run = make_run([0] * 8, [0, 1, 1, 1, 1, 1, 0, 1])
        baseline = make_run([0] * 8, [1, 0, 0, 0, 0, 0, 0, 1])
        result = mcnemar(pair_runs(run, baseline))
        assert result == McNemar(pytest.approx(14 / 64), 1, 5)

    def test_equal_runs_give_one(self, make_run: MakeRun) -> None:
        run = make_run([0, 1], [0, 0])
        assert mcnemar(pair_runs(run, run)) == McNemar(1.0, 0, 0)

    @pytest.mark.parametrize("subjects", [["A", "A"], ["A", None]])
    def test_it_is_not_made_where_people_are_known(
        self, make_run: MakeRun, subjects: list[str]
    ) -> None:
        run = make_run([0, 1], [0, 0], subjects=subjects)
        result = mcnemar(pair_runs(run, run))
        assert isinstance(result, Omitted)
        assert "not independent" in result.reason


class TestCorrectedT:
    def test_four_folds_by_hand(self, make_pair: Callable[..., Pair]) -> None:
        result = corrected_t([make_pair([8, 7, 9, 6], [7, 7, 6, 5])])
        # differences 0.1, 0, 0.3, 0.1: mean 0.125, s^2 = 0.0475 / 3; test to train 1 to 3
        assert isinstance(result, FoldTest)
        t = 0.125 / math.sqrt((1 / 4 + 1 / 3) * 0.0475 / 3)
        assert result.statistic == pytest.approx(t)
        assert result.p_value == pytest.approx(2 * stats.t.sf(t, 3))
        assert (result.mean, result.sd) == pytest.approx((0.125, math.sqrt(0.0475 / 3)))
        assert (result.degrees, result.num_folds, result.num_repeats) == (3, 4, 1)
        assert result.test_train_ratio == pytest.approx(1 / 3)
        assert result.ratio_source == "folds"

    def test_without_the_correction_it_is_the_t_test_of_scipy(
        self, make_pair: Callable[..., Pair]
    ) -> None:
        result = corrected_t([make_pair([8, 7, 9, 6], [7, 7, 6, 5])], test_train_ratio=0.0)
        theirs = stats.ttest_1samp([0.1, 0.0, 0.3, 0.1], 0.0)
        assert isinstance(result, FoldTest)
        assert result.statistic == pytest.approx(theirs.statistic)
        assert result.p_value == pytest.approx(theirs.pvalue)
        between = theirs.confidence_interval(0.95)
        assert (result.low, result.high) == pytest.approx((between.low, between.high))
        assert result.ratio_source == "given"

    def test_seeds_are_more_differences(self, make_pair: Callable[..., Pair]) -> None:
        pairs = [make_pair([8, 7], [7, 7]), make_pair([9, 6], [6, 5])]
        result = corrected_t(pairs)
        assert isinstance(result, FoldTest)
        t = 0.125 / math.sqrt((1 / 4 + 1) * 0.0475 / 3)  # two folds: as many test as train
        assert result.statistic == pytest.approx(t)
        assert (result.degrees, result.num_folds, result.num_repeats) == (3, 2, 2)

    def test_every_metric_is_that_of_scikit_learn(self, make_run: MakeRun) -> None:
        rng = np.random.default_rng([3])
        labels, first, second = (rng.integers(0, 3, 60) for _ in range(3))
        folds = np.repeat([0, 1, 2], 20)
        pair = pair_runs(
            make_run(labels.tolist(), first.tolist(), folds=folds.tolist()),
            make_run(labels.tolist(), second.tolist(), folds=folds.tolist()),
        )
        for name in METRICS:
            parts = [(labels[folds == k], first[folds == k], second[folds == k]) for k in range(3)]
            mean = np.mean([score(name, y, a) - score(name, y, b) for y, a, b in parts])
            result = corrected_t([pair], name)
            assert isinstance(result, FoldTest)
            assert result.mean == pytest.approx(mean)

    def test_why_it_is_not_made(self, make_pair: Callable[..., Pair], make_run: MakeRun) -> None:
        def reason(*pairs: Pair) -> str:
            result = corrected_t(pairs)
            assert isinstance(result, Omitted)
            return result.reason

        assert "two folds or more" in reason(make_pair([8], [7]))
        assert "as many in every pair" in reason(make_pair([8, 8], [7, 6]), make_pair([8], [7]))
        assert "no spread" in reason(make_pair([8, 7], [7, 6]))
        first, second = (make_run([0, 0], [0, 1], folds=folds) for folds in ([0, 1], [1, 0]))
        assert "in different folds" in reason(pair_runs(first, second))


class TestHolm:
    def test_four_by_hand(self) -> None:
        # sorted: 4 * 0.005, 3 * 0.01, max(0.03, 2 * 0.03), max(0.06, 0.04)
        assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])

    def test_one_is_unchanged_and_none_is_none(self) -> None:
        assert holm([0.2]) == [0.2]
        assert holm([]) == []

    @given(RATES)
    def test_it_is_monotone_between_p_and_bonferroni(self, values: list[float]) -> None:
        adjusted = holm(values)
        for p, q in zip(values, adjusted, strict=True):
            assert p <= q <= min(1.0, len(values) * p * (1 + 1e-12))
        ordered = [q for _, q in sorted(zip(values, adjusted, strict=True))]
        assert ordered == sorted(ordered)

    @given(RATES)
    def test_it_rejects_what_the_stepwise_rule_rejects(self, values: list[float]) -> None:
        rejected, alpha = set[int](), 0.05
        for step, place in enumerate(sorted(range(len(values)), key=lambda i: values[i])):
            if values[place] * (len(values) - step) > alpha:
                break
            rejected.add(place)
        assert {i for i, q in enumerate(holm(values)) if q <= alpha} == rejected
