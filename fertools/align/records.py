"""What a folder of aligned pictures knows of itself: its plan, and one record a chunk of samples.

``records/plan.json`` says what is to be aligned and how; ``records/000012.json`` is written once
the pictures of a chunk are, and vouches for them by size and digest. An alignment that was
interrupted goes on with the chunks that have no record.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fertools.errors import ConfigError, ManifestError
from fertools.jobs import read_note, text_digest, write_bytes_soon, write_json
from fertools.render.records import sha256_of

__all__ = [
    "RECORDS",
    "ROOMS",
    "ChunkRecord",
    "claim_folder",
    "has_all_files",
    "read_record",
    "write_record",
]

RECORDS = "records"
ROOMS = (RECORDS, "images")
"""The folders of an aligned set."""

_MAX_BYTES = 100_000_000


@dataclass(frozen=True)
class ChunkRecord:
    """What was made of some samples.

    Attributes:
        rows: One a sample: ``sample_id``, ``image`` (the crop, below the folder), its ``num_bytes``
            and ``sha256``, the columns of :mod:`fertools.align.chunk_job`, and ``points`` and
            ``matrix``.
        skipped: ``sample_id`` to the reason why a sample was left out.
    """

    rows: list[dict[str, Any]]
    skipped: dict[str, str]


def claim_folder(out: Path, plan: dict[str, Any]) -> None:
    """Write down what a folder is to hold, or compare with what it held before.

    Args:
        out: The folder.
        plan: Names and plain values.

    Raises:
        ConfigError: If it holds another alignment.
    """
    path = out / RECORDS / "plan.json"
    if path.exists():
        before = _read_json(path)
        both = {**plan, **before}
        changed = [key for key in both if plan.get(key) != before.get(key)]
        if changed:
            key = changed[0]
            raise ConfigError(
                f"{out}: holds pictures of another alignment ({key}: {_short(before.get(key))} "
                f"there, {_short(plan.get(key))} now); choose another --out, or delete the folder"
            )
        return
    if out.is_dir() and any(p.name != ".lock" for p in out.iterdir()):
        raise ConfigError(
            f"{out}: holds other files, and no alignment; choose another --out, or an empty folder"
        )
    write_json(path, plan)


def read_record(out: Path, number: int) -> ChunkRecord | None:
    """A chunk's record; None if there is none, or it was cut off by a power failure."""
    path = _path(out, number)
    if not path.exists():
        return None
    try:
        values = _read_json(path)
        body = values["record"]
        if values["digest"] != text_digest(json.dumps(body)):
            return None
        return ChunkRecord(body["rows"], body["skipped"])
    except (KeyError, TypeError, ManifestError):
        return None


def write_record(out: Path, number: int, record: ChunkRecord) -> None:
    """Keep a chunk's record, whole or not at all."""
    body = json.dumps({"rows": record.rows, "skipped": record.skipped})
    text = f'{{"digest": "{text_digest(body)}", "record": {body}}}\n'
    write_bytes_soon(_path(out, number), text.encode())


def has_all_files(out: Path, record: ChunkRecord, *, by_digest: bool = False) -> bool:
    """Whether a record's pictures are there.

    Args:
        out: The folder.
        record: Which.
        by_digest: Read them and compare; else only their sizes are.
    """
    for row in record.rows:
        path = out / row["image"]
        try:
            if path.stat().st_size != row["num_bytes"]:
                return False
            if by_digest and sha256_of(path) != row["sha256"]:
                return False
        except OSError:
            return False
    return True


def _path(out: Path, number: int) -> Path:
    """Where a chunk's record is kept."""
    return out / RECORDS / f"{number:06d}.json"


def _short(value: Any) -> str:
    """A value, cut where it is long."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _read_json(path: Path) -> dict[str, Any]:
    """A JSON object of ours."""
    return read_note(path, max_bytes=_MAX_BYTES, remedy="delete the folder and align again")
