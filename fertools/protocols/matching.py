"""Whether samples are those of a lock, and a lock is one of a protocol as it reads now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fertools.errors import LockError
from fertools.jobs import text_digest
from fertools.protocols.lock import Lock, Source, sources_of, subjects_of
from fertools.protocols.pool import Pool
from fertools.protocols.spec import Protocol
from fertools.protocols.splitters import make_folds

__all__ = [
    "Change",
    "changed_members",
    "check_lock",
    "find_differences",
    "pictures_digest",
    "unlike_protocol",
]


def unlike_protocol(lock: Lock, protocol: Protocol) -> str | None:
    """In words why a lock is not one of this protocol as it reads now; None if it is."""
    if lock.protocol != protocol.name:
        return f"is a lock of the protocol {lock.protocol!r}, expected {protocol.name!r}"
    pairs = (
        (lock.protocol_digest, protocol.digest),
        (lock.protocol_version, protocol.version),
        (lock.classes, protocol.classes),
        (lock.not_found, protocol.not_found),
        (lock.primary_metric, protocol.primary_metric),
    )
    if any(locked != declared for locked, declared in pairs):
        return (
            f"was made when the protocol {protocol.name!r} read otherwise (version "
            f"{lock.protocol_version}, now {protocol.version})"
        )
    return None


def check_folds(lock: Lock, protocol: Protocol, pool: Pool) -> None:
    """Make the folds again and compare: a lock that was edited and sealed again is noticed.

    Args:
        lock: A lock of the protocol, which the samples fit.
        protocol: The declaration.
        pool: The samples.

    Raises:
        LockError: If a fold is not what the protocol makes of these samples, but for samples that
            the lock says were left out.
        ProtocolError: See :func:`fertools.protocols.make_folds`.
    """
    left_out = [
        {one.sample for one in lock.excluded if one.fold == k} for k in range(len(lock.folds))
    ]
    expected = make_folds(protocol, pool)
    if len(expected) != len(lock.folds):
        raise LockError(
            f"{pool.main.path}: {protocol.name} makes {len(expected)} folds of it, the lock has "
            f"{len(lock.folds)}; lock the protocol again"
        )
    for fold, made, out in zip(lock.folds, expected, left_out, strict=True):
        kept = [tuple(name for name in side if name not in out) for side in (made.train, made.val)]
        if (fold.name, fold.train, fold.val, fold.test) != (made.name, *kept, made.test):
            raise LockError(
                f"{pool.main.path}: {fold.name} of the lock is not what {protocol.name} makes of "
                "these samples; it was edited, or made by another version of fertools: lock the "
                "protocol again"
            )


@dataclass(frozen=True, slots=True)
class Change:
    """A sample that is not as locked.

    Attributes:
        sample: Its id.
        what: ``missing``, ``expression`` or ``subject``.
        now: What the manifest says; None where the sample is missing or has no subject.
        locked: What the lock says.
    """

    sample: str
    what: Literal["missing", "expression", "subject"]
    now: str | None
    locked: str | None


def changed_members(lock: Lock, pool: Pool) -> list[Change]:
    """All samples of a lock that are missing, or have another label or subject, by kind and id.

    Args:
        lock: The folds.
        pool: The samples at hand.
    """
    here = lock.labels.keys() & pool.frame.index.tolist()
    missing = sorted(lock.labels.keys() - here)
    labels = {name: lock.classes[label] for name, label in lock.labels.items()}
    members = pool.frame.loc[sorted(here)]
    shown = dict(zip(members.index.tolist(), members["expression"].tolist(), strict=True))
    found = [Change(name, "missing", None, labels[name]) for name in missing]
    found += [Change(i, "expression", e, labels[i]) for i, e in shown.items() if e != labels[i]]
    people, locked = subjects_of(members), lock.subjects
    found += [Change(i, "subject", s, locked[i]) for i, s in people.items() if s != locked[i]]
    return found


def check_lock(lock: Lock, pool: Pool, *, allow_mismatch: bool = False) -> tuple[str, ...]:
    """Refuse samples that are not those that the lock was made from.

    Args:
        lock: The folds.
        pool: The samples at hand.
        allow_mismatch: Give back what differs instead of raising, to be said wherever a result of
            it stands. Samples that are missing cannot be allowed: nothing can be computed of them.

    Returns:
        What differs, a line each; nothing where all is as locked.

    Raises:
        LockError: If samples are missing, or members' labels or subjects, the recipe or source
            files differ; it says what.
    """
    where = f"{pool.main.path}: does not fit the lock of {lock.protocol}"
    absent = sorted(set(lock.labels).difference(pool.frame.index))
    if absent:
        raise LockError(f"{where}: {len(absent):,} of its samples are missing, first {absent[0]!r}")
    differences = tuple(find_differences(lock, pool))
    if differences and not allow_mismatch:
        more = f" (and {len(differences) - 1} more)" if len(differences) > 1 else ""
        raise LockError(
            f"{where}: {differences[0]}{more}; lock the protocol again, or let 'zoo train' and "
            "'zoo evaluate' go on with --allow-mismatch, which marks every output"
        )
    return differences


def find_differences(lock: Lock, pool: Pool) -> Iterator[str]:
    """What differs between a lock and samples of which all that it names are there."""
    frame = pool.frame
    extra = sorted(set(frame.index) - set(lock.labels))
    if extra:
        yield f"{len(extra):,} samples are not in the lock, first {extra[0]!r}"
    changes = changed_members(lock, pool)
    for what, verb in (("expression", "shows"), ("subject", "is of")):
        unlike = [change for change in changes if change.what == what]
        if unlike:
            first, more = unlike[0], len(unlike) - 1
            yield f"{first.sample!r} {verb} {first.now!r}, locked {first.locked!r}" + (
                f", and {more:,} more such" if more else ""
            )
    members = frame.loc[sorted(lock.labels)]
    now, before = ({s.role: s for s in of} for of in (sources_of(pool, members), lock.sources))
    if set(now) != set(before):
        yield f"the roles are {', '.join(sorted(now))}, locked {', '.join(sorted(before))}"
        return
    for role, source in before.items():
        of = "" if role == "samples" else f" of {role}"
        other = now[role]
        if (other.dataset, other.synthetic) != (source.dataset, source.synthetic):
            yield f"the samples{of} are of {_set(other)}, locked {_set(source)}"
        if other.recipe != source.recipe:
            keys = sorted(
                key
                for key in {*other.recipe, *source.recipe}
                if other.recipe.get(key) != source.recipe.get(key)
            )
            yield f"the pictures{of} were made otherwise, in {', '.join(keys)}"
        if other.sources_digest != source.sources_digest:
            yield f"the pictures{of} were made from other source files"
        if other.facts_digest != source.facts_digest:
            yield f"the samples{of} have other views or intensities, or other faces were found"


def _set(source: Source) -> str:
    """A set in words."""
    return f"{source.dataset}{' (a stand-in)' if source.synthetic else ''}"


def pictures_digest(lock: Lock, pool: Pool) -> str:
    """SHA-256 over the digests of a lock's pictures, which may differ between machines.

    A detector's crop may differ in its last bit, so a lock is bound to the source files, and this
    digest goes into the records of a run.

    Args:
        lock: Names the samples.
        pool: Has their pictures' digests.
    """
    names = sorted(lock.labels)
    files = pool.frame.loc[names, "sha256"].tolist()
    return text_digest("\n".join(f"{i} {d}" for i, d in zip(names, files, strict=True)))
