"""Confusion matrices: counts, shares and the worst confusions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.metrics import confusion_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fertools.metrics.scores import Labels

__all__ = ["count_confusion", "normalise_confusion", "worst_confusions"]


def count_confusion(labels: Labels, predicted: Labels, num_classes: int) -> dict[str, Any]:
    """Count who was taken for whom.

    Args:
        labels: Class indices, shape ``(N,)``.
        predicted: Predicted class indices, shape ``(N,)``; -1 where no face was found.
        num_classes: Number of classes, K.

    Returns:
        ``counts``, K rows (true) of K columns (predicted), and ``not_found``, K numbers: samples
        of the row in which no face was found.
    """
    found = predicted >= 0
    if found.any():
        counts = confusion_matrix(labels[found], predicted[found], labels=np.arange(num_classes))
    else:
        counts = np.zeros((num_classes, num_classes), dtype=np.int64)
    not_found = np.bincount(labels[~found], minlength=num_classes)
    return {"counts": counts.tolist(), "not_found": not_found.tolist()}


def normalise_confusion(
    confusion: Mapping[str, Any], over: Literal["true", "predicted", "all"] = "true"
) -> dict[str, Any]:
    """Shares of a confusion matrix, in [0, 1].

    Args:
        confusion: As :func:`count_confusion` gives it.
        over: ``"true"``: rows sum to 1 together with ``not_found``, the diagonal is the recall;
            ``"predicted"``: columns sum to 1, the diagonal is the precision; ``"all"``:
            everything sums to 1.

    Returns:
        ``over``, ``shares`` (K rows of K) and ``not_found`` (K; None each for ``"predicted"``:
        there was no answer). A share of nothing is None.
    """
    counts = np.array(confusion["counts"], dtype=np.float64)
    lost = np.array(confusion["not_found"], dtype=np.float64)
    if over == "true":
        totals = (counts.sum(axis=1) + lost)[:, None]
    elif over == "predicted":
        totals, lost = counts.sum(axis=0)[None, :], np.full(len(lost), np.nan)
    elif over == "all":
        totals = np.array([[counts.sum() + lost.sum()]])
    else:
        raise ValueError(f"over is {over!r}; expected 'true', 'predicted' or 'all'")
    with np.errstate(invalid="ignore"):
        shares = counts / totals
        lost = lost / totals[:, 0] if over != "predicted" else lost
    return {
        "over": over,
        "shares": [_plain(row) for row in shares.tolist()],
        "not_found": _plain(lost.tolist()),
    }


def worst_confusions(
    confusion: Mapping[str, Any], classes: Sequence[str], *, limit: int = 5
) -> list[dict[str, Any]]:
    """The confusions with the largest share of the true class, worst first.

    Args:
        confusion: As :func:`count_confusion` gives it.
        classes: Names of the classes in label order.
        limit: At most so many; those that never happened are left out.

    Returns:
        Dicts of ``expression`` (true), ``taken_for``, ``count`` and ``share`` (of the true class's
        samples, faces not found included); equal shares in the order of the classes.
    """
    shares = normalise_confusion(confusion)["shares"]
    rows = [
        {"expression": name, "taken_for": other, "count": count, "share": shares[i][j]}
        for i, name in enumerate(classes)
        for j, other in enumerate(classes)
        for count in [confusion["counts"][i][j]]
        if i != j and count
    ]
    rows.sort(key=lambda row: -row["share"])
    return rows[:limit]


def _plain(values: Sequence[float]) -> list[float | None]:
    """None instead of NaN."""
    return [None if value != value else value for value in values]
