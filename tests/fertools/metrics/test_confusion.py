from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from fertools.metrics import normalise_confusion, worst_confusions
from fertools.metrics.confusion import count_confusion

LABELS = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])
ANSWERS = np.array([0, 1, 1, 1, 0, 2, 2, 0, 1])


@pytest.mark.parametrize(
    ("over", "name"), [("true", "true"), ("predicted", "pred"), ("all", "all")]
)
def test_shares_are_those_of_scikit_learn(over: str, name: str) -> None:
    ours = normalise_confusion(count_confusion(LABELS, ANSWERS, 3), over)  # type: ignore[arg-type]
    np.testing.assert_allclose(ours["shares"], confusion_matrix(LABELS, ANSWERS, normalize=name))
    assert ours["over"] == over


def test_faces_not_found_belong_to_the_true_class() -> None:
    confusion = count_confusion(np.array([0, 0, 0, 0, 1]), np.array([0, 0, 1, -1, -1]), 2)
    assert confusion == {"counts": [[2, 1], [0, 0]], "not_found": [1, 1]}
    assert normalise_confusion(confusion) == {
        "over": "true",
        "shares": [[0.5, 0.25], [0.0, 0.0]],
        "not_found": [0.25, 1.0],
    }
    everything = normalise_confusion(confusion, "all")
    assert everything["shares"] == [[0.4, 0.2], [0.0, 0.0]]
    assert everything["not_found"] == [0.2, 0.2]
    answers = normalise_confusion(confusion, "predicted")
    assert answers["shares"] == [[1.0, 1.0], [0.0, 0.0]]
    assert answers["not_found"] == [None, None]


def test_a_share_of_nothing_is_none_and_an_unknown_divisor_is_refused() -> None:
    confusion = count_confusion(np.array([0]), np.array([0]), 2)
    assert normalise_confusion(confusion)["shares"] == [[1.0, 0.0], [None, None]]
    assert normalise_confusion(confusion)["not_found"] == [0.0, None]
    assert normalise_confusion(confusion, "predicted")["shares"] == [[1.0, None], [0.0, None]]
    with pytest.raises(ValueError, match="'rows'; expected 'true'"):
        normalise_confusion(confusion, "rows")  # type: ignore[arg-type]


def test_the_worst_confusions_come_first() -> None:
    rows = worst_confusions(count_confusion(LABELS, ANSWERS, 3), ("a", "b", "c"), limit=3)
    assert rows == [
        {"expression": "a", "taken_for": "b", "count": 2, "share": 2 / 3},
        {"expression": "b", "taken_for": "a", "count": 1, "share": 0.5},
        {"expression": "c", "taken_for": "a", "count": 1, "share": 0.25},
    ]
    assert worst_confusions(count_confusion(LABELS, LABELS, 3), ("a", "b", "c")) == []
