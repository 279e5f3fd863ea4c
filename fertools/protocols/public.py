"""Locks that may be shared: who stands in which fold, readable only by those who hold the set.

A sample's name becomes an HMAC-SHA256 over its name and the digest of its source file. The key is
the digest over all source files, so whoever has the same set can make the same names and compare,
and whoever has not can neither name a sample nor try out names. There are no labels and no
pictures; a digest under the same key says whether two labs' labels agree.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fertools.errors import LockError
from fertools.jobs import text_digest, write_json
from fertools.protocols.lock import Lock, beside_lock, source_digests
from fertools.protocols.pool import Pool
from fertools.regular_files import open_regular

__all__ = [
    "Pseudonyms",
    "compare_public",
    "pseudonyms",
    "public_path",
    "read_public",
    "write_public",
]

_KIND = "fertools public lock"
_MAX_BYTES = 500_000_000
_SIDES = ("train", "val", "test")


@dataclass(frozen=True)
class Pseudonyms:
    """Names that tell nothing to those without the set.

    Attributes:
        key: Of the HMAC, from the source files' digests.
        names: Sample id to its name, 32 hexadecimal digits.
    """

    key: bytes
    names: dict[str, str]

    def hide(self, text: str) -> str:
        """Any other word, such as a subject's id, under the same key."""
        return _hmac(self.key, f"word {text}")


def public_path(lock_path: Path) -> Path:
    """Where the shared form of a lock stands: ``NAME.public.json`` beside ``NAME.lock.json``."""
    return beside_lock(lock_path, "public.json")


def pseudonyms(lock: Lock, pool: Pool) -> Pseudonyms:
    """The names of a lock's samples.

    Args:
        lock: The folds.
        pool: Their samples, with the digests of their files.
    """
    digests = source_digests(pool.frame.loc[sorted(lock.labels)])
    key = hashlib.sha256("\n".join(source.sources_digest for source in lock.sources).encode())
    names = {name: _hmac(key.digest(), f"{name} {digest}") for name, digest in digests.items()}
    return Pseudonyms(key.digest(), names)


def write_public(path: Path, lock: Lock, pool: Pool) -> None:
    """Write what of a lock may be shared."""
    write_json(path, _public(lock, pool))


def read_public(path: Path) -> dict[str, Any]:
    """Read a shared lock.

    Raises:
        LockError: If it is missing, damaged, no shared lock, or was changed.
    """
    try:
        with open_regular(path) as stream:
            text = stream.read(_MAX_BYTES + 1)
        if len(text) > _MAX_BYTES:
            raise ValueError("too large")
        values = json.loads(text)
        if values["kind"] != _KIND:
            raise ValueError("another kind of file")
        body = {key: value for key, value in values.items() if key != "digest"}
        _check_shape(values)
        is_whole = values["digest"] == text_digest(json.dumps(body, sort_keys=True))
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise LockError(f"{path}: is damaged or no shared lock; ask for it again") from error
    if not is_whole:
        raise LockError(f"{path}: was changed after it was made; ask for it again")
    return dict(values)


def _check_shape(values: dict[str, Any]) -> None:
    """Raise ``ValueError`` where a shared lock is not made as ours are."""
    for fold in values["folds"]:
        for side in _SIDES:
            names = fold[side]
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise ValueError(f"{side} is no list of names")
            if len(set(names)) != len(names):
                raise ValueError(f"a name stands twice in {side}")


def compare_public(shared: dict[str, Any], lock: Lock, pool: Pool) -> list[str]:
    """What differs between a shared lock and one's own; nothing where they agree.

    Args:
        shared: From :func:`read_public`.
        lock: One's own.
        pool: Its samples.
    """
    own = _public(lock, pool)
    differences = [
        f"{key} is {shared.get(key)!r} there and {own[key]!r} here"
        for key in ("protocol", "protocol_version", "protocol_digest", "classes", "synthetic")
        if shared.get(key) != own[key]
    ]
    theirs = shared.get("folds", [])
    if len(theirs) != len(own["folds"]):
        return [*differences, f"{len(theirs)} folds there and {len(own['folds'])} here"]
    for there, here in zip(theirs, own["folds"], strict=True):
        if there.get("name") != here["name"]:
            differences.append(f"{here['name']} is called {there.get('name')!r} there")
        for side in _SIDES:
            only = [len(set(a) - set(b)) for a, b in _both_ways(there[side], here[side])]
            if any(only):
                differences.append(
                    f"{here['name']}, {side}: {only[0]:,} samples only there, {only[1]:,} only here"
                )
    if not differences and shared.get("labels_digest") != own["labels_digest"]:
        differences.append("the samples are the same, some labels differ")
    return differences


def _both_ways(there: Sequence[str], here: Sequence[str]) -> tuple[tuple[Sequence[str], ...], ...]:
    """Each of two lists with the other."""
    return (there, here), (here, there)


def _public(lock: Lock, pool: Pool) -> dict[str, Any]:
    """What may be shared, with its digest."""
    hidden = pseudonyms(lock, pool)
    labels = sorted((hidden.names[name], label) for name, label in lock.labels.items())
    body: dict[str, Any] = {
        "kind": _KIND,
        "protocol": lock.protocol,
        "protocol_version": lock.protocol_version,
        "protocol_digest": lock.protocol_digest,
        "classes": list(lock.classes),
        "synthetic": lock.synthetic,
        "folds": [
            {
                "name": fold.name,
                **{side: sorted(hidden.names[i] for i in getattr(fold, side)) for side in _SIDES},
            }
            for fold in lock.folds
        ],
        "labels_digest": _hmac(hidden.key, json.dumps(labels)),
    }
    return {**body, "digest": text_digest(json.dumps(body, sort_keys=True))}


def _hmac(key: bytes, text: str) -> str:
    """Keyed hash, 32 hexadecimal digits."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]
