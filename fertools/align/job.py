"""A manifest's pictures to crops with upright faces: resumable, in chunks, in shards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from fertools import __version__
from fertools.align.chunk_job import Box, ChunkTask, OnError, SourceRow, align_chunk, is_done
from fertools.align.landmarks import Landmarks, five_points, read_landmarks
from fertools.align.recipe import AlignConfig
from fertools.align.records import (
    RECORDS,
    ROOMS,
    ChunkRecord,
    claim_folder,
    has_all_files,
    read_record,
)
from fertools.align.table import aligned_frame, write_landmarks, write_points
from fertools.align.template import TEMPLATE
from fertools.errors import ConfigError, ManifestError, PictureError
from fertools.jobs import Shard, hold_folder, run_tasks
from fertools.manifest import Manifest, write_manifest
from fertools.render.recipe import LAYERS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CHUNK", "AlignSummary", "align_manifest", "describe_recipe", "run_chunks"]

CHUNK = 64
"""Samples that one worker takes at a time; they share the detector's batches."""


@dataclass(frozen=True)
class AlignSummary:
    """What an alignment came to.

    Attributes:
        manifest: The crops; None after one shard of several.
        rows: Of the records of this run or shard, one a sample.
        num_samples: Of this run or shard.
        num_made: Crops that were made this time; the others were whole already.
        skipped: ``sample_id`` to the reason why it was left out.
    """

    manifest: Manifest | None
    rows: tuple[dict[str, Any], ...]
    num_samples: int
    num_made: int
    skipped: dict[str, str]


def align_manifest(
    manifest: Manifest,
    out: Path,
    config: AlignConfig,
    *,
    workers: int = 1,
    shard: Shard | None = None,
    scheduler: str | None = None,
    on_error: OnError = "stop",
) -> AlignSummary:
    """Find every picture's face, bring it into its place, and write the manifest of the crops.

    A picture in which no face is found keeps its row, with ``aligned`` false and a reason; its crop
    is the whole picture, made to fit.

    Args:
        manifest: Of the originals; ``landmarks.parquet`` beside it is used if it is there.
        out: Folder for ``images/``, ``records/``, ``manifest.parquet``, ``align.parquet`` and,
            where the set has landmarks, ``landmarks.parquet``.
        config: How.
        workers: Processes, of one thread each.
        shard: Align only this part. When all parts are there, a call without it makes the manifest.
        scheduler: Address of a Dask scheduler whose workers do it instead of processes here.
        on_error: ``stop`` at the first damaged picture, or ``skip``, which leaves it out and lists
            it.

    Returns:
        What was done.

    Raises:
        ManifestError: If a ``sample_id`` is no name that a file can have, or ``landmarks.parquet``
            is damaged.
        ConfigError: If the pictures are aligned already, only the set's own landmarks are to be
            used and there are none, or ``out`` holds something else.
        PictureError: On the first damaged picture where ``on_error`` is ``stop``; what is made
            stays and is not done again. Also if no picture can be used.
        MissingExtraError: If the detector is needed and not installed.
        OutputError: If a file cannot be written, or another process is writing in ``out``.
    """
    landmarks = Landmarks({}, {})
    if config.source != "mtcnn":
        landmarks = read_landmarks(manifest.path.parent)
    if "aligned" in manifest.frame.columns:
        raise ConfigError(
            f"{manifest.path}: its pictures are aligned already; give the manifest that they were "
            "made of"
        )
    if config.source == "annotation" and not landmarks.points:
        raise ConfigError(
            f"{manifest.path.parent}: has no landmarks.parquet, and only the set's own landmarks "
            "are to be used; leave out --source annotation"
        )
    rows = _source_rows(manifest, landmarks)
    recipe = describe_recipe(config, needs_detector=_needs_detector(config, rows))
    plan = {
        "input_digest": manifest.info.digest,
        "recipe": recipe,
        "samples": len(rows),
        "tool_version": __version__,
    }
    with hold_folder(out, shared=shard is not None, rooms=ROOMS):
        summary = run_chunks(
            rows,
            manifest.root,
            out,
            config,
            plan,
            workers=workers,
            shard=shard,
            scheduler=scheduler,
            on_error=on_error,
        )
        if shard is not None:
            return summary
        whole = landmarks
        if config.source == "mtcnn":
            whole = read_landmarks(manifest.path.parent)
        frame = manifest.frame.drop(columns=[c for c in LAYERS if c in manifest.frame.columns])
        made = write_manifest(
            out / "manifest.parquet",
            aligned_frame(frame, summary.rows, size=config.size),
            dataset=manifest.info.dataset,
            synthetic=manifest.info.synthetic,
            config={
                **manifest.info.config,
                "align": {**recipe, "input_digest": manifest.info.digest},
            },
        )
        write_points(out / "align.parquet", summary.rows)
        write_landmarks(out / "landmarks.parquet", summary.rows, whole)
    return AlignSummary(made, summary.rows, summary.num_samples, summary.num_made, summary.skipped)


