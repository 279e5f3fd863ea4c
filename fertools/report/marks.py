"""What must be said wherever a result stands: stand-ins, not as locked, leaks left out, partial."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fertools.report.leaks import leak_notices, num_left_out
from fertools.report.wording import hide_folders, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fertools.report.collect import Run
    from fertools.report.tables import Table

__all__ = ["Marks", "common_marks", "marks_of", "notices"]

NOT_AS_LOCKED = "NOT AS LOCKED"


@dataclass(frozen=True)
class Marks:
    """What a result is marked with.

    Attributes:
        synthetic: Made from stand-ins.
        mismatch: In what the tested samples differ from the lock; empty where they do not.
        missing_folds: Folds of the lock without predictions.
        num_left_out: Training samples that were left out since they leak.
    """

    synthetic: bool = False
    mismatch: tuple[str, ...] = ()
    missing_folds: tuple[int, ...] = ()
    num_left_out: int = 0

    @property
    def text(self) -> str:
        """All marks, such as ``"NOT AS LOCKED, synthetic, partial"``; may be empty."""
        parts = [
            (NOT_AS_LOCKED, bool(self.mismatch)),
            ("synthetic", self.synthetic),
            ("leaks left out", bool(self.num_left_out)),
            ("partial", bool(self.missing_folds)),
        ]
        return ", ".join(word for word, holds in parts if holds)

    def on(self, table: Table) -> Table:
        """The table with these marks."""
        return replace(table, mark=self.text)


def marks_of(run: Run) -> Marks:
    """The marks of a run: from its predictions, lock, settings and results.json."""
    mismatch: list[str] = []
    for stated in (run.config.get("mismatch"), run.results.get("mismatch")):
        mismatch += map(str, stated if isinstance(stated, list) else [])
    for table in run.predictions:
        mismatch += table.info.mismatch
    return Marks(
        synthetic=any(table.info.synthetic for table in run.predictions)
        or (run.lock is not None and run.lock.synthetic),
        mismatch=tuple(dict.fromkeys(map(hide_folders, mismatch))),
        missing_folds=run.missing_folds,
        num_left_out=num_left_out(run) or 0,
    )


def common_marks(marks: Iterable[Marks]) -> Marks:
    """What holds of any of several runs."""
    every = list(marks)
    return Marks(
        synthetic=any(one.synthetic for one in every),
        mismatch=tuple(dict.fromkeys(line for one in every for line in one.mismatch)),
        missing_folds=tuple(sorted({fold for one in every for fold in one.missing_folds})),
        num_left_out=max(one.num_left_out for one in every),
    )


def notices(run: Run, summary: Mapping[str, Any], marks: Marks) -> list[str]:
    """What a reader must know before he reads a number; stand-ins and mismatch stand elsewhere."""
    found = []
    if marks.missing_folds:
        total = len(marks.missing_folds) + summary["num_folds"]
        missing = ", ".join(map(str, marks.missing_folds))
        found.append(
            f"Partial result: {summary['num_folds']} of the protocol's {total} folds; "
            f"not tested yet: fold {missing}."
        )
    found += leak_notices(run)
    if run.lock is None:
        found.append(
            "No locked protocol is beside the predictions: whether they are complete, and whether "
            "the tested people are absent from training, was not checked here."
        )
    for note in sorted({note for table in run.predictions for note in table.notes}):
        found.append(f"Table written by hand: {note}.")
    if summary["not_found"] == "excluded" and summary["num_not_found"]:
        found.append(
            f"{summary['num_not_found']} pictures in which no face was found are left out of every "
            "figure, as the protocol says."
        )
    stated = run.results.get("accuracy")
    if (
        isinstance(stated, int | float)
        and 0 <= stated <= 1
        and not math.isclose(stated, summary["accuracy"], abs_tol=1e-9)
    ):
        found.append(
            f"results.json states an accuracy of {percent(stated)}, the predictions give "
            f"{percent(summary['accuracy'])}; this page shows the predictions."
        )
    return found
