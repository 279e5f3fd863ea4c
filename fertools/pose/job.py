"""The poses of a manifest's samples: resumable, in chunks, in shards, cached by file hash.

What was estimated stands in ``pose.parquet``. A row is taken over by a later run if its key is the
same: a digest of the picture's SHA-256, the estimator's version and options, and what else it looks
at: the set's box of the face, its landmarks, or the manifest's own angles. The others are estimated
in chunks, and each chunk leaves a small table until all are there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from fertools.errors import ConfigError, ManifestError, OutputError, PictureError
from fertools.geometry import FloatArray
from fertools.jobs import Shard, atomic_path, hold_folder, run_tasks
from fertools.landmarks import LandmarkRows, read_landmark_table
from fertools.manifest import Manifest
from fertools.pictures import decode_picture, read_picture_bytes
from fertools.pose.conventions import get_convention
from fertools.pose.named_poses import NOT_NAMED, NamesPictures
from fertools.pose.registry import (
    Estimator,
    FaceBatch,
    PoseEstimates,
    PoseEstimator,
    Reads,
    get_estimator,
)
from fertools.pose.stale_pictures import find_stale
from fertools.pose.table import PoseTable, pose_schema, read_pose_table, write_pose_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["EstimateSummary", "estimate_pose"]

TABLE = "pose.parquet"
CHUNKS = "pose-chunks"
"""Folder of the chunks' tables, while the work is not done."""

_CHUNK: dict[Reads, int] = {"pictures": 64, "landmarks": 2048, "records": 8192}
_BOX = ("face_x0", "face_y0", "face_x1", "face_y1")
_ANGLES = ("yaw_deg", "pitch_deg", "roll_deg")

_SKIP = "--on-error skip"
OnError = Literal["stop", "skip"]


@dataclass(frozen=True)
class EstimateSummary:
    """What an estimation came to.

    Attributes:
        table: The poses of the samples that were asked for, in the manifest's order; None after one
            shard of several.
        num_samples: That were asked for, in this run or shard.
        num_made: That were estimated now; the others were there.
        skipped: ``sample_id`` to the reason why its picture could not be read.
        note: How many of a file's names are of these samples; empty where no file names any.
    """

    table: PoseTable | None
    num_samples: int
    num_made: int
    skipped: dict[str, str]
    note: str = ""


@dataclass(frozen=True)
class _Task:
    """A chunk of samples for one worker.

    Attributes:
        estimator: Registered name.
        options: Its options as JSON.
        rows: ``sample_id``, ``image`` and ``sha256`` of each sample.
        keys: What each row is made of.
        sizes: As in :class:`FaceBatch`, like what follows.
        landmarks: Flat: see :meth:`LandmarkRows.take`.
        boxes: Of faces.
        angles: The manifest's.
        sources: Of the angles.
        root: The folder of the pictures.
        path: The chunk's table.
        on_error: Whether a damaged picture ends the work.
        stale: Place to fault of the rows whose picture is not the one that was indexed.
    """

    estimator: str
    options: str
    rows: tuple[tuple[str, str, str], ...]
    keys: tuple[str, ...]
    sizes: npt.NDArray[np.int64]
    landmarks: LandmarkRows
    boxes: FloatArray
    angles: FloatArray
    sources: tuple[str | None, ...]
    root: Path
    path: Path
    on_error: OnError
    stale: dict[int, str]


