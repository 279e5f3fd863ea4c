from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from fertools.errors import PredictionsError
from fertools.metrics import (
    Predictions,
    PredictionsInfo,
    check_membership,
    read_predictions,
    write_predictions,
)
from fertools.protocols import Fold, Lock, Source


@pytest.fixture
def tested(
    tmp_path: Path, make_table: Callable[..., pd.DataFrame], info: PredictionsInfo
) -> Predictions:
    table = make_table([0, 1, 2], [0, 1, 1])
    return read_predictions(write_predictions(tmp_path / "p.parquet", table, info))


@pytest.fixture
def lock(info: PredictionsInfo) -> Lock:
    ids = ("s0-000", "s0-001", "s0-002", "s1-000")
    return Lock(
        protocol="p",
        protocol_version=1,
        protocol_digest="a" * 64,
        synthetic=True,
        classes=info.classes,
        not_found="error",
        primary_metric="accuracy",
        sources=(Source("samples", "bu3dfe", True, {}, "b" * 64, "c" * 64),),
        labels=dict(zip(ids, (0, 1, 2, 0), strict=True)),
        subjects=dict(zip(ids, ("F0", "F0", "F0", "F1"), strict=True)),
        folds=(Fold("fold 0", ids[3:], ids[:3]), Fold("fold 1", ids[:3], ids[3:])),
        digest=info.lock_digest,
    )


def test_a_whole_fold_passes_and_the_other_is_named_as_missing(
    tested: Predictions, lock: Lock
) -> None:
    assert check_membership([tested], lock) == (1,)


def test_a_missing_sample_is_refused(tested: Predictions, lock: Lock) -> None:
    part = replace(tested, frame=tested.frame.iloc[1:])
    with pytest.raises(PredictionsError, match=r"1 locked samples are missing and 0 .*'s0-000'"):
        check_membership([part], lock)


def test_a_foreign_sample_is_refused(tested: Predictions, lock: Lock) -> None:
    smaller = replace(lock, folds=(Fold("fold 0", (), ("s0-000", "s0-001")),))
    with pytest.raises(PredictionsError, match=r"0 locked samples are missing and 1 .*'s0-002'"):
        check_membership([tested], smaller)


def test_another_label_is_refused(tested: Predictions, lock: Lock) -> None:
    other = replace(lock, labels={**lock.labels, "s0-001": 2})
    with pytest.raises(PredictionsError, match=r"'s0-001' has label 1, locked is 2 .'happiness'"):
        check_membership([tested], other)


def test_another_lock_another_class_order_and_an_unknown_fold_are_refused(
    tested: Predictions, lock: Lock
) -> None:
    with pytest.raises(PredictionsError, match="made under the lock 'dddddddddddd'"):
        check_membership([tested], replace(lock, digest="f" * 64))
    with pytest.raises(PredictionsError, match=r"the lock has \['happiness', 'fear', 'anger'\]"):
        check_membership([tested], replace(lock, classes=lock.classes[::-1]))
    moved = replace(tested, frame=tested.frame.assign(fold=7))
    with pytest.raises(PredictionsError, match="fold 7; the lock has 2 folds"):
        check_membership([moved], lock)


def test_a_table_that_names_no_lock_is_told_how_to(tested: Predictions, lock: Lock) -> None:
    by_hand = replace(tested, info=replace(tested.info, lock_digest=""))
    with pytest.raises(PredictionsError, match=r"names no lock.*write_predictions"):
        check_membership([by_hand], lock)
