"""The renders of a plan as a folder of pictures with a manifest: resumable, a chunk at a time.

``images/`` holds the pictures, ``records/NAME.json`` vouches for a chunk's pictures by size and
digest, and at the end ``manifest.parquet`` and ``landmarks.parquet`` list all that the folder
holds: what an earlier, longer plan made stays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fertools import __version__
from fertools.errors import ConfigError, ManifestError, PictureError
from fertools.geometry import rotation_from_angles
from fertools.jobs import (
    atomic_path,
    hold_folder,
    read_note,
    run_tasks,
    text_digest,
    write_bytes_soon,
    write_json,
)
from fertools.manifest import Manifest, write_manifest
from fertools.pose.validation.plan import LIGHTS, SIZE, Chunk, Render, RenderPlan
from fertools.render.camera import Camera
from fertools.render.pictures import encode_picture

if TYPE_CHECKING:
    from fertools.synth.sitting import Sitter

__all__ = ["DATASET", "RenderSummary", "draw", "render_plan"]

DATASET = "pose-validation"
GENERATOR = 1  # raise it whenever the same plan would give other pictures
RECORDS, IMAGES = "records", "images"

_TEXTURE = 384
_JPEG_QUALITY = 95
_LEFT_EYE, _RIGHT_EYE = slice(42, 48), slice(36, 42)
_MAX_BYTES = 20_000_000
_REMEDY = "delete the folder and start the same command again"


@dataclass(frozen=True)
class RenderSummary:
    """What a run left.

    Attributes:
        manifest: Of all that the folder holds.
        sample_ids: The plan's.
        num_made: Pictures that were made now; the others were there.
    """

    manifest: Manifest
    sample_ids: tuple[str, ...]
    num_made: int


@dataclass(frozen=True)
class _Task:
    """A chunk for one worker."""

    chunk: Chunk
    out: Path


def render_plan(plan: RenderPlan, out: Path, *, workers: int = 1) -> RenderSummary:
    """Render what is missing of a plan.

    Args:
        plan: What is wanted.
        out: The folder.
        workers: Processes.

    Raises:
        MissingExtraError: If the data of the stand-in heads are not installed.
        ConfigError: If the folder holds something else.
        PictureError: If a picture is gone or was changed at the end.
        OutputError: If it cannot be written.
    """
    from fertools.synth.head import find_data

    find_data()
    with hold_folder(out, rooms=(RECORDS, IMAGES)):
        _claim(out, plan)
        tasks = [_Task(chunk, out.resolve()) for chunk in plan.chunks()]
        todo = [task for task in tasks if not _is_whole(out, task.chunk)]
        made = []
        if todo:
            made = run_tasks(
                _render_chunk, todo, workers=workers, description="rendering", unit="chunks"
            )
        manifest = _write_tables(out, plan)
    wanted = tuple(render.sample_id for task in tasks for render in task.chunk.renders)
    missing = set(wanted) - set(manifest.frame["sample_id"])
    if missing:
        raise PictureError(f"{out}: {min(missing)} is gone or was changed; {_REMEDY}")
    return RenderSummary(manifest, wanted, sum(made))


def draw(render: Render) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], dict[str, Any]]:
    """One render: the picture ``(S, S, 3)``, and what is true about it.

    The truth holds ``points``, the 68 iBUG landmarks one after another in pixels, hidden ones too,
    and ``eye_px``: how far apart the middles of the eyes would be if the head looked straight
    ahead at the same place, before the same camera.
    """
    from fertools.synth.backgrounds import draw_background
    from fertools.synth.ibug import ibug68_vertices
    from fertools.synth.long_hair import grow_long_hair, has_long_hair
    from fertools.synth.moods import express
    from fertools.synth.multipie_rig import lights_of
    from fertools.synth.portrait import HEAD_CENTRE, compose, take_portrait
    from fertools.synth.sitting import mesh_points, open_studio

    studio = open_studio("8k", _TEXTURE)
    raw, vertices = studio.topology.raw, ibug68_vertices(studio.topology.raw)
    sitter = _invited(*render.seed[:2], render.identity)
    shot = express(studio, sitter, render.expression, render.intensity, seed=[*render.seed, 2])
    head = mesh_points(raw, sitter, shot, hair=True)
    marks = head[vertices]
    camera = Camera(SIZE, render.window_mm, render.distance_mm)
    portrait = take_portrait(
        studio,
        sitter,
        shot,
        rotation=rotation_from_angles(render.yaw_deg, render.pitch_deg, render.roll_deg),
        lights=lights_of(LIGHTS[render.light]),
        camera=camera,
        vertices=vertices,
        things=grow_long_hair(sitter, head, marks) if has_long_hair(sitter) else (),
    )
    rng = np.random.default_rng([*render.seed, 3])
    behind = draw_background(render.background, SIZE, SIZE, rng) * rng.uniform(0.5, 1.1)
    picture = compose(portrait, np.clip(behind, 0, 255).astype(np.uint8))
    eyes = np.stack([marks[_RIGHT_EYE].mean(axis=0), marks[_LEFT_EYE].mean(axis=0)])
    ahead = camera.project(eyes, np.eye(3), np.array(HEAD_CENTRE)).screen[:, :2]
    return picture, {
        "points": [round(float(value), 4) for value in portrait.points.ravel()],
        "eye_px": round(float(np.hypot(*(ahead[1] - ahead[0]))), 4),
    }


@lru_cache(maxsize=2)
def _invited(seed: int, tag: int, identity: int) -> Sitter:
    """A person; cached, as their pictures follow each other."""
    from fertools.synth.sitting import invite, open_studio

    studio = open_studio("8k", _TEXTURE)
    return invite(studio, [seed, tag, identity], male=identity % 2 == 1)


def _render_chunk(task: _Task) -> int:
    """Pictures first, then the record that vouches for them; how many there are."""
    rows = []
    (task.out / IMAGES).mkdir(exist_ok=True)
    for render in task.chunk.renders:
        picture, truth = draw(render)
        data = encode_picture(picture, "jpeg", jpeg_quality=_JPEG_QUALITY)
        image = f"{IMAGES}/{render.sample_id}.jpg"
        write_bytes_soon(task.out / image, data)
        rows.append(
            {
                "sample_id": render.sample_id,
                "image": image,
                "num_bytes": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
                "subject_id": f"{render.identity:04d}",
                "expression": render.expression,
                "intensity": render.intensity or None,
                "yaw_deg": render.yaw_deg,
                "pitch_deg": render.pitch_deg,
                "roll_deg": render.roll_deg,
                "part": render.part,
                "light": render.light,
                "background": render.background,
                "fov_deg": render.fov_deg,
                "face_px": render.face_px,
                "distance_mm": render.distance_mm,
                **truth,
            }
        )
    body = json.dumps(rows)
    text = f'{{"digest": "{text_digest(body)}", "rows": {body}}}\n'
    write_bytes_soon(task.out / RECORDS / f"{task.chunk.name}.json", text.encode())
    return len(rows)


def _claim(out: Path, plan: RenderPlan) -> None:
    """Write down whose pictures the folder holds, or compare with what it held before."""
    path = out / RECORDS / "plan.json"
    mine = {"seed": plan.seed, "tag": plan.tag, "generator": GENERATOR, "what": DATASET}
    if path.exists():
        before = read_note(path, max_bytes=_MAX_BYTES, remedy=_REMEDY)
        if before != mine:
            raise ConfigError(
                f"{out}: holds renders of seed {before.get('seed')!r} and people "
                f"{before.get('tag')!r}, expected {plan.seed} and {plan.tag}; choose another "
                "--renders-dir, or delete the folder"
            )
        return
    if any(p.name != ".lock" for p in out.iterdir()):
        raise ConfigError(f"{out}: holds other files; choose another --renders-dir")
    write_json(path, mine)


def _is_whole(out: Path, chunk: Chunk) -> bool:
    """Whether a chunk's record stands and its pictures have the sizes that it tells."""
    rows = {row["sample_id"]: row for row in _read_rows(out / RECORDS / f"{chunk.name}.json")}
    return all(
        render.sample_id in rows and _has_size(out, rows[render.sample_id])
        for render in chunk.renders
    )