def estimate_pose(
    manifest: Manifest,
    out: Path,
    estimator: str,
    options: BaseModel | None = None,
    *,
    where: npt.NDArray[np.bool_] | None = None,
    workers: int = 1,
    shard: Shard | None = None,
    scheduler: str | None = None,
    on_error: OnError = "stop",
) -> EstimateSummary:
    """Estimate the head pose of every sample, or take over what an earlier run found.

    Args:
        manifest: The samples; ``landmarks.parquet`` beside it is used by estimators that look at
            landmarks.
        out: Folder for ``pose.parquet``.
        estimator: Registered name.
        options: Of the estimator's own model; its defaults if left out.
        where: Shape ``(N,)``: the rows of the manifest that are asked for; all if left out.
        workers: Processes.
        shard: Estimate only this part. When all parts are there, a call without it makes the table.
        scheduler: Address of a Dask scheduler whose workers do it instead of processes here.
        on_error: ``stop`` at the first picture that cannot be read, or ``skip``, which gives it a
            row without a pose and lists it.

    Raises:
        ConfigError: If there is no such estimator, it needs landmarks and the set has none, or it
            reads a file that names none of the samples.
        ManifestError: If ``landmarks.parquet`` or ``pose.parquet`` is damaged.
        PictureError: At the first picture where ``on_error`` is ``stop`` that is damaged, missing
            or not the indexed one; what is done stays and is not done again.
        MissingExtraError: If a package that the estimator needs is not installed.
        OutputError: If ``out`` holds something else, a file cannot be written, or another process
            is writing there.
    """
    entry = get_estimator(estimator)
    chosen = entry.options() if options is None else options
    _check_out(out)
    opened = _opened(estimator, chosen.model_dump_json())
    version = opened.version
    frame = manifest.frame if where is None else manifest.frame[where]
    frame = frame.reset_index(drop=True)
    if frame.empty:
        raise ManifestError(f"{manifest.path}: none of its samples was asked for")
    landmarks = _landmarks(entry, manifest, frame)
    keys = _keys(entry, version, chosen, frame, landmarks)
    stale = _stale(entry, manifest, frame, on_error)
    with hold_folder(out, shared=shard is not None, rooms=(CHUNKS,)):
        known = _known(out / TABLE, manifest, entry, version, chosen)
        is_new = np.array([known.get(name) != key for name, key in _pairs(frame, keys)])
        is_new[list(stale)] = True
        tasks = _tasks(
            entry, chosen, manifest, frame, keys, landmarks, is_new, out, on_error, stale
        )
        mine = tasks if shard is None else shard.pick(tasks)
        if mine:
            run_tasks(
                _estimate_chunk,
                mine,
                workers=workers,
                scheduler=scheduler,
                description=f"estimating head pose ({estimator})",
                unit=f"x {_CHUNK[entry.reads]} samples",
            )
        skipped: dict[str, str] = {}
        note = ""
        if shard is None:
            table, skipped = _merged(out, manifest, frame, known, tasks, keys)
            if isinstance(opened, NamesPictures):
                note = _note(opened, table, frame, chosen)
            write_pose_table(
                out / TABLE,
                table,
                dataset=manifest.info.dataset,
                synthetic=manifest.info.synthetic,
                estimator=estimator,
                version=version,
                options=chosen.model_dump(mode="json"),
            )
            _remove_chunks(out)
    num_made = sum(len(task.rows) for task in mine)
    if shard is not None:
        return EstimateSummary(None, num_made, num_made, skipped)
    asked = replace(manifest, frame=frame)
    poses = read_pose_table(out / TABLE).of(asked)
    return EstimateSummary(poses, len(frame), num_made, skipped, note)


def _check_out(out: Path) -> None:
    """Refuse a folder that holds something else than poses."""
    if not out.is_dir():
        return
    names = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    if names and not names & {TABLE, CHUNKS}:
        raise OutputError(
            f"{out}: holds {min(names)!r} and no poses, so it is not ours to write into; choose "
            "another folder with --out"
        )


def _landmarks(entry: Estimator, manifest: Manifest, frame: pd.DataFrame) -> LandmarkRows:
    """The set's landmarks, for an estimator that looks at them."""
    if entry.reads != "landmarks":
        return LandmarkRows.none(len(frame))
    landmarks = read_landmark_table(manifest.path.parent).of(frame["sample_id"].tolist())
    if not landmarks.counts.any():
        raise ConfigError(
            f"{manifest.path.parent}: has no landmarks of these samples, and --estimator "
            f"{entry.name} looks at the set's own; index a set that has them (RAF-DB: 'fertools "
            "index rafdb --images original'), or choose an estimator of pictures such as mtcnn"
        )
    return landmarks


