"""Stand-ins of AffectNet, as its first release and as the later one lay it out.

Both releases of one seed show the same pictures: the later one has their face crops, without the
codes 8 to 10. Its numbers are the rows of the first release's lists, counted from 0, and those of
the validation list leave out that list's first row, as the real set's numbers do; so a list of
names made for one release can be matched with the other.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from fertools.errors import ConfigError
from fertools.expressions import AFFECTNET_CODES, AFFECTNET_OTHER_CODES
from fertools.formats.affectnet import TRAIN_COUNTS
from fertools.synth.folder import Standin, check_range
from fertools.synth.plant import check_kinds
from fertools.synth.wild_set import (
    GENERATOR,
    IDENTITY_NOTE,
    Planned,
    WildSet,
    WildSummary,
    encode_picture,
    fill_wild_set,
    plan_identities,
    share_out,
)
from fertools.synth.wild_truth import GROUND_TRUTH

if TYPE_CHECKING:
    from fertools.synth.wild import Photograph

__all__ = ["CROP_SIZE", "synthesise_affectnet"]

Pixels = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]
Release = Literal["2017", "new"]

CROP_SIZE = 224
_TAG = 3
_NAMES = {**AFFECTNET_CODES, **AFFECTNET_OTHER_CODES}
_SUFFIXES = {".jpg": 3106, ".png": 175, ".JPG": 141, ".jpeg": 69, ".tif": 1}
_LISTS = "Manually_Annotated_file_lists"
_PICTURES = "Manually_Annotated_compressed/Manually_Annotated_Images"
_HEADER = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
    "expression,valence,arousal\n"
)
_UNRATED = (9, 10)  # codes whose valence and arousal are
_NOBODY_KNOWS = -2.0
_LAST_EXPRESSION = 7
_MAX_PICTURES = 500_000


def synthesise_affectnet(
    out: Path,
    *,
    release: Release = "2017",
    train: int = 400,
    val: int = 105,
    seed: int = 0,
    header_in_validation: bool = False,
    plant: Sequence[str] = (),
    workers: int = 1,
) -> WildSummary:
    """Write a stand-in of AffectNet.

    Labels of the training list come in the shares of the real set, those of the validation list in
    equal ones, at least one of each of the eleven codes. Nobody is in both. What is true about
    every picture stands in ``ground_truth.parquet``; its points and boxes count in the pictures as
    they are written, so in the crops of the new release.

    Args:
        out: Folder to write to; made if need be. An unfinished one is finished.
        release: ``2017``: whole pictures and lists; ``new``: crops of 224 pixels and arrays.
        train: Rows of the training list; the new release has those of them with an expression.
        val: Rows of the validation list, likewise.
        seed: The same seed gives the same bytes, whatever the number of workers.
        header_in_validation: Whether ``validation.csv`` starts with the names of the columns, as
            some copies do; that of ``training.csv`` is always there.
        plant: Kinds of faults that are planted at the end; see :mod:`fertools.synth.plant`.
        workers: Processes.

    Raises:
        MissingExtraError: If the head data are not installed.
        ConfigError: If an option is out of range, or the folder was made with other options.
        OutputError: If the folder holds something else or cannot be written.
    """
    check_range("train", train, len(_NAMES), _MAX_PICTURES)
    check_range("val", val, len(_NAMES) + 1, _MAX_PICTURES)
    check_range("seed", seed, 0, 2**63 - 1)
    check_range("workers", workers, 1, 1024)
    if release not in ("2017", "new"):
        raise ConfigError(f"release is {release!r}; expected 2017 or new")
    options: dict[str, Any] = {"release": release, "train": train, "val": val}
    if release == "2017":
        options["header_in_validation"] = header_in_validation
    pictures = _plan(train, val, seed)
    if release == "new":
        pictures = [picture for picture in pictures if _number(picture) is not None]
        pictures = [_renamed(picture) for picture in pictures]
    standin = Standin(
        root=out,
        dataset="affectnet",
        seed=seed,
        generator=GENERATOR,
        size=("pictures", len(pictures)),
        options=options,
        facts={"ground_truth": GROUND_TRUTH, "note": IDENTITY_NOTE},
        may_grow=False,
        planted=check_kinds(plant),
    )
    lists = (f"{_LISTS}/training.csv", f"{_LISTS}/validation.csv")
    wild_set = WildSet(
        standin=standin,
        tag=_TAG,
        pictures=tuple(pictures),
        files=_whole_files if release == "2017" else _crop_files,
        save=_save_whole if release == "2017" else _save_crop,
        has_square_boxes=True,
        list_names=lists if release == "2017" else (),
        lists=_lists if release == "2017" else _no_lists,
    )
    return fill_wild_set(wild_set, workers=workers)


def _plan(train: int, val: int, seed: int) -> list[Planned]:
    """Rows of both lists of the first release."""
    pictures: list[Planned] = []
    people = 0
    for number, (split, total) in enumerate((("train", train), ("val", val))):
        weights = TRAIN_COUNTS if split == "train" else (1,) * len(_NAMES)
        codes = np.repeat(np.arange(len(_NAMES)), share_out(total, weights, what=split))
        rng = np.random.default_rng([seed, _TAG, number, 30])
        codes = rng.permutation(codes)
        kinds = np.repeat(list(_SUFFIXES), share_out(total, list(_SUFFIXES.values()), what=split))
        kinds = rng.permutation(kinds)
        if split == "val":  # the row that the new release lost was a contempt
            first = int(np.flatnonzero(codes == _LAST_EXPRESSION)[0])
            codes[[0, first]] = codes[[first, 0]]
        names = [_NAMES[int(code)] for code in codes]
        who = plan_identities(names, first=people)
        people = max(who) + 1
        for index, (code, name, identity) in enumerate(zip(codes, names, who, strict=True)):
            text = f"fertools stand-in {seed} {split} {index}"
            stem = hashlib.sha224(text.encode()).hexdigest()
            folder = int(rng.integers(1, 1000))
            pictures.append(
                Planned(
                    sample_id=f"{folder}/{stem}",
                    split=split,
                    index=index,
                    code=int(code),
                    expression=name,
                    identity=identity,
                    name=f"{folder}/{stem}",
                    suffix=str(kinds[index]),
                )
            )
    return pictures


def _number(planned: Planned) -> int | None:
    """Number in the new release; None for what it left out."""
    number = planned.index - (1 if planned.split == "val" else 0)
    return number if number >= 0 and planned.code <= _LAST_EXPRESSION else None


def _renamed(planned: Planned) -> Planned:
    """The same picture under its name in the new release."""
    number = str(_number(planned))
    return replace(planned, sample_id=f"{planned.split}/{number}", name=number, suffix=".jpg")


def _whole_files(planned: Planned, options: Mapping[str, Any]) -> list[str]:
    """The picture's file in the first release."""
    return [f"{_PICTURES}/{planned.name}{planned.suffix}"]


