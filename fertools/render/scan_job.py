"""One scan to its pictures and its record: what a worker does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fertools.errors import ManifestError, ScanError
from fertools.formats.bu3dfe import ScanFiles, read_landmarks, read_scan
from fertools.formats.bu3dfe_files import SEXES
from fertools.geometry import FloatArray, angles_from_rotation
from fertools.jobs import write_bytes_soon
from fertools.mesh import FaceScan
from fertools.render.frontal import frontal_rotation
from fertools.render.pictures import encode_depth, encode_mask, encode_normals, encode_picture
from fertools.render.recipe import RenderConfig
from fertools.render.records import (
    Record,
    read_record,
    record_path,
    sha256_of,
    write_record,
    write_skip,
)
from fertools.render.scene import Rendering, render_scan
from fertools.render.views import View

__all__ = ["MAX_SCAN_MB", "OnError", "ScanTask", "is_done", "render_one_scan"]

OnError = Literal["stop", "skip"]
MAX_SCAN_MB = 200.0
"""Larger meshes are refused unless the user says otherwise; BU-3DFE's have a few."""

_BATCH_BYTES = 100_000_000


@dataclass(frozen=True)
class ScanTask:
    """All that a worker needs for one scan.

    Attributes:
        files: The scan.
        root: The data set; inputs are recorded by their path below it.
        out: The folder to write.
        config: How.
        pose_source: What the manifest says of the angles.
        max_scan_mb: Larger meshes are refused unread.
        on_error: Whether a damaged scan ends the render.
    """

    files: ScanFiles
    root: Path
    out: Path
    config: RenderConfig
    pose_source: str
    max_scan_mb: float = MAX_SCAN_MB
    on_error: OnError = "stop"


def render_one_scan(task: ScanTask) -> bool:
    """Render one scan: pictures first, then the record that vouches for them.

    Returns:
        False where nothing had to be done or the scan was left out.

    Raises:
        ScanError: If the scan is damaged and the task says to stop.
    """
    try:
        if _still_holds(task):
            return False
        record = _render(task)
    except ScanError as error:
        if task.on_error == "stop":
            raise
        reason = str(error).replace(f"{task.root}/", "")  # as it is on every machine
        write_skip(task.out, task.files.scan_id, reason)
        return False
    write_record(task.out, record)
    return True


def is_done(task: ScanTask) -> bool:
    """Whether a scan's record stands, its pictures are whole, and its files are older than it."""
    record = _whole_record(task)
    if record is None:
        return False
    when = record_path(task.out, task.files.scan_id).stat().st_mtime
    for path in _paths_to_compare(task, record):
        about = record.inputs.get(_below(task.root, path))
        try:
            status = path.stat()
        except OSError:
            return False
        if about is None or status.st_size != about["bytes"]:
            return False
        if max(status.st_mtime, status.st_ctime) > when:
            return False  # perhaps only touched: the worker compares digests
    return True


def _still_holds(task: ScanTask) -> bool:
    """Whether a scan's record holds by the digests of its files; its date is then made new."""
    record = _whole_record(task)
    if record is None:
        return False
    paths = _paths_to_compare(task, record)
    if {_below(task.root, path) for path in paths} != set(record.inputs):
        return False
    for path in paths:
        about = record.inputs[_below(task.root, path)]
        try:
            if path.stat().st_size != about["bytes"] or sha256_of(path) != about["sha256"]:
                return False
        except OSError:
            return False
    record_path(task.out, task.files.scan_id).touch()
    return True


def _whole_record(task: ScanTask) -> Record | None:
    """A scan's record if it stands and all that it vouches for is there."""
    try:
        record = read_record(task.out, task.files.scan_id)
    except ManifestError:  # cut off by a power failure: made again like one that is missing
        return None
    return record if record is not None and record.is_whole(task.out) else None


def _paths_to_compare(task: ScanTask, record: Record) -> list[Path]:
    """The files that were read then, and those that would be read now."""
    files = task.files
    now = [path for path in (files.wrl, files.texture, files.landmarks) if path.is_file()]
    return sorted({*now, *(task.root / name for name in record.inputs)})


def _below(root: Path, path: Path) -> str:
    """A path as it stands in records."""
    return path.relative_to(root).as_posix()


