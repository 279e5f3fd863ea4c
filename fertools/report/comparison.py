"""Several runs beside each other: whether they may be compared, and every paired difference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from fertools.errors import PredictionsError
from fertools.metrics import Omitted, compare_several, compare_views, holm
from fertools.report.marks import Marks, common_marks
from fertools.report.reading import name_runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fertools.metrics import Comparison, ViewComparison
    from fertools.report.collect import Run
    from fertools.report.reading import Reading

__all__ = ["RunComparison", "compare_readings"]


@dataclass(frozen=True)
class RunComparison:
    """Several runs on the same samples; the first is the baseline of the others.

    Attributes:
        readings: Name to run, as given.
        comparisons: Every other run with the baseline, in that order.
        views: The same view by view, or nothing where no sample names its view; ``holm_p`` of a
            mean is corrected for the number of runs.
        marks: What holds of any of the runs.
        primary: Key of the figure that stands first.
        is_locked: Whether every run was made under the same lock.
        margin: The largest difference that does not matter, where one was given.
    """

    readings: Mapping[str, Reading]
    comparisons: tuple[Comparison, ...]
    views: tuple[ViewComparison, ...]
    marks: Marks
    primary: str
    is_locked: bool
    margin: float | None = None

    @property
    def baseline(self) -> str:
        """Name of the baseline."""
        return next(iter(self.readings))


def compare_readings(readings: Sequence[Reading], *, margin: float | None = None) -> RunComparison:
    """Compare every other run with the first.

    Args:
        readings: Two or more.
        margin: The largest difference that does not matter, in (0, 1], for tests of equivalence.

    Raises:
        PredictionsError: If two were made under different locks, have other folds, samples, labels
            or people, or are the same files; it says what differs.
    """
    runs = [reading.run for reading in readings]
    for first, second in combinations(runs, 2):
        _need_same_lock(first, second)
    seen: dict[str, Run] = {}
    for run in runs:
        path = str(run.predictions[0].path.resolve())
        if path in seen:
            raise PredictionsError(f"{run.predictions[0].path}: is given twice; give each run once")
        seen[path] = run
    names = name_runs(runs)
    named = dict(zip(names, readings, strict=True))
    tables = {name: list(reading.run.predictions) for name, reading in named.items()}
    baseline, not_found = names[0], runs[0].not_found
    comparisons = compare_several(tables, baseline=baseline, not_found=not_found, margin=margin)
    views = [
        compare_views(tables[name], tables[baseline], not_found=not_found) for name in names[1:]
    ]
    made = [one for one in views if not isinstance(one, Omitted)]
    adjusted = holm([one.mean.p_value for one in made])
    return RunComparison(
        readings=named,
        comparisons=tuple(comparisons),
        views=tuple(
            replace(one, mean=replace(one.mean, holm_p=p))
            for one, p in zip(made, adjusted, strict=True)
        ),
        marks=common_marks(reading.marks for reading in readings),
        primary=readings[0].primary,
        is_locked=all(_digest(run) == _digest(runs[0]) != "" for run in runs),
        margin=margin,
    )


def _need_same_lock(first: Run, second: Run) -> None:
    """Raise where both name a lock and it is not the same, or their folds differ."""
    here, there = first.predictions[0].path, second.predictions[0].path
    ours, theirs = _digest(first), _digest(second)
    if ours and theirs and ours != theirs:
        raise PredictionsError(
            f"{there}: made under the lock {theirs[:12]!r}, {here} under {ours[:12]!r}"
            f"{_lock_differences(first, second)}; only runs under one lock compare: evaluate both "
            "under the same"
        )
    if first.lock and second.lock and first.missing_folds != second.missing_folds:
        raise PredictionsError(
            f"{there}: lacks {_folds(second)}, {here} lacks {_folds(first)}; only runs with the "
            "same folds compare: train and evaluate the rest"
        )


def _lock_differences(first: Run, second: Run) -> str:
    """What two locks differ in, in brackets, or nothing where one is not at hand."""
    one, other = first.lock, second.lock
    if one is None or other is None:
        protocols = [run.predictions[0].info.protocol for run in (second, first)]
        return f" (protocols {protocols[0]!r} and {protocols[1]!r})"
    facts = ("protocol", "protocol_version", "not_found", "synthetic", "classes")
    parts = [
        f"{name.replace('_', ' ')} {getattr(other, name)!r} and {getattr(one, name)!r}"
        for name in facts
        if getattr(one, name) != getattr(other, name)
    ]
    names = {
        "protocol_digest": "the protocol's text",
        "labels": "samples or labels",
        "subjects": "people",
        "folds": "folds",
        "sources": "source files or recipes",
        "excluded": "samples left out since they leak",
    }
    parts += [words for name, words in names.items() if getattr(one, name) != getattr(other, name)]
    return f" (they differ in {', '.join(parts)})" if parts else ""


def _digest(run: Run) -> str:
    """The lock that the predictions were made under; empty where they name none."""
    return run.predictions[0].info.lock_digest


def _folds(run: Run) -> str:
    """The missing folds in words."""
    return f"fold {', '.join(map(str, run.missing_folds))}" if run.missing_folds else "none"
