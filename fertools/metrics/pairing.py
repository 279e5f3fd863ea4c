"""Two runs on the same samples, row beside row; anything else is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fertools.errors import PredictionsError
from fertools.metrics.bootstrap import count_units
from fertools.metrics.breakdown import ordered_views, view_codes
from fertools.metrics.samples import check_treatment, gather_samples, subjects_of, where
from fertools.metrics.scores import class_codes, scores_of_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fertools.metrics.bootstrap import Units
    from fertools.metrics.predictions import Predictions, PredictionsInfo
    from fertools.metrics.samples import NotFound
    from fertools.metrics.scores import Labels

__all__ = [
    "Omitted",
    "Pair",
    "count_pair",
    "differences_of_counts",
    "match_rows",
    "pair_runs",
]


@dataclass(frozen=True)
class Omitted:
    """A test that was not made.

    Attributes:
        reason: Why; one sentence.
    """

    reason: str


@dataclass(frozen=True)
class Pair:
    """The samples that two runs are compared on, sorted by sample id, N of them.

    Attributes:
        run: What the first run says about itself.
        baseline: What the second says.
        labels: Class indices, shape ``(N,)``.
        run_predicted: Predicted class indices, shape ``(N,)``; -1 where no face was found.
        baseline_predicted: Likewise.
        run_folds: Fold in which the run tested each sample, shape ``(N,)``.
        baseline_folds: Likewise.
        subjects: Person of each, shape ``(N,)``; None where any is not known.
        no_subjects: Why ``subjects`` is None; empty where it is not.
        views: Names of the views as :func:`fertools.metrics.breakdown.ordered_views` orders them.
        view_codes: Index into ``views`` of each, shape ``(N,)``; -1 where it has none.
        has_some_subjects: Whether at least one person is known.
        not_found: What was done with the samples without a face.
        num_not_found: How many samples have no face in the run, the baseline, and either.
    """

    run: PredictionsInfo
    baseline: PredictionsInfo
    labels: Labels
    run_predicted: Labels
    baseline_predicted: Labels
    run_folds: NDArray[np.int64]
    baseline_folds: NDArray[np.int64]
    subjects: NDArray[Any] | None
    no_subjects: str
    views: tuple[str, ...]
    view_codes: NDArray[np.int64]
    has_some_subjects: bool
    not_found: NotFound
    num_not_found: tuple[int, int, int]


def pair_runs(
    run: Sequence[Predictions],
    baseline: Sequence[Predictions],
    *,
    not_found: NotFound = "error",
) -> Pair:
    """Put the samples of two runs side by side.

    Protocols, folds and fusion may differ (a result within a set and one across sets, on the same
    pictures); samples, labels, classes and people may not. Where one table has no subject ids at
    all, those of the other are taken.

    Args:
        run: The tables of the run.
        baseline: The tables of what it is compared with.
        not_found: ``"error"``: a sample without a face is an error of that run; ``"excluded"``: a
            sample without a face in either run is left out of both.

    Raises:
        PredictionsError: If classes, samples, labels or subjects differ, naming the first sample.
        ValueError: If ``not_found`` is neither.
    """
    check_treatment(not_found)
    ours = gather_samples(run, not_found="error")
    theirs = gather_samples(baseline, not_found="error")
    here, there = where(run), where(baseline)
    if ours.info.classes != theirs.info.classes:
        raise PredictionsError(
            f"{here}: classes {list(ours.info.classes)}, {there} has "
            f"{list(theirs.info.classes)}; only runs of the same classes in the same order compare"
        )
    order = np.argsort(ours.frame["sample_id"].to_numpy(dtype=object))
    first = ours.frame.iloc[order]
    places = match_rows(first["sample_id"], theirs.frame["sample_id"], here=here, there=there)
    second = theirs.frame.iloc[places]
    _need_equal(first, second, "label", here=here, there=there)
    subjects = _common_subjects(first, second, here=here, there=there)
    run_predicted, baseline_predicted = ours.predicted[order], theirs.predicted[places]
    lost = (run_predicted < 0) | (baseline_predicted < 0)
    kept = ~lost if not_found == "excluded" else np.ones(len(lost), dtype=bool)
    if not kept.any():
        raise PredictionsError(
            f"{here} and {there}: no sample has a face in both; nothing is left to compare"
        )
    people, no_subjects = subjects_of(subjects[kept])
    views = ordered_views(first[kept])
    return Pair(
        run=ours.info,
        baseline=theirs.info,
        labels=ours.labels[order][kept],
        run_predicted=run_predicted[kept],
        baseline_predicted=baseline_predicted[kept],
        run_folds=first["fold"].to_numpy(dtype=np.int64)[kept],
        baseline_folds=second["fold"].to_numpy(dtype=np.int64)[kept],
        subjects=people,
        no_subjects=no_subjects,
        views=tuple(views),
        view_codes=view_codes(first[kept], views),
        has_some_subjects=bool(subjects[kept].notna().any()),
        not_found=not_found,
        num_not_found=(ours.num_not_found, theirs.num_not_found, int(lost.sum())),
    )


def match_rows(
    first: pd.Series[str], second: pd.Series[str], *, here: str, there: str
) -> NDArray[np.int64]:
    """Where each sample of the first table stands in the second.

    Args:
        first: Sample ids, each once.
        second: Sample ids, each once, in any order.
        here: Name of the first table, for the error.
        there: Name of the second.

    Returns:
        Row numbers of the second table, shape ``(len(first),)``.

    Raises:
        PredictionsError: If a sample is missing in either table, naming it.
    """
    theirs = pd.Index(second.to_numpy(dtype=object))
    places: NDArray[np.int64] = theirs.get_indexer(pd.Index(first.to_numpy(dtype=object)))
    missing = first[places < 0]
    foreign = second[~np.isin(np.arange(len(second)), places)]
    if len(missing) or len(foreign):
        lacks, has, absent = (there, here, missing) if len(missing) else (here, there, foreign)
        raise PredictionsError(
            f"{lacks}: sample {min(absent)!r} is missing, {has} has it ({len(absent)} such "
            "samples); only predictions of the same samples compare"
        )
    return places


def count_pair(pair: Pair) -> Units:
    """Counts of each person (or sample) for both runs.

    Returns:
        ``counts`` of shape ``(T, 5, K)``: samples, hits of the run, its answers, hits of the
        baseline, its answers.
    """
    ours = class_codes(pair.labels, pair.run_predicted)
    theirs = class_codes(pair.labels, pair.baseline_predicted)
    return count_units([*ours, *theirs[1:]], len(pair.run.classes), pair.subjects)


def differences_of_counts(counts: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Run minus baseline of every metric, from counts ``(..., 5, K)``; each ``(...)``."""
    run = scores_of_counts(counts[..., :3, :])
    baseline = scores_of_counts(counts[..., [0, 3, 4], :])
    return {name: run[name] - baseline[name] for name in run}


def _need_equal(
    first: pd.DataFrame, second: pd.DataFrame, column: str, *, here: str, there: str
) -> None:
    """Raise for the first sample whose values differ; both tables in the same order."""
    ours, theirs = first[column].to_numpy(dtype=object), second[column].to_numpy(dtype=object)
    differs = np.asarray(ours != theirs, dtype=bool)
    if differs.any():
        row = int(differs.argmax())
        raise PredictionsError(
            f"{there}: sample {first['sample_id'].iloc[row]!r}, column {column!r}: "
            f"{theirs[row]!r}, {here} has {ours[row]!r}; only predictions of the same samples "
            "compare"
        )


def _common_subjects(
    first: pd.DataFrame, second: pd.DataFrame, *, here: str, there: str
) -> pd.Series[str]:
    """The subject ids of both tables, or of the one that has any."""
    for only, other in ((first, second), (second, first)):
        if other["subject_id"].isna().all():
            return only["subject_id"].reset_index(drop=True)
    ours, theirs = (
        part.assign(subject_id=part["subject_id"].fillna("")) for part in (first, second)
    )
    _need_equal(ours, theirs, "subject_id", here=here, there=there)
    return first["subject_id"].reset_index(drop=True)
