"""Accuracy, UAR and macro-F1: from labels with scikit-learn, and from counts for many drawings.

The second form exists because a bootstrap needs the same figure thousands of times: all three are
functions of three numbers a class (its samples, its hits, the answers that name it), and these can
be added up person by person. The tests hold both forms against each other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, recall_score

__all__ = [
    "METRICS",
    "Labels",
    "class_codes",
    "class_rates",
    "macro_f1",
    "score",
    "scores_of_counts",
    "uar",
]

Labels = NDArray[np.int64]

METRICS = ("accuracy", "uar", "macro_f1")
"""The overall figures, in the order of every table."""


def uar(labels: Labels, predicted: Labels) -> float:
    """Unweighted average recall: mean recall of the classes that occur in ``labels``.

    Args:
        labels: Class indices, shape ``(N,)``.
        predicted: Predicted class indices, shape ``(N,)``; -1 where no face was found.

    Returns:
        A value in [0, 1].

    Example:
        >>> uar(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]))
        0.8333333333333333
    """
    present = np.unique(labels)
    mean = recall_score(labels, predicted, labels=present, average="macro", zero_division=0.0)
    return float(mean)


def macro_f1(labels: Labels, predicted: Labels) -> float:
    """Mean F1 over the classes that occur in ``labels`` or ``predicted`` (-1 is no class).

    Args:
        labels: Class indices, shape ``(N,)``.
        predicted: Predicted class indices, shape ``(N,)``; -1 where no face was found.

    Returns:
        A value in [0, 1].
    """
    present = np.union1d(labels, predicted[predicted >= 0])
    mean = f1_score(labels, predicted, labels=present, average="macro", zero_division=0.0)
    return float(mean)


def score(metric: str, labels: Labels, predicted: Labels) -> float:
    """One of :data:`METRICS` by name, in [0, 1]; labels as in :func:`uar`."""
    if metric == "accuracy":
        return float(accuracy_score(labels, predicted))
    return {"uar": uar, "macro_f1": macro_f1}[metric](labels, predicted)


def class_codes(labels: Labels, predicted: Labels) -> list[Labels]:
    """What a sample adds to: its class's samples, that class's hits, the named class's answers.

    Returns:
        Three arrays ``(N,)`` of class indices; -1 adds to nothing.
    """
    return [labels, np.where(labels == predicted, labels, -1), predicted]


def class_rates(counts: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Recall, precision and F1 of each class from counts.

    Args:
        counts: Samples, hits and answers of each class, shape ``(..., 3, K)``.

    Returns:
        Three arrays ``(..., K)`` in [0, 1]: hits / samples, hits / answers and
        2 hits / (samples + answers); NaN where the divisor is zero.
    """
    samples, hits, answers = np.moveaxis(counts, -2, 0)
    with np.errstate(invalid="ignore"):
        return hits / samples, hits / answers, 2 * hits / (samples + answers)


def scores_of_counts(counts: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """:data:`METRICS` from counts ``(..., 3, K)`` as in :func:`class_rates`; each ``(...)``."""
    samples, hits, answers = np.moveaxis(counts, -2, 0)
    recall, _, f1 = class_rates(counts)
    return {
        "accuracy": hits.sum(axis=-1) / samples.sum(axis=-1),
        "uar": _mean_where(recall, samples > 0),
        "macro_f1": _mean_where(f1, samples + answers > 0),
    }


def _mean_where(values: NDArray[np.float64], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean over the last axis of the classes that are present."""
    means: NDArray[np.float64] = np.where(present, values, 0.0).sum(axis=-1) / present.sum(axis=-1)
    return means
