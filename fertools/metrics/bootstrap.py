"""Confidence intervals of accuracies by resampling people, not pictures.

Pictures of one person are not independent: a model that knows one of them tends to know the
others. Drawing people with replacement keeps what belongs together (the cluster bootstrap of
Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["MIN_SUBJECTS", "Interval", "accuracy_intervals"]

MIN_SUBJECTS = 5
"""Below this many people no interval is given: there is too little to resample."""


@dataclass(frozen=True)
class Interval:
    """A percentile interval.

    Attributes:
        low: Lower end, in [0, 1].
        high: Upper end, in [0, 1].
        level: Nominal coverage, such as 0.95.
        unit: What was resampled: ``"subject"`` or ``"sample"``.
        num_units: How many of them there were.
        num_resamples: How many times they were drawn.
        seed: Seed of the drawing.
    """

    low: float
    high: float
    level: float
    unit: str
    num_units: int
    num_resamples: int
    seed: int


def accuracy_intervals(
    is_correct: ArrayLike,
    groups: NDArray[np.int64],
    *,
    subjects: NDArray[Any] | None,
    num_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> list[Interval | None]:
    """Intervals of the accuracy of each group of samples, from one joint resampling.

    Args:
        is_correct: Whether each sample was recognised, shape ``(N,)``.
        groups: Group of each sample, shape ``(N,)``, from 0 (all zeros: one overall interval).
        subjects: Person of each sample, shape ``(N,)``; None where the set has no people's
            ids: then samples are drawn.
        num_resamples: Number of drawings.
        level: Nominal coverage in (0, 1).
        seed: Of the drawing; the same seed gives the same interval.

    Returns:
        One interval a group; None where fewer than :data:`MIN_SUBJECTS` units are there.
    """
    correct = np.asarray(is_correct, dtype=np.int64)
    num_groups = int(groups.max()) + 1
    rng = np.random.default_rng([seed])
    tails = [(1 - level) / 2, (1 + level) / 2]
    intervals: list[Interval | None] = []
    if subjects is None:
        totals = np.bincount(groups, minlength=num_groups)
        hits = np.bincount(groups, weights=correct, minlength=num_groups)
        for total, hit in zip(totals.tolist(), hits.tolist(), strict=True):
            if total < MIN_SUBJECTS:
                intervals.append(None)
                continue
            # Drawing n samples with replacement: the number of hits is binomial, exactly.
            drawn = rng.binomial(total, hit / total, size=num_resamples) / total
            low, high = np.quantile(drawn, tails).tolist()
            intervals.append(Interval(low, high, level, "sample", total, num_resamples, seed))
        return intervals
    names, person = np.unique(subjects, return_inverse=True)
    cell = person * num_groups + groups
    shape = (len(names), num_groups)
    totals = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    hits = np.bincount(cell, weights=correct, minlength=shape[0] * shape[1]).reshape(shape)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=num_resamples)
    drawn_totals = draws @ totals  # (num_resamples, num_groups), whole numbers: exact
    drawn_hits = draws @ hits
    for group in range(num_groups):
        present = int((totals[:, group] > 0).sum())
        usable = drawn_totals[:, group] > 0
        if present < MIN_SUBJECTS or not usable.any():
            intervals.append(None)
            continue
        drawn = drawn_hits[usable, group] / drawn_totals[usable, group]
        low, high = np.quantile(drawn, tails).tolist()
        intervals.append(Interval(low, high, level, "subject", present, num_resamples, seed))
    return intervals
