"""Every number of a result, computed from predictions alone with scikit-learn.

A sample in which no face was found (``found`` false) counts as an error unless the caller says
otherwise: it lowers accuracy and recall, and stands in the confusion matrices' ``not_found``.
Nothing is left out of a total in silence.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from fertools.errors import PredictionsError
from fertools.metrics.bootstrap import Drawing
from fertools.metrics.breakdown import (
    by_expression,
    by_fold,
    by_intensity,
    by_view,
    confusion_by_view,
    ordered_views,
    over_folds,
    view_by_expression,
    view_codes,
)
from fertools.metrics.calibration import calibration_of
from fertools.metrics.confusion import count_confusion
from fertools.metrics.samples import gather_samples, where
from fertools.metrics.scores import score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fertools.metrics.predictions import Predictions
    from fertools.metrics.samples import NotFound

__all__ = ["MAX_GROUPS", "summarise"]

MAX_GROUPS = 1000
"""More nominal views, or folds, than this are a mistake, such as a name for each picture."""


def summarise(
    predictions: Sequence[Predictions],
    *,
    not_found: NotFound = "error",
    num_resamples: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """Compute every number of a result from the predictions of its folds.

    The answer holds plain JSON values in a fixed order (None where a number does not exist):

    - ``protocol``, ``model``, ``fusion``, ``lock_digest``, ``synthetic``, ``classes``, and
      ``mismatch``: in what the samples were not as locked;
    - ``num_samples`` (that are counted), ``num_subjects`` (None where any id is missing),
      ``num_folds``, ``num_views``, ``num_not_found`` and ``not_found``: whether those count as
      errors or were excluded;
    - ``resampling``: the unit of all intervals (``subject``, or ``sample`` with the ``reason``),
      how many there are, the drawings, the level and the seed;
    - ``chance`` and ``majority_share`` (what always answering the commonest class would score);
    - ``accuracy``, ``uar``, ``macro_f1``, each with ``..._interval``; over folds the mean and the
      sample standard deviation (``over_folds``; of the accuracy also under
      ``accuracy_mean_over_folds`` and ``accuracy_sd_over_folds``), and over views the plain mean of
      the views' accuracies, ``accuracy_mean_over_views``, with its interval;
    - ``per_fold``, ``per_view``, ``per_expression`` and ``per_intensity``: one dict a row;
    - ``view_expression``: recall and count of each expression (row) in each view (column), with
      the plain means of the cells, in the shape of the paper's Table 5;
    - ``confusion`` (overall) and ``confusion_per_view``: counts, rows are the true expression,
      and ``not_found`` a row;
    - ``calibration``: :class:`fertools.metrics.Calibration` as a dict.

    Args:
        predictions: One table a fold, or one table of several folds.
        not_found: ``"error"``, or ``"excluded"`` to leave out samples without a face.
        num_resamples: Drawings of the bootstrap over people.
        seed: Of the bootstrap.

    Raises:
        PredictionsError: If there is no table, the tables do not belong together, a sample
            stands in two of them, nothing is left to count, or there are more than
            :data:`MAX_GROUPS` views or folds.
    """
    samples = gather_samples(predictions, not_found=not_found)
    drawing = Drawing(num_resamples, seed=seed)
    info, labels, predicted = samples.info, samples.labels, samples.predicted
    classes = info.classes
    for column in ("view_id", "fold"):
        if (num := samples.frame[column].nunique()) > MAX_GROUPS:
            raise PredictionsError(
                f"{where(predictions)}: column {column!r} has {num} different values; expected at "
                f"most {MAX_GROUPS}, or nothing"
            )
    views = ordered_views(samples.frame)
    codes = view_codes(samples.frame, views)
    per_fold = by_fold(samples)
    folds = over_folds(per_fold)
    per_view, views_interval = by_view(samples, views, codes, drawing)
    per_expression, intervals = by_expression(samples, drawing)
    view_accuracies = [row["accuracy"] for row in per_view]
    num_subjects = None if samples.subjects is None else len(set(samples.subjects))
    calibration = calibration_of(samples)
    return {
        "protocol": info.protocol,
        "model": info.model,
        "fusion": info.fusion,
        "lock_digest": info.lock_digest,
        "synthetic": info.synthetic,
        "classes": list(classes),
        "mismatch": list(info.mismatch),
        "num_samples": len(labels),
        "num_subjects": num_subjects,
        "num_folds": len(per_fold),
        "num_views": len(per_view),
        "num_not_found": samples.num_not_found,
        "not_found": samples.not_found,
        "resampling": {
            "unit": "sample" if num_subjects is None else "subject",
            "num_units": num_subjects or len(labels),
            "reason": samples.no_subjects,
            **asdict(drawing),
        },
        "chance": 1 / len(classes),
        "majority_share": float(np.bincount(labels).max() / len(labels)),
        "accuracy": score("accuracy", labels, predicted),
        "accuracy_interval": intervals["accuracy"],
        "accuracy_mean_over_folds": folds["accuracy"]["mean"],
        "accuracy_sd_over_folds": folds["accuracy"]["sd"],
        "over_folds": folds,
        "accuracy_mean_over_views": float(np.mean(view_accuracies)) if view_accuracies else None,
        "accuracy_mean_over_views_interval": views_interval,
        "uar": score("uar", labels, predicted),
        "uar_interval": intervals["uar"],
        "macro_f1": score("macro_f1", labels, predicted),
        "macro_f1_interval": intervals["macro_f1"],
        "per_fold": per_fold,
        "per_view": per_view,
        "per_expression": per_expression,
        "per_intensity": by_intensity(samples),
        "view_expression": view_by_expression(samples, views, codes),
        "confusion": count_confusion(labels, predicted, len(classes)),
        "confusion_per_view": confusion_by_view(samples, views, codes),
        "calibration": None if calibration is None else asdict(calibration),
    }