def describe_recipe(config: AlignConfig, *, needs_detector: bool) -> dict[str, Any]:
    """The options, the template and the detector's version, as JSON values.

    Raises:
        MissingExtraError: If the detector is needed and not installed.
    """
    from fertools.align.mtcnn import mtcnn_version

    return {
        **config.model_dump(mode="json"),
        "template": TEMPLATE.tolist(),
        "detector": mtcnn_version() if needs_detector else None,
    }


def run_chunks(
    rows: Sequence[SourceRow],
    root: Path,
    out: Path,
    config: AlignConfig,
    plan: dict[str, Any],
    *,
    workers: int,
    shard: Shard | None = None,
    scheduler: str | None = None,
    as_exif_says: bool = False,
    on_error: OnError = "stop",
) -> AlignSummary:
    """Make what is missing of some rows' crops; for whoever holds the folder.

    Args:
        rows: All samples.
        root: The folder of their pictures.
        out: The folder to write.
        config: How.
        plan: What the folder is to hold, compared with what it held before.
        workers: Processes.
        shard: Take only every so-manieth chunk.
        scheduler: See :func:`align_manifest`.
        as_exif_says: Turn pictures as their EXIF data ask for.
        on_error: See :func:`align_manifest`.

    Returns:
        What was done, without a manifest.

    Raises:
        PictureError: See :func:`align_manifest`; also if a crop is gone or changed at the end.
        ConfigError: If ``out`` holds something else.
    """
    claim_folder(out, plan)
    (out / RECORDS).mkdir(exist_ok=True)
    tasks = [
        ChunkTask(
            number=start // CHUNK,
            rows=tuple(rows[start : start + CHUNK]),
            root=root.resolve(),
            out=out.resolve(),
            config=config,
            as_exif_says=as_exif_says,
            on_error=on_error,
        )
        for start in range(0, len(rows), CHUNK)
    ]
    mine = tasks if shard is None else shard.pick(tasks)
    todo = [task for task in mine if not is_done(task)]
    made = (
        run_tasks(
            align_chunk,
            todo,
            workers=workers,
            scheduler=scheduler,
            description="aligning",
            unit=f"x {CHUNK} pictures",
        )
        if todo
        else []
    )
    records = [_checked(out, task.number) for task in mine]
    made_rows = tuple(row for record in records for row in record.rows)
    skipped = {name: why for record in records for name, why in record.skipped.items()}
    if mine and not made_rows:
        raise PictureError(f"no picture can be used; the first: {next(iter(skipped.values()))}")
    num_samples = sum(len(task.rows) for task in mine)
    return AlignSummary(None, made_rows, num_samples, sum(made), skipped)


def _checked(out: Path, number: int) -> ChunkRecord:
    """A chunk's record, its crops compared by digest."""
    record = read_record(out, number)
    if record is None or not has_all_files(out, record, by_digest=True):
        (out / RECORDS / f"{number:06d}.json").unlink(missing_ok=True)
        raise PictureError(
            f"{out}: a crop of chunk {number} is gone or was changed; start the same command "
            "again, it makes only that chunk anew"
        )
    return record


def _needs_detector(config: AlignConfig, rows: Sequence[SourceRow]) -> bool:
    """Whether any picture is given to the detector."""
    if config.source == "auto":
        return any(row.points is None for row in rows)
    return config.source == "mtcnn"


def _source_rows(manifest: Manifest, landmarks: Landmarks) -> list[SourceRow]:
    """What is to be aligned, in the manifest's order."""
    frame = manifest.frame
    boxes = _own_boxes(frame)
    columns = ("sample_id", "image", "sha256", "width", "height")
    values = zip(*(frame[name].tolist() for name in columns), boxes, strict=True)
    rows = []
    for sample_id, image, sha256, width, height, box in values:
        if not _is_name(sample_id):
            raise ManifestError(
                f"{manifest.path}: sample_id {sample_id!r} cannot be a file's name; expected one "
                "without '..' and not beginning with '/'"
            )
        marks = landmarks.points.get(sample_id)
        rows.append(
            SourceRow(
                sample_id=sample_id,
                image=image,
                sha256=sha256,
                size=(int(width), int(height)),
                points=None if marks is None else five_points(marks),
                box=box,
            )
        )
    return rows


def _own_boxes(frame: pd.DataFrame) -> list[Box | None]:
    """The set's own boxes of faces, where it has them."""
    names = ["face_x0", "face_y0", "face_x1", "face_y1"]
    if not set(names) <= set(frame.columns):
        return [None] * len(frame)
    import pandas as pd

    numbers = frame[names].apply(pd.to_numeric, errors="coerce").astype("Float64")
    is_known = numbers.notna().all(axis=1).tolist()
    values = numbers.fillna(0.0).astype("float64").to_numpy().tolist()
    return [
        (x0, y0, x1, y1) if known else None
        for known, (x0, y0, x1, y1) in zip(is_known, values, strict=True)
    ]


def _is_name(sample_id: str) -> bool:
    """Whether a path of this name stays in its folder."""
    parts = PurePosixPath(sample_id).parts
    is_plain = "\0" not in sample_id and "\\" not in sample_id and "//" not in sample_id
    return (
        bool(parts)
        and is_plain
        and sample_id[0] != "/"
        and not {"..", "."} & set(sample_id.split("/"))
    )
