from __future__ import annotations

from collections.abc import Callable

import pytest

from fertools.errors import PredictionsError
from fertools.metrics import Predictions
from fertools.metrics.samples import gather_samples

MakeRun = Callable[..., list[Predictions]]


def test_a_face_not_found_is_counted_or_left_out_and_it_is_said(make_run: MakeRun) -> None:
    run = make_run([0, 1, 2], [0, -1, 2])
    counted = gather_samples(run, not_found="error")
    assert counted.predicted.tolist() == [0, -1, 2]
    left = gather_samples(run, not_found="excluded")
    assert left.predicted.tolist() == [0, 2]
    assert left.frame["sample_id"].tolist() == ["s0-000", "s0-002"]
    assert counted.num_not_found == left.num_not_found == 1
    assert (counted.not_found, left.not_found) == ("error", "excluded")


def test_nothing_left_is_an_error(make_run: MakeRun) -> None:
    with pytest.raises(PredictionsError, match=r"m\.parquet: no face was found in any of 2"):
        gather_samples(make_run([0, 1], [-1, -1]), not_found="excluded")


def test_an_unknown_treatment_is_a_mistake_of_the_caller(make_run: MakeRun) -> None:
    with pytest.raises(ValueError, match="'ignored'; expected 'error' or 'excluded'"):
        gather_samples(make_run([0], [0]), not_found="ignored")  # type: ignore[arg-type]


def test_why_there_are_no_people_is_said(make_run: MakeRun) -> None:
    assert gather_samples(make_run([0], [0], subjects=["A"]), not_found="error").no_subjects == ""
    none = gather_samples(make_run([0, 1], [0, 1]), not_found="error")
    assert none.subjects is None
    assert none.no_subjects.startswith("there are no subject ids: pictures are resampled")
    run = make_run([0, 1, 2], [0, 1, 2], subjects=["A", "B", "B"])
    run[0].frame.loc[1, "subject_id"] = None
    part = gather_samples(run, not_found="error")
    assert part.subjects is None
    assert part.no_subjects.startswith("1 of 3 samples have no subject id")
