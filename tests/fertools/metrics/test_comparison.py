from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pytest

from fertools.errors import PredictionsError
from fertools.metrics import (
    Equivalence,
    FoldTest,
    McNemar,
    Omitted,
    Predictions,
    compare,
    compare_several,
    holm,
)
from fertools.metrics.scores import METRICS, score

MakeRun = Callable[..., list[Predictions]]
N = 240
PEOPLE = [f"F{i % 24:02d}" for i in range(N)]
FOLDS = [i % 24 // 6 for i in range(N)]


@pytest.fixture
def runs(make_run: MakeRun) -> dict[str, list[Predictions]]:
    """Three runs of falling skill on the same samples."""
    rng = np.random.default_rng([4])
    labels = rng.integers(0, 3, N)
    made = {}
    for name, skill in (("good", 0.8), ("fair", 0.6), ("poor", 0.3)):
        predicted = np.where(rng.random(N) < skill, labels, rng.integers(-1, 3, N))
        made[name] = make_run(
            labels.tolist(), predicted.tolist(), subjects=PEOPLE, folds=FOLDS, name=name
        )
    return made


def test_it_says_what_was_compared_and_how(runs: dict[str, list[Predictions]]) -> None:
    result = compare(runs["good"], runs["poor"], margin=0.05)
    assert (result.run, result.baseline, result.synthetic) == ("good", "poor", True)
    assert (result.num_samples, result.num_subjects) == (N, 24)
    assert (result.unit, result.unit_reason, result.not_found) == ("subject", "", "error")
    assert result.num_not_found_run > 0
    assert (result.num_excluded, result.num_comparisons) == (0, 1)
    assert isinstance(result.mcnemar, Omitted)
    assert list(result.metrics) == list(METRICS)
    for metric in result.metrics.values():
        assert metric.difference == pytest.approx(metric.run - metric.baseline)
        assert metric.interval is not None
        assert 0 < metric.interval.low < metric.difference < metric.interval.high
        assert metric.permutation.p_value < 0.01
        assert isinstance(metric.folds, FoldTest)
        assert metric.folds.num_folds == 4
        assert isinstance(metric.equivalence, Equivalence)
        assert not metric.equivalence.is_equivalent
        assert metric.holm_p is None


def test_the_other_way_round_only_the_signs_change(runs: dict[str, list[Predictions]]) -> None:
    one, other = (
        compare(runs[a], runs[b]).metrics for a, b in (("good", "fair"), ("fair", "good"))
    )
    for name in METRICS:
        assert one[name].difference == pytest.approx(-other[name].difference)
        assert one[name].detectable == other[name].detectable
        ours, theirs = one[name].interval, other[name].interval
        assert ours is not None
        assert theirs is not None
        assert (ours.low, ours.high) == pytest.approx((-theirs.high, -theirs.low), abs=0.02)


def test_a_run_and_itself_differ_in_nothing(runs: dict[str, list[Predictions]]) -> None:
    for metric in compare(runs["good"], runs["good"]).metrics.values():
        assert metric.difference == 0
        assert metric.interval is not None
        assert metric.interval.low == metric.interval.high == 0
        assert metric.permutation.p_value == 1
        assert isinstance(metric.folds, Omitted)
        assert isinstance(metric.detectable, Omitted)


def test_no_margin_no_test_of_equivalence(runs: dict[str, list[Predictions]]) -> None:
    equivalence = compare(runs["good"], runs["fair"]).metrics["uar"].equivalence
    assert equivalence == Omitted("no margin was stated")


def test_excluded_faces_are_in_neither_figure(runs: dict[str, list[Predictions]]) -> None:
    result = compare(runs["good"], runs["poor"], not_found="excluded")
    assert result.num_samples + result.num_excluded == N
    assert result.num_excluded <= result.num_not_found_run + result.num_not_found_baseline
    assert (
        result.metrics["accuracy"].run > compare(runs["good"], runs["poor"]).metrics["accuracy"].run
    )


def test_without_people_pictures_are_units_and_mcnemar_is_made(make_run: MakeRun) -> None:
    result = compare(make_run([0] * 9, [0] * 9, name=""), make_run([0] * 9, [0] * 4 + [1] * 5))
    assert isinstance(result.mcnemar, McNemar)
    assert result.mcnemar.p_value == pytest.approx(2 / 32)
    # five pictures of no person turn over: the permutation test is McNemar's
    assert result.metrics["accuracy"].permutation.p_value == pytest.approx(2 / 32)
    assert (result.unit, result.num_subjects) == ("sample", None)
    assert result.unit_reason.startswith("there are no subject ids")
    assert (result.run, result.baseline) == ("run", "m")


def test_points_are_those_of_each_run(runs: dict[str, list[Predictions]]) -> None:
    frame = runs["fair"][0].frame
    scores = frame[["score_anger", "score_fear", "score_happiness"]].to_numpy()
    answers = np.where(frame["found"], scores.argmax(axis=1), -1)
    for name, metric in compare(runs["fair"], runs["poor"]).metrics.items():
        assert metric.run == pytest.approx(score(name, frame["label"].to_numpy(), answers))


def test_the_same_seed_gives_the_same_json(runs: dict[str, list[Predictions]]) -> None:
    def text(seed: int) -> str:
        result = compare(runs["good"], runs["fair"], margin=0.1, seed=seed)
        return json.dumps(asdict(result), allow_nan=False)

    assert text(0) == text(0)
    assert text(0) != text(1)
    values = json.loads(text(0))
    assert list(values["metrics"]["accuracy"])[:3] == ["run", "baseline", "difference"]
    assert "reason" in values["mcnemar"]


class TestSeveral:
    def test_each_with_the_baseline(self, runs: dict[str, list[Predictions]]) -> None:
        results = compare_several(runs, baseline="poor", num_permutations=500)
        assert [(one.run, one.baseline) for one in results] == [("good", "poor"), ("fair", "poor")]
        for name in METRICS:
            alone = [one.metrics[name].permutation.p_value for one in results]
            assert [one.metrics[name].holm_p for one in results] == holm(alone)
        assert {one.num_comparisons for one in results} == {2}

    def test_each_with_each(self, runs: dict[str, list[Predictions]]) -> None:
        results = compare_several(runs, num_permutations=100, num_resamples=100)
        names = [(one.run, one.baseline) for one in results]
        assert names == [("good", "fair"), ("good", "poor"), ("fair", "poor")]
        assert {one.num_comparisons for one in results} == {3}

    def test_one_run_and_an_unknown_baseline_are_refused(
        self, runs: dict[str, list[Predictions]]
    ) -> None:
        with pytest.raises(PredictionsError, match=r"runs \['good'\], baseline None; expected two"):
            compare_several({"good": runs["good"]})
        with pytest.raises(PredictionsError, match="baseline 'none'; expected"):
            compare_several(runs, baseline="none")
