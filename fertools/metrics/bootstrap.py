"""Confidence intervals by resampling people, not pictures.

Pictures of one person are not independent: a model that knows one of them tends to know the
others. Drawing people with replacement keeps what belongs together (the cluster bootstrap of
Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8). Where a set has
no people's ids, pictures are drawn, and every interval says so.

Percentile intervals of few people are too narrow. Their tails are therefore those that make the
interval of a mean as wide as Student's (the expanded percentile interval of Hesterberg, "What
Teachers Should Know About the Bootstrap", The American Statistician 69(4), 2015).

Every figure here depends on counts that add up over people, so a drawing needs no pictures: people
with equal counts are one row with a number of copies, and how often each row is drawn is
multinomial. For pictures there are few different rows, however many pictures there are.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "MIN_SUBJECTS",
    "Drawing",
    "Interval",
    "Units",
    "accuracy_intervals",
    "as_json",
    "count_units",
    "group_intervals",
    "percentile_interval",
    "resample",
    "sum_drawn",
]

MIN_SUBJECTS = 5
"""Below this many people (or pictures) no interval is given: there is too little to resample."""

_DRAWN_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Interval:
    """An expanded percentile interval.

    Attributes:
        low: Lower end, in [0, 1]; of a difference in [-1, 1].
        high: Upper end.
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


@dataclass(frozen=True)
class Drawing:
    """How intervals are drawn.

    Attributes:
        num_resamples: Number of drawings.
        level: Nominal coverage in (0, 1).
        seed: The same seed gives the same interval.
    """

    num_resamples: int = 2000
    level: float = 0.95
    seed: int = 0


@dataclass(frozen=True)
class Units:
    """Counts of the people (or pictures) of a run; equal ones stand in one row.

    Attributes:
        counts: Shape ``(T, M, C)``: M counts of C classes or views, whole numbers, rows sorted.
        copies: How many people have these counts, shape ``(T,)``.
        name: ``"subject"`` or ``"sample"``.
    """

    counts: NDArray[np.float64]
    copies: NDArray[np.int64]
    name: Literal["subject", "sample"]

    @property
    def num_units(self) -> int:
        """Number of people (or pictures)."""
        return int(self.copies.sum())

    def num_with(self, present: NDArray[np.bool_]) -> int:
        """Number of people in the rows ``present``, shape ``(T,)``."""
        return int(self.copies[present].sum())


def count_units(codes: Sequence[NDArray[np.int64]], size: int, subjects: ArrayLike | None) -> Units:
    """Count, for each person, how often each class (or view) occurs in each of ``codes``.

    Args:
        codes: M arrays ``(N,)`` of values in [0, ``size``); -1 counts nowhere.
        size: Number C of classes or views.
        subjects: Person of each sample, shape ``(N,)``; None: every sample is its own unit.

    Returns:
        The same whatever the order of the samples and the names of the people.
    """
    import pandas as pd

    stacked = np.stack(codes)
    if subjects is None:
        base = (size + 1,) * len(codes)
        distinct, copies = np.unique(
            np.ravel_multi_index(tuple(stacked + 1), base), return_counts=True
        )
        stacked = np.stack(np.unravel_index(distinct, base)) - 1
        return Units(_count_rows(stacked, size, np.arange(len(distinct))), copies, "sample")
    person, _ = pd.factorize(np.asarray(subjects))
    rows = _count_rows(stacked, size, person)
    table = pd.DataFrame(rows.reshape(len(rows), -1))
    equal = table.groupby(list(table.columns), sort=True).size()
    distinct_rows = equal.index.to_frame().to_numpy(dtype=np.float64)
    copies = np.asarray(equal, dtype=np.int64)
    return Units(distinct_rows.reshape(-1, *rows.shape[1:]), copies, "subject")


def resample(units: Units, drawing: Drawing) -> NDArray[np.float64]:
    """Draw as many people as there are, with replacement, and add up their counts.

    Returns:
        Counts of each drawing, shape ``(num_resamples, M, C)``.
    """
    rng = np.random.default_rng([drawing.seed])
    num, copies = units.num_units, units.copies
    person = np.repeat(np.arange(len(copies)), copies)

    def draw(size: int) -> NDArray[np.int64]:
        if 8 * len(copies) < num:  # few different rows: how often each comes, by its law
            return rng.multinomial(num, copies / num, size=size)
        chosen = person[rng.integers(0, num, size=(size, num))]
        cells = (chosen + np.arange(size)[:, None] * len(copies)).ravel()
        return np.bincount(cells, minlength=size * len(copies)).reshape(size, -1)

    return sum_drawn(units.counts, draw, drawing.num_resamples)


