"""What a folder of rendered pictures knows of itself: its plan, and one record a scan.

``records/plan.json`` says what is to be rendered and how. ``records/SCAN.json`` is written once a
scan's pictures are, and vouches for them by size and digest; ``records/SCAN.skipped.json`` says why
a scan was left out. A render that was interrupted goes on with the scans that have no record, and
the manifest is put together from the records.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fertools import __version__
from fertools.errors import ConfigError, ManifestError
from fertools.formats.bu3dfe import SUBJECTS
from fertools.jobs import read_note, text_digest, write_bytes_soon, write_json
from fertools.render.recipe import LAYERS, RenderConfig

__all__ = [
    "ROOMS",
    "Plan",
    "Record",
    "claim_folder",
    "has_records",
    "read_plan",
    "read_record",
    "read_skips",
    "record_path",
    "sha256_of",
    "skip_path",
    "write_record",
    "write_skip",
]

_RECORDS = "records"
ROOMS = (_RECORDS, "images", *LAYERS)
"""The folders of a rendered set."""

_PLAN = "plan.json"
_SKIPPED = ".skipped.json"
_MAX_BYTES = 200_000_000
_SCAN_ID = re.compile(r"[FM][0-9]{4}_[A-Z]{2}0[0-4]")


@dataclass(frozen=True)
class Plan:
    """What a folder is to hold.

    Attributes:
        synthetic: Whether the scans are stand-ins.
        source: Identity of the stand-in; None for the licensed set.
        config: The options, as JSON values.
        tool_version: Version of fertools that renders.
        scans: Every scan that is to be rendered, by ``scan_id``, sorted.
        missing: Scans that subjects of the set lack.
        faults: What of the set cannot be used, a line each.
    """

    synthetic: bool
    source: str | None
    config: dict[str, Any]
    scans: tuple[str, ...]
    missing: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    tool_version: str = __version__

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {name: _plain(getattr(self, name)) for name in self.__dataclass_fields__}

    @property
    def absent_subjects(self) -> tuple[str, ...]:
        """Subjects of the published set of whom there is no scan."""
        here = {scan_id.partition("_")[0] for scan_id in self.scans}
        return tuple(subject for subject in SUBJECTS if subject not in here)

    @property
    def parsed_config(self) -> RenderConfig:
        """The options, checked."""
        return RenderConfig.model_validate(self.config)


@dataclass(frozen=True)
class Record:
    """What was made of one scan.

    Attributes:
        scan_id: Which.
        inputs: Path below the data set to size and SHA-256 of each file that was read.
        files: Path below the folder to size and SHA-256 of each file that was written.
        rows: Of the manifest, one a picture.
        landmarks: One a picture: ``sample_id``, and lists ``x``, ``y``, ``visible``.
    """

    scan_id: str
    inputs: dict[str, dict[str, Any]]
    files: dict[str, dict[str, Any]]
    rows: list[dict[str, Any]]
    landmarks: list[dict[str, Any]]

    def is_whole(self, out: Path) -> bool:
        """Whether all of its files are there in their full size."""
        return all(_size(out / name) == about["bytes"] for name, about in self.files.items())

    def damaged_file(self, out: Path) -> Path | None:
        """The first of its files that is missing or has other bytes; None if all are well."""
        for name, about in self.files.items():
            path = out / name
            if _size(path) != about["bytes"] or sha256_of(path) != about["sha256"]:
                return path
        return None


def claim_folder(out: Path, plan: Plan, *, is_shard: bool) -> None:
    """Write down what a folder is to hold, or compare with what it held before.

    Scans may come or go between two renders of a whole set, not between its shards.

    Raises:
        ConfigError: If it holds another render.
        ManifestError: If its plan is damaged.
    """
    before = read_plan(out)
    if before is None and any((out / _RECORDS).glob("*.json")):
        raise ConfigError(
            f"{out}: holds pictures, but records/{_PLAN} is gone, so that nobody knows how they "
            "were made; choose another --out, or delete the folder"
        )
    if before is not None:
        difference = _difference(before, plan)
        if difference is None and is_shard and before.scans != plan.scans:
            difference = (
                f"the set had {len(before.scans)} scans then and has {len(plan.scans)} now; all "
                "shards must see the same ones"
            )
        if difference is not None:
            raise ConfigError(
                f"{out}: holds pictures of another render ({difference}); choose another --out, or "
                "delete the folder"
            )
    if before != plan:
        write_json(out / _RECORDS / _PLAN, plan.to_json())


def has_records(folder: Path) -> bool:
    """Whether ``fertools render-bu3dfe`` filled a folder."""
    return (folder / _RECORDS / _PLAN).is_file()


def read_plan(out: Path) -> Plan | None:
    """What a folder is to hold; None if it says nothing.

    Raises:
        ManifestError: If its plan is damaged.
    """
    path = out / _RECORDS / _PLAN
    if not path.exists():
        return None
    try:
        values = _read_json(path)
        lists: dict[str, Any] = {k: tuple(v) for k, v in values.items() if isinstance(v, list)}
        plan = Plan(**{**values, **lists})
        RenderConfig.model_validate(plan.config)
        all_texts: tuple[Any, ...] = (plan.scans, plan.missing, plan.faults)
        for texts in all_texts:
            if not isinstance(texts, tuple) or not all(isinstance(text, str) for text in texts):
                raise TypeError("a list of texts is none")
        if not all(map(_SCAN_ID.fullmatch, (*plan.scans, *plan.missing))):
            raise ValueError("a scan's name is none")
    except (TypeError, ValueError, ManifestError) as error:
        raise ManifestError(f"{path}: is damaged; delete the folder and render again") from error
    return plan


def record_path(out: Path, scan_id: str) -> Path:
    """Where a scan's record is kept."""
    return out / _RECORDS / f"{scan_id}.json"


