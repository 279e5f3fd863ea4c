"""What the gate found, written beside the lock: a table for people, a record for later runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fertools import __version__
from fertools.errors import ManifestError
from fertools.jobs import csv_text, read_note, text_digest, write_json, write_text
from fertools.protocols.gate import LeakReport
from fertools.protocols.lock import Lock, beside_lock
from fertools.protocols.near import NEAR_VERSION, NearLink, NearPairs
from fertools.protocols.pool import Pool

__all__ = ["leaks_path", "read_near", "write_leaks"]

_SCHEMA_VERSION = 2
_MAX_BYTES = 500_000_000


def leaks_path(lock_path: Path) -> Path:
    """The table of leaks of a lock, ``NAME.leaks.csv`` beside ``NAME.lock.json``."""
    return beside_lock(lock_path, "leaks.csv")


def write_leaks(
    lock_path: Path,
    lock: Lock,
    pool: Pool,
    report: LeakReport,
    near: NearPairs | None,
    *,
    searched: Lock | None = None,
) -> Path:
    """Write all leaks as a table, and as JSON with what the search for near duplicates found.

    Args:
        lock_path: The lock's file, beside which they are written.
        lock: The folds.
        pool: Their samples.
        report: What the gate found.
        near: What the search found, if there was one.
        searched: The folds that it was found in, where leaks were left out since.

    Returns:
        The table; the record stands beside it and ends in ``.json``.
    """
    path = leaks_path(lock_path)
    rows = ((one.fold, one.kind, one.train, one.test, one.what) for one in report.leaks)
    write_text(path, csv_text(["fold", "kind", "train", "test", "what"], rows))
    record = {
        "schema_version": _SCHEMA_VERSION,
        "tool": f"fertools {__version__}",
        "protocol": lock.protocol,
        "lock_digest": lock.digest,
        "searched_digest": (searched or lock).digest,
        "manifests": _digests(pool),
        "synthetic": lock.synthetic,
        "subjects": report.subjects_word,
        "not_checked": list(report.not_checked),
        "counts": report.counts,
        "num_excluded": len(lock.excluded),
        "near": None if near is None else {"version": NEAR_VERSION, **asdict(near)},
    }
    write_json(path.with_suffix(".json"), {**record, "digest": _digest(record)})
    return path


def read_near(lock_path: Path, lock: Lock, pool: Pool) -> NearPairs | None:
    """The near duplicates that an earlier run found for the same lock and manifests.

    Args:
        lock_path: The lock's file.
        lock: The folds.
        pool: Their samples.

    Returns:
        None if there is no record, or it is of another lock, manifest or version.

    Raises:
        ManifestError: If the record is damaged.
    """
    path = leaks_path(lock_path).with_suffix(".json")
    if not path.exists():
        return None
    remedy = "delete it, or run 'fertools protocols check' again"
    values = read_note(path, max_bytes=_MAX_BYTES, remedy=remedy)
    near = values.get("near")
    if values.pop("digest", None) != _digest(values):
        raise ManifestError(f"{path}: was changed or is damaged; {remedy}")
    if (
        values.get("schema_version") != _SCHEMA_VERSION
        or lock.digest not in (values.get("lock_digest"), values.get("searched_digest"))
        or values.get("manifests") != _digests(pool)
        or not isinstance(near, dict)
        or near.get("version") != NEAR_VERSION
    ):
        return None
    try:
        links = tuple(NearLink(**link) for link in near["links"])
        known = set(pool.frame.index)
        if any(name not in known for link in links for name in (link.first, link.second)):
            raise ValueError("of other samples")
        unread, changed = (tuple(map(str, near[name])) for name in ("unread", "changed"))
        return NearPairs(links, int(near["num_pairs"]), unread, changed)
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestError(f"{path}: is damaged; {remedy}") from error


def _digest(record: dict[str, Any]) -> str:
    """SHA-256 over a record."""
    return text_digest(json.dumps(record, sort_keys=True))


def _digests(pool: Pool) -> dict[str, Any]:
    """Role to the digest of its manifest."""
    return {role: manifest.info.digest for role, manifest in pool.manifests.items()}
