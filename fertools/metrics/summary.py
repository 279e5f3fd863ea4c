"""Every number of a result, computed from predictions alone with scikit-learn.

A sample in which no face was found (``found`` false) counts as an error: it lowers accuracy and
recall, and stands in the confusion matrices' ``not_found``. Nothing is left out of a total.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
    recall_score,
)

from fertools.errors import PredictionsError
from fertools.metrics.bootstrap import accuracy_intervals
from fertools.metrics.predictions import predicted_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fertools.metrics.bootstrap import Interval
    from fertools.metrics.predictions import Predictions

__all__ = ["join_predictions", "macro_f1", "summarise", "uar"]

Labels = NDArray[np.int64]


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
    score = recall_score(labels, predicted, labels=present, average="macro", zero_division=0.0)
    return float(score)


def macro_f1(labels: Labels, predicted: Labels) -> float:
    """Mean F1 over the classes that occur in ``labels`` or ``predicted`` (-1 is no class).

    Args:
        labels: Class indices, shape ``(N,)``.
        predicted: Predicted class indices, shape ``(N,)``; -1 where no face was found.

    Returns:
        A value in [0, 1].
    """
    present = np.union1d(labels, predicted[predicted >= 0])
    score = f1_score(labels, predicted, labels=present, average="macro", zero_division=0.0)
    return float(score)


def summarise(
    predictions: Sequence[Predictions], *, num_resamples: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """Compute every number of a result from the predictions of its folds.

    Rates are fractions in [0, 1]; ``None`` stands where a number is not defined (a class without
    samples, the spread of a single fold, an interval of too few people). The values are plain
    Python ones in a stable order, ready for ``json.dumps``:

    - ``accuracy`` (pooled over all samples), ``accuracy_interval``,
      ``accuracy_mean_over_folds``, ``accuracy_sd_over_folds`` (sample SD, divided by folds - 1),
      ``accuracy_mean_over_views``, ``uar``, ``macro_f1``, ``chance`` (1 / classes) and
      ``majority_share`` (what always answering the commonest class would score);
    - ``num_samples``, ``num_subjects`` (None where any id is missing), ``num_folds``,
      ``num_views``, ``num_not_found``;
    - ``per_fold``, ``per_view``, ``per_expression`` and ``per_intensity``: one dict a row;
    - ``view_expression``: recall and count of each expression (row) in each view (column), with
      the plain means of the cells, in the shape of the paper's Table 5;
    - ``confusion`` (overall) and ``confusion_per_view``: counts, rows are the true expression,
      and ``not_found`` a row.

    Args:
        predictions: One table a fold, or one table of several folds.
        num_resamples: Drawings of the bootstrap over people.
        seed: Of the bootstrap.

    Raises:
        PredictionsError: If there is no table, the tables do not belong together, or a sample
            stands in two of them.
    """
    frame, predicted = join_predictions(predictions)
    info = predictions[0].info
    classes = info.classes
    labels = frame["label"].to_numpy(dtype=np.int64)
    correct = labels == predicted
    subjects = _subjects(frame)
    views = _views(frame)
    per_fold = _per_fold(frame, labels, predicted)
    per_view = _per_view(frame, views, correct, subjects, num_resamples, seed)
    zeros = np.zeros(len(frame), dtype=np.int64)
    [interval] = accuracy_intervals(
        correct, zeros, subjects=subjects, num_resamples=num_resamples, seed=seed
    )
    fold_accuracies = [row["accuracy"] for row in per_fold]
    view_accuracies = [row["accuracy"] for row in per_view]
    several = len(fold_accuracies) > 1
    return {
        "protocol": info.protocol,
        "model": info.model,
        "fusion": info.fusion,
        "lock_digest": info.lock_digest,
        "synthetic": info.synthetic,
        "classes": list(classes),
        "num_samples": len(frame),
        "num_subjects": None if subjects is None else len(np.unique(subjects)),
        "num_folds": len(per_fold),
        "num_views": len(per_view),
        "num_not_found": int((predicted < 0).sum()),
        "chance": 1 / len(classes),
        "majority_share": float(np.bincount(labels).max() / len(labels)),
        "accuracy": float(accuracy_score(labels, predicted)),
        "accuracy_interval": _as_dict(interval),
        "accuracy_mean_over_folds": float(np.mean(fold_accuracies)),
        "accuracy_sd_over_folds": float(np.std(fold_accuracies, ddof=1)) if several else None,
        "accuracy_mean_over_views": float(np.mean(view_accuracies)) if view_accuracies else None,
        "uar": uar(labels, predicted),
        "macro_f1": macro_f1(labels, predicted),
        "per_fold": per_fold,
        "per_view": per_view,
        "per_expression": _per_expression(labels, predicted, classes),
        "per_intensity": _per_intensity(frame, correct),
        "view_expression": _view_expression(frame, views, labels, correct, classes),
        "confusion": _confusion(labels, predicted, classes),
        "confusion_per_view": [
            {"view_id": view, **_confusion(labels[rows], predicted[rows], classes)}
            for view in views
            for rows in [(frame["view_id"] == view).to_numpy(dtype=bool)]
        ],
    }


def join_predictions(predictions: Sequence[Predictions]) -> tuple[pd.DataFrame, Labels]:
    """Put the tables of a run together.

    Returns:
        The rows of all tables, and the predicted label of each (-1: no face found), ``(N,)``.

    Raises:
        PredictionsError: If there is none, they do not belong together, or a sample is in two.
    """
    if not predictions:
        raise PredictionsError("no predictions table; expected one a fold")
    first = predictions[0]
    for other in predictions[1:]:
        for name in ("protocol", "classes", "lock_digest", "synthetic", "model", "fusion"):
            ours, theirs = getattr(first.info, name), getattr(other.info, name)
            if ours != theirs:
                raise PredictionsError(
                    f"{other.path}: its {name} is {theirs!r}, that of {first.path} is {ours!r}; "
                    "tables of one result must come from one run"
                )
    frame = pd.concat([table.frame for table in predictions], ignore_index=True)
    predicted = np.concatenate([predicted_labels(table) for table in predictions])
    doubled = frame["sample_id"].duplicated().to_numpy()
    if doubled.any():
        sample = frame["sample_id"].iloc[int(doubled.argmax())]
        folds = frame.loc[frame["sample_id"] == sample, "fold"].tolist()
        paths = ", ".join(sorted({str(table.path) for table in predictions}))
        raise PredictionsError(f"{paths}: sample {sample!r} is tested twice, in folds {folds}")
    return frame, predicted


def _as_dict(interval: Interval | None) -> dict[str, Any] | None:
    """An interval as plain values."""
    return None if interval is None else asdict(interval)


def _subjects(frame: pd.DataFrame) -> NDArray[Any] | None:
    """Person of each row, or None where any is not known."""
    if frame["subject_id"].isna().any():
        return None
    return frame["subject_id"].to_numpy(dtype=str)


def _views(frame: pd.DataFrame) -> list[str]:
    """Names of the views, ordered by median yaw, then pitch, then name."""
    named = frame[frame["view_id"].notna()]
    poses = named.groupby("view_id")[["yaw_deg", "pitch_deg"]].median().round(1)
    poses = poses.reset_index().sort_values(["yaw_deg", "pitch_deg", "view_id"])
    return [str(view) for view in poses["view_id"]]


def _number(value: float) -> float | None:
    """A float for JSON: None instead of NaN."""
    return None if np.isnan(value) else float(value)


def _per_fold(frame: pd.DataFrame, labels: Labels, predicted: Labels) -> list[dict[str, Any]]:
    """Counts and scores of each fold."""
    rows = []
    for fold in sorted(frame["fold"].unique().tolist()):
        inside = (frame["fold"] == fold).to_numpy()
        people = _subjects(frame[inside])
        rows.append(
            {
                "fold": int(fold),
                "num_samples": int(inside.sum()),
                "num_subjects": None if people is None else len(np.unique(people)),
                "accuracy": float(accuracy_score(labels[inside], predicted[inside])),
                "uar": uar(labels[inside], predicted[inside]),
                "macro_f1": macro_f1(labels[inside], predicted[inside]),
            }
        )
    return rows


def _per_view(
    frame: pd.DataFrame,
    views: list[str],
    correct: NDArray[np.bool_],
    subjects: NDArray[Any] | None,
    num_resamples: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Accuracy of each view with its interval; samples without a view are not in it."""
    if not views:
        return []
    named = frame["view_id"].notna().to_numpy()
    index = pd.Index(views).get_indexer(pd.Index(frame["view_id"][named].to_numpy(dtype=object)))
    intervals = accuracy_intervals(
        correct[named],
        index.astype(np.int64),
        subjects=None if subjects is None else subjects[named],
        num_resamples=num_resamples,
        seed=seed,
    )
    rows = []
    for view, interval in zip(views, intervals, strict=True):
        inside = (frame["view_id"] == view).to_numpy(dtype=bool)
        rows.append(
            {
                "view_id": view,
                "yaw_deg": _number(float(frame.loc[inside, "yaw_deg"].median())),
                "pitch_deg": _number(float(frame.loc[inside, "pitch_deg"].median())),
                "num_samples": int(inside.sum()),
                "accuracy": float(correct[inside].mean()),
                "interval": _as_dict(interval),
            }
        )
    return rows


