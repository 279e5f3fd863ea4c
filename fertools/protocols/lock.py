"""Locks: the folds of a protocol, by sample id, with the digests that make them binding.

A lock is made once from the protocol's samples and names every one of every fold, its label, and
what the pictures were made from and how. Training and evaluation compare the samples at hand with
it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fertools.errors import LockError
from fertools.jobs import write_json
from fertools.protocols.pool import Pool
from fertools.protocols.spec import Protocol
from fertools.protocols.splitters import Fold, make_folds

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Exclusion",
    "Lock",
    "Source",
    "check_lock",
    "find_differences",
    "lock_protocol",
    "read_lock",
    "sealed",
    "source_digests",
    "unlike_protocol",
    "write_lock",
]

SCHEMA_VERSION = 2
_MAX_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Source:
    """Where the samples of one role come from.

    Attributes:
        role: ``samples``, ``train``, ``test`` or ``val``.
        dataset: The set.
        synthetic: Whether it is a stand-in.
        recipe: How the pictures were made (the manifest's config).
        sources_digest: SHA-256 over the samples' ids and the digests of their source files.
    """

    role: str
    dataset: str
    synthetic: bool
    recipe: dict[str, Any]
    sources_digest: str


@dataclass(frozen=True)
class Exclusion:
    """A sample that a fold may not train on although the protocol says so.

    Attributes:
        fold: Its number.
        sample: The sample.
        kind: What the gate found: ``subject``, ``file`` or ``near-duplicate``.
        what: The subject, the file's SHA-256, or in what way the pictures are alike.
    """

    fold: int
    sample: str
    kind: str
    what: str


@dataclass(frozen=True)
class Lock:
    """The folds of a protocol on its samples.

    Attributes:
        protocol: Name of the protocol.
        protocol_version: Its version.
        protocol_digest: SHA-256 of its YAML.
        synthetic: Whether any sample is of a stand-in.
        classes: Expressions; the index is the label.
        not_found: What becomes of samples without a found face: ``error`` or ``excluded``.
        sources: One a role.
        labels: Sample id to label.
        subjects: Sample id to subject; None where the set has none.
        folds: Fold 0 first.
        excluded: Who was left out of them since it leaks; see
            :func:`fertools.protocols.exclude.exclude_leaks`.
        schema_version: Of the file.
        digest: SHA-256 over all the rest, hexadecimal.
    """

    protocol: str
    protocol_version: int
    protocol_digest: str
    synthetic: bool
    classes: tuple[str, ...]
    not_found: str
    sources: tuple[Source, ...]
    labels: dict[str, int]
    subjects: dict[str, str | None]
    folds: tuple[Fold, ...]
    excluded: tuple[Exclusion, ...] = ()
    schema_version: int = SCHEMA_VERSION
    digest: str = field(default="")

    @property
    def dataset(self) -> str:
        """The set that is tested."""
        by_role = {source.role: source.dataset for source in self.sources}
        return by_role.get("test") or by_role["samples"]


def lock_protocol(protocol: Protocol, pool: Pool) -> Lock:
    """Make the folds of a protocol on its samples.

    Raises:
        ProtocolError: See :func:`fertools.protocols.splitters.make_folds`.
    """
    frame = pool.frame
    index = {name: label for label, name in enumerate(protocol.classes)}
    lock = Lock(
        protocol=protocol.name,
        protocol_version=protocol.version,
        protocol_digest=protocol.digest,
        synthetic=pool.synthetic,
        classes=protocol.classes,
        not_found=protocol.not_found,
        sources=tuple(_sources(pool)),
        labels={i: index[e] for i, e in zip(frame.index, frame["expression"], strict=True)},
        subjects=_subjects(frame),
        folds=make_folds(protocol, pool),
    )
    return sealed(lock)


def sealed(lock: Lock) -> Lock:
    """A lock with the digest of what it says."""
    return Lock(**{**_fields(lock), "digest": _digest(lock)})


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


def write_lock(path: Path, lock: Lock) -> None:
    """Write a lock as JSON, whole or not at all."""
    write_json(path, asdict(lock))


def read_lock(path: Path) -> Lock:
    """Read a lock and compare its digest.

    Raises:
        LockError: If it is missing, damaged, of another schema, or was edited by hand.
    """
    if not path.is_file():
        raise LockError(
            f"{path}: there is no lock here; make it with 'fertools protocols lock NAME'"
        )
    if path.stat().st_size > _MAX_BYTES:
        raise LockError(f"{path}: larger than {_MAX_BYTES} bytes; not a lock of this tool")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["schema_version"] != SCHEMA_VERSION:
            raise LockError(
                f"{path}: schema version {values['schema_version']!r}, this version of fertools "
                f"reads {SCHEMA_VERSION}: lock the protocol again"
            )
        lock = Lock(
            **{
                **values,
                "classes": tuple(values["classes"]),
                "sources": tuple(Source(**source) for source in values["sources"]),
                "folds": tuple(
                    Fold(f["name"], tuple(f["train"]), tuple(f["test"]), tuple(f["val"]))
                    for f in values["folds"]
                ),
                "excluded": tuple(Exclusion(**one) for one in values.get("excluded", ())),
            }
        )
        digest = _digest(lock)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise LockError(f"{path}: is damaged or no lock; lock the protocol again") from error
    if digest != lock.digest:
        raise LockError(
            f"{path}: was changed after it was made (digest {str(lock.digest)[:12]}, content "
            f"{digest[:12]}); lock the protocol again"
        )
    return lock


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
    people = _subjects(members)
    wanted = [lock.subjects[i] for i in members.index]
    yield from _first_unlike(members.index, list(people.values()), wanted, "is of")
    now, before = ({s.role: s for s in of} for of in (_sources(pool, members), lock.sources))
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


def _subjects(frame: pd.DataFrame) -> dict[str, str | None]:
    """Sample id to subject."""
    known = frame["subject_id"].notna()
    people = frame["subject_id"].astype("object").where(known, None)
    return dict(zip(frame.index, people, strict=True))


def _sources(pool: Pool, frame: pd.DataFrame | None = None) -> Iterator[Source]:
    """Each role's manifest, with the digest of its members' source files."""
    members = pool.frame if frame is None else frame
    for role, manifest in pool.manifests.items():
        recipe = manifest.info.config
        if role in pool.members:
            recipe = {**recipe, "members": pool.members[role].info.config}
        yield Source(
            role=role,
            dataset=manifest.info.dataset,
            synthetic=manifest.info.synthetic,
            recipe=recipe,
            sources_digest=_sources_digest(members[members["role"] == role]),
        )


def source_digests(frame: pd.DataFrame) -> dict[str, str]:
    """Sample id to the SHA-256 of the file that it was made from, or of its own."""
    files = frame["sha256"]
    if "source_sha256" in frame.columns:
        files = frame["source_sha256"].fillna(files)
    return dict(zip(frame["sample_id"], files, strict=True))


def _sources_digest(frame: pd.DataFrame) -> str:
    """SHA-256 over sample ids and the digests of their source files."""
    pairs = sorted(source_digests(frame).items())
    return hashlib.sha256("\n".join(f"{i} {d}" for i, d in pairs).encode()).hexdigest()


def _fields(lock: Lock) -> dict[str, Any]:
    """The lock's fields as they are, not copied into plain containers."""
    return {name: getattr(lock, name) for name in lock.__dataclass_fields__}


def _digest(lock: Lock) -> str:
    """SHA-256 over everything but the digest itself."""
    values = asdict(lock)
    del values["digest"]
    if not lock.excluded:
        del values["excluded"]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