def sum_drawn(
    counts: NDArray[np.float64], draw: Callable[[int], NDArray[Any]], num_drawings: int
) -> NDArray[np.float64]:
    """Add up counts, each row as often as drawn.

    Args:
        counts: Shape ``(T, M, C)``.
        draw: Gives, for a number of drawings D, how often each row is drawn, ``(D, T)``.
        num_drawings: Wanted drawings; they are made in parts, to save memory.

    Returns:
        Shape ``(num_drawings, M, C)``; exact for whole numbers.
    """
    from scipy.sparse import csr_array

    # Sparse: most people lack most classes, and no BLAS threads wait for each other.
    table = csr_array(counts.reshape(len(counts), -1).T)
    step = max(1, _DRAWN_AT_ONCE // len(counts))
    parts = [
        (table @ np.ascontiguousarray(draw(min(step, num_drawings - start)).T)).T
        for start in range(0, num_drawings, step)
    ]
    return np.concatenate(parts).reshape(num_drawings, *counts.shape[1:])


def percentile_interval(
    drawn: NDArray[np.float64], drawing: Drawing, *, unit: str, num_units: int
) -> Interval | None:
    """The interval between two percentiles of the drawn values (NaN: not defined, left out).

    With n units and the wanted tail a, the tail is Φ(−√(n / (n − 1)) t), t the 1 − a quantile of
    Student's distribution with n − 1 degrees; for many units that is a.

    Args:
        drawn: One value a drawing, shape ``(num_resamples,)``.
        drawing: How they were drawn.
        unit: What was drawn.
        num_units: How many of them bear on the value.

    Returns:
        None where fewer than :data:`MIN_SUBJECTS` units bear on the value, or no drawing has it.
    """
    from scipy.stats import norm
    from scipy.stats import t as student

    drawn = drawn[np.isfinite(drawn)]
    if num_units < MIN_SUBJECTS or not len(drawn):
        return None
    t = student.ppf((1 + drawing.level) / 2, num_units - 1)
    tail = float(norm.cdf(-np.sqrt(num_units / (num_units - 1)) * t))
    low, high = np.quantile(drawn, [tail, 1 - tail]).tolist()
    return Interval(low, high, drawing.level, unit, num_units, drawing.num_resamples, drawing.seed)


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
    hits = np.where(np.asarray(is_correct, dtype=bool), groups, -1)
    units = count_units([groups, hits], int(groups.max()) + 1, subjects)
    drawing = Drawing(num_resamples, level, seed)
    intervals, _ = group_intervals(units, drawing)
    return intervals


def group_intervals(
    units: Units, drawing: Drawing
) -> tuple[list[Interval | None], Interval | None]:
    """Intervals of the accuracy of each group, and of the plain mean of these accuracies.

    Args:
        units: Samples and hits of each group, ``counts`` of shape ``(T, 2, G)``.
        drawing: How they are drawn.

    Returns:
        One interval a group, and that of the mean; a drawing that misses a group has no mean.
    """
    totals, hits = np.moveaxis(resample(units, drawing), 1, 0)
    with np.errstate(invalid="ignore"):
        drawn = hits / totals  # (num_resamples, G)
    intervals = [
        percentile_interval(
            drawn[:, group],
            drawing,
            unit=units.name,
            num_units=units.num_with(units.counts[:, 0, group] > 0),
        )
        for group in range(drawn.shape[1])
    ]
    mean = percentile_interval(
        drawn.mean(axis=1), drawing, unit=units.name, num_units=units.num_units
    )
    return intervals, mean


def as_json(interval: Interval | None) -> dict[str, Any] | None:
    """An interval as plain values."""
    return None if interval is None else asdict(interval)


def _count_rows(
    stacked: NDArray[np.int64], size: int, person: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Counts ``(people, M, size)`` of codes ``(M, N)``."""
    num_people = int(person.max()) + 1
    rows = np.empty((num_people, len(stacked), size))
    for place, codes in enumerate(stacked):
        known = codes >= 0
        cells = person[known] * size + codes[known]
        rows[:, place] = np.bincount(cells, minlength=num_people * size).reshape(-1, size)
    return rows