def _has_size(out: Path, row: dict[str, Any]) -> bool:
    """Whether a row's picture is there and as long as it was."""
    path = out / str(row["image"])
    return path.is_file() and path.stat().st_size == row["num_bytes"]


def _read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a chunk; none if its record is not there, or was cut off or changed."""
    if not path.is_file():
        return []
    try:
        values = read_note(path, max_bytes=_MAX_BYTES, remedy=_REMEDY)
        rows = values["rows"]
        if values["digest"] != text_digest(json.dumps(rows)):
            return []
        return list(rows)
    except (ManifestError, KeyError):
        return []


def _write_tables(out: Path, plan: RenderPlan) -> Manifest:
    """``landmarks.parquet`` and the manifest of all whole chunks."""
    import pandas as pd

    rows = [row for path in sorted((out / RECORDS).glob("*-*.json")) for row in _read_rows(path)]
    rows = sorted(
        (row for row in rows if _has_size(out, row)), key=lambda row: str(row["sample_id"])
    )
    _write_landmarks(out / "landmarks.parquet", rows)
    frame = pd.DataFrame(rows).drop(columns=["points", "num_bytes"])
    return write_manifest(
        out / "manifest.parquet",
        frame.assign(dataset=DATASET, width=SIZE, height=SIZE, pose_source="ground_truth"),
        dataset=DATASET,
        synthetic=True,
        config={"seed": plan.seed, "tag": plan.tag, "generator": GENERATOR, "tool": __version__},
    )


def _write_landmarks(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """As the other sets have them: lists ``x`` and ``y`` of each sample."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    points = pa.list_(pa.float32())
    table = pa.table(
        {
            "sample_id": [row["sample_id"] for row in rows],
            "x": [row["points"][0::2] for row in rows],
            "y": [row["points"][1::2] for row in rows],
        },
        schema=pa.schema([("sample_id", pa.string()), ("x", points), ("y", points)]),
    )
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