def _crop_files(planned: Planned, options: Mapping[str, Any]) -> list[str]:
    """Picture and annotations in the new release."""
    folder, number = f"{planned.split}_set", planned.name
    arrays = [f"{folder}/annotations/{number}_{kind}.npy" for kind in ("exp", "lnd", "val", "aro")]
    return [f"{folder}/images/{number}.jpg", *arrays]


def _feel(planned: Planned, options: Mapping[str, Any], row: dict[str, Any]) -> None:
    """Add valence and arousal to a row."""
    from fertools.synth.moods import draw_feelings

    if planned.code in _UNRATED:
        row |= {"valence": _NOBODY_KNOWS, "arousal": _NOBODY_KNOWS}
        return
    seed = [options["seed"], _TAG, planned.index, planned.code, max(planned.identity, 0)]
    valence, arousal = draw_feelings(planned.expression, row["intensity"] or 0, seed=seed)
    row |= {"valence": valence, "arousal": arousal}


def _save_whole(
    planned: Planned, options: Mapping[str, Any], photograph: Photograph, row: dict[str, Any]
) -> list[bytes]:
    """The whole picture."""
    _feel(planned, options, row)
    quality = photograph.conditions.jpeg_quality
    return [encode_picture(photograph.picture, planned.suffix, quality=quality)]


