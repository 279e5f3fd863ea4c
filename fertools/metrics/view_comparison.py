"""Two runs view by view, and the difference of the means of their views' accuracies.

The mean over views is what the paper calls accuracy. All views are drawn together: a person who is
drawn, or changes sides, does so with the pictures of every view.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fertools.metrics.bootstrap import (
    Drawing,
    Interval,
    count_units,
    percentile_interval,
    resample,
)
from fertools.metrics.classical_tests import holm
from fertools.metrics.pairing import Omitted, pair_runs
from fertools.metrics.permutation import permutation_moves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fertools.metrics.bootstrap import Units
    from fertools.metrics.pairing import Pair
    from fertools.metrics.predictions import Predictions
    from fertools.metrics.samples import NotFound

__all__ = ["ViewComparison", "ViewDifference", "compare_views"]

_TIE = 1e-12


@dataclass(frozen=True)
class ViewDifference:
    """The accuracies of two runs in one view, or their plain means over views.

    Attributes:
        view_id: The view; empty for the mean.
        num_samples: Samples compared.
        run: Of the run, in [0, 1].
        baseline: Of the baseline.
        difference: Run minus baseline.
        interval: Bootstrap interval of the difference; None with too few people.
        p_value: Of the two-sided permutation test in which whole people change sides.
        holm_p: ``p_value`` corrected for the number of views; None for the mean.
    """

    view_id: str
    num_samples: int
    run: float
    baseline: float
    difference: float
    interval: Interval | None
    p_value: float
    holm_p: float | None


@dataclass(frozen=True)
class ViewComparison:
    """Two runs in every view.

    Attributes:
        unit: What is drawn and changes sides: ``"subject"`` or ``"sample"``.
        views: One difference a view.
        mean: The difference of the means.
    """

    unit: str
    views: tuple[ViewDifference, ...]
    mean: ViewDifference


def compare_views(
    run: Sequence[Predictions],
    baseline: Sequence[Predictions],
    *,
    not_found: NotFound = "error",
    num_resamples: int = 2000,
    num_permutations: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> ViewComparison | Omitted:
    """Compare two runs on the same samples in each view; see :func:`fertools.metrics.compare`.

    A drawing without a picture of some view has no mean over views and is left out of its
    interval.

    Raises:
        PredictionsError: If samples, labels, classes or subjects differ, naming the first sample.
    """
    pair = pair_runs(run, baseline, not_found=not_found)
    if not pair.views:
        return Omitted("no sample names its view")
    units = _count_views(pair)
    drawing = Drawing(num_resamples, level, seed)
    drawn = _rates(resample(units, drawing))
    totals = np.tensordot(units.copies.astype(np.float64), units.counts, axes=1)  # (3, V)
    p_values = _p_values(units, totals, num_permutations=num_permutations, seed=seed)
    adjusted = holm(p_values[:-1])
    rates = _rates(totals)
    bearing = (units.counts[:, 0] > 0).T

    def difference(place: int, values: NDArray[np.float64], num_units: int) -> ViewDifference:
        """One row; the last place is the mean."""
        is_mean = place == len(pair.views)
        ours, theirs = rates[:, place].tolist()
        return ViewDifference(
            view_id="" if is_mean else pair.views[place],
            num_samples=int(totals[0].sum() if is_mean else totals[0, place]),
            run=ours,
            baseline=theirs,
            difference=ours - theirs,
            interval=percentile_interval(values, drawing, unit=units.name, num_units=num_units),
            p_value=p_values[place],
            holm_p=None if is_mean else adjusted[place],
        )

    gaps = drawn[:, 0] - drawn[:, 1]  # (num_resamples, V + 1)
    rows = [
        difference(place, gaps[:, place], units.num_with(present))
        for place, present in enumerate([*bearing, np.ones(len(units.copies), dtype=bool)])
    ]
    return ViewComparison(unit=units.name, views=tuple(rows[:-1]), mean=rows[-1])


def _count_views(pair: Pair) -> Units:
    """Samples, hits of the run and hits of the baseline in each view: counts ``(T, 3, V)``."""
    named = pair.view_codes >= 0
    codes = pair.view_codes[named]
    hits = [
        np.where((predicted == pair.labels)[named], codes, -1)
        for predicted in (pair.run_predicted, pair.baseline_predicted)
    ]
    subjects = None if pair.subjects is None else pair.subjects[named]
    return count_units([codes, *hits], len(pair.views), subjects)


def _rates(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Accuracies of both runs by view, and their means: ``(..., 3, V)`` to ``(..., 2, V + 1)``."""
    with np.errstate(invalid="ignore"):
        rates = counts[..., 1:, :] / counts[..., :1, :]
    return np.concatenate([rates, rates.mean(axis=-1, keepdims=True)], axis=-1)


def _p_values(
    units: Units, totals: NDArray[np.float64], *, num_permutations: int, seed: int
) -> list[float]:
    """The p value of each view, and last of the mean."""
    gain = (units.counts[:, 1] - units.counts[:, 2])[:, None]  # (T, 1, V)
    differs = gain.any(axis=(1, 2))
    moved, is_exact = permutation_moves(
        gain[differs], units.copies[differs], num_permutations=num_permutations, seed=seed
    )
    drawn = (totals[1] - totals[2] - 2 * moved[:, 0]) / totals[0]  # (patterns, V)
    seen = (totals[1] - totals[2]) / totals[0]
    drawn = np.concatenate([drawn, drawn.mean(axis=1, keepdims=True)], axis=1)
    seen = np.append(seen, seen.mean())
    added = 0 if is_exact else 1
    as_large = (np.abs(drawn) >= np.abs(seen) - _TIE).sum(axis=0)
    p_values: list[float] = ((as_large + added) / (len(drawn) + added)).tolist()
    return p_values
