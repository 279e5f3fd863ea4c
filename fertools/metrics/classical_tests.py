"""Tests of a difference by formula: McNemar, the corrected resampled t, and Holm's correction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fertools.metrics.pairing import Omitted
from fertools.metrics.scores import score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fertools.metrics.pairing import Pair

__all__ = ["FoldTest", "McNemar", "corrected_t", "holm", "mcnemar"]


@dataclass(frozen=True)
class McNemar:
    """An exact, two-sided McNemar test.

    Attributes:
        p_value: In (0, 1].
        only_run: Samples that only the run recognised.
        only_baseline: Samples that only the baseline recognised.
    """

    p_value: float
    only_run: int
    only_baseline: int


@dataclass(frozen=True)
class FoldTest:
    """A corrected resampled t test of the differences of folds (and seeds).

    Attributes:
        p_value: Two-sided, in [0, 1].
        statistic: The corrected t.
        degrees: Degrees of freedom: differences less one.
        mean: Mean of the differences, in [-1, 1]; where folds differ in size this is not exactly
            the difference over all samples.
        sd: Their sample standard deviation.
        low: Lower end of the t interval of the mean.
        high: Upper end.
        level: Nominal coverage of the interval.
        num_folds: Folds of one repetition.
        num_repeats: Repetitions (seeds).
        test_train_ratio: Test samples to training samples of a fold.
        ratio_source: ``"given"``, or ``"folds"``: everything outside a fold was taken to be its
            training side.
    """

    p_value: float
    statistic: float
    degrees: int
    mean: float
    sd: float
    low: float
    high: float
    level: float
    num_folds: int
    num_repeats: int
    test_train_ratio: float
    ratio_source: str


def mcnemar(pair: Pair) -> McNemar | Omitted:
    """Exact McNemar test: of the samples that one run alone recognised, half should be either's.

    It takes samples to be independent, so it is made only where no sample has a subject id.

    Reference:
        McNemar, "Note on the sampling error of the difference between correlated proportions or
        percentages", Psychometrika 12(2), 1947; exact by the binomial distribution.
    """
    from scipy.stats import binomtest

    if pair.has_some_subjects:
        return Omitted(
            "pictures of one person are not independent, which McNemar's test needs; "
            "see the permutation test"
        )
    ours, theirs = pair.run_predicted == pair.labels, pair.baseline_predicted == pair.labels
    only_run, only_baseline = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    num = only_run + only_baseline
    p_value = float(binomtest(only_run, num).pvalue) if num else 1.0
    return McNemar(p_value, only_run, only_baseline)


def corrected_t(
    pairs: Sequence[Pair],
    metric: str = "accuracy",
    *,
    test_train_ratio: float | None = None,
    level: float = 0.95,
) -> FoldTest | Omitted:
    r"""Corrected resampled t test over folds, and over seeds where there are several pairs.

    Folds share training samples, so their differences vary less than those of fresh samples would.
    With J differences (folds times seeds) of mean m and sample variance s²,

    .. math:: t = \frac{m}{\sqrt{(1/J + n_{test}/n_{train})\, s^2}}, \quad J - 1 \text{ degrees}

    Args:
        pairs: Both runs with the same seed, one pair a seed.
        metric: One of :data:`fertools.metrics.scores.METRICS`.
        test_train_ratio: Size of a fold's test side by that of its training side. Not given, the
            samples outside a fold are taken to be its training side (true of k-fold protocols
            whose folds are all there: 1 / (k - 1)) and the mean over folds is used.
        level: Of the interval.

    Returns:
        The test, or why it cannot be made: one fold, folds that the two runs do not share, or
        differences without spread.

    Reference:
        Nadeau and Bengio, "Inference for the Generalization Error", Machine Learning 52(3), 2003;
        over repetitions: Bouckaert and Frank, "Evaluating the Replicability of Significance Tests
        for Comparing Learning Algorithms", PAKDD 2004.
    """
    from scipy.stats import t as student

    if any((pair.run_folds != pair.baseline_folds).any() for pair in pairs):
        return Omitted("the two runs tested some samples in different folds")
    num_folds = {len(np.unique(pair.run_folds)) for pair in pairs}
    if num_folds == {1} or len(num_folds) > 1:
        return Omitted("it needs two folds or more, as many in every pair of runs")
    rows = [row for pair in pairs for row in _fold_differences(pair, metric)]
    differences, shares = np.array(rows).T
    ratio = float(np.mean(shares / (1 - shares))) if test_train_ratio is None else test_train_ratio
    mean, sd = float(differences.mean()), float(differences.std(ddof=1))
    if sd <= 1e-12:
        return Omitted("every fold has the same difference: there is no spread to test with")
    error = sd * math.sqrt(1 / len(differences) + ratio)
    degrees = len(differences) - 1
    half = error * float(student.ppf((1 + level) / 2, degrees))
    return FoldTest(
        p_value=float(2 * student.sf(abs(mean) / error, degrees)),
        statistic=mean / error,
        degrees=degrees,
        mean=mean,
        sd=sd,
        low=mean - half,
        high=mean + half,
        level=level,
        num_folds=num_folds.pop(),
        num_repeats=len(pairs),
        test_train_ratio=ratio,
        ratio_source="folds" if test_train_ratio is None else "given",
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values of several tests (family-wise error, no assumption on dependence).

    The i-th smallest of m, from 0, becomes the largest (m - j) p of all j up to i, at most 1.

    Example:
        >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]

    Reference:
        Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
        Statistics 6(2), 1979.
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    factors = np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    result: list[float] = adjusted.tolist()
    return result


def _fold_differences(pair: Pair, metric: str) -> list[tuple[float, float]]:
    """Difference of each fold, and its share of all samples."""
    rows = []
    for fold in np.unique(pair.run_folds):
        inside = pair.run_folds == fold
        ours, theirs = (
            score(metric, pair.labels[inside], predicted[inside])
            for predicted in (pair.run_predicted, pair.baseline_predicted)
        )
        rows.append((ours - theirs, float(inside.mean())))
    return rows
