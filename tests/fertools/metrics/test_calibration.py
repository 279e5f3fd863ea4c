from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from fertools.errors import PredictionsError
from fertools.metrics import Calibration, Predictions, calibrate

MakeRun = Callable[..., list[Predictions]]
SCORES = ["score_anger", "score_fear", "score_happiness"]


@pytest.fixture
def random_run(make_run: MakeRun) -> list[Predictions]:
    rng = np.random.default_rng([6])
    scores = rng.dirichlet([1.0, 1.0, 1.0], 400)
    labels = [int(rng.choice(3, p=row)) for row in scores]
    return _with_scores(make_run(labels, labels), scores)


def _with_scores(run: list[Predictions], scores: np.ndarray) -> list[Predictions]:
    run[0].frame[SCORES] = scores.astype(np.float32)
    return run


def _arrays(run: list[Predictions]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    frame: pd.DataFrame = run[0].frame
    scores = frame[SCORES].to_numpy(dtype=np.float64)
    scores /= scores.sum(axis=1, keepdims=True)
    return frame["label"].to_numpy(), scores.argmax(axis=1), scores


@pytest.mark.parametrize(
    ("bins", "figure", "strategy"),
    [("bins", "ece", "uniform"), ("bins_equal_mass", "ece_equal_mass", "quantile")],
)
def test_the_bins_are_those_of_scikit_learn(
    random_run: list[Predictions], bins: str, figure: str, strategy: str
) -> None:
    labels, answers, scores = _arrays(random_run)
    confidence, correct = scores.max(axis=1), labels == answers
    accuracy, mean = calibration_curve(correct, confidence, n_bins=10, strategy=strategy)
    ours = calibrate(random_run, num_bins=10)
    rows = [row for row in getattr(ours, bins) if row.num_samples]
    assert [row.accuracy for row in rows] == pytest.approx(accuracy)
    assert [row.confidence for row in rows] == pytest.approx(mean)
    weights = [row.num_samples / 400 for row in rows]
    assert sum(weights) == pytest.approx(1)
    assert getattr(ours, figure) == pytest.approx(np.dot(weights, abs(accuracy - mean)))
    assert ours.num_bins == len(getattr(ours, bins)) == 10


def test_likelihood_and_brier_score(random_run: list[Predictions]) -> None:
    labels, answers, scores = _arrays(random_run)
    ours = calibrate(random_run)
    assert ours.nll == pytest.approx(log_loss(labels, scores))
    assert ours.nll == pytest.approx(-np.log(scores[np.arange(400), labels]).mean())
    assert ours.brier == pytest.approx(((scores - np.eye(3)[labels]) ** 2).sum(axis=1).mean())
    assert ours.accuracy == pytest.approx((labels == answers).mean())
    assert ours.confidence == pytest.approx(scores.max(axis=1).mean())
    assert ours.ece < 0.08  # the labels were drawn from the scores


def test_four_answers_by_hand(make_run: MakeRun) -> None:
    scores = np.array([[0.9, 0.1, 0], [0.9, 0.1, 0], [0.3, 0.6, 0.1], [0.2, 0.6, 0.2]])
    run = _with_scores(make_run([0, 1, 1, 1], [0, 0, 1, 1]), scores)
    ours = calibrate(run, num_bins=2)
    # all are in (0.5, 1]: accuracy 3/4, confidence 3.0/4
    assert [row.num_samples for row in ours.bins] == [0, 4]
    assert (ours.bins[0].accuracy, ours.bins[0].confidence) == (None, None)
    assert ours.ece == pytest.approx(0, abs=1e-6)
    # halves: 0.6 twice, both right; 0.9 twice, one right
    assert [row.num_samples for row in ours.bins_equal_mass] == [2, 2]
    assert ours.ece_equal_mass == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)
    assert ours.nll == pytest.approx(-np.log([0.9, 0.1, 0.6, 0.6]).mean())
    assert ours.brier == pytest.approx(
        np.mean([0.01 + 0.01, 0.81 + 0.81, 0.09 + 0.16 + 0.01, 0.04 + 0.16 + 0.04])
    )


def test_sure_and_wrong_is_the_worst_and_the_zero_is_counted(make_run: MakeRun) -> None:
    run = _with_scores(make_run([1, 1], [0, 0]), np.array([[1.0, 0, 0], [1.0, 0, 0]]))
    ours = calibrate(run)
    assert ours.ece == ours.ece_equal_mass == ours.max_error == 1.0
    assert ours.brier == 2.0
    assert ours.num_zero == 2
    assert ours.nll == pytest.approx(-np.log(np.finfo(np.float64).eps))


def test_equal_confidences_are_never_parted_and_row_order_does_not_matter(
    make_run: MakeRun,
) -> None:
    run = make_run([0, 1, 2, 0, 1, 2, 0], [0, 1, 2, 1, 2, 0, 0])  # all with 0.6
    ours = calibrate(run, num_bins=3)
    assert sorted(row.num_samples for row in ours.bins_equal_mass) == [0, 0, 7]
    turned = [replace(run[0], frame=run[0].frame.iloc[::-1].reset_index(drop=True))]
    assert calibrate(turned, num_bins=3).ece_equal_mass == pytest.approx(ours.ece_equal_mass)


def test_rounded_scores_are_divided_by_their_sum(make_run: MakeRun) -> None:
    scores = np.array([[0.7004, 0.3002, -0.0001]])
    ours = calibrate(_with_scores(make_run([0], [0]), scores))
    assert ours.confidence == pytest.approx(0.7004 / (0.7004 + 0.3002))


def test_faces_not_found_are_left_out_and_counted(make_run: MakeRun) -> None:
    ours = calibrate(make_run([0, 1, 2], [0, -1, 1]))
    assert (ours.num_samples, ours.num_not_found, ours.accuracy) == (2, 1, 0.5)
    with pytest.raises(PredictionsError, match=r"m\.parquet: no face was found"):
        calibrate(make_run([0], [-1]))


def test_it_is_json_and_bins_are_needed(random_run: list[Predictions]) -> None:
    ours = calibrate(random_run)
    assert isinstance(ours, Calibration)
    text = json.dumps(asdict(ours), allow_nan=False)
    assert list(json.loads(text))[:3] == ["num_samples", "num_not_found", "num_bins"]
    with pytest.raises(ValueError, match="num_bins is 0"):
        calibrate(random_run, num_bins=0)
