from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import pytest

from fertools.errors import PredictionsError
from fertools.metrics import Predictions, check_invariance

MakeRun = Callable[..., list[Predictions]]
LABELS = [0, 1, 2, 0, 1, 2]


def _changed(run: list[Predictions], row: int, values: dict[str, object]) -> list[Predictions]:
    frame = run[0].frame.copy()
    for column, value in values.items():
        frame.loc[row, column] = value
    return [replace(run[0], frame=frame)]


@pytest.fixture
def run(make_run: MakeRun) -> list[Predictions]:
    return make_run(LABELS, LABELS)


def test_the_same_scores_in_another_order_are_invariant(run: list[Predictions]) -> None:
    turned = [replace(run[0], frame=run[0].frame.iloc[::-1].reset_index(drop=True))]
    result = check_invariance({"sorted": run, "batch size 1": run, "shuffled": turned})
    assert result.is_invariant
    assert (result.reference, result.num_samples, result.tolerance) == ("sorted", 6, 1e-4)
    assert [variant.name for variant in result.variants] == ["batch size 1", "shuffled"]
    assert result.largest_difference == 0.0


def test_rounding_is_allowed_up_to_the_tolerance(run: list[Predictions]) -> None:
    other = _changed(run, 3, {"score_anger": np.float32(0.6005), "score_fear": np.float32(0.1995)})
    strict = check_invariance({"sorted": run, "shuffled": other})
    assert not strict.is_invariant
    [variant] = strict.variants
    assert variant.largest_difference == pytest.approx(0.0005, rel=1e-3)
    assert (variant.largest_at, variant.num_changed) == ("s0-003", 0)
    assert check_invariance({"sorted": run, "shuffled": other}, tolerance=1e-3).is_invariant


def test_another_label_is_never_rounding(run: list[Predictions]) -> None:
    near = _changed(run, 0, {"score_anger": np.float32(0.4), "score_fear": np.float32(0.4)})
    over = _changed(run, 0, {"score_anger": np.float32(0.39999), "score_fear": np.float32(0.40001)})
    result = check_invariance({"sorted": near, "shuffled": over})
    assert result.largest_difference < result.tolerance
    assert not result.is_invariant
    assert result.variants[0].changed == ("s0-000",)


def test_a_face_found_in_one_batch_only_is_a_change(run: list[Predictions]) -> None:
    result = check_invariance({"sorted": run, "shuffled": _changed(run, 5, {"found": False})})
    assert not result.is_invariant
    assert (result.variants[0].num_changed, result.variants[0].changed) == (1, ("s0-005",))


def test_at_most_five_examples_are_named(run: list[Predictions], make_run: MakeRun) -> None:
    wrong = make_run(LABELS, [(label + 1) % 3 for label in LABELS])
    [variant] = check_invariance({"sorted": run, "shuffled": wrong}).variants
    assert variant.num_changed == 6
    assert variant.changed == tuple(f"s0-00{i}" for i in range(5))


def test_a_missing_sample_other_labels_and_classes_are_refused(run: list[Predictions]) -> None:
    part = [replace(run[0], frame=run[0].frame.iloc[1:])]
    with pytest.raises(
        PredictionsError, match=r"\(shuffled\): sample 's0-000' is missing, m.*sorted"
    ):
        check_invariance({"sorted": run, "shuffled": part})
    with pytest.raises(PredictionsError, match=r"\(shuffled\): sample 's0-001' has label 2, .* 1"):
        check_invariance({"sorted": run, "shuffled": _changed(run, 1, {"label": 2})})
    other = [replace(run[0], info=replace(run[0].info, classes=("fear", "anger", "happiness")))]
    with pytest.raises(PredictionsError, match=r"\(shuffled\): classes \['fear'"):
        check_invariance({"sorted": run, "shuffled": other})


def test_one_way_alone_shows_nothing(run: list[Predictions]) -> None:
    with pytest.raises(PredictionsError, match=r"predictions \['sorted'\]; expected two or more"):
        check_invariance({"sorted": run})


def test_it_is_json(run: list[Predictions]) -> None:
    result = check_invariance({"sorted": run, "shuffled": run})
    assert json.loads(json.dumps(asdict(result)))["is_invariant"] is True
