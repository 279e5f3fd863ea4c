"""How precisely a difference is known: its standard error, equivalence, what could be detected.

All rest on one standard error. A metric is a smooth function of sums over people, so its change
by one person is, to first order, a number (the person's influence); the influences of the paired
difference sum to 0 over the S people, and

    SE² = S / (S − 1) · Σ influence²

which, where everybody has as many pictures, is the textbook standard error of a mean of
differences. People without subject ids are pictures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fertools.metrics.bootstrap import MIN_SUBJECTS
from fertools.metrics.pairing import Omitted, differences_of_counts
from fertools.metrics.scores import METRICS

if TYPE_CHECKING:
    from fertools.metrics.bootstrap import Units

__all__ = [
    "DetectableDifference",
    "Equivalence",
    "detectable_differences",
    "equivalence_tests",
    "standard_errors",
]


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided t tests of "the true difference is as large as the margin, or larger".

    Attributes:
        is_equivalent: Whether ``p_value`` is below ``alpha``.
        p_value: The larger of the two, in [0, 1].
        margin: Differences strictly between -margin and margin count as none; in (0, 1].
        alpha: Level of each of the two tests.
        low: Lower end of the t interval of level 1 - 2 alpha; the runs are equivalent when it lies
            between the margins.
        high: Upper end.
        standard_error: Of the difference.
        degrees: Degrees of freedom: people (or samples) less one.
        unit: What is taken to be independent: ``"subject"`` or ``"sample"``.
    """

    is_equivalent: bool
    p_value: float
    margin: float
    alpha: float
    low: float
    high: float
    standard_error: float
    degrees: int
    unit: str


@dataclass(frozen=True)
class DetectableDifference:
    """The smallest true difference that this comparison would probably have found.

    Attributes:
        difference: In units of the metric, above 0.
        power: Probability of finding it.
        alpha: Level of the two-sided test.
        standard_error: Of the difference.
        degrees: Degrees of freedom: people (or samples) less one.
        unit: What is taken to be independent: ``"subject"`` or ``"sample"``.
    """

    difference: float
    power: float
    alpha: float
    standard_error: float
    degrees: int
    unit: str


def standard_errors(units: Units) -> dict[str, float]:
    """Standard error of the paired difference of every metric, from the spread over people.

    Args:
        units: Counts of both runs, two people or more, from
            :func:`fertools.metrics.pairing.count_pair`.

    Returns:
        One number a metric, 0 where no person differs from the others.

    Reference:
        Linearisation (the infinitesimal jackknife): Davison and Hinkley, "Bootstrap Methods and
        their Application", 1997, section 2.7.
    """
    totals = np.tensordot(units.copies.astype(np.float64), units.counts, axes=1)
    ours = _influences(units.counts[:, :3], totals[:3])
    theirs = _influences(units.counts[:, [0, 3, 4]], totals[[0, 3, 4]])
    num = units.num_units
    return {
        name: math.sqrt(num / (num - 1) * float(units.copies @ (ours[name] - theirs[name]) ** 2))
        for name in ours
    }


def equivalence_tests(
    units: Units, *, margin: float, alpha: float = 0.05
) -> dict[str, Equivalence | Omitted]:
    """Test whether the two runs are as good as each other, within a margin chosen beforehand.

    That a difference is not significant does not show that there is none; this test can.

    Args:
        units: Counts of both runs, from :func:`fertools.metrics.pairing.count_pair`.
        margin: The largest difference that does not matter, such as 0.01 for one point.
        alpha: Level of each one-sided test.

    Returns:
        One test a metric, or why it cannot be made.

    Raises:
        ValueError: If the margin is not in (0, 1].

    Reference:
        Schuirmann, "A comparison of the two one-sided tests procedure and the power approach for
        assessing the equivalence of average bioavailability", Journal of Pharmacokinetics and
        Biopharmaceutics 15(6), 1987.
    """
    from scipy.stats import t as student

    if not 0 < margin <= 1:
        raise ValueError(f"margin is {margin!r}; expected above 0, at most 1")
    totals = np.tensordot(units.copies.astype(np.float64), units.counts, axes=1)
    seen = {name: float(value) for name, value in differences_of_counts(totals).items()}
    degrees = units.num_units - 1
    results: dict[str, Equivalence | Omitted] = {}
    for name, error in _usable_errors(units).items():
        if isinstance(error, Omitted):
            results[name] = error
            continue
        p_value = float(student.sf((margin - abs(seen[name])) / error, degrees))
        half = error * float(student.ppf(1 - alpha, degrees))
        results[name] = Equivalence(
            is_equivalent=p_value < alpha,
            p_value=p_value,
            margin=margin,
            alpha=alpha,
            low=seen[name] - half,
            high=seen[name] + half,
            standard_error=error,
            degrees=degrees,
            unit=units.name,
        )
    return results


def detectable_differences(
    units: Units, *, power: float = 0.8, alpha: float = 0.05
) -> dict[str, DetectableDifference | Omitted]:
    """The smallest difference that a two-sided t test would find with the given power.

    With S - 1 degrees of freedom, difference = (t(1 - alpha / 2) + t(power)) SE, where t(q) is the
    q quantile of Student's distribution. It tells how many people a comparison needs, since SE
    shrinks with their square root; it is no property of the result that was seen.

    Args:
        units: Counts of both runs, from :func:`fertools.metrics.pairing.count_pair`.
        power: Wanted probability of finding it, in (0.5, 1).
        alpha: Level of the test.

    Returns:
        One a metric, or why there is none.

    Reference:
        Bloom, "Minimum Detectable Effects", Evaluation Review 19(5), 1995.
    """
    from scipy.stats import t as student

    degrees = units.num_units - 1
    return {
        name: error
        if isinstance(error, Omitted)
        else DetectableDifference(
            difference=error * float(student.ppf([1 - alpha / 2, power], degrees).sum()),
            power=power,
            alpha=alpha,
            standard_error=error,
            degrees=degrees,
            unit=units.name,
        )
        for name, error in _usable_errors(units).items()
    }


def _usable_errors(units: Units) -> dict[str, float | Omitted]:
    """Standard errors, or why there is none."""
    if units.num_units < MIN_SUBJECTS:
        few = Omitted(
            f"{units.num_units} {units.name}s; at least {MIN_SUBJECTS} are needed to know their "
            "spread"
        )
        return dict.fromkeys(METRICS, few)
    none = Omitted(f"every {units.name} has the same difference: there is no spread to test with")
    return {
        name: error if error > 1e-12 else none for name, error in standard_errors(units).items()
    }


def _influences(
    counts: NDArray[np.float64], totals: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Influence ``(T,)`` of a person with counts ``(T, 3, K)`` on each metric of ``(3, K)``."""
    samples, hits, answers = np.moveaxis(counts, 1, 0)
    all_samples, all_hits, all_answers = totals
    num, accuracy = all_samples.sum(), all_hits.sum() / all_samples.sum()
    shown, named = all_samples > 0, all_samples + all_answers > 0
    recall = all_hits[shown] / all_samples[shown]
    of_recall = (hits[:, shown] - recall * samples[:, shown]) / all_samples[shown]
    both = (all_samples + all_answers)[named]
    f1 = 2 * all_hits[named] / both
    of_f1 = (2 * hits[:, named] - f1 * (samples + answers)[:, named]) / both
    return {
        "accuracy": (hits.sum(axis=1) - accuracy * samples.sum(axis=1)) / num,
        "uar": of_recall.mean(axis=1),
        "macro_f1": of_f1.mean(axis=1),
    }
