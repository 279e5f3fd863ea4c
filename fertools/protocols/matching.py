"""Whether samples are those of a lock, and a lock is one of a protocol as it reads now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fertools.errors import LockError
from fertools.jobs import text_digest
from fertools.protocols.lock import Lock, Source, sources_of, subjects_of
from fertools.protocols.pool import Pool
from fertools.protocols.spec import Protocol

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_lock", "find_differences", "pictures_digest", "unlike_protocol"]


def unlike_protocol(lock: Lock, protocol: Protocol) -> str | None:
    """In words why a lock is not one of this protocol as it reads now; None if it is."""
    if lock.protocol != protocol.name:
        return f"is a lock of the protocol {lock.protocol!r}, expected {protocol.name!r}"
    if lock.protocol_digest != protocol.digest:
        return (
            f"was made when the protocol {protocol.name!r} read otherwise (version "
            f"{lock.protocol_version}, now {protocol.version})"
        )
    return None


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
    absent = sorted(set(lock.labels) - set(pool.frame.index))
    if absent:
        raise LockError(f"{where}: {len(absent):,} of its samples are missing, first {absent[0]!r}")
    differences = tuple(find_differences(lock, pool))
    if differences and not allow_mismatch:
        more = f" (and {len(differences) - 1} more)" if len(differences) > 1 else ""
        raise LockError(
            f"{where}: {differences[0]}{more}; lock the protocol again, or compare all the same "
            "with --allow-mismatch, which marks every output"
        )
    return differences


def find_differences(lock: Lock, pool: Pool) -> Iterator[str]:
    """What differs between a lock and samples of which all that it names are there."""
    frame = pool.frame
    extra = sorted(set(frame.index) - set(lock.labels))
    if extra:
        yield f"{len(extra):,} samples are not in the lock, first {extra[0]!r}"
    members = frame.loc[sorted(lock.labels)]
    locked = [lock.classes[lock.labels[i]] for i in members.index]
    yield from _first_unlike(members.index, members["expression"].tolist(), locked, "shows")
    people = subjects_of(members)
    wanted = [lock.subjects[i] for i in members.index]
    yield from _first_unlike(members.index, list(people.values()), wanted, "is of")
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
        if other.views_digest != source.views_digest:
            yield f"the samples{of} have other views or intensities"


def _set(source: Source) -> str:
    """A set in words."""
    return f"{source.dataset}{' (a stand-in)' if source.synthetic else ''}"


def _first_unlike(
    names: pd.Index[str], values: list[Any], locked: list[Any], verb: str
) -> Iterator[str]:
    """The first sample whose value is another than the locked one, and how many there are."""
    unlike = [
        (name, value, wanted)
        for name, value, wanted in zip(names, values, locked, strict=True)
        if value != wanted
    ]
    if unlike:
        name, value, wanted = unlike[0]
        more = f", and {len(unlike) - 1:,} more such" if len(unlike) > 1 else ""
        yield f"{name!r} {verb} {value!r}, locked {wanted!r}{more}"


def pictures_digest(lock: Lock, pool: Pool) -> str:
    """SHA-256 over the digests of a lock's pictures, which may differ between machines.

    A detector's crop may differ in its last bit, so a lock is bound to the source files, and this
    digest goes into the records of a run.

    Args:
        lock: Names the samples.
        pool: Has their pictures' digests.
    """
    names = sorted(lock.labels)
    files = pool.frame.loc[names, "sha256"]
    return text_digest("\n".join(f"{i} {d}" for i, d in zip(names, files, strict=True)))
