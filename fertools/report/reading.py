"""A run with all that is computed from it, which tables and figures are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fertools.metrics import summarise
from fertools.report.collect import collect_run
from fertools.report.marks import Marks, marks_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fertools.report.collect import Run

__all__ = ["Reading", "name_runs", "read_run"]


@dataclass(frozen=True)
class Reading:
    """A run and its figures.

    Attributes:
        run: What the folder holds.
        summary: Of :func:`fertools.metrics.summarise`.
        marks: What must be said beside every figure.
        primary: Key of the figure that stands first: the protocol's primary metric, or accuracy.
        is_declared: Whether the protocol says so.
    """

    run: Run
    summary: dict[str, Any]
    marks: Marks
    primary: str
    is_declared: bool


def read_run(path: Path) -> Reading:
    """Read a run and compute its figures.

    Raises:
        PredictionsError: See :func:`fertools.report.collect.collect_run`.
    """
    run = collect_run(path)
    summary = summarise(run.predictions, not_found=run.not_found)
    declared = run.primary_metric
    is_known = declared is not None and summary[declared] is not None  # else it names no views
    primary = declared if declared is not None and is_known else "accuracy"
    return Reading(run, summary, marks_of(run), primary, is_known)


def name_runs(runs: Sequence[Run]) -> list[str]:
    """A short name for each run that tells it apart: model, else model and folder, else path."""
    models = [run.predictions[0].info.model for run in runs]
    labels = [run.label for run in runs]
    both = [
        f"{model}, {label}" if model else label for model, label in zip(models, labels, strict=True)
    ]
    for names in (models, labels, both):
        if len(set(names)) == len(names) and all(names):
            return names
    return [str(run.predictions[0].path) for run in runs]
