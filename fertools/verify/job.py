"""The whole check of one manifest: files, copies, cells; the result as a value and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fertools import __version__
from fertools.duplicates import MAX_DISTANCE, NEAR_DISTANCE, SAME_PICTURE
from fertools.errors import ConfigError
from fertools.jobs import hold_folder, write_json
from fertools.verify.cells import find_missing_cells
from fertools.verify.copies import find_copies, find_near_copies
from fertools.verify.findings import KINDS, Finding, check_kinds, severity_of
from fertools.verify.reading import read_files
from fertools.verify.stored import ReadFiles

if TYPE_CHECKING:
    import pandas as pd

    from fertools.manifest import Manifest

__all__ = ["FOLDER", "SCHEMA_VERSION", "Verification", "verify_manifest"]

SCHEMA_VERSION = 1
FOLDER = "verify"
"""Folder of what was read, beside ``verify.json``."""

_ORDER = {kind: place for place, kind in enumerate(KINDS)}


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes:
        findings: By kind in the order of ``KINDS``, then by sample.
        allowed: Kinds of faults that count as notes.
        not_checked: What could not be checked, or was not asked for, and why.
        num_files: Rows of the manifest.
        num_kept: Files that were not read again, since an earlier run did.
        path: ``verify.json``.
    """

    findings: tuple[Finding, ...]
    allowed: tuple[str, ...]
    not_checked: tuple[str, ...]
    num_files: int
    num_kept: int
    path: Path

    @property
    def num_faults(self) -> int:
        """Findings that are faults."""
        return sum(severity_of(f.kind, self.allowed) == "fault" for f in self.findings)

    def counts(self) -> dict[str, int]:
        """Kind to number of findings, of the kinds that were found, in the order of ``KINDS``."""
        found = Counter(finding.kind for finding in self.findings)
        return {kind: found[kind] for kind in KINDS if found[kind]}


def verify_manifest(
    manifest: Manifest,
    *,
    out: Path | None = None,
    near: bool = True,
    distance: int = NEAR_DISTANCE,
    difference: float = SAME_PICTURE,
    allow: Collection[str] = (),
    workers: int = 1,
    fresh: bool = False,
) -> Verification:
    """Check that a set is whole, unchanged, without copies, and complete for each subject.

    Args:
        manifest: The set; its pictures are read where ``manifest.root`` says.
        out: The JSON file to write; ``verify.json`` beside the manifest if left out. What was read
            is kept in a folder ``verify`` beside it, so that a run that was stopped goes on.
        near: Also look for near duplicates.
        distance: Bits of 64 in which the hashes of candidates may differ.
        difference: Greatest difference of pixels of near duplicates.
        allow: Kinds of faults that shall be notes.
        workers: Processes that read pictures, and threads that compare them.
        fresh: Read all files, also those that an earlier run has read.

    Raises:
        ConfigError: If an option is out of its range.
        OutputError: If the results cannot be written, or another process is at it.
    """
    check_kinds(allow)
    if not 0 <= distance <= MAX_DISTANCE:
        raise ConfigError(f"--distance {distance}: expected 0 to {MAX_DISTANCE} bits")
    if not 0 <= difference <= 1:
        raise ConfigError(f"--difference {difference}: expected 0 to 1")
    path = out or manifest.path.parent / "verify.json"
    frame = manifest.frame
    with hold_folder(path.parent / FOLDER, rooms=["."]):
        files = read_files(
            manifest.root,
            frame["image"].tolist(),
            path.parent / FOLDER,
            digest=manifest.info.digest,
            workers=workers,
            fresh=fresh,
        )
        findings = [*_compare_files(manifest, files), *find_copies(frame, files)]
        if near:
            findings += find_near_copies(
                frame, files, distance=distance, difference=difference, workers=workers
            )
        findings += find_missing_cells(frame)
        findings.sort(key=lambda f: (_ORDER[f.kind], f.subject_id or "", f.sample_ids))
        verification = Verification(
            tuple(findings),
            tuple(sorted(allow)),
            tuple(_not_checked(frame, near=near)),
            len(frame),
            files.num_kept,
            path,
        )
        options = {"near": near, "distance": distance, "difference": difference}
        write_json(path, _as_json(manifest, verification, options))
    return verification


def _compare_files(manifest: Manifest, files: ReadFiles) -> Iterator[Finding]:
    """What each file is, against what the manifest says."""
    frame = manifest.frame
    names = [name for name in ("num_bytes", "width", "height", "sha256") if name in frame]
    recorded = zip(
        *(frame[name].astype(object).where(frame[name].notna(), None) for name in names),
        strict=True,
    )
    columns = ["missing", "error", "is_flat", "num_bytes", "width", "height", "sha256"]
    batches = files.table.select(columns).to_batches()
    found = (row for batch in batches for row in batch.to_pylist())
    rows = zip(frame["sample_id"], frame["image"], recorded, found, strict=True)
    for sample_id, image, wanted, row in rows:
        changes = _changes(dict(zip(names, wanted, strict=True)), row)
        if row["missing"]:
            yield Finding("missing", (sample_id,), (image,), row["error"])
        elif row["error"] is not None:
            ending = "; and it was changed since the manifest was written" if changes else ""
            yield Finding("unreadable", (sample_id,), (image,), row["error"] + ending)
        elif changes:
            yield Finding("changed", (sample_id,), (image,), "; ".join(changes))
        if row["is_flat"]:
            yield Finding("flat", (sample_id,), (image,), "shows one colour only")


def _changes(wanted: dict[str, Any], row: dict[str, Any]) -> list[str]:
    """In words what is not as recorded; nothing is said of what could not be measured."""
    changes = []
    for name, value in wanted.items():
        actual = row[name]
        if value is None or actual is None or actual == value:
            continue
        if name == "sha256":
            changes.append(f"SHA-256 {actual[:12]}…, recorded {value[:12]}…")
        else:
            changes.append(f"{name} {actual:,}, recorded {int(value):,}")
    return changes


def _not_checked(frame: pd.DataFrame, *, near: bool) -> Iterator[str]:
    """What a set has nothing to check for."""
    if not near:
        yield "near duplicates: not asked for"
    if frame["split"].isna().all():
        yield "copies across splits: the set has no splits"
    if frame["subject_id"].nunique() < 2:
        yield "copies across subjects, missing cells: the set names no two subjects"


def _as_json(
    manifest: Manifest, verification: Verification, options: dict[str, Any]
) -> dict[str, Any]:
    """What ``verify.json`` holds; the schema stands in docs/verifying.md."""
    allowed = verification.allowed
    findings = []
    for finding in verification.findings:
        values = asdict(finding) | {"severity": severity_of(finding.kind, allowed)}
        findings.append({name: value for name, value in values.items() if value not in (None, ())})
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": f"fertools {__version__}",
        "dataset": manifest.info.dataset,
        "synthetic": manifest.info.synthetic,
        "manifest": manifest.path.name,
        "manifest_digest": manifest.info.digest,
        "options": {**options, "allow": list(allowed)},
        "num_files": verification.num_files,
        "num_faults": verification.num_faults,
        "sound": verification.num_faults == 0,
        "not_checked": list(verification.not_checked),
        "counts": {
            kind: {"count": count, "severity": severity_of(kind, allowed)}
            for kind, count in verification.counts().items()
        },
        "findings": findings,
    }