def _save_crop(
    planned: Planned, options: Mapping[str, Any], photograph: Photograph, row: dict[str, Any]
) -> list[bytes]:
    """The face's crop and the arrays about it; the row then counts in the crop."""
    import cv2

    _feel(planned, options, row)
    left, top, wide, high = _whole_box(row["face_box"])
    cut = photograph.picture[top : top + high, left : left + wide]
    scale = np.array([CROP_SIZE / wide, CROP_SIZE / high])
    shrinks = wide * high > CROP_SIZE**2
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    crop = cv2.resize(cut, (CROP_SIZE, CROP_SIZE), interpolation=method).astype(np.uint8)
    points = np.round((photograph.points - [left, top]) * scale, 4)
    x0, y0, x1, y1 = row["face_box"]
    box = (np.array([[x0, y0], [x1, y1]]) - [left, top]) * scale
    row |= {
        "points": points.ravel().tolist(),
        "face_box": np.round(box, 4).ravel().tolist(),
        "width": CROP_SIZE,
        "height": CROP_SIZE,
    }
    is_text = planned.index % 3 != 1  # the real arrays are not all of one kind either
    arrays = [
        np.array(str(value) if is_text else value)
        for value in (planned.code, row["valence"], row["arousal"])
    ]
    return [
        encode_picture(crop, ".jpg", quality=photograph.conditions.jpeg_quality),
        *map(_array_bytes, (arrays[0], points.ravel(), *arrays[1:])),
    ]


def _whole_box(box: Sequence[float]) -> tuple[int, int, int, int]:
    """Left, top, width and height in whole pixels."""
    x0, y0, x1, y1 = box
    left, top = int(np.floor(x0)), int(np.floor(y0))
    return left, top, max(1, int(np.ceil(x1)) - left), max(1, int(np.ceil(y1)) - top)


def _array_bytes(values: npt.NDArray[Any]) -> bytes:
    """A ``.npy`` file."""
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def _lists(
    pictures: Sequence[Planned], options: Mapping[str, Any], rows: Mapping[str, dict[str, Any]]
) -> list[bytes]:
    """The two tables of the first release."""
    tables = []
    for split in ("train", "val"):
        text = "".join(
            _line(planned, options, rows[planned.sample_id])
            for planned in pictures
            if planned.split == split
        )
        if split == "train" or options["header_in_validation"]:
            text = _HEADER + text
        tables.append(text.encode())
    return tables


def _line(planned: Planned, options: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """One row of a table."""
    box, points = row["face_box"], row["points"]
    if box is None:  # what a detector saw where there is nobody
        box, points = _mistaken(row, seed=[options["seed"], _TAG, planned.index, 33])
    numbers = ",".join(map(str, _whole_box(box)))
    landmarks = ";".join(f"{value:.2f}" for value in points)
    feelings = ",".join(
        f"{row[name]:.6f}".rstrip("0").rstrip(".") for name in ("valence", "arousal")
    )
    return f"{planned.name}{planned.suffix},{numbers},{landmarks},{planned.code},{feelings}\n"


def _mistaken(
    row: Mapping[str, Any], *, seed: list[int]
) -> tuple[tuple[float, float, float, float], list[float]]:
    """A box and points somewhere in a picture without a face."""
    rng = np.random.default_rng(seed)
    side = float(rng.uniform(0.3, 0.6)) * min(row["width"], row["height"])
    left = float(rng.uniform(0, row["width"] - side))
    top = float(rng.uniform(0, row["height"] - side))
    points = [left, top] + side * rng.uniform(0.1, 0.9, (68, 2))
    return (left, top, left + side, top + side), points.ravel().tolist()


def _no_lists(
    pictures: Sequence[Planned], options: Mapping[str, Any], rows: Mapping[str, dict[str, Any]]
) -> list[bytes]:
    """The new release has none."""
    return []
