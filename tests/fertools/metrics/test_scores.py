from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from fertools.metrics.bootstrap import count_units
from fertools.metrics.scores import (
    METRICS,
    class_codes,
    class_rates,
    macro_f1,
    score,
    scores_of_counts,
    uar,
)

ANSWERS = st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 3)), min_size=1, max_size=40)


def _arrays(answers: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    labels, predicted = np.array(answers, dtype=np.int64).T
    return labels, predicted


@settings(max_examples=30, deadline=None)
@given(ANSWERS)
def test_counts_give_what_scikit_learn_gives(answers: list[tuple[int, int]]) -> None:
    labels, predicted = _arrays(answers)
    units = count_units(class_codes(labels, predicted), 4, np.zeros(len(labels)))
    [counts] = units.counts
    ours = scores_of_counts(counts)
    assert ours["accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert ours["uar"] == pytest.approx(uar(labels, predicted))
    assert ours["macro_f1"] == pytest.approx(macro_f1(labels, predicted))
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, predicted, labels=[0, 1, 2, 3], zero_division=np.nan
    )
    for mine, theirs in zip(class_rates(counts), (recall, precision, f1), strict=True):
        np.testing.assert_allclose(mine, theirs)


def test_a_metric_by_name_is_the_function_of_that_name() -> None:
    labels, predicted = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    # recall: 2/3 and 1; F1: 2*2/(3+2) and 2*1/(1+2)
    by_hand = {"accuracy": 3 / 4, "uar": 5 / 6, "macro_f1": (4 / 5 + 2 / 3) / 2}
    assert {name: score(name, labels, predicted) for name in METRICS} == pytest.approx(by_hand)
