"""Two runs on the same samples: what differs, how surely, and what could have been seen.

Differences are run minus baseline: above 0 the run is the better one. All results are dataclasses
of plain values: ``dataclasses.asdict`` of one is JSON, in a fixed order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from fertools.errors import PredictionsError
from fertools.metrics.bootstrap import Drawing, Interval, percentile_interval, resample
from fertools.metrics.classical_tests import FoldTest, McNemar, corrected_t, holm, mcnemar
from fertools.metrics.equivalence import (
    DetectableDifference,
    Equivalence,
    detectable_differences,
    equivalence_tests,
)
from fertools.metrics.pairing import Omitted, Pair, count_pair, differences_of_counts, pair_runs
from fertools.metrics.permutation import PermutationTest, permutation_tests
from fertools.metrics.scores import METRICS, score

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fertools.metrics.predictions import Predictions
    from fertools.metrics.samples import NotFound

__all__ = ["Comparison", "MetricComparison", "compare", "compare_several"]


@dataclass(frozen=True)
class MetricComparison:
    """One figure of two runs.

    Attributes:
        run: Of the run, in [0, 1].
        baseline: Of the baseline.
        difference: Run minus baseline.
        interval: Bootstrap interval of the difference; None with too few people.
        permutation: The permutation test.
        holm_p: Its p value corrected for all comparisons made; None for a single one.
        folds: The corrected t test over folds, or why there is none.
        equivalence: The test of equivalence, or why there is none.
        detectable: The smallest detectable difference, or why there is none.
    """

    run: float
    baseline: float
    difference: float
    interval: Interval | None
    permutation: PermutationTest
    holm_p: float | None
    folds: FoldTest | Omitted
    equivalence: Equivalence | Omitted
    detectable: DetectableDifference | Omitted


@dataclass(frozen=True)
class Comparison:
    """Two runs on the same samples.

    Attributes:
        run: Name of the run.
        baseline: Name of the baseline.
        run_protocol: Protocol of the run; empty when not known.
        baseline_protocol: Likewise.
        synthetic: Whether the pictures of either are stand-ins.
        num_samples: Samples compared.
        num_subjects: People; None where any is not known.
        unit: What is resampled and changes sides: ``"subject"`` or ``"sample"``.
        unit_reason: Why it is samples; empty for subjects.
        not_found: Whether a sample without a face is an error, or excluded from both runs.
        num_not_found_run: Samples without a face in the run, of all samples.
        num_not_found_baseline: Likewise.
        num_excluded: Samples left out.
        num_comparisons: How many comparisons ``holm_p`` is corrected for; 1 for a single one.
        metrics: By name: accuracy, uar, macro_f1.
        mcnemar: The exact McNemar test of the accuracies, or why there is none.
    """

    run: str
    baseline: str
    run_protocol: str
    baseline_protocol: str
    synthetic: bool
    num_samples: int
    num_subjects: int | None
    unit: str
    unit_reason: str
    not_found: NotFound
    num_not_found_run: int
    num_not_found_baseline: int
    num_excluded: int
    num_comparisons: int
    metrics: dict[str, MetricComparison]
    mcnemar: McNemar | Omitted


def compare(
    run: Sequence[Predictions],
    baseline: Sequence[Predictions],
    *,
    names: tuple[str, str] | None = None,
    not_found: NotFound = "error",
    margin: float | None = None,
    test_train_ratio: float | None = None,
    num_resamples: int = 2000,
    num_permutations: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare two runs on the same samples.

    Args:
        run: The tables of the run.
        baseline: The tables of what it is compared with.
        names: What to call the two; the models' names if not given.
        not_found: ``"error"``, or ``"excluded"``: a sample without a face in either run is left
            out of both.
        margin: The largest difference that does not matter, in (0, 1], for the test of
            equivalence. Choose it before looking.
        test_train_ratio: See :func:`fertools.metrics.corrected_t`.
        num_resamples: Drawings of the bootstrap.
        num_permutations: Patterns drawn where there are too many to try all.
        level: Of the intervals; all tests have the level 1 - ``level``.
        seed: Of all drawings.

    Raises:
        PredictionsError: If samples, labels, classes or subjects differ, naming the first sample.
    """
    pair = pair_runs(run, baseline, not_found=not_found)
    units, drawing = count_pair(pair), Drawing(num_resamples, level, seed)
    alpha = round(1 - level, 12)
    drawn = differences_of_counts(resample(units, drawing))
    tests = permutation_tests(units, num_permutations=num_permutations, seed=seed)
    detectable = detectable_differences(units, alpha=alpha)
    equivalence: Mapping[str, Equivalence | Omitted]
    if margin is None:
        equivalence = dict.fromkeys(METRICS, Omitted("no margin was stated"))
    else:
        equivalence = equivalence_tests(units, margin=margin, alpha=alpha)
    metrics = {}
    for name in METRICS:
        ours, theirs = (
            score(name, pair.labels, predicted)
            for predicted in (pair.run_predicted, pair.baseline_predicted)
        )
        metrics[name] = MetricComparison(
            run=ours,
            baseline=theirs,
            difference=ours - theirs,
            interval=percentile_interval(
                drawn[name], drawing, unit=units.name, num_units=units.num_units
            ),
            permutation=tests[name],
            holm_p=None,
            folds=corrected_t([pair], name, test_train_ratio=test_train_ratio, level=level),
            equivalence=equivalence[name],
            detectable=detectable[name],
        )
    return _describe(pair, names or (pair.run.model, pair.baseline.model), units.name, metrics)


