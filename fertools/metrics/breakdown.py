"""Figures by fold, view, expression, intensity, and view by expression; plain dicts, one a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from fertools.metrics.bootstrap import (
    as_json,
    count_units,
    group_intervals,
    percentile_interval,
    resample,
)
from fertools.metrics.confusion import count_confusion
from fertools.metrics.scores import (
    METRICS,
    class_codes,
    class_rates,
    macro_f1,
    scores_of_counts,
    uar,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fertools.metrics.bootstrap import Drawing
    from fertools.metrics.samples import Samples

__all__ = [
    "by_expression",
    "by_fold",
    "by_intensity",
    "by_view",
    "confusion_by_view",
    "ordered_views",
    "over_folds",
    "view_by_expression",
    "view_codes",
]

_RATES = ("recall", "precision", "f1")


def by_fold(samples: Samples) -> list[dict[str, Any]]:
    """Counts and scores of each fold, ascending."""
    folds = samples.frame["fold"].to_numpy()
    rows = []
    for fold in np.unique(folds).tolist():
        inside = folds == fold
        labels, predicted = samples.labels[inside], samples.predicted[inside]
        known = samples.frame.loc[inside, "subject_id"]
        rows.append(
            {
                "fold": int(fold),
                "num_samples": int(inside.sum()),
                "num_subjects": None if known.isna().any() else int(known.nunique()),
                "accuracy": float(accuracy_score(labels, predicted)),
                "uar": uar(labels, predicted),
                "macro_f1": macro_f1(labels, predicted),
            }
        )
    return rows


def over_folds(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Mean and SD (divisor: folds less one; None for one fold) over folds of each metric."""
    values = {name: [row[name] for row in rows] for name in METRICS}
    return {
        name: {
            "mean": float(np.mean(of_folds)),
            "sd": float(np.std(of_folds, ddof=1)) if len(of_folds) > 1 else None,
        }
        for name, of_folds in values.items()
    }


def ordered_views(frame: pd.DataFrame) -> list[str]:
    """Names of the views, ordered by median yaw, then pitch, then name."""
    named = frame[frame["view_id"].notna()]
    poses = named.groupby("view_id")[["yaw_deg", "pitch_deg"]].median().round(1)
    poses = poses.reset_index().sort_values(["yaw_deg", "pitch_deg", "view_id"])
    return [str(view) for view in poses["view_id"]]


def view_codes(frame: pd.DataFrame, views: Sequence[str]) -> NDArray[np.int64]:
    """Index into ``views`` of each sample, -1 where it has none; shape ``(N,)``."""
    codes = pd.Categorical(frame["view_id"].astype(object), categories=list(views)).codes
    return codes.astype(np.int64)


