"""Locks: the folds of a protocol, by sample id, with the digests that make them binding.

A lock is made once from the protocol's samples and names every one of every fold, its label, and
what the pictures were made from and how. :mod:`fertools.protocols.matching` compares the samples at
hand with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from fertools.errors import LockError
from fertools.jobs import text_digest, write_json
from fertools.protocols.pool import Pool
from fertools.protocols.spec import Metric, Protocol
from fertools.protocols.splitters import Fold, make_folds

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Exclusion",
    "Lock",
    "Source",
    "beside_lock",
    "lock_protocol",
    "read_lock",
    "sealed",
    "source_digests",
    "sources_of",
    "subjects_of",
    "write_lock",
]

SCHEMA_VERSION = 3
_FACTS = ("view_id", "intensity", "aligned")
NotFound = Literal["error", "excluded"]
_MAX_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Source:
    """Where the samples of one role come from.

    Attributes:
        role: ``samples``, ``train``, ``test`` or ``val``.
        dataset: The set.
        synthetic: Whether it is a stand-in.
        recipe: How the pictures were made (the manifest's config, without digests of what other
            manifests they came through).
        sources_digest: SHA-256 over the samples' ids and the digests of their source files.
        facts_digest: SHA-256 over the samples' ids, views and intensities, by which results are
            told apart, and whether their face was found.
    """

    role: str
    dataset: str
    synthetic: bool
    recipe: dict[str, Any]
    sources_digest: str
    facts_digest: str


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
        primary_metric: What is compared first.
        sources: One a role.
        labels: Sample id to label.
        subjects: Sample id to subject; None where the set has none.
        folds: Fold 0 first.
        excluded: Who was left out of them since it leaks; see
            :func:`fertools.protocols.exclude_leaks`.
        schema_version: Of the file.
        digest: SHA-256 over all the rest, hexadecimal.
    """

    protocol: str
    protocol_version: int
    protocol_digest: str
    synthetic: bool
    classes: tuple[str, ...]
    not_found: NotFound
    primary_metric: Metric
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
        primary_metric=protocol.primary_metric,
        sources=tuple(sources_of(pool)),
        labels={
            i: index[e]
            for i, e in zip(frame.index.tolist(), frame["expression"].tolist(), strict=True)
        },
        subjects=subjects_of(frame),
        folds=make_folds(protocol, pool),
    )
    return sealed(lock)


def sealed(lock: Lock) -> Lock:
    """A lock with the digest of what it says."""
    return Lock(**{**_fields(lock), "digest": _digest(lock)})


def beside_lock(lock_path: Path, ending: str) -> Path:
    """A file beside a lock that bears its name: ``NAME.<ending>`` beside ``NAME.lock.json``."""
    name = lock_path.name.removesuffix(".json").removesuffix(".lock")
    return lock_path.with_name(f"{name}.{ending}")


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
        problem = _problem(lock)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise LockError(f"{path}: is damaged or no lock; lock the protocol again") from error
    if digest != lock.digest:
        raise LockError(
            f"{path}: was changed after it was made (digest {str(lock.digest)[:12]}, content "
            f"{digest[:12]}); lock the protocol again"
        )
    if problem is not None:
        raise LockError(f"{path}: {problem}; lock the protocol again")
    return lock