def skip_path(out: Path, scan_id: str) -> Path:
    """Where it is kept why a scan was left out."""
    return out / _RECORDS / f"{scan_id}{_SKIPPED}"


def read_record(out: Path, scan_id: str) -> Record | None:
    """One scan's record; None if there is none.

    Raises:
        ManifestError: If it is damaged or was edited.
    """
    path = record_path(out, scan_id)
    if not path.exists():
        return None
    values = _read_json(path)
    body = values.get("record")
    if values.get("digest") != text_digest(_dump(body)) or not isinstance(body, dict):
        raise ManifestError(f"{path}: is damaged or was edited; delete it and render again")
    try:
        record = Record(**body)
        _check(record, scan_id)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ManifestError(f"{path}: is damaged; delete it and render again") from error
    return record


def _check(record: Record, scan_id: str) -> None:
    """Raise one of several errors where a record does not hold together."""
    for about in (record.inputs, record.files):
        for name, facts in about.items():
            if name.startswith("/") or ".." in name.split("/"):
                raise ValueError(f"{name!r} leads out of the folder")
            if int(facts["bytes"]) < 0 or len(facts["sha256"]) != 64:
                raise ValueError(f"size or digest of {name!r}")
    names = [row["sample_id"] for row in record.rows]
    if record.scan_id != scan_id or names != [mark["sample_id"] for mark in record.landmarks]:
        raise ValueError("another scan, or rows and landmarks of other samples")
    if not names or not {row["image"] for row in record.rows} <= set(record.files):
        raise ValueError("no rows, or pictures without a digest")
    if not all(name.startswith(f"{scan_id}_") for name in names):
        raise ValueError("samples of another scan")


def write_record(out: Path, record: Record) -> None:
    """Keep a record, whole or not at all; the scan is no longer left out."""
    body = _dump(record.__dict__)
    text = f'{{"digest": "{text_digest(body)}", "record": {body}}}\n'
    write_bytes_soon(record_path(out, record.scan_id), text.encode())
    skip_path(out, record.scan_id).unlink(missing_ok=True)


def write_skip(out: Path, scan_id: str, reason: str) -> None:
    """Keep why a scan was left out; what was rendered of it before no longer counts."""
    write_json(skip_path(out, scan_id), {"scan_id": scan_id, "reason": reason})
    record_path(out, scan_id).unlink(missing_ok=True)


def read_skips(out: Path) -> dict[str, str]:
    """Scans that were left out, and why."""
    paths = sorted((out / _RECORDS).glob(f"*{_SKIPPED}"))
    names = {path: path.name.removesuffix(_SKIPPED) for path in paths}
    return {  # where a record stands as well, it was made later and holds
        scan_id: str(_read_json(path).get("reason"))
        for path, scan_id in names.items()
        if not record_path(out, scan_id).exists()
    }


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _plain(value: Any) -> Any:
    """A tuple as a list, all else as it is."""
    return list(value) if isinstance(value, tuple) else value


def _difference(before: Plan, now: Plan) -> str | None:
    """What tells two plans of one folder apart, scans left aside."""
    changed = [
        f"{key} {_short(before.config.get(key))} there, {_short(value)} now"
        for key, value in now.config.items()
        if before.config.get(key) != value
    ]
    if changed or before.config != now.config:
        return "; ".join(changed) or "other options"
    if (before.synthetic, before.source) != (now.synthetic, now.source):
        return "another data set or stand-in was rendered"
    if before.tool_version != now.tool_version:
        return f"fertools {before.tool_version} there, {now.tool_version} now"
    return None


def _short(value: Any) -> str:
    """An option's value; of a set of views its name, and its digest if that is not ours."""
    if isinstance(value, Mapping) and "name" in value:
        digest = text_digest(_dump(value))[:8]
        return f"{value['name']!r} ({digest})"
    return repr(value)


def _size(path: Path) -> int:
    """Bytes of a file; -1 if there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _dump(value: Any) -> str:
    """JSON in one line: the form that digests are taken of."""
    return json.dumps(value, separators=(",", ":"))


def _read_json(path: Path) -> dict[str, Any]:
    """A JSON object of ours."""
    return read_note(path, max_bytes=_MAX_BYTES, remedy="delete it and render again")
