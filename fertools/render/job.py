"""BU-3DFE to a multi-view set: pictures, manifest and landmarks, scan by scan, resumable.

Every scan leaves a record (``records/SCAN.json``) once its pictures are written. A render that was
interrupted goes on with the scans that have none, and the manifest is put together from the records
at the end, by :func:`index_rendered`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from fertools.errors import ConfigError, DatasetError, ManifestError, ScanError
from fertools.formats.bu3dfe import ScanFiles, find_scans, read_scan
from fertools.geometry import angles_from_rotation
from fertools.home import DatasetRoot
from fertools.jobs import atomic_path, remove_partials, run_tasks, write_bytes, write_json
from fertools.manifest import Manifest, write_manifest
from fertools.mesh import FaceScan, read_bnd, read_pse
from fertools.render.camera import Camera
from fertools.render.software import render_scan
from fertools.render.views import VIEW_SETS

__all__ = ["RenderConfig", "RenderSummary", "index_rendered", "render_bu3dfe"]

_RECORDS = "records"
_PLAN = "render.json"


class RenderConfig(BaseModel):
    """How the pictures are made; stands in the manifest and in every lock.

    Attributes:
        views: ``p1`` or ``p2``.
        mesh: ``F3D`` (the cropped face) or ``RAW`` (the whole head).
        image_size: Width and height in pixels.
        window_mm: What a picture spans; the same for all views, scans and subjects.
        supersample: Samples a pixel along each axis.
        background: RGB.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    views: Literal["p1", "p2"] = "p1"
    mesh: Literal["F3D", "RAW"] = "F3D"
    image_size: int = Field(default=224, ge=8, le=4096)
    window_mm: float = Field(default=220.0, gt=0, le=2000)
    supersample: int = Field(default=2, ge=1, le=3)
    background: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True)
class RenderSummary:
    """What a render came to.

    Attributes:
        manifest: The samples.
        num_scans: Scans in the set.
        num_rendered: Scans rendered this time; the others were whole already.
        expected_samples: The published number of pictures for the full set of 100 subjects.
        missing_scans: Scans that subjects of this set lack, by ``scan_id``.
    """

    manifest: Manifest
    num_scans: int
    num_rendered: int
    expected_samples: int
    missing_scans: tuple[str, ...]


@dataclass(frozen=True)
class _Task:
    """All that a worker needs for one scan."""

    files: ScanFiles
    out: Path
    config: RenderConfig
    pose_source: str


def render_bu3dfe(
    root: DatasetRoot, out: Path, config: RenderConfig, *, workers: int = 1
) -> RenderSummary:
    """Render the views of every scan and write the manifest.

    Args:
        root: BU-3DFE or its stand-in.
        out: Folder for ``images/``, ``manifest.parquet`` and ``landmarks.parquet``.
        config: How.
        workers: Processes.

    Returns:
        The manifest and counts.

    Raises:
        DatasetError: If the folder is not BU-3DFE's layout or holds no scan of these levels.
        ScanError: On the first damaged scan; what is rendered stays and is not done again.
        ConfigError: If ``out`` holds pictures made with other options or from another data set.
        OutputError: If a file cannot be written.
    """
    view_set = VIEW_SETS[config.views]
    scans = [s for s in find_scans(root.path, config.mesh) if s.intensity in view_set.intensities]
    if not scans:
        raise DatasetError(
            f"{root.path}: has no scan of intensity {', '.join(map(str, view_set.intensities))}; "
            f"{config.views} needs them"
        )
    if not root.synthetic and b"Synthetic stand-in" in _head(scans[0].wrl):
        raise DatasetError(
            f"{root.path}: its scans are stand-ins, but SYNTHETIC.json is missing at its root; put "
            "it back, or make them again with 'fertools synth bu3dfe'"
        )
    _claim(out, root, config)
    remove_partials(out)
    pose_source = "ground_truth" if root.synthetic else "render_rotation"
    todo = [
        _Task(files, out, config, pose_source)
        for files in scans
        if not _is_done(out, files.scan_id)
    ]
    if todo:
        try:
            run_tasks(_render_one, todo, workers=workers, description="rendering", unit="scans")
        finally:
            remove_partials(out)  # a worker may be stopped between making a file and guarding it
    manifest = index_rendered(out)
    subjects = sorted({files.subject_id for files in scans})
    have = {files.scan_id for files in scans}
    missing = tuple(
        scan_id
        for subject in subjects
        for code in ("AN", "DI", "FE", "HA", "SA", "SU")
        for level in view_set.intensities
        if (scan_id := f"{subject}_{code}{level:02d}") not in have
    )
    return RenderSummary(manifest, len(scans), len(todo), view_set.expected_samples, missing)


