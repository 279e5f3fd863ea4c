"""Some samples to their crops and their record: what a worker does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from fertools.align.recipe import AlignConfig
from fertools.align.records import ChunkRecord, has_all_files, read_record, write_record
from fertools.align.scales import ScaledPicture, pick_ratio
from fertools.align.template import Placement, core_box, place_face, place_whole, warp
from fertools.errors import PictureError
from fertools.geometry import FloatArray
from fertools.jobs import write_bytes_soon
from fertools.pictures import read_picture_bytes
from fertools.render.pictures import encode_picture

if TYPE_CHECKING:
    from fertools.align.mtcnn import Face

__all__ = ["ChunkTask", "OnError", "SourceRow", "align_chunk", "choose_face", "is_done"]

OnError = Literal["stop", "skip"]
Box = tuple[float, float, float, float]

_LAST_INPUT = 48  # side of what the detector's last network sees
_PIXELS_AT_ONCE = 8_000_000  # 15 bytes each while faces are looked for


@dataclass(frozen=True)
class SourceRow:
    """One picture that is to be aligned.

    Attributes:
        sample_id: Its name.
        image: POSIX path below the task's root.
        sha256: What its bytes must be; None if anything will do.
        size: Width and height that it must have; None if anything will do.
        points: Five points of the set's own annotation, ``(5, 2)``; None if there are none.
        box: The set's own box of the face; None if there is none.
    """

    sample_id: str
    image: str
    sha256: str | None = None
    size: tuple[int, int] | None = None
    points: FloatArray | None = None
    box: Box | None = None


@dataclass(frozen=True)
class ChunkTask:
    """All that a worker needs for some samples.

    Attributes:
        number: Of the chunk.
        rows: The samples.
        root: The folder of their pictures.
        out: The folder to write.
        config: How.
        as_exif_says: Turn pictures as their EXIF data ask for.
        on_error: Whether a damaged picture ends the work.
    """

    number: int
    rows: tuple[SourceRow, ...]
    root: Path
    out: Path
    config: AlignConfig
    as_exif_says: bool = False
    on_error: OnError = "stop"


@dataclass(frozen=True)
class _Found:
    """What is known of the face of a picture.

    Attributes:
        placement: Where it goes; of a picture without a face, where the whole picture goes.
        source: ``annotation`` or ``mtcnn``; None if no face was found.
        reason: Why there is no face; None if there is one.
        points: Shape ``(5, 2)``, pixels of the original; None without a face.
        box: Of the face, pixels of the original; None without a face.
        prob: Of the detector.
        num_faces: That the detector found; None where it was not asked.
    """

    placement: Placement
    source: str | None = None
    reason: str | None = None
    points: FloatArray | None = None
    box: Box | None = None
    prob: float | None = None
    num_faces: int | None = None


def is_done(task: ChunkTask) -> bool:
    """Whether a chunk's record stands, all its crops are there, and nothing was left out."""
    record = read_record(task.out, task.number)
    return record is not None and not record.skipped and has_all_files(task.out, record)


def align_chunk(task: ChunkTask) -> int:
    """Align some samples: crops first, then the record that vouches for them.

    Returns:
        How many were aligned now.

    Raises:
        PictureError: If a picture is damaged and the task says to stop.
    """
    import cv2

    cv2.setNumThreads(1)
    record = ChunkRecord([], {})
    waiting: list[tuple[SourceRow, ScaledPicture]] = []
    num_pixels = 0
    for row in task.rows:
        try:
            picture = _open(task, row)
            if (found := _by_annotation(task.config, row, picture)) is not None:
                record.rows.append(_write(task, row, picture, found))
                continue
            ratio = _ratio(task.config, picture)
            picture.at(ratio)
        except PictureError as error:
            if task.on_error == "stop":
                raise PictureError(f"{error}; or leave it out with --on-error skip") from error
            record.skipped[row.sample_id] = str(error).replace(f"{task.root}/", "")
            continue
        num_pixels += picture.width * picture.height // ratio**2
        waiting.append((row, picture))
        if num_pixels >= _PIXELS_AT_ONCE:
            _detect(task, waiting, record)
            waiting, num_pixels = [], 0
    if waiting:
        _detect(task, waiting, record)
    write_record(task.out, task.number, record)
    return len(record.rows)


def choose_face(faces: Sequence[Face], config: AlignConfig, width: int, height: int) -> Face | None:
    """One of the faces of a picture; None if there are none.

    Args:
        faces: In pixels of the picture.
        config: Says how one is chosen; those of ``sure_prob`` and more go before the others.
        width: Of the picture.
        height: Of the picture.
    """
    sure = [face for face in faces if face.prob >= config.sure_prob]

    def rank(face: Face) -> float:
        x0, y0, x1, y1 = face.box
        if config.choose == "most-probable" or not sure:
            return face.prob
        if config.choose == "largest":
            return (x1 - x0) * (y1 - y0)
        return -((x0 + x1 - width) ** 2 + (y0 + y1 - height) ** 2)

    return max(sure or faces, key=rank, default=None)