def _stale(
    entry: Estimator, manifest: Manifest, frame: pd.DataFrame, on_error: OnError
) -> dict[int, str]:
    """Rows of another picture, of an estimator that opens none; raise at them if so wanted."""
    if entry.reads != "landmarks":
        return {}
    stale = find_stale(manifest, frame)
    if stale and on_error == "stop":
        more = f" (and {len(stale) - 1:,} more)" if len(stale) > 1 else ""
        raise PictureError(f"{next(iter(stale.values()))}{more}, or leave it out: {_SKIP}")
    return {place: _without_root(fault, manifest.root) for place, fault in stale.items()}


def _keys(
    entry: Estimator,
    version: str,
    options: BaseModel,
    frame: pd.DataFrame,
    landmarks: LandmarkRows,
) -> list[str]:
    """What each row's pose is made of, as a digest."""
    plan = json.dumps([entry.name, version, options.model_dump(mode="json")], sort_keys=True)
    start = hashlib.blake2b(plan.encode(), digest_size=16)
    angles, sources = _own_angles(frame) if entry.reads == "records" else (None, None)
    boxes = _numbers(frame, _BOX)
    keys = []
    for number, sha256 in enumerate(frame["sha256"].tolist()):
        digest = start.copy()
        digest.update(sha256.encode())
        if entry.reads == "landmarks":
            digest.update(landmarks.bytes_of(number))
        if entry.reads == "pictures":
            digest.update(boxes[number].tobytes())
        if angles is not None and sources is not None:
            digest.update(f"{angles[number].tolist()} {sources[number]}".encode())
        keys.append(digest.hexdigest())
    return keys


def _pairs(frame: pd.DataFrame, keys: list[str]) -> zip[tuple[str, str]]:
    """Samples with their keys."""
    return zip(frame["sample_id"].tolist(), keys, strict=True)


def _known(
    path: Path, manifest: Manifest, entry: Estimator, version: str, options: BaseModel
) -> dict[str, str]:
    """Samples of the manifest that the table knows, with the key of what is known."""
    if not path.exists():
        return {}
    before = read_pose_table(path)
    if (before.info.estimator, before.info.dataset) != (entry.name, manifest.info.dataset):
        raise ConfigError(
            f"{path}: holds poses of {before.info.dataset} by {before.info.estimator}; choose "
            "another place with --out"
        )
    if (before.info.version, before.info.options) != (version, options.model_dump(mode="json")):
        return {}
    here = before.frame["sample_id"].isin(manifest.frame["sample_id"])
    rows = before.frame.loc[here, ["sample_id", "key"]]
    return dict(zip(rows["sample_id"].tolist(), rows["key"].tolist(), strict=True))


def _tasks(
    entry: Estimator,
    options: BaseModel,
    manifest: Manifest,
    frame: pd.DataFrame,
    keys: list[str],
    landmarks: LandmarkRows,
    is_new: npt.NDArray[np.bool_],
    out: Path,
    on_error: OnError,
    stale: dict[int, str],
) -> list[_Task]:
    """Chunks of the rows that are not known."""
    todo = np.flatnonzero(is_new)
    sizes = frame[["width", "height"]].to_numpy(dtype=np.int64)
    boxes = _numbers(frame, _BOX)
    angles, sources = _own_angles(frame)
    rows = list(
        zip(*(frame[name].tolist() for name in ("sample_id", "image", "sha256")), strict=True)
    )
    tasks = []
    step = _CHUNK[entry.reads]
    for start in range(0, len(todo), step):
        part = todo[start : start + step]
        mine = tuple(keys[number] for number in part)
        faults = {place: stale[row] for place, row in enumerate(part.tolist()) if row in stale}
        made_of = "".join(mine) + "".join(f"{place} {text}" for place, text in faults.items())
        name = hashlib.blake2b(made_of.encode(), digest_size=16).hexdigest()
        tasks.append(
            _Task(
                estimator=entry.name,
                options=options.model_dump_json(),
                rows=tuple(rows[number] for number in part),
                keys=mine,
                sizes=sizes[part],
                landmarks=landmarks.take(part),
                boxes=boxes[part],
                angles=angles[part],
                sources=tuple(sources[number] for number in part),
                root=manifest.root.resolve(),
                path=(out / CHUNKS / f"{name}.parquet").resolve(),
                on_error=on_error,
                stale=faults,
            )
        )
    return tasks