def _problem(lock: Lock) -> str | None:
    """What cannot be in a lock that this tool made, though its digest is right."""
    if lock.labels.keys() != lock.subjects.keys():
        return "labels and subjects are not of the same samples"
    if not all(type(k) is int and 0 <= k < len(lock.classes) for k in lock.labels.values()):
        return f"a label is none of 0 to {len(lock.classes) - 1}"
    if lock.not_found not in get_args(NotFound):
        return f"samples without a face are {lock.not_found!r}"
    if lock.primary_metric not in get_args(Metric):
        return f"its primary metric is {lock.primary_metric!r}"
    if not lock.folds or not lock.sources:
        return "it has no fold or no source"
    if lock.synthetic != any(source.synthetic for source in lock.sources):
        return "says another thing about stand-ins than its sources"
    if len({(fold.name, fold.test) for fold in lock.folds}) != len(lock.folds):
        return "a fold stands there twice"
    chosen = [{*fold.train, *fold.val} for fold in lock.folds] if lock.excluded else []
    for one in lock.excluded:
        is_fold = 0 <= one.fold < len(lock.folds)
        if not is_fold or one.sample not in lock.labels or one.sample in chosen[one.fold]:
            return f"{one.sample!r} is said to be left out of fold {one.fold}, which is not so"
    for fold in lock.folds:
        sides = [*fold.train, *fold.val, *fold.test]
        if len(set(sides)) != len(sides):
            return f"{fold.name}: a sample stands there twice"
        if not lock.labels.keys() >= set(sides):
            return f"{fold.name}: a sample has no label"
        if not fold.train or not fold.test:
            return f"{fold.name}: nothing is trained on or nothing is tested"
    return None


def subjects_of(frame: pd.DataFrame) -> dict[str, str | None]:
    """Sample id to subject; None where nobody knows it."""
    known = frame["subject_id"].notna()
    people = frame["subject_id"].astype("object").where(known, None)
    return dict(zip(frame.index.tolist(), people.tolist(), strict=True))


def sources_of(pool: Pool, frame: pd.DataFrame | None = None) -> Iterator[Source]:
    """Each role's manifest, with digests of its members (else of all samples)."""
    members = pool.frame if frame is None else frame
    for role, manifest in pool.manifests.items():
        own = members[members["role"] == role]
        recipe = _recipe(manifest.info.config)
        if role in pool.members:
            recipe = {**recipe, "members": _recipe(pool.members[role].info.config)}
        known = [own[name].astype("string").fillna("").tolist() for name in _FACTS if name in own]
        facts = map(" ".join, zip(*known, strict=True))
        yield Source(
            role=role,
            dataset=manifest.info.dataset,
            synthetic=manifest.info.synthetic,
            recipe=recipe,
            sources_digest=_digest_of(source_digests(own)),
            facts_digest=_digest_of(dict(zip(own.index.tolist(), facts, strict=True))),
        )


def _recipe(config: Any) -> Any:
    """Options without the digests of manifests, which change with what decides no picture."""
    if not isinstance(config, dict):
        return config
    return {key: _recipe(value) for key, value in config.items() if key != "input_digest"}


def source_digests(frame: pd.DataFrame) -> dict[str, str]:
    """Sample id to the SHA-256 of the file that it was made from, or of its own.

    Lists are gone through, since pandas yields Arrow's texts one by one slowly.
    """
    files = frame["sha256"]
    if "source_sha256" in frame.columns:
        files = frame["source_sha256"].fillna(files)
    return dict(zip(frame["sample_id"].tolist(), files.tolist(), strict=True))


def _digest_of(values: dict[str, str]) -> str:
    """SHA-256 over sample ids and what is said of each."""
    return text_digest("\n".join(f"{name} {value}" for name, value in sorted(values.items())))


def _fields(lock: Lock) -> dict[str, Any]:
    """The lock's fields as they are, not copied into plain containers."""
    return {name: getattr(lock, name) for name in lock.__dataclass_fields__}


def _digest(lock: Lock) -> str:
    """SHA-256 over everything but the digest itself, as JSON with sorted keys."""
    values = _fields(lock)
    del values["digest"]
    if not lock.excluded:
        del values["excluded"]
    sha, between = hashlib.sha256(), "{"
    for name in sorted(values):  # one by one: the whole text is large
        text = json.dumps(values[name], sort_keys=True, default=vars)
        sha.update(f'{between}"{name}": {text}'.encode())
        between = ", "
    sha.update(b"}")
    return sha.hexdigest()
