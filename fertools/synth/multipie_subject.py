"""One subject of the Multi-PIE stand-in: taken, written whole, and recognised as whole."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fertools.errors import OutputError
from fertools.jobs import write_bytes, write_bytes_soon
from fertools.synth.folder import PARTIAL
from fertools.synth.multipie_layout import (
    ALL_CAMERAS,
    LABELS,
    PERSONS,
    Layout,
    MultipieOptions,
    Place,
    attendance,
    encode_picture,
    is_whole_picture,
    label_bytes,
    places_of,
)

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PARTS", "SubjectTask", "parquet_bytes", "subject_is_whole", "write_subject"]

PARTS = ".ground_truth"
"""Folder of the ground truth of each subject, from which that of all is put together."""

_TEXTURE = 512
_LABEL_SHARE = 0.1
_SMILE = {"smile": "happiness"}


@dataclass(frozen=True)
class SubjectTask:
    """One subject to make, counted from 0."""

    root: Path
    index: int
    options: MultipieOptions


def write_subject(task: SubjectTask) -> str:
    """Make one subject; the folders appear under their names when they are whole."""
    subject = attendance(task.options.seed, task.index).subject
    partial = task.root / f"{PARTIAL}{subject}"
    layout = Layout(task.options.level)
    units = sorted({layout.unit(place) for place in places_of(task.index, task.options)})
    try:
        shutil.rmtree(partial, ignore_errors=True)
        for unit in units:
            if (task.root / unit).exists():
                shutil.rmtree(task.root / unit)
        rows = []
        for name, data, row in _files(task, layout):
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes_soon(path, data)
            if row is not None:
                rows.append(row)
        write_bytes(task.root / PARTS / f"{subject}.parquet", _table_bytes(rows))
        for label in sorted((partial / layout.beside / LABELS).rglob("*.mat")):
            target = task.root / label.relative_to(partial)
            target.parent.mkdir(parents=True, exist_ok=True)
            label.replace(target)
        for unit in units:
            (task.root / unit).parent.mkdir(parents=True, exist_ok=True)
            (partial / unit).rename(task.root / unit)
    except OSError as error:
        raise OutputError(
            f"{task.root}: subject {subject} cannot be written: {error.strerror or error}"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return subject


def subject_is_whole(task: SubjectTask) -> bool:
    """Whether all files of a subject are there, none of them cut off, and no other."""
    layout = Layout(task.options.level)
    places = list(places_of(task.index, task.options))
    who = attendance(task.options.seed, task.index)
    if not (task.root / PARTS / f"{who.subject}.parquet").is_file():
        return False
    labels = [layout.label(p) for p in places if _is_labelled(task.options, p)]
    if not all((task.root / name).is_file() for name in labels):
        return False
    expected = {layout.picture(place) for place in places}
    found = {
        path.relative_to(task.root).as_posix()
        for unit in {layout.unit(place) for place in places}
        for path in (task.root / unit).rglob("*")
        if path.is_file()
    }
    return expected == found and all(_ends_well(task.root / n, layout.suffix) for n in expected)


def _files(task: SubjectTask, layout: Layout) -> Iterator[tuple[str, bytes, dict[str, Any] | None]]:
    """Paths and bytes of a subject's files, with the truth of each picture."""
    from fertools.geometry import angles_from_rotation
    from fertools.synth.multipie_rig import draw_seat, labelled_points, photograph
    from fertools.synth.sitting import invite, open_studio, take_shot
    from fertools.synth.torso import draw_clothes

    options = task.options
    places = list(places_of(task.index, options))
    if not places:
        return
    studio = open_studio("8k", _TEXTURE)
    person = [options.seed, PERSONS, task.index]
    sitter = invite(studio, person, male=attendance(options.seed, task.index).male)
    for start in range(0, len(places), len(options.cameras)):
        group = places[start : start + len(options.cameras)]
        first = group[0]
        seed = [*person, 200 + first.session, first.recording]
        emotion = _SMILE.get(first.expression, first.expression)
        strength = int(np.random.default_rng([*seed, 23]).choice([3, 4], p=[0.4, 0.6]))
        intensity = 0 if emotion == "neutral" else strength
        seat = draw_seat(seed)
        views = photograph(
            studio,
            sitter,
            take_shot(studio, sitter, seed, emotion=emotion, intensity=intensity),
            seat,
            draw_clothes([*person, 200 + first.session]),
            cameras=options.cameras,
            illumination=first.illumination,
        )
        for place, view in zip(group, views, strict=True):
            name = layout.picture(place)
            angles = angles_from_rotation(view.rotation)
            row = _row(place, name, intensity, angles, angles_from_rotation(seat.rotation))
            row["points"] = view.points.ravel().tolist()
            row["visible"] = view.visible.tolist()
            yield name, encode_picture(view.picture, layout.suffix), row
            if _is_labelled(options, place):
                points = labelled_points(view.points, place.camera)
                yield layout.label(place), label_bytes(points), None


def _row(
    place: Place,
    name: str,
    intensity: int,
    angles: tuple[float, float, float],
    head: tuple[float, float, float],
) -> dict[str, Any]:
    """What is true of a picture, but for its points."""
    words = ("yaw_deg", "pitch_deg", "roll_deg")
    return {
        "sample_id": place.sample_id,
        "image": name,
        "subject_id": place.subject,
        "expression": place.expression,
        "intensity": intensity or None,
        "session": place.session,
        "recording": place.recording,
        "camera": place.camera,
        "illumination": place.illumination,
        **dict(zip(words, angles, strict=True)),
        **{f"head_{word}": angle for word, angle in zip(words, head, strict=True)},
    }


def _schema() -> pa.Schema:
    """Columns of the ground truth: angles in degrees by ``fertools.geometry``, points in pixels."""
    import pyarrow as pa

    texts = ("sample_id", "image", "subject_id", "expression")
    angles = [f"{who}{what}_deg" for who in ("", "head_") for what in ("yaw", "pitch", "roll")]
    return pa.schema(
        [
            *((name, pa.string()) for name in texts),
            ("intensity", pa.int8()),
            ("session", pa.int8()),
            ("recording", pa.int8()),
            ("camera", pa.string()),
            ("illumination", pa.int8()),
            *((name, pa.float32()) for name in angles),
            ("points", pa.list_(pa.float32())),
            ("visible", pa.list_(pa.bool_())),
        ]
    )


def _table_bytes(rows: list[dict[str, Any]]) -> bytes:
    """Rows as a parquet file."""
    import pyarrow as pa

    return parquet_bytes(pa.Table.from_pylist(rows, schema=_schema()))


def parquet_bytes(table: pa.Table) -> bytes:
    """A table as the bytes of a parquet file."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _is_labelled(options: MultipieOptions, place: Place) -> bool:
    """Whether a landmark file is written of a picture; of one illumination at most."""
    if not options.with_labels or place.illumination != options.illuminations[0]:
        return False
    camera = ALL_CAMERAS.index(place.camera)
    seed = [options.seed, int(place.subject), place.session, place.recording, camera, 24]
    return bool(np.random.default_rng(seed).random() < _LABEL_SHARE)


def _ends_well(path: Path, suffix: str) -> bool:
    """Whether a picture file has its end."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 16))
        return is_whole_picture(file.read(), suffix)