def _numbers(frame: pd.DataFrame, names: Sequence[str]) -> FloatArray:
    """Columns as floats, NaN where absent."""
    import pandas as pd

    if not set(names) <= set(frame.columns):
        return np.full((len(frame), len(names)), np.nan)
    numbers = frame[list(names)].apply(pd.to_numeric, errors="coerce").astype("Float64")
    return np.asarray(numbers.to_numpy(dtype=np.float64, na_value=np.nan))


def _own_angles(frame: pd.DataFrame) -> tuple[FloatArray, list[str | None]]:
    """The manifest's angles and where they come from."""
    sources = frame["pose_source"].astype("object").where(frame["pose_source"].notna(), None)
    return _numbers(frame, _ANGLES), sources.tolist()


@lru_cache(maxsize=8)
def _opened(estimator: str, options: str) -> PoseEstimator:
    """An estimator, made ready once a process."""
    entry = get_estimator(estimator)
    return entry.open(entry.options.model_validate_json(options))


def _estimate_chunk(task: _Task) -> None:
    """One chunk to its table, unless that is there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if _is_whole(task.path):
        return
    estimates, errors = _estimate(task)
    turned = get_convention("fertools").angles(estimates.rotations)
    table = pa.table(
        {
            "sample_id": [row[0] for row in task.rows],
            "sha256": [row[2] for row in task.rows],
            **{
                name: pa.array(turned[:, place], from_pandas=True)
                for place, name in enumerate(_ANGLES)
            },
            "confidence": pa.array(estimates.confidence, from_pandas=True),
            "num_faces": estimates.num_faces,
            "reason": [errors.get(n, reason) for n, reason in enumerate(estimates.reasons)],
            "key": ["" if n in errors else key for n, key in enumerate(task.keys)],
        }
    ).cast(pose_schema())
    with atomic_path(task.path) as temporary:
        pq.write_table(table, temporary)


def _estimate(task: _Task) -> tuple[PoseEstimates, dict[int, str]]:
    """What the estimator says, and the errors of pictures that it could not see."""
    errors = task.stale
    numbers = list(range(len(task.rows)))
    estimator = _opened(task.estimator, task.options)
    if get_estimator(task.estimator).reads == "pictures" and task.on_error == "skip":
        errors = {n: fault for n in numbers if (fault := _fault(task, n)) is not None}
    numbers = [n for n in numbers if n not in errors]
    batch = _batch(task, numbers)
    try:
        found = estimator.estimate(batch)
    except PictureError as error:
        raise PictureError(f"{error}; or leave it out: {_SKIP}") from error
    whole = PoseEstimates.empty(len(task.rows), reason="the picture cannot be read")
    reasons = list(whole.reasons)
    for place, number in enumerate(numbers):
        whole.rotations[number] = found.rotations[place]
        whole.confidence[number] = found.confidence[place]
        whole.num_faces[number] = found.num_faces[place]
        reasons[number] = found.reasons[place]
    return replace(whole, reasons=reasons), errors


def _fault(task: _Task, number: int) -> str | None:
    """Why a picture cannot be read; None where it can."""
    try:
        _load(task, number)
    except PictureError as error:
        return _without_root(str(error), task.root)
    return None


def _without_root(fault: str, root: Path) -> str:
    """A picture's fault without the machine's folder, as it stands in the table."""
    return fault.replace(f"{root}/", "")


def _batch(task: _Task, numbers: Sequence[int]) -> FaceBatch:
    """What the estimator gets to see."""
    chosen = np.array(numbers, dtype=np.int64)
    return FaceBatch(
        sample_ids=[task.rows[n][0] for n in numbers],
        images=[task.rows[n][1] for n in numbers],
        sizes=task.sizes[chosen],
        landmarks=list(task.landmarks.take(chosen)),
        boxes=task.boxes[chosen],
        angles=task.angles[chosen],
        sources=[task.sources[n] for n in numbers],
        load=lambda place: _load(task, numbers[place]),
    )


def _load(task: _Task, number: int) -> npt.NDArray[np.uint8]:
    """A picture, compared with what the manifest says of it."""
    _, image, sha256 = task.rows[number]
    path = task.root / image
    data = read_picture_bytes(path)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise PictureError(
            f"{path}: is not the picture that the manifest was made of (another SHA-256); index "
            "the set again"
        )
    return decode_picture(path, data)


def _is_whole(path: Path) -> bool:
    """Whether a chunk's table is there and can be read."""
    return _read_chunk(path) is not None