def index_rendered(out: Path) -> Manifest:
    """Put the manifest of a rendered set together, comparing every picture with its record.

    Args:
        out: A folder that :func:`render_bu3dfe` filled.

    Returns:
        The manifest, written to ``manifest.parquet``; the landmarks go to ``landmarks.parquet``.

    Raises:
        ManifestError: If the folder holds no render, or a picture is missing or changed.
    """
    import pandas as pd

    plan = _read_plan(out)
    if plan is None:
        raise ManifestError(
            f"{out}: is no rendered set; expected the folder that 'fertools render-bu3dfe' filled"
        )
    rows: list[dict[str, Any]] = []
    marks: list[dict[str, Any]] = []
    for path in sorted((out / _RECORDS).glob("*.json")):
        record = _read_record(path)
        for row in record["rows"]:
            image = out / row["image"]
            if not image.is_file() or _sha256(image) != row["sha256"]:
                path.unlink()  # so that the next render makes this scan again
                raise ManifestError(
                    f"{image}: is missing or not the picture that was rendered; "
                    "start 'fertools render-bu3dfe' again, it makes only this scan anew"
                )
        rows += record["rows"]
        marks += record["landmarks"]
    if not rows:
        raise ManifestError(f"{out}: nothing is rendered yet; start 'fertools render-bu3dfe' again")
    manifest = write_manifest(
        out / "manifest.parquet",
        pd.DataFrame(rows),
        dataset="bu3dfe",
        synthetic=plan["synthetic"],
        config=plan["config"],
    )
    _write_landmarks(out / "landmarks.parquet", marks)
    return manifest


def _head(path: Path) -> bytes:
    """The first bytes of a scan, where our stand-ins say what they are."""
    try:
        with path.open("rb") as stream:
            return stream.read(400)
    except OSError as error:
        raise ScanError(f"{path}: cannot be read: {error.strerror}") from error


def _claim(out: Path, root: DatasetRoot, config: RenderConfig) -> None:
    """Write down what this folder holds, or compare with what it held before."""
    options = config.model_dump(mode="json")
    plan: dict[str, Any] = {
        "dataset": "bu3dfe",
        "synthetic": root.synthetic,
        "config": options,
        "source": _source_digest(root),
    }
    before = _read_plan(out)
    if before is None:
        write_json(out / _PLAN, plan)
    elif before != plan:
        known = before.get("config")
        known = known if isinstance(known, dict) else {}
        changed = [
            f"{key} {known.get(key)!r} there, {value!r} now"
            for key, value in options.items()
            if known.get(key) != value
        ]
        differs = "; ".join(changed) or "another data set or stand-in was rendered"
        raise ConfigError(
            f"{out}: holds pictures of another render ({differs}); choose another --out, or delete "
            "the folder"
        )


def _source_digest(root: DatasetRoot) -> str | None:
    """Identity of a stand-in (its seed and options); None for the licensed set."""
    marker = root.path / "SYNTHETIC.json"
    return _sha256(marker) if root.synthetic else None


def _read_plan(out: Path) -> dict[str, Any] | None:
    """What the folder says it holds; None if it says nothing."""
    path = out / _PLAN
    if not path.exists():
        return None
    return _read_json(path)


