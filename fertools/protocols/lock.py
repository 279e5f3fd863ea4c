"""Locks: the folds of a protocol, by sample id, with the digests that make them binding.

A lock is made once from a manifest and names every sample of every fold, its label, and what the
pictures were made from and how. Training and evaluation compare the manifest at hand with it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fertools.errors import LeakError, LockError, ProtocolError
from fertools.jobs import write_json
from fertools.manifest import Manifest
from fertools.protocols.spec import Protocol
from fertools.protocols.splitters import subject_folds

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Fold", "Lock", "check_lock", "lock_protocol", "read_lock", "write_lock"]

SCHEMA_VERSION = 1
_MAX_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Fold:
    """The two sides of one fold.

    Attributes:
        train: Sample ids, sorted.
        test: Sample ids, sorted.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class Lock:
    """The folds of a protocol on one set of samples.

    Attributes:
        protocol: Name of the protocol.
        protocol_version: Its version.
        protocol_digest: SHA-256 of its YAML.
        dataset: The set the samples come from.
        synthetic: Whether they are stand-ins.
        classes: Expressions; the index is the label.
        recipe: How the pictures were made (the manifest's config).
        sources_digest: SHA-256 over the samples' source files.
        labels: Sample id to label.
        subjects: Sample id to subject.
        folds: Fold 0 first.
        schema_version: Of the file.
        digest: SHA-256 over all the rest, hexadecimal.
    """

    protocol: str
    protocol_version: int
    protocol_digest: str
    dataset: str
    synthetic: bool
    classes: tuple[str, ...]
    recipe: dict[str, Any]
    sources_digest: str
    labels: dict[str, int]
    subjects: dict[str, str]
    folds: tuple[Fold, ...]
    schema_version: int = SCHEMA_VERSION
    digest: str = field(default="")


def lock_protocol(protocol: Protocol, manifest: Manifest) -> Lock:
    """Make the folds of a protocol on the samples of a manifest.

    Args:
        protocol: The declaration.
        manifest: The samples; those of other classes or views than the protocol's are left out.

    Returns:
        The lock, checked for leaks.

    Raises:
        ProtocolError: If the manifest is of another set, has no sample for a class or view, or (for
            licensed data) not the published number of samples.
        LeakError: If a person or an identical picture stands on both sides of a fold.
    """
    frame = _members(protocol, manifest)
    subjects = dict(zip(frame["sample_id"], frame["subject_id"], strict=True))
    index = {name: label for label, name in enumerate(protocol.classes)}
    groups = subject_folds(subjects.values(), protocol.split.folds, seed=protocol.split.seed)
    ids = sorted(subjects)
    folds = []
    for group in groups:
        tested = set(group)
        folds.append(
            Fold(
                train=tuple(i for i in ids if subjects[i] not in tested),
                test=tuple(i for i in ids if subjects[i] in tested),
            )
        )
    lock = Lock(
        protocol=protocol.name,
        protocol_version=protocol.version,
        protocol_digest=protocol.digest,
        dataset=protocol.dataset,
        synthetic=manifest.info.synthetic,
        classes=protocol.classes,
        recipe=manifest.info.config,
        sources_digest=_sources_digest(frame),
        labels={i: index[e] for i, e in zip(frame["sample_id"], frame["expression"], strict=True)},
        subjects=subjects,
        folds=tuple(folds),
    )
    lock = Lock(**{**_fields(lock), "digest": _digest(lock)})
    _refuse_leaks(lock, frame)
    return lock


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
            f"{path}: there is no lock here; make it with 'fertools protocols lock NAME --data "
            "MANIFEST'"
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
        folds = tuple(Fold(tuple(f["train"]), tuple(f["test"])) for f in values["folds"])
        lock = Lock(**{**values, "folds": folds, "classes": tuple(values["classes"])})
        digest = _digest(lock)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise LockError(f"{path}: is damaged or no lock; lock the protocol again") from error
    if digest != lock.digest:
        raise LockError(
            f"{path}: was changed after it was made (digest {str(lock.digest)[:12]}, content "
            f"{digest[:12]}); lock the protocol again"
        )
    return lock