def _read_chunk(path: Path) -> pa.Table | None:
    """A chunk's table; None where there is none, or it was cut off by a power failure."""
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, ValueError, RuntimeError):
        return None
    return table if table.schema.equals(pose_schema()) else None


def _merged(
    out: Path,
    manifest: Manifest,
    frame: pd.DataFrame,
    known: dict[str, str],
    tasks: Sequence[_Task],
    keys: list[str],
) -> tuple[pa.Table, dict[str, str]]:
    """All rows that hold: those of before that were not made anew, and the chunks'."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    parts: list[pa.Table] = []
    made = {row[0] for task in tasks for row in task.rows}
    kept = [name for name in known if name not in made]
    if kept:
        before = pq.read_table(out / TABLE).replace_schema_metadata(None)
        is_kept = pc.is_in(before.column("sample_id"), value_set=pa.array(kept, pa.string()))
        parts.append(before.filter(is_kept))
    for task in tasks:
        table = _read_chunk(task.path)
        if table is None or len(table) != len(task.rows):
            raise ManifestError(
                f"{task.path}: is gone or was changed; start the same command again"
            )
        parts.append(table)
    whole = pa.concat_tables(parts)
    is_error = pc.equal(whole.column("key"), "")
    bad = whole.filter(is_error).select(["sample_id", "reason"]).to_pydict()
    return whole, dict(zip(bad["sample_id"], bad["reason"], strict=True))


def _note(opened: NamesPictures, table: pa.Table, frame: pd.DataFrame, options: BaseModel) -> str:
    """How many of the file's names are of these samples; raise where none is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    asked = pc.is_in(table.column("sample_id"), value_set=pa.array(frame["sample_id"].tolist()))
    is_named = pc.not_equal(pc.fill_null(table.column("reason"), ""), NOT_NAMED)
    num_named = pc.sum(pc.and_(asked, is_named)).as_py() or 0
    file = getattr(options, "file", "the file")
    if not num_named:
        theirs = next(iter(opened.names), "")
        raise ConfigError(
            f"{file}: names none of the {len(frame):,} pictures: it has {len(opened.names):,} "
            f"names such as {theirs!r}, the set's first sample is {frame['sample_id'].iloc[0]!r} "
            f"with the picture {frame['image'].iloc[0]!r}"
        )
    return (
        f"{file}: of its {len(opened.names):,} names {num_named:,} are of the {len(frame):,} "
        "pictures that were asked for"
    )


def _remove_chunks(out: Path) -> None:
    """The chunks' tables have served."""
    import shutil

    shutil.rmtree(out / CHUNKS, ignore_errors=True)
