from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fertools.errors import PredictionsError
from fertools.metrics import Predictions, pair_runs
from fertools.metrics.bootstrap import Units
from fertools.metrics.pairing import count_pair, differences_of_counts
from fertools.metrics.scores import METRICS, score

MakeRun = Callable[..., list[Predictions]]
PEOPLE = ["A", "A", "B", "B"]


@pytest.fixture
def run(make_run: MakeRun) -> list[Predictions]:
    return make_run([0, 1, 2, 0], [0, 1, 1, -1], subjects=PEOPLE, name="ours")


@pytest.fixture
def baseline(make_run: MakeRun) -> list[Predictions]:
    return make_run([0, 1, 2, 0], [0, -1, 2, 1], subjects=PEOPLE, name="theirs")


def _changed(run: list[Predictions], column: str, row: int, value: object) -> list[Predictions]:
    frame = run[0].frame.copy()
    frame.loc[row, column] = value
    return [replace(run[0], frame=frame)]


def test_samples_meet_by_name_whatever_the_order_and_the_files(
    run: list[Predictions], baseline: list[Predictions]
) -> None:
    frame = baseline[0].frame
    halves = [replace(baseline[0], frame=frame.iloc[rows]) for rows in ([3, 1], [2, 0])]
    pair = pair_runs(run, halves)
    assert pair.labels.tolist() == [0, 1, 2, 0]
    assert pair.run_predicted.tolist() == [0, 1, 1, -1]
    assert pair.baseline_predicted.tolist() == [0, -1, 2, 1]
    assert pair.subjects is not None
    assert pair.subjects.tolist() == PEOPLE
    assert (pair.run.model, pair.baseline.model) == ("ours", "theirs")
    assert (pair.not_found, pair.num_not_found) == ("error", (1, 1, 2))


def test_a_sample_without_a_face_in_either_may_be_left_out_of_both(
    run: list[Predictions], baseline: list[Predictions]
) -> None:
    pair = pair_runs(run, baseline, not_found="excluded")
    assert pair.labels.tolist() == [0, 2]
    assert pair.run_predicted.tolist() == [0, 1]
    assert pair.baseline_predicted.tolist() == [0, 2]
    assert pair.num_not_found == (1, 1, 2)


def test_no_common_face_is_an_error(make_run: MakeRun) -> None:
    first, second = make_run([0, 1], [0, -1], name="a"), make_run([0, 1], [-1, 1], name="b")
    with pytest.raises(PredictionsError, match="no sample has a face in both"):
        pair_runs(first, second, not_found="excluded")
    with pytest.raises(ValueError, match="not_found is 'no'"):
        pair_runs(first, second, not_found="no")  # type: ignore[arg-type]


def test_a_missing_sample_is_named_with_the_table_that_lacks_it(
    run: list[Predictions], baseline: list[Predictions]
) -> None:
    part = [replace(baseline[0], frame=baseline[0].frame.iloc[[0, 3]])]
    words = r"^theirs\.parquet: sample 's0-001' is missing, ours\.parquet has it \(2 such samples\)"
    with pytest.raises(PredictionsError, match=words):
        pair_runs(run, part)
    with pytest.raises(PredictionsError, match=words):
        pair_runs(part, run)


def test_a_doubled_sample_is_refused(run: list[Predictions], baseline: list[Predictions]) -> None:
    with pytest.raises(PredictionsError, match="sample 's0-000' is tested twice"):
        pair_runs(run, [*baseline, *baseline])


def test_other_labels_classes_and_people_are_refused(
    run: list[Predictions], baseline: list[Predictions]
) -> None:
    with pytest.raises(PredictionsError, match=r"'s0-002', column 'label': 1, ours.* has 2"):
        pair_runs(run, _changed(baseline, "label", 2, 1))
    with pytest.raises(PredictionsError, match=r"'s0-003', column 'subject_id': 'C'.* has 'B'"):
        pair_runs(run, _changed(baseline, "subject_id", 3, "C"))
    turned = replace(baseline[0].info, classes=("happiness", "fear", "anger"))
    with pytest.raises(PredictionsError, match=r"classes \['anger'.* has \['happiness'"):
        pair_runs(run, [replace(baseline[0], info=turned)])


def test_people_may_be_known_to_one_table_only(run: list[Predictions], make_run: MakeRun) -> None:
    nameless = make_run([0, 1, 2, 0], [0, 1, 2, 0])
    for pair in (pair_runs(run, nameless), pair_runs(nameless, run)):
        assert pair.subjects is not None
        assert pair.subjects.tolist() == PEOPLE
    alone = pair_runs(nameless, nameless)
    assert alone.subjects is None
    assert not alone.has_some_subjects
    assert alone.no_subjects.startswith("there are no subject ids")


def test_people_of_some_samples_are_no_people(run: list[Predictions]) -> None:
    part = _changed(run, "subject_id", 0, None)
    pair = pair_runs(part, part)
    assert pair.subjects is None
    assert pair.has_some_subjects
    assert pair.no_subjects.startswith("1 of 4 samples have no subject id")


def test_counts_of_both_give_the_differences_of_scikit_learn(make_run: MakeRun) -> None:
    rng = np.random.default_rng([1])
    labels = rng.integers(0, 3, 90)
    first, second = rng.integers(-1, 3, 90), rng.integers(-1, 3, 90)
    for subjects in ([f"F{i % 7}" for i in range(90)], None):
        pair = pair_runs(
            make_run(labels.tolist(), first.tolist(), subjects=subjects),
            make_run(labels.tolist(), second.tolist(), subjects=subjects),
        )
        units: Units = count_pair(pair)
        assert units.counts.shape[1:] == (5, 3)
        total = np.tensordot(units.copies, units.counts, axes=1)
        for name in METRICS:
            theirs = score(name, labels, first) - score(name, labels, second)
            assert differences_of_counts(total)[name] == pytest.approx(theirs)