def check_lock(lock: Lock, manifest: Manifest) -> None:
    """Refuse a manifest that is not what the lock was made from, and leaking folds.

    Raises:
        LockError: If members, labels, subjects, recipe or source files differ; it says what.
        LeakError: If a person or an identical picture stands on both sides of a fold.
    """
    frame = manifest.frame.set_index("sample_id", drop=False)
    where = f"{manifest.path}: does not fit the lock of {lock.protocol}"
    absent = sorted(set(lock.labels) - set(frame.index))
    if absent:
        raise LockError(f"{where}: {len(absent)} of its samples are missing, first {absent[0]!r}")
    members = frame.loc[sorted(lock.labels)]
    classes = members["expression"].tolist()
    for sample_id, expression, subject in zip(
        members.index, classes, members["subject_id"], strict=True
    ):
        locked = lock.classes[lock.labels[sample_id]]
        if expression != locked:
            raise LockError(f"{where}: {sample_id!r} shows {expression!r}, locked {locked!r}")
        if subject != lock.subjects[sample_id]:
            raise LockError(
                f"{where}: {sample_id!r} is of {subject!r}, locked {lock.subjects[sample_id]!r}"
            )
    if manifest.info.synthetic != lock.synthetic:
        raise LockError(f"{where}: one of the two is of stand-ins, the other of licensed data")
    if manifest.info.config != lock.recipe:
        keys = sorted(
            key
            for key in {*manifest.info.config, *lock.recipe}
            if manifest.info.config.get(key) != lock.recipe.get(key)
        )
        raise LockError(f"{where}: the pictures were made otherwise, in {', '.join(keys)}")
    if _sources_digest(members.reset_index(drop=True)) != lock.sources_digest:
        raise LockError(f"{where}: the pictures were made from other source files")
    _refuse_leaks(lock, members)


def _members(protocol: Protocol, manifest: Manifest) -> pd.DataFrame:
    """The samples that take part, or an error that says why they do not suffice."""
    where = f"{manifest.path}: does not suit {protocol.name}"
    if manifest.info.dataset != protocol.dataset:
        raise ProtocolError(
            f"{where}: it is of {manifest.info.dataset!r}, expected {protocol.dataset!r}"
        )
    frame = manifest.frame
    frame = frame[frame["expression"].isin(protocol.classes)]
    if protocol.views is not None:
        absent = sorted(set(protocol.views) - set(frame["view_id"].dropna()))
        if absent:
            raise ProtocolError(f"{where}: it has no picture of view {absent[0]!r}")
        frame = frame[frame["view_id"].isin(protocol.views)]
    missing = [name for name in protocol.classes if not (frame["expression"] == name).any()]
    if missing:
        raise ProtocolError(f"{where}: it has no picture of {', '.join(missing)}")
    if frame["subject_id"].isna().any():
        raise ProtocolError(f"{where}: some samples have no subject, folds are by subject")
    if not manifest.info.synthetic and len(frame) != protocol.expect.samples:
        raise ProtocolError(
            f"{where}: it has {len(frame):,} samples of {frame['subject_id'].nunique()} subjects, "
            f"expected {protocol.expect.samples:,}"
            + (f" of {protocol.expect.subjects}" if protocol.expect.subjects else "")
            + "; for a part of the set declare your own protocol: copy the YAML, change 'name' "
            "and 'expect', and give its path"
        )
    return frame


def _refuse_leaks(lock: Lock, frame: pd.DataFrame) -> None:
    """Raise if a subject or an identical file stands on both sides of a fold."""
    files = dict(zip(frame["sample_id"], frame["sha256"], strict=True))
    for number, fold in enumerate(lock.folds):
        for what, of in (("subject", lock.subjects), ("picture with SHA-256", files)):
            both = {of[i] for i in fold.train} & {of[i] for i in fold.test}
            if both:
                raise LeakError(
                    f"{lock.protocol}: fold {number}: {what} {min(both)} is in both train and test "
                    f"({len(both)} such); the folds must not share any"
                )


def _sources_digest(frame: pd.DataFrame) -> str:
    """SHA-256 over sample ids and the digests of their source files."""
    column = "source_sha256" if "source_sha256" in frame.columns else "sha256"
    pairs = sorted(zip(frame["sample_id"], frame[column], strict=True))
    return hashlib.sha256("\n".join(f"{i} {d}" for i, d in pairs).encode()).hexdigest()


def _fields(lock: Lock) -> dict[str, Any]:
    """The lock's fields as they are, not copied into plain containers."""
    return {name: getattr(lock, name) for name in lock.__dataclass_fields__}


def _digest(lock: Lock) -> str:
    """SHA-256 over everything but the digest itself."""
    values = asdict(lock)
    del values["digest"]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
