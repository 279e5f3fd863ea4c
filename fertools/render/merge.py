"""From records to a set: completeness, every picture's digest, manifest, landmarks, render.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fertools.errors import ConfigError, ManifestError
from fertools.jobs import atomic_path, hold_folder, place_file, progress, write_text
from fertools.manifest import Manifest, write_manifest
from fertools.render.records import (
    ROOMS,
    Plan,
    Record,
    claim_folder,
    read_plan,
    read_record,
    read_skips,
    record_path,
    skip_path,
)

__all__ = ["Merged", "merge_held", "merge_rendered"]

_SHOWN = 5


@dataclass(frozen=True)
class Merged:
    """A rendered set, put together.

    Attributes:
        plan: What was to be rendered.
        manifest: The samples.
        skipped: What was left out, a line each: faults of the set and scans that failed.
    """

    plan: Plan
    manifest: Manifest
    skipped: tuple[str, ...]


def merge_rendered(out: Path, parts: Sequence[Path] = ()) -> Merged:
    """Put a rendered set together, comparing every picture with its record.

    Args:
        out: A folder that renders or shards of one filled.
        parts: Folders that other shards filled elsewhere; their files are linked into ``out``, or
            copied where they lie on another disk. They stay as they are.

    Returns:
        The manifest, written to ``manifest.parquet`` (beside it ``landmarks.parquet``, and
        ``render.yaml`` with the options and the digest of every file that was read), and what was
        left out.

    Raises:
        ManifestError: If a folder holds no render, a scan has not been rendered yet, or a picture
            is missing or changed.
        ConfigError: If the parts are not of the same render.
        OutputError: If another process is rendering in ``out``, or it cannot be written.
    """
    for part in parts or [out]:
        _plan_of(part)  # before anything is left in a folder that is none of ours
    with hold_folder(out, rooms=ROOMS):
        for part in parts:
            _take_in(out, part)
        return merge_held(out)


def merge_held(out: Path) -> Merged:
    """As :func:`merge_rendered`, for whoever holds the folder already."""
    import pandas as pd

    plan = _plan_of(out)
    skips = {k: why for k, why in read_skips(out).items() if k in plan.scans}
    records = _records(out, plan, skips)
    rows = [row for record in records for row in record.rows]
    if not rows:
        raise ManifestError(f"{out}: nothing is rendered; start 'fertools render-bu3dfe' again")
    manifest = write_manifest(
        out / "manifest.parquet",
        pd.DataFrame(rows),
        dataset="bu3dfe",
        synthetic=plan.synthetic,
        config=plan.config,
    )
    _write_landmarks(out / "landmarks.parquet", [m for r in records for m in r.landmarks])
    skipped = (*plan.faults, *skips.values())
    _write_summary(out / "render.yaml", plan, records, skipped)
    return Merged(plan, manifest, skipped)


def _plan_of(folder: Path) -> Plan:
    """The plan of a folder that must have one."""
    plan = read_plan(folder) if folder.is_dir() else None
    if plan is None:
        raise ManifestError(
            f"{folder}: is no rendered set; expected a folder that 'fertools render-bu3dfe' filled"
        )
    return plan


def _records(out: Path, plan: Plan, skips: dict[str, str]) -> list[Record]:
    """The record of every planned scan, once its pictures have been compared with it."""
    records, absent = [], []
    with progress("checking", len(plan.scans), "scans") as advance:
        for scan_id in plan.scans:
            record = read_record(out, scan_id)
            if record is not None and (bad := record.damaged_file(out)) is not None:
                record_path(out, scan_id).unlink()  # so that the next render makes it again
                raise ManifestError(
                    f"{bad}: is missing or not the picture that was rendered; "
                    "start 'fertools render-bu3dfe' again, it makes only this scan anew"
                )
            if record is not None:
                records.append(record)
            elif scan_id not in skips:
                absent.append(scan_id)
            advance()
    if absent:
        shown = ", ".join(absent[:_SHOWN]) + (", …" if len(absent) > _SHOWN else "")
        raise ManifestError(
            f"{out}: {len(absent)} of {len(plan.scans)} scans are not rendered yet ({shown}); "
            "render the shards that are missing, name the folders of those rendered elsewhere, or "
            "start the render without --shard"
        )
    return records


def _take_in(out: Path, part: Path) -> None:
    """Link or copy one part's files and records into a folder."""
    if part.resolve() == out.resolve():
        raise ConfigError(f"{part}: is the folder to merge into; name only the other parts")
    plan = _plan_of(part)
    try:
        claim_folder(out, plan, is_shard=True)
    except ConfigError as error:
        raise ConfigError(f"{part}: is no part of the same render: {error}") from error
    for scan_id in plan.scans:
        record, known = read_record(part, scan_id), read_record(out, scan_id)
        if known is not None and record is not None and known != record:
            raise ConfigError(
                f"{part}: made {scan_id} from other files, or into others, than {out}; keep one of "
                "the two"
            )
        if known is not None:
            continue
        if record is not None:
            if (bad := record.damaged_file(part)) is not None:
                raise ManifestError(
                    f"{bad}: is missing or not the picture that was rendered; render that part "
                    "again"
                )
            for name in record.files:
                place_file(part / name, out / name)
            place_file(record_path(part, scan_id), record_path(out, scan_id))
        elif skip_path(part, scan_id).is_file():
            place_file(skip_path(part, scan_id), skip_path(out, scan_id))


def _write_summary(path: Path, plan: Plan, records: list[Record], skipped: tuple[str, ...]) -> None:
    """``render.yaml``: what was made, how, from which files."""
    views = plan.parsed_config.views
    values: dict[str, Any] = {
        "tool": f"fertools {plan.tool_version}",
        "dataset": "bu3dfe",
        "synthetic": plan.synthetic,
        "samples": sum(len(record.rows) for record in records),
        "samples_of_the_full_set": views.expected_samples,
        "config": plan.config,
        "absent_subjects": list(plan.absent_subjects),
        "missing_scans": list(plan.missing),
        "skipped": list(skipped),
        "inputs": {n: about["sha256"] for r in records for n, about in r.inputs.items()},
    }
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    write_text(path, yaml.dump(values, Dumper=dumper, sort_keys=False, allow_unicode=True))


def _write_landmarks(path: Path, marks: list[dict[str, Any]]) -> None:
    """The landmarks of all samples: one row a sample, lists of x, y and visibility."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    ordered = sorted(marks, key=lambda mark: str(mark["sample_id"]))
    schema = pa.schema(
        [
            ("sample_id", pa.string()),
            ("x", pa.list_(pa.float32())),
            ("y", pa.list_(pa.float32())),
            ("visible", pa.list_(pa.bool_())),
        ]
    )
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_pylist(ordered, schema=schema), temporary, compression="zstd")
