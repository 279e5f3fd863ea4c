"""What becomes of leaks: refused, listed, or left out of the training side.

Folds of our own making must not leak: a subject or an identical file on both sides is refused. The
authors' splits are what they are: their leaks are listed and counted, and so are near duplicates
anywhere; they are refused only on request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from fertools.errors import LeakError, ManifestError
from fertools.protocols.gate import LeakReport, find_leaks
from fertools.protocols.lock import Exclusion, Lock, sealed
from fertools.protocols.near import NearPairs, find_near_pairs
from fertools.protocols.pool import Pool
from fertools.protocols.records import read_near, write_leaks

__all__ = ["Checked", "exclude_leaks", "refuse_leaks", "run_gate"]


@dataclass(frozen=True)
class Checked:
    """A lock that went through the gate.

    Attributes:
        lock: The folds, without the offenders if they were to be left out.
        report: What leaks in them.
        excluded: Who was left out now.
        found: What leaked before.
        near: The near duplicates, if they were searched now or by an earlier run.
    """

    lock: Lock
    report: LeakReport
    excluded: tuple[Exclusion, ...]
    found: LeakReport
    near: NearPairs | None


def run_gate(
    lock: Lock,
    pool: Pool,
    lock_path: Path,
    *,
    near: bool | None = None,
    strict: bool = False,
    exclude: bool = False,
    is_written: bool = False,
    workers: int = 1,
) -> Checked:
    """Look for leaks, and apply the policy.

    Args:
        lock: The folds.
        pool: Their samples.
        lock_path: The lock's file; what was found stands beside it.
        near: Search near duplicates; None takes what an earlier run found, if there is any.
        strict: Refuse whatever was found, also of an official split or a near duplicate.
        exclude: Leave the training side's offenders out.
        is_written: Write what was found beside the lock, also if it is refused.
        workers: Processes and threads of the search.

    Raises:
        LeakError: If there is a leak that the policy refuses, or nothing is left to train on.
        ManifestError: If an earlier run's record is damaged.
        OutputError: If something cannot be written.
    """
    pairs = None
    if near is not False:
        try:
            pairs = read_near(lock_path, lock, pool)
        except ManifestError:
            if not near:
                raise
    if near:  # a damaged record is made anew
        pairs = find_near_pairs(lock, pool, known=pairs, workers=workers)
    found = find_leaks(lock, pool, pairs)
    kept, excluded = exclude_leaks(lock, found) if exclude else (lock, ())
    report = find_leaks(kept, pool, pairs) if excluded else found
    if is_written:
        write_leaks(lock_path, kept, pool, found, pairs, searched=lock)
    refuse_leaks(report, protocol=lock.protocol, strict=strict)
    return Checked(kept, report, excluded, found, pairs)


def refuse_leaks(report: LeakReport, *, protocol: str, strict: bool = False) -> None:
    """Raise where the policy says so.

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
        raise LeakError(
            f"{protocol}: {first}{more}; the folds must not share any: leave the training side's "
            "out with --exclude-leaks"
        )


def exclude_leaks(lock: Lock, report: LeakReport) -> tuple[Lock, tuple[Exclusion, ...]]:
    """Leave out of each fold what its training side shares with its test side.

    The tested samples stay, so that results can be compared with those of others on the same test
    set. The new lock says who was left out and has a digest of its own: a result obtained under it
    cannot be taken for one of the whole protocol.

    Args:
        lock: The folds.
        report: What the gate found in them.

    Returns:
        The lock without the offenders, and these; the same lock if there are none.

    Raises:
        LeakError: If nothing would be left to train on in a fold.
    """
    if not report.offenders:
        return lock, ()
    folds = []
    for number, fold in enumerate(lock.folds):
        out = {one.sample for one in report.offenders if one.fold == number}
        train = tuple(name for name in fold.train if name not in out)
        if not train:
            raise LeakError(
                f"{lock.protocol}: {fold.name}: all {len(fold.train):,} training samples leak; "
                "nothing would be left to train on"
            )
        val = tuple(name for name in fold.val if name not in out)
        folds.append(replace(fold, train=train, val=val))
    excluded = (*lock.excluded, *report.offenders)
    return sealed(replace(lock, folds=tuple(folds), excluded=excluded)), report.offenders