def _about(data: bytes) -> dict[str, Any]:
    """Size and digest of what is written."""
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _digests(task: ScanTask, scan: FaceScan) -> dict[str, dict[str, Any]]:
    """Size and digest of every file that a scan was read from."""
    paths = [task.files.wrl, task.files.landmarks]
    if scan.texture_path is not None:
        paths.insert(1, scan.texture_path)
    try:
        return {
            _below(task.root, path): {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
            for path in paths
        }
    except OSError as error:
        raise ScanError(f"{error.filename}: cannot be read: {error.strerror}") from error


def _render(task: ScanTask) -> Record:
    """Draw a scan and write its pictures."""
    import cv2

    cv2.setNumThreads(1)
    files, config = task.files, task.config
    before = _stamps(task)
    scan = read_scan(files, max_scan_mb=task.max_scan_mb, missing_texture=config.missing_texture)
    points = read_landmarks(files, scan)
    frontal = frontal_rotation(points, files.landmarks) if config.frontalise else np.eye(3)
    inputs = _digests(task, scan)
    if _stamps(task) != before:
        raise ScanError(f"{files.wrl}: this scan's files changed while they were read; start again")
    source = "".join(about["sha256"] for about in inputs.values())
    of_scan = {
        "scan_id": files.scan_id,
        "ethnicity": files.ethnicity,
        "sex": SEXES[files.scan_id[0]],
        "textured": scan.textured,
        "source_sha256": hashlib.sha256(source.encode()).hexdigest(),
        **(_angles("frontal_", frontal) if config.frontalise else {}),
    }
    record = Record(files.scan_id, inputs, {}, [], [])
    for views in _batches(config.views.views(files.scan_id), config):
        turns = [config.turning.rotation(view) for view in views]
        rendering = _draw(task, scan, points, [turn @ frontal for turn in turns])
        for index, (view, turn) in enumerate(zip(views, turns, strict=True)):
            pose = turn @ frontal if task.pose_source == "ground_truth" else turn
            _add_view(task, record, rendering, index, {**_row(task, view, pose), **of_scan})
    return record


def _batches(views: tuple[View, ...], config: RenderConfig) -> Iterator[tuple[View, ...]]:
    """The views in as few calls as memory allows: one, unless they are many or large."""
    bytes_a_view = config.image_size**2 * (20 if config.layers else 3)
    at_once = max(1, _BATCH_BYTES // bytes_a_view)
    for start in range(0, len(views), at_once):
        yield views[start : start + at_once]


def _stamps(task: ScanTask) -> list[tuple[int, int] | None]:
    """Size and date of a scan's files; None for one that is not there."""
    files = task.files
    return [
        (path.stat().st_size, path.stat().st_mtime_ns) if path.is_file() else None
        for path in (files.wrl, files.texture, files.landmarks)
    ]


def _draw(
    task: ScanTask, scan: FaceScan, points: FloatArray, rotations: list[FloatArray]
) -> Rendering:
    """Pictures, landmarks and layers of some views."""
    config = task.config
    try:
        return render_scan(
            scan,
            rotations,
            camera=config.camera,
            look=config.look,
            landmarks=points,
            fit_margin=config.fit_margin,
            with_layers=bool(config.layers),
            backend=config.backend,
        )
    except ScanError as error:
        raise ScanError(f"{task.files.wrl}: {error}") from error


def _add_view(
    task: ScanTask, record: Record, rendering: Rendering, index: int, row: dict[str, Any]
) -> None:
    """Write one view's files and put them, its row and its landmarks down in the record."""
    written = _write_pictures(task, rendering, index, row["sample_id"])
    image, *layers = written
    record.files.update(written)
    record.rows.append(
        {
            **row,
            "image": image,
            "sha256": written[image]["sha256"],
            "window_mm": rendering.cameras[index].window_mm,
            **dict(zip(task.config.layers, layers, strict=True)),
        }
    )
    record.landmarks.append(
        {
            "sample_id": row["sample_id"],
            "x": rendering.landmarks[index, :, 0].round(3).tolist(),
            "y": rendering.landmarks[index, :, 1].round(3).tolist(),
            "visible": rendering.visible[index].tolist(),
        }
    )


def _write_pictures(
    task: ScanTask, rendering: Rendering, index: int, sample_id: str
) -> dict[str, dict[str, Any]]:
    """Write one view's picture and layers; path to size and digest, the picture first."""
    config, subject = task.config, task.files.subject_id
    suffix = "jpg" if config.image_format == "jpeg" else "png"
    picture = encode_picture(
        rendering.pictures[index], config.image_format, jpeg_quality=config.jpeg_quality or 95
    )
    contents = {f"images/{subject}/{sample_id}.{suffix}": picture}
    for layer in config.layers:
        values = rendering.layers[index]
        if layer == "depth":
            contents[f"depth/{subject}/{sample_id}.tiff"] = encode_depth(values.depth_mm)
        elif layer == "normals":
            contents[f"normals/{subject}/{sample_id}.png"] = encode_normals(values.normals)
        else:
            contents[f"mask/{subject}/{sample_id}.png"] = encode_mask(values.mask)
    for name, data in contents.items():
        write_bytes_soon(task.out / name, data)
    return {name: _about(data) for name, data in contents.items()}


def _row(task: ScanTask, view: View, pose: FloatArray) -> dict[str, Any]:
    """What the manifest says of one picture, its file aside."""
    files = task.files
    return {
        "sample_id": f"{files.scan_id}_{view.view_id}",
        "dataset": "bu3dfe",
        "subject_id": files.subject_id,
        "expression": files.expression,
        "intensity": files.intensity,
        **_angles("", pose),
        "view_id": view.view_id,
        "pan_deg": view.pan_deg,
        "tilt_deg": view.tilt_deg,
        "nominal_roll_deg": view.roll_deg,
        "pose_source": task.pose_source,
        "width": task.config.image_size,
        "height": task.config.image_size,
    }


def _angles(prefix: str, rotation: FloatArray) -> dict[str, float]:
    """A rotation as three columns of the manifest, to a millionth of a degree."""
    names = [f"{prefix}{name}_deg" for name in ("yaw", "pitch", "roll")]
    angles = [round(angle, 6) + 0.0 for angle in angles_from_rotation(rotation)]
    return dict(zip(names, angles, strict=True))