def _per_expression(
    labels: Labels, predicted: Labels, classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Recall, precision and F1 of each class; None where it has no samples."""
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(classes)), zero_division=np.nan
    )
    return [
        {
            "expression": name,
            "num_samples": int(support[i]),
            "recall": _number(recall[i]),
            "precision": _number(precision[i]),
            "f1": _number(f1[i]),
        }
        for i, name in enumerate(classes)
    ]


def _per_intensity(frame: pd.DataFrame, correct: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Accuracy of each intensity that occurs."""
    levels = sorted(frame["intensity"].dropna().unique().tolist())
    masks = [(frame["intensity"] == level).fillna(value=False).to_numpy(bool) for level in levels]
    return [
        {
            "intensity": int(level),
            "num_samples": int(inside.sum()),
            "accuracy": float(correct[inside].mean()),
        }
        for level, inside in zip(levels, masks, strict=True)
    ]


def _mean(values: Sequence[float | None]) -> float | None:
    """Plain mean of the numbers that are defined."""
    present = [value for value in values if value is not None]
    return float(np.mean(present)) if present else None


def _view_expression(
    frame: pd.DataFrame,
    views: list[str],
    labels: Labels,
    correct: NDArray[np.bool_],
    classes: Sequence[str],
) -> dict[str, Any]:
    """Recall of each expression in each view, with the plain means of cells."""
    view_of = frame["view_id"].to_numpy(dtype=object)
    recall: list[list[float | None]] = []
    counts: list[list[int]] = []
    for label in range(len(classes)):
        cells = [correct[(labels == label) & (view_of == view)] for view in views]
        recall.append([float(cell.mean()) if len(cell) else None for cell in cells])
        counts.append([len(cell) for cell in cells])
    columns = list(zip(*recall, strict=True))
    return {
        "expressions": list(classes),
        "views": list(views),
        "recall": recall,
        "num_samples": counts,
        "mean_over_views": [_mean(row) for row in recall],
        "mean_over_expressions": [_mean(column) for column in columns],
        "mean": _mean([value for row in recall for value in row]),
    }


def _confusion(labels: Labels, predicted: Labels, classes: Sequence[str]) -> dict[str, Any]:
    """Counts (rows: true, columns: predicted) and how many of a row had no face found."""
    found = predicted >= 0
    known = np.arange(len(classes))
    if found.any():
        counts = confusion_matrix(labels[found], predicted[found], labels=known)
    else:
        counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    not_found = np.bincount(labels[~found], minlength=len(classes))
    return {"counts": counts.tolist(), "not_found": not_found.tolist()}
