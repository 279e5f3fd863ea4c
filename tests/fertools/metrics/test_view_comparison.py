from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fertools.metrics import (
    Omitted,
    Predictions,
    ViewComparison,
    compare,
    compare_views,
    holm,
    summarise,
)

MakeRun = Callable[..., list[Predictions]]
N = 240
PEOPLE = [f"F{i % 24:02d}" for i in range(N)]
VIEWS = [f"v{i // 24 % 5}" for i in range(N)]


@pytest.fixture
def runs(make_run: MakeRun) -> tuple[list[Predictions], list[Predictions]]:
    """Two runs; the views v0 to v4 have 48 pictures each, two of every person."""
    rng = np.random.default_rng([4])
    labels = rng.integers(0, 3, N)
    made = []
    for skill in (0.8, 0.5):
        predicted = np.where(rng.random(N) < skill, labels, rng.integers(-1, 3, N))
        [table] = make_run(labels.tolist(), predicted.tolist(), subjects=PEOPLE)
        table.frame["view_id"] = VIEWS
        made.append([table])
    return made[0], made[1]


def _compare(run: list[Predictions], baseline: list[Predictions]) -> ViewComparison:
    result = compare_views(run, baseline)
    assert isinstance(result, ViewComparison)
    return result


def test_views_are_those_of_each_run_alone(
    runs: tuple[list[Predictions], list[Predictions]],
) -> None:
    result = _compare(*runs)
    ours, theirs = (summarise(run) for run in runs)
    assert [row.view_id for row in result.views] == [row["view_id"] for row in ours["per_view"]]
    assert [row.run for row in result.views] == [row["accuracy"] for row in ours["per_view"]]
    assert [row.baseline for row in result.views] == [row["accuracy"] for row in theirs["per_view"]]
    assert result.mean.run == pytest.approx(ours["accuracy_mean_over_views"])
    assert sum(row.num_samples for row in result.views) == result.mean.num_samples == N


def test_with_equal_views_the_mean_is_the_accuracy(
    runs: tuple[list[Predictions], list[Predictions]],
) -> None:
    mean = _compare(*runs).mean
    accuracy = compare(*runs).metrics["accuracy"]
    assert mean.difference == pytest.approx(accuracy.difference)
    assert mean.interval is not None
    assert accuracy.interval is not None
    assert mean.interval.low == pytest.approx(accuracy.interval.low, abs=0.02)
    assert mean.interval.high == pytest.approx(accuracy.interval.high, abs=0.02)
    assert mean.p_value == pytest.approx(accuracy.permutation.p_value, abs=0.01)


def test_views_are_corrected_for_their_number(
    runs: tuple[list[Predictions], list[Predictions]],
) -> None:
    result = _compare(*runs)
    assert [row.holm_p for row in result.views] == holm([row.p_value for row in result.views])
    assert result.mean.holm_p is None


def test_one_view_of_few_people_is_tested_exactly(make_run: MakeRun) -> None:
    people = ["a", "b", "c", "d", "e", "f"]
    result = _compare(
        make_run([0] * 6, [0] * 6, subjects=people), make_run([0] * 6, [1] * 6, subjects=people)
    )
    [front] = result.views
    assert front.difference == result.mean.difference == 1.0
    assert front.p_value == 2 / 2**6  # all six must stay, or all change sides
    swapped = _compare(
        make_run([0] * 6, [1] * 6, subjects=people), make_run([0] * 6, [0] * 6, subjects=people)
    )
    assert swapped.mean.difference == -1.0
    assert swapped.mean.p_value == front.p_value


def test_equal_runs_do_not_differ(runs: tuple[list[Predictions], list[Predictions]]) -> None:
    result = _compare(runs[0], runs[0])
    assert all(row.difference == 0 and row.p_value == 1 for row in (*result.views, result.mean))


def test_without_views_there_is_nothing_to_compare(make_run: MakeRun) -> None:
    run = make_run([0, 1], [0, 1])
    run[0].frame["view_id"] = None
    result = compare_views(run, run)
    assert isinstance(result, Omitted)
    assert result.reason == "no sample names its view"
