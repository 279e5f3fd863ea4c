"""BU-3DFE to a multi-view set, scan by scan: resumable, in shards, on one machine or a cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from fertools.errors import DatasetError, ScanError
from fertools.expressions import BU3DFE_CODES
from fertools.formats.bu3dfe import (
    FoundScans,
    ScanFiles,
    find_scans,
    is_standin,
)
from fertools.home import DatasetRoot
from fertools.jobs import Shard, hold_folder, run_tasks
from fertools.manifest import Manifest
from fertools.render.merge import merge_held
from fertools.render.recipe import RenderConfig
from fertools.render.records import ROOMS, Plan, claim_folder, read_skips, sha256_of
from fertools.render.scan_job import MAX_SCAN_MB, OnError, ScanTask, is_done, render_one_scan

__all__ = ["RenderSummary", "render_bu3dfe"]


@dataclass(frozen=True)
class RenderSummary:
    """What a render came to.

    Attributes:
        plan: What was to be rendered.
        manifest: The samples; None after one shard of several.
        num_scans: Scans of this render, or of this shard.
        num_rendered: Scans rendered this time; the others were whole already.
        skipped: What was left out, a line each: faults of the set and scans that failed.
    """

    plan: Plan
    manifest: Manifest | None
    num_scans: int
    num_rendered: int
    skipped: tuple[str, ...]


def render_bu3dfe(
    root: DatasetRoot,
    out: Path,
    config: RenderConfig,
    *,
    workers: int = 1,
    shard: Shard | None = None,
    scheduler: str | None = None,
    on_error: OnError = "stop",
    max_scan_mb: float = MAX_SCAN_MB,
) -> RenderSummary:
    """Render the views of every scan and put the manifest together.

    Args:
        root: BU-3DFE or its stand-in.
        out: Folder for ``images/``, ``records/``, ``manifest.parquet``, ``landmarks.parquet`` and
            ``render.yaml``.
        config: How.
        workers: Processes.
        shard: Render only this part; :func:`fertools.render.merge.merge_rendered` makes the
            manifest when all parts are there.
        scheduler: Address of a Dask scheduler whose workers render instead of processes here.
        on_error: ``stop`` at the first thing that cannot be used, or ``skip`` and list it.
        max_scan_mb: Meshes of more megabytes are refused unread.

    Returns:
        What was done, and what was left out.

    Raises:
        DatasetError: If the folder is not BU-3DFE's layout, holds no scan of these levels, or has
            a fault and ``on_error`` is ``stop``.
        ScanError: On the first damaged scan where ``on_error`` is ``stop``; what is rendered stays
            and is not done again.
        ConfigError: If ``out`` holds pictures made with other options or from another data set.
        OutputError: If a file cannot be written, or another process is writing in ``out``.
    """
    root = replace(root, path=root.path.resolve())
    found = _find(root, config, on_error)
    plan = _plan(root, config, found)
    mine = list(found.scans) if shard is None else shard.pick(found.scans)
    with hold_folder(out, shared=shard is not None, rooms=ROOMS):
        claim_folder(out, plan, is_shard=shard is not None)
        _make_folders(out, mine, config)
        tasks = [
            ScanTask(
                files=files,
                root=root.path,
                out=out.resolve(),
                config=config,
                pose_source=_pose_source(root, config),
                max_scan_mb=max_scan_mb,
                on_error=on_error,
            )
            for files in mine
        ]
        todo = [task for task in tasks if not is_done(task)]
        done = (
            []
            if not todo
            else run_tasks(
                render_one_scan,
                todo,
                workers=workers,
                scheduler=scheduler,
                description="rendering",
                unit="scans",
            )
        )
        ids = {files.scan_id for files in mine}
        skips = {scan_id: why for scan_id, why in read_skips(out).items() if scan_id in ids}
        if ids and len(skips) == len(ids):
            raise ScanError(f"no scan could be rendered; the first: {next(iter(skips.values()))}")
        return RenderSummary(
            plan=plan,
            manifest=merge_held(out).manifest if shard is None else None,
            num_scans=len(mine),
            num_rendered=sum(done),
            skipped=(*plan.faults, *skips.values()),
        )


def _find(root: DatasetRoot, config: RenderConfig, on_error: OnError) -> FoundScans:
    """The scans that the views ask for; stops at a fault of the set if it is to."""
    found = find_scans(root.path, config.mesh)
    if found.faults and on_error == "stop":
        more = f" ({len(found.faults) - 1} more faults)" if len(found.faults) > 1 else ""
        raise DatasetError(f"{found.faults[0]}{more}; or leave such files out with --on-error skip")
    scans = tuple(s for s in found.scans if s.intensity in config.intensities)
    if not scans:
        levels = ", ".join(map(str, config.views.intensities))
        raise DatasetError(
            f"{root.path}: has no scan of intensity {levels}; {config.views.name} needs them"
        )
    if not root.synthetic and is_standin(scans[0]):
        inner = scans[0].wrl.parent.parent
        if (inner / "SYNTHETIC.json").is_file():
            raise DatasetError(f"{root.path}: the stand-in is in {inner}; give that folder")
        raise DatasetError(
            f"{root.path}: its scans are stand-ins, but SYNTHETIC.json is missing at its root; put "
            "it back, or make them again with 'fertools synth bu3dfe'"
        )
    return FoundScans(scans, found.faults)


def _plan(root: DatasetRoot, config: RenderConfig, found: FoundScans) -> Plan:
    """What the folder is to hold."""
    have = {files.scan_id for files in found.scans}
    codes = [code for code, name in BU3DFE_CODES.items() if name != "neutral"]
    names = [f"{code}{level:02d}" for code in codes for level in config.views.intensities]
    if config.with_neutral:
        names.append("NE00")
    wanted = {f"{subject}_{n}" for subject in {s.subject_id for s in found.scans} for n in names}
    return Plan(
        synthetic=root.synthetic,
        source=None if root.marker is None else sha256_of(root.marker),
        config=config.model_dump(mode="json"),
        scans=tuple(files.scan_id for files in found.scans),
        missing=tuple(sorted(wanted - have)),
        faults=tuple(str(fault).replace(f"{root.path}/", "") for fault in found.faults),
    )


def _pose_source(root: DatasetRoot, config: RenderConfig) -> str:
    """How exact the angles are: only the zero of a stand-in's F3D is known to be frontal."""
    if root.synthetic and config.mesh == "F3D":
        return "ground_truth"
    return "frontalised_rotation" if config.frontalise else "render_rotation"


def _make_folders(out: Path, scans: list[ScanFiles], config: RenderConfig) -> None:
    """The folders of all pictures and layers, so that workers need not look for them."""
    (out / "records").mkdir(parents=True, exist_ok=True)
    for kind in ("images", *config.layers):
        for subject in sorted({files.subject_id for files in scans}):
            (out / kind / subject).mkdir(parents=True, exist_ok=True)
