"""Numbers from predictions: figures with intervals, calibration, comparison of runs."""

from fertools.metrics.bootstrap import Interval, accuracy_intervals
from fertools.metrics.calibration import Calibration, calibrate
from fertools.metrics.classical_tests import FoldTest, McNemar, corrected_t, holm, mcnemar
from fertools.metrics.comparison import Comparison, MetricComparison, compare, compare_several
from fertools.metrics.confusion import normalise_confusion, worst_confusions
from fertools.metrics.equivalence import DetectableDifference, Equivalence
from fertools.metrics.invariance import Invariance, check_invariance
from fertools.metrics.membership import check_membership
from fertools.metrics.pairing import Omitted, Pair, pair_runs
from fertools.metrics.permutation import PermutationTest
from fertools.metrics.predictions import (
    Predictions,
    PredictionsInfo,
    make_predictions,
    predicted_labels,
    read_predictions,
    score_columns,
    write_predictions,
)
from fertools.metrics.public import restore_predictions, share_predictions, share_run
from fertools.metrics.samples import NotFound, join_predictions
from fertools.metrics.scores import macro_f1, uar
from fertools.metrics.summary import summarise
from fertools.metrics.tables import read_tables
from fertools.metrics.view_comparison import ViewComparison, ViewDifference, compare_views

__all__ = [
    "Calibration",
    "Comparison",
    "DetectableDifference",
    "Equivalence",
    "FoldTest",
    "Interval",
    "Invariance",
    "McNemar",
    "MetricComparison",
    "NotFound",
    "Omitted",
    "Pair",
    "PermutationTest",
    "Predictions",
    "PredictionsInfo",
    "ViewComparison",
    "ViewDifference",
    "accuracy_intervals",
    "calibrate",
    "check_invariance",
    "check_membership",
    "compare",
    "compare_several",
    "compare_views",
    "corrected_t",
    "holm",
    "join_predictions",
    "macro_f1",
    "make_predictions",
    "mcnemar",
    "normalise_confusion",
    "pair_runs",
    "predicted_labels",
    "read_predictions",
    "read_tables",
    "restore_predictions",
    "score_columns",
    "share_predictions",
    "share_run",
    "summarise",
    "uar",
    "worst_confusions",
    "write_predictions",
]