def _read_record(path: Path) -> dict[str, Any]:
    """One scan's record."""
    record = _read_json(path)
    if record.pop("digest", None) != _record_digest(record):
        raise ManifestError(f"{path}: is damaged or was edited; delete it and render again")
    return record


def _record_digest(record: dict[str, Any]) -> str:
    """SHA-256 over a record's rows and landmarks."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    """A JSON object of ours."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ManifestError(f"{path}: is damaged; delete it and render again") from error
    if not isinstance(value, dict):
        raise ManifestError(f"{path}: is damaged; delete it and render again")
    return value


def _is_done(out: Path, scan_id: str) -> bool:
    """Whether a scan's record and all of its pictures are there."""
    path = out / _RECORDS / f"{scan_id}.json"
    if not path.is_file():
        return False
    return all((out / row["image"]).is_file() for row in _read_record(path)["rows"])


def _render_one(task: _Task) -> None:
    """Render one scan: pictures first, then the record that vouches for them."""
    import cv2

    cv2.setNumThreads(1)
    files, config = task.files, task.config
    views = VIEW_SETS[config.views].views
    scan = read_scan(files)
    points = _landmarks(files, scan)
    rendering = render_scan(
        scan,
        [view.rotation for view in views],
        camera=Camera(config.image_size, config.window_mm),
        landmarks=points,
        supersample=config.supersample,
        background=config.background,
    )
    source = hashlib.sha256()
    for path in (files.wrl, files.texture, files.landmarks):
        source.update(path.read_bytes())
    rows: list[dict[str, Any]] = []
    marks: list[dict[str, Any]] = []
    for index, view in enumerate(views):
        sample_id = f"{files.scan_id}_{view.view_id}"
        image = f"images/{files.subject_id}/{sample_id}.png"
        whole, encoded = cv2.imencode(".png", rendering.pictures[index][:, :, ::-1])
        if not whole:
            raise ScanError(f"{files.wrl}: its picture cannot be encoded as PNG")
        data = encoded.tobytes()
        write_bytes(task.out / image, data)
        yaw, pitch, roll = angles_from_rotation(view.rotation)
        rows.append(
            {
                "sample_id": sample_id,
                "image": image,
                "dataset": "bu3dfe",
                "subject_id": files.subject_id,
                "expression": files.expression,
                "intensity": files.intensity,
                "yaw_deg": yaw,
                "pitch_deg": pitch,
                "roll_deg": roll,
                "view_id": view.view_id,
                "pan_deg": view.pan_deg,
                "tilt_deg": view.tilt_deg,
                "pose_source": task.pose_source,
                "width": config.image_size,
                "height": config.image_size,
                "sha256": hashlib.sha256(data).hexdigest(),
                "scan_id": files.scan_id,
                "ethnicity": files.ethnicity,
                "source_sha256": source.hexdigest(),
            }
        )
        marks.append(
            {
                "sample_id": sample_id,
                "x": rendering.landmarks[index, :, 0].round(3).tolist(),
                "y": rendering.landmarks[index, :, 1].round(3).tolist(),
                "visible": rendering.visible[index].tolist(),
            }
        )
    record = {"rows": rows, "landmarks": marks}
    write_json(
        task.out / _RECORDS / f"{files.scan_id}.json",
        {**record, "digest": _record_digest(record)},
    )


def _landmarks(files: ScanFiles, scan: FaceScan) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The landmarks that belong to the mesh at hand, in its frame."""
    if files.mesh == "RAW":
        return read_pse(files.landmarks)
    landmarks = read_bnd(files.landmarks)
    if landmarks.indices.max() >= len(scan.vertices):
        raise ScanError(
            f"{files.landmarks}: names vertex {landmarks.indices.max()}, but {files.wrl.name} has "
            f"{len(scan.vertices)}; the two files do not belong together"
        )
    return landmarks.points


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


def _sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