def compare_several(
    runs: Mapping[str, Sequence[Predictions]],
    *,
    baseline: str | None = None,
    not_found: NotFound = "error",
    margin: float | None = None,
    num_resamples: int = 2000,
    num_permutations: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> list[Comparison]:
    """Compare several runs with a baseline, or each with each, and correct for their number.

    Holm's correction is over the comparisons, for each metric on its own: name the metric that
    matters before looking. With ``not_found="excluded"`` each pair leaves out its own samples.

    Args:
        runs: Name to tables, two or more.
        baseline: Name of the run that all others are compared with; None compares each with each
            (an earlier one with every later one as its baseline).
        not_found: As in :func:`compare`, and so the others.
        margin: Of the test of equivalence.
        num_resamples: Drawings of the bootstrap.
        num_permutations: Patterns drawn where there are too many to try all.
        level: Of the intervals.
        seed: Of all drawings.

    Returns:
        The comparisons in the order of ``runs``, with ``holm_p`` set.

    Raises:
        PredictionsError: If there are fewer than two runs, the baseline is none of them, or two
            of them do not compare.
    """
    if len(runs) < 2 or (baseline is not None and baseline not in runs):
        raise PredictionsError(
            f"runs {list(runs)}, baseline {baseline!r}; expected two or more runs, and the "
            "baseline among them"
        )
    if baseline is None:
        names = list(combinations(runs, 2))
    else:
        names = [(name, baseline) for name in runs if name != baseline]
    comparisons = [
        compare(
            runs[ours],
            runs[theirs],
            names=(ours, theirs),
            not_found=not_found,
            margin=margin,
            num_resamples=num_resamples,
            num_permutations=num_permutations,
            level=level,
            seed=seed,
        )
        for ours, theirs in names
    ]
    adjusted = {
        name: holm([comparison.metrics[name].permutation.p_value for comparison in comparisons])
        for name in METRICS
    }
    return [
        replace(
            comparison,
            num_comparisons=len(comparisons),
            metrics={
                name: replace(metric, holm_p=adjusted[name][place])
                for name, metric in comparison.metrics.items()
            },
        )
        for place, comparison in enumerate(comparisons)
    ]


def _describe(
    pair: Pair, names: tuple[str, str], unit: str, metrics: dict[str, MetricComparison]
) -> Comparison:
    """The comparison with what was compared."""
    run, baseline = names
    in_run, in_baseline, in_either = pair.num_not_found
    return Comparison(
        run=run or "run",
        baseline=baseline or "baseline",
        run_protocol=pair.run.protocol,
        baseline_protocol=pair.baseline.protocol,
        synthetic=pair.run.synthetic or pair.baseline.synthetic,
        num_samples=len(pair.labels),
        num_subjects=None if pair.subjects is None else len(set(pair.subjects)),
        unit=unit,
        unit_reason=pair.no_subjects,
        not_found=pair.not_found,
        num_not_found_run=in_run,
        num_not_found_baseline=in_baseline,
        num_excluded=in_either if pair.not_found == "excluded" else 0,
        num_comparisons=1,
        metrics=metrics,
        mcnemar=mcnemar(pair),
    )
