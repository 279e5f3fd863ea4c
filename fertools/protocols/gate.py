"""The leak gate: who or what stands on both the training and the test side of a fold.

Folds of our own making must not leak: a subject or an identical file on both sides is refused. The
authors' splits are what they are: their leaks are listed and counted, and refused only on request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from fertools.errors import LeakError
from fertools.protocols.lock import Lock
from fertools.protocols.pool import Pool

__all__ = ["Leak", "LeakReport", "find_leaks", "refuse_leaks"]

Kind = Literal["subject", "file", "near-duplicate"]


@dataclass(frozen=True)
class Leak:
    """Two samples that should not be on the two sides of a fold.

    Attributes:
        kind: The same ``subject``, the same ``file``, or a ``near-duplicate``.
        fold: Its number.
        train: Sample that is trained on.
        test: Sample that is tested.
        what: The subject, the file's SHA-256, or in what way the pictures are alike.
    """

    kind: Kind
    fold: int
    train: str
    test: str
    what: str

    def __str__(self) -> str:
        return (
            f"fold {self.fold}: {self.kind} {self.what}: {self.train} trained, {self.test} tested"
        )


@dataclass(frozen=True)
class LeakReport:
    """What the gate found.

    Attributes:
        leaks: One a tested sample, kind and fold, with the first training sample that it shares
            something with.
        has_subjects: Whether every sample has a subject; else that check is not possible.
        is_own: Whether the folds are of our own making.
    """

    leaks: tuple[Leak, ...]
    has_subjects: bool
    is_own: bool

    @property
    def counts(self) -> dict[str, int]:
        """Kind to number of leaks."""
        return dict(sorted(Counter(leak.kind for leak in self.leaks).items()))

    @property
    def subjects_word(self) -> str:
        """``checked`` or ``not checkable``."""
        return "checked" if self.has_subjects else "not checkable"


def find_leaks(lock: Lock, pool: Pool) -> LeakReport:
    """Look for subjects and files on both sides of each fold.

    Args:
        lock: The folds.
        pool: Their samples.
    """
    files = dict(zip(pool.frame.index, pool.frame["sha256"], strict=True))
    subjects = {name: who for name, who in lock.subjects.items() if who is not None}
    leaks: list[Leak] = []
    for number, fold in enumerate(lock.folds):
        trained = (*fold.train, *fold.val)
        leaks += _shared("subject", number, trained, fold.test, subjects)
        leaks += _shared("file", number, trained, fold.test, files)
    return LeakReport(
        tuple(leaks),
        has_subjects=len(subjects) == len(lock.subjects),
        is_own=all(source.role == "samples" for source in lock.sources),
    )


def refuse_leaks(report: LeakReport, *, protocol: str, strict: bool = False) -> None:
    """Apply the policy.

    Args:
        report: What was found.
        protocol: Its name, for the message.
        strict: Refuse whatever was found, also of an official split or a near duplicate.

    Raises:
        LeakError: If there is a leak that the policy refuses; the first is named.
    """
    refused = [
        leak
        for leak in report.leaks
        if strict or (report.is_own and leak.kind in ("subject", "file"))
    ]
    if refused:
        first = refused[0]
        more = f"; and {len(refused) - 1:,} more" if len(refused) > 1 else ""
        remedy = (
            "leave out the training side's with --exclude-leaks"
            if strict
            else "the folds must not share any"
        )
        raise LeakError(f"{protocol}: {first}{more}; {remedy}")


def _shared(
    kind: Kind, fold: int, train: Sequence[str], test: Iterable[str], of: dict[str, str]
) -> Iterable[Leak]:
    """Tested samples that share something with a trained one."""
    first: dict[str, str] = {}
    for name in reversed(train):
        if (value := of.get(name)) is not None:
            first[value] = name
    for name in test:
        if (value := of.get(name)) in first and value is not None:
            yield Leak(kind, fold, first[value], name, value)