def _open(task: ChunkTask, row: SourceRow) -> ScaledPicture:
    """The bytes of a picture, compared with what is known of it."""
    path = task.root / row.image
    data = read_picture_bytes(path)
    if row.sha256 is not None and hashlib.sha256(data).hexdigest() != row.sha256:
        raise PictureError(
            f"{path}: is not the picture that the manifest was made of (another SHA-256); index "
            "the set again"
        )
    picture = ScaledPicture.open(path, data, as_exif_says=task.as_exif_says)
    if row.size is not None and row.size != (picture.width, picture.height):
        raise PictureError(
            f"{path}: has {picture.width} x {picture.height} pixels, the manifest says "
            f"{row.size[0]} x {row.size[1]}; index the set again"
        )
    return picture


def _ratio(config: AlignConfig, picture: ScaledPicture) -> int:
    """How small a picture may be for the detector to see its smallest faces well."""
    return pick_ratio(_LAST_INPUT / config.smallest_face(picture.width, picture.height))


def _by_annotation(config: AlignConfig, row: SourceRow, picture: ScaledPicture) -> _Found | None:
    """What the set's own points give; None where the detector is to be asked."""
    if config.source == "mtcnn":
        return None
    points = row.points
    if points is not None and _is_about(points, picture):
        placement = place_face(points, row.box, size=config.size, margin=config.margin)
        if placement is not None:
            box = row.box or core_box(placement, size=config.size, margin=config.margin)
            return _Found(placement, "annotation", points=points, box=box)
    if config.source == "auto":
        return None
    why = (
        "the set has no landmarks of this picture that five points could be taken from"
        if points is None
        else "the set's five points are those of no face, or lie outside the picture"
    )
    whole = place_whole(picture.width, picture.height, size=config.size)
    return _Found(whole, reason=why)


def _is_about(points: FloatArray, picture: ScaledPicture) -> bool:
    """Whether points lie in the picture or not far from it."""
    size = np.array([picture.width, picture.height], dtype=np.float64)
    known = points[np.isfinite(points).all(axis=1)]
    return bool((np.abs(known - size / 2) <= size).all())


def _detect(
    task: ChunkTask, waiting: Sequence[tuple[SourceRow, ScaledPicture]], record: ChunkRecord
) -> None:
    """Look for the faces of some pictures and write their crops."""
    from fertools.align.mtcnn import load_mtcnn

    config = task.config
    ratios = [_ratio(config, picture) for _, picture in waiting]
    least = [config.smallest_face(picture.width, picture.height) for _, picture in waiting]
    faces = load_mtcnn(config.thresholds).detect(
        [picture.at(ratio) for (_, picture), ratio in zip(waiting, ratios, strict=True)],
        [size / ratio for size, ratio in zip(least, ratios, strict=True)],
    )
    for (row, picture), ratio, size, found in zip(waiting, ratios, least, faces, strict=True):
        chosen = choose_face(found, config, picture.width // ratio, picture.height // ratio)
        record.rows.append(
            _write(task, row, picture, _judge(config, picture, found, chosen, ratio, size))
        )


def _judge(
    config: AlignConfig,
    picture: ScaledPicture,
    faces: Sequence[Face],
    chosen: Face | None,
    ratio: int,
    least: int,
) -> _Found:
    """What the detector's faces come to, in pixels of the original."""
    if chosen is not None:
        points = chosen.points * ratio
        x0, y0, x1, y1 = (edge * ratio for edge in chosen.box)
        placement = place_face(points, (x0, y0, x1, y1), size=config.size, margin=config.margin)
        if placement is not None:
            box = (x0, y0, x1, y1)
            return _Found(placement, "mtcnn", None, points, box, chosen.prob, len(faces))
    reason = f"no face of {least} pixels or more was found"
    whole = place_whole(picture.width, picture.height, size=config.size)
    return _Found(whole, reason=reason, num_faces=len(faces))


def _write(
    task: ChunkTask, row: SourceRow, picture: ScaledPicture, found: _Found
) -> dict[str, Any]:
    """Write a crop; its row of the record."""
    config = task.config
    crop = warp(picture, found.placement, size=config.size, border=config.border)
    data = encode_picture(crop, config.image_format, jpeg_quality=config.jpeg_quality or 95)
    image = f"images/{row.sample_id}.{'jpg' if config.image_format == 'jpeg' else 'png'}"
    (task.out / image).parent.mkdir(parents=True, exist_ok=True)
    write_bytes_soon(task.out / image, data)
    box = found.box or (None,) * 4
    is_aligned = found.source is not None
    return {
        "sample_id": row.sample_id,
        "image": image,
        "num_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "aligned": is_aligned,
        "align_reason": found.reason,
        "align_source": found.source,
        "align_method": found.placement.method,
        "align_roll_deg": round(found.placement.roll_deg, 3),
        "align_scale": round(found.placement.scale, 6),
        **{f"face_{k}": _rounded(v) for k, v in zip(("x0", "y0", "x1", "y1"), box, strict=True)},
        "face_prob": _rounded(found.prob),
        "num_faces": found.num_faces,
        "original_image": row.image,
        "original_width": picture.width,
        "original_height": picture.height,
        "original_sha256": picture.sha256,
        "points": None if found.points is None else _pairs(found.placement.apply(found.points)),
        "matrix": found.placement.matrix.ravel().tolist(),
    }


def _rounded(value: float | None) -> float | None:
    """A number as it stands in tables."""
    return None if value is None else round(float(value), 4)


def _pairs(points: npt.NDArray[np.float64]) -> list[list[float | None]]:
    """Points as JSON has them; what is not known is null."""
    return [[_rounded(v) if np.isfinite(v) else None for v in point] for point in points.tolist()]
