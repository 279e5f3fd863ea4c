"""Numbers from predictions: accuracy per view and expression, confusion, intervals."""

from fertools.metrics.bootstrap import Interval, accuracy_intervals
from fertools.metrics.membership import check_membership
from fertools.metrics.predictions import (
    Predictions,
    PredictionsInfo,
    predicted_labels,
    read_predictions,
    score_columns,
    write_predictions,
)
from fertools.metrics.summary import join_predictions, macro_f1, summarise, uar

__all__ = [
    "Interval",
    "Predictions",
    "PredictionsInfo",
    "accuracy_intervals",
    "check_membership",
    "join_predictions",
    "macro_f1",
    "predicted_labels",
    "read_predictions",
    "score_columns",
    "summarise",
    "uar",
    "write_predictions",
]