def by_view(
    samples: Samples, views: Sequence[str], codes: NDArray[np.int64], drawing: Drawing
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Accuracy of each view with its interval, and the interval of their plain mean.

    Samples without a view are not in it.
    """
    if not views:
        return [], None
    named = codes >= 0
    correct = (samples.labels == samples.predicted)[named]
    inside = codes[named]
    subjects = None if samples.subjects is None else samples.subjects[named]
    units = count_units([inside, np.where(correct, inside, -1)], len(views), subjects)
    intervals, mean = group_intervals(units, drawing)
    poses = samples.frame.loc[named, ["yaw_deg", "pitch_deg"]].groupby(inside).median()
    totals = np.bincount(inside, minlength=len(views))
    hits = np.bincount(inside, weights=correct, minlength=len(views))
    rows = [
        {
            "view_id": view,
            "yaw_deg": _number(poses["yaw_deg"].iloc[place]),
            "pitch_deg": _number(poses["pitch_deg"].iloc[place]),
            "num_samples": int(totals[place]),
            "accuracy": float(hits[place] / totals[place]),
            "interval": as_json(intervals[place]),
        }
        for place, view in enumerate(views)
    ]
    return rows, as_json(mean)


def by_expression(
    samples: Samples, drawing: Drawing
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any] | None]]:
    """Recall, precision and F1 of each class with intervals, and intervals of the metrics.

    A rate is None where it has nothing to divide by. A class that a drawing lacks is left out of
    that drawing's means, as it is left out of UAR and macro-F1 themselves.
    """
    classes = samples.info.classes
    precision, recall, f1, support = precision_recall_fscore_support(
        samples.labels, samples.predicted, labels=np.arange(len(classes)), zero_division=np.nan
    )
    points = {"recall": recall, "precision": precision, "f1": f1}
    units = count_units(
        class_codes(samples.labels, samples.predicted), len(classes), samples.subjects
    )
    counts = resample(units, drawing)
    drawn = dict(zip(_RATES, class_rates(counts), strict=True))
    shown, answered = units.counts[:, 0] > 0, units.counts[:, 2] > 0  # (T, K)
    bearing = {"recall": shown, "precision": answered, "f1": shown | answered}
    rows: list[dict[str, Any]] = []
    for label, name in enumerate(classes):
        row: dict[str, Any] = {"expression": name, "num_samples": int(support[label])}
        for rate in _RATES:
            row[rate] = _number(points[rate][label])
        for rate in _RATES:
            row[f"{rate}_interval"] = as_json(
                percentile_interval(
                    drawn[rate][:, label],
                    drawing,
                    unit=units.name,
                    num_units=units.num_with(bearing[rate][:, label]),
                )
            )
        rows.append(row)
    overall = {
        name: as_json(
            percentile_interval(values, drawing, unit=units.name, num_units=units.num_units)
        )
        for name, values in scores_of_counts(counts).items()
    }
    return rows, overall


def by_intensity(samples: Samples) -> list[dict[str, Any]]:
    """Accuracy of each intensity that occurs, ascending."""
    intensity = samples.frame["intensity"].to_numpy(dtype=np.int64, na_value=0)
    correct = samples.labels == samples.predicted
    totals = np.bincount(intensity, minlength=1)
    hits = np.bincount(intensity, weights=correct, minlength=1)
    return [
        {
            "intensity": level,
            "num_samples": int(totals[level]),
            "accuracy": float(hits[level] / totals[level]),
        }
        for level in range(1, len(totals))
        if totals[level]
    ]


def view_by_expression(
    samples: Samples, views: Sequence[str], codes: NDArray[np.int64]
) -> dict[str, Any]:
    """Recall and count of each expression (row) in each view (column), and plain means of cells."""
    classes = samples.info.classes
    named = codes >= 0
    cells = samples.labels[named] * len(views) + codes[named]
    shape = (len(classes), len(views))
    correct = (samples.labels == samples.predicted)[named]
    totals = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
    hits = np.bincount(cells, weights=correct, minlength=shape[0] * shape[1]).reshape(shape)
    with np.errstate(invalid="ignore"):
        recall = [[_number(value) for value in row] for row in hits / totals]
    columns = list(zip(*recall, strict=True))
    return {
        "expressions": list(classes),
        "views": list(views),
        "recall": recall,
        "num_samples": totals.tolist(),
        "mean_over_views": [_mean(row) for row in recall],
        "mean_over_expressions": [_mean(column) for column in columns],
        "mean": _mean([value for row in recall for value in row]),
    }


def confusion_by_view(
    samples: Samples, views: Sequence[str], codes: NDArray[np.int64]
) -> list[dict[str, Any]]:
    """The confusion counts of each view, in the order of ``views``."""
    return [
        {
            "view_id": view,
            **count_confusion(
                samples.labels[inside], samples.predicted[inside], len(samples.info.classes)
            ),
        }
        for place, view in enumerate(views)
        for inside in [codes == place]
    ]


def _number(value: float) -> float | None:
    """A float for JSON: None instead of NaN."""
    return None if np.isnan(value) else float(value)


def _mean(values: Sequence[float | None]) -> float | None:
    """Plain mean of the numbers that are defined."""
    present = [value for value in values if value is not None]
    return float(np.mean(present)) if present else None
