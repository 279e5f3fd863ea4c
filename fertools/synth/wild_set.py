"""Stand-in sets in the wild: who is photographed when, on several processors, resumable.

A set is a list of pictures that is worked out beforehand. Each identity sits for six of them; that
is one task. A task leaves its pictures and, in a folder of leftovers, what is true about them; when
all are there the truth of all goes into ``ground_truth.parquet`` and the leftovers are removed.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fertools.errors import ConfigError, OutputError
from fertools.jobs import remove_partials, run_tasks, write_bytes, write_bytes_soon, write_json
from fertools.synth.folder import (
    PARTIAL,
    Standin,
    check_folder,
    filling,
    is_complete,
    is_planted,
)
from fertools.synth.head import find_data
from fertools.synth.plant import plant_faults
from fertools.synth.wild_truth import GROUND_TRUTH, Row, face_box, read_truth, write_truth

if TYPE_CHECKING:
    from fertools.synth.sitting import Shot, Sitter
    from fertools.synth.wild import Photograph

__all__ = [
    "IDENTITY_NOTE",
    "Planned",
    "WildSet",
    "WildSummary",
    "encode_picture",
    "fill_wild_set",
    "plan_identities",
    "share_out",
]

GENERATOR = 1  # raise it whenever the same seed would give other bytes
IDENTITY_NOTE = (
    "No person stands behind these pictures. Codes of race and age are drawn independently of the "
    "looks; sex, age and ancestry of the heads are drawing parameters."
)
_ROWS = f"{PARTIAL}rows"
_SITTINGS = 6
_TEXTURE = 384
_BYSTANDERS = 6

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Planned:
    """One picture to be taken.

    Attributes:
        sample_id: Its name in the ground truth.
        split: ``train``, ``val`` or ``test``.
        index: Its place in the split, from 0; with the split it seeds everything about it.
        code: The set's own label.
        expression: What is shown; ``non-face`` is a picture without one.
        identity: Who is in it; -1 for nobody.
        name: What the set's writer calls it, such as a hash.
        suffix: Ending of its file, with the dot.
    """

    sample_id: str
    split: str
    index: int
    code: int
    expression: str
    identity: int = -1
    name: str = ""
    suffix: str = ".jpg"


@dataclass(frozen=True)
class WildSet:
    """A set to be made.

    Attributes:
        standin: Folder, seed and options.
        tag: A number that keeps the people of one set apart from those of others.
        pictures: All of them.
        files: Names of the files of a picture, relative to the root, given the settings.
        save: Turns a photograph (or an empty picture) into the bytes of those files, and adds to
            the row of the ground truth.
        has_square_boxes: Whether face boxes are as wide as they are high.
        list_names: Names of the files about the whole set, relative to the root.
        lists: Turns all rows into the bytes of those files.
    """

    standin: Standin
    tag: int
    pictures: tuple[Planned, ...]
    files: Callable[[Planned, Mapping[str, Any]], list[str]]
    save: Callable[[Planned, Mapping[str, Any], Photograph, Row], list[bytes]]
    has_square_boxes: bool
    list_names: tuple[str, ...]
    lists: Callable[[Sequence[Planned], Mapping[str, Any], Mapping[str, Row]], list[bytes]]

    @property
    def settings(self) -> dict[str, Any]:
        """Options and seed."""
        return {**self.standin.options, "seed": self.standin.seed}


@dataclass(frozen=True)
class WildSummary:
    """What a run left behind.

    Attributes:
        root: The data set's folder.
        pictures: Pictures in it.
        identities: People in it.
        made: Pictures made by this run.
        kept: Pictures that an earlier run had finished.
    """

    root: Path
    pictures: int
    identities: int
    made: int
    kept: int


@dataclass(frozen=True)
class _Task:
    """The pictures of one sitting."""

    wild_set: WildSet
    pictures: tuple[Planned, ...]

    @property
    def rows_path(self) -> Path:
        """Where its rows go until all are there."""
        first = self.pictures[0]
        return self.wild_set.standin.root / _ROWS / f"{first.split}-{first.index:07d}.json"


def share_out(total: int, weights: Sequence[float], *, what: str) -> list[int]:
    """Divide a number in proportion, by largest remainders, with at least one each.

    Raises:
        ConfigError: If there are fewer than one each; ``what`` names the option.
    """
    if total < len(weights):
        raise ConfigError(f"{what} is {total}; expected {len(weights)} or more, one of each class")
    exact = np.array(weights, dtype=np.float64) * (total - len(weights)) / sum(weights)
    counts = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - counts), kind="stable")
    counts[order[: total - len(weights) - int(counts.sum())]] += 1
    return [int(count) + 1 for count in counts]


def plan_identities(expressions: Sequence[str], *, first: int) -> list[int]:
    """Who sits for each picture of a split, six in turn from ``first`` on; -1 without a face."""
    result, taken = [], 0
    for name in expressions:
        if name == "non-face":
            result.append(-1)
        else:
            result.append(first + taken // _SITTINGS)
            taken += 1
    return result


def fill_wild_set(wild_set: WildSet, *, workers: int) -> WildSummary:
    """Make what is missing of a set.

    Raises:
        MissingExtraError: If the head data are not installed.
        ConfigError: If the folder was made with other options.
        OutputError: If the folder holds something else or cannot be written.
    """
    find_data()
    standin, pictures = wild_set.standin, wild_set.pictures
    check_folder(standin)
    missing: list[_Task] = []
    if not is_planted(standin):
        missing = _fill(wild_set, workers=workers)
        if standin.planted:
            plant_faults(standin.root, standin.dataset, standin.planted, seed=standin.seed)
    made = sum(len(task.pictures) for task in missing)
    return WildSummary(
        root=standin.root,
        pictures=len(pictures),
        identities=len({p.identity for p in pictures} - {-1}),
        made=made,
        kept=len(pictures) - made,
    )


def _fill(wild_set: WildSet, *, workers: int) -> list[_Task]:
    """Make what is missing; returns the tasks that had to be done."""
    standin = wild_set.standin
    tasks = _tasks(wild_set)
    known = read_truth(standin.root / GROUND_TRUTH)
    missing = [task for task in tasks if not _is_whole(task, known)]
    lists_there = all((standin.root / name).is_file() for name in wild_set.list_names)
    if missing or not known or not lists_there or not is_complete(standin):
        with filling(standin):
            remove_partials(standin.root)
            run_tasks(
                _photograph,
                missing,
                workers=workers,
                description="photographing stand-ins",
                unit="sittings",
            )
            rows = known | {row["sample_id"]: row for task in tasks for row in _read_rows(task)}
            _write_lists(wild_set, rows)
        shutil.rmtree(standin.root / _ROWS, ignore_errors=True)
    return missing


def encode_picture(picture: Pixels, suffix: str, *, quality: int) -> bytes:
    """Bytes of a picture file; ``quality`` matters to JPEG only."""
    from PIL import Image

    kinds = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF"}
    kind = kinds.get(suffix.lower(), "JPEG")
    buffer = io.BytesIO()
    options = {"quality": quality} if kind == "JPEG" else {}
    Image.fromarray(picture).save(buffer, format=kind, **options)
    return buffer.getvalue()


def _tasks(wild_set: WildSet) -> list[_Task]:
    """Pictures by identity; those of nobody in groups of as many."""
    groups: dict[tuple[str, int, int], list[Planned]] = {}
    empty = 0
    for planned in wild_set.pictures:
        number = planned.identity
        if number < 0:
            number, empty = empty // _SITTINGS, empty + 1
        groups.setdefault((planned.split, int(planned.identity < 0), number), []).append(planned)
    shared = replace(wild_set, pictures=())  # every task is sent to a worker with it
    return [_Task(shared, tuple(group)) for group in groups.values()]


def _photograph(task: _Task) -> None:
    """Take the pictures of one sitting, write their files, then what is true about them."""
    wild_set = task.wild_set
    root, options = wild_set.standin.root, wild_set.settings
    rows = []
    for planned in task.pictures:
        row, photograph = _take(wild_set, planned)
        contents = wild_set.save(planned, options, photograph, row)
        row["file_bytes"] = sum(map(len, contents))
        for name, data in zip(wild_set.files(planned, options), contents, strict=True):
            path = root / name
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"{path.parent}: cannot be made: {error.strerror}") from error
            write_bytes_soon(path, data)
        rows.append(row)
    write_json(task.rows_path, rows)


def _take(wild_set: WildSet, planned: Planned) -> tuple[Row, Photograph]:
    """One photograph and its row of the ground truth."""
    from fertools.synth.moods import express
    from fertools.synth.sitting import open_studio
    from fertools.synth.wild import Photograph, draw_empty_picture, take_photograph
    from fertools.synth.wild_conditions import draw_conditions

    split = ("train", "val", "test").index(planned.split)
    seed = [wild_set.standin.seed, wild_set.tag, split, planned.index]
    rng = np.random.default_rng([*seed, 20])
    conditions = draw_conditions(seed)
    row: Row = {"sample_id": planned.sample_id, "split": planned.split, "label": planned.code}
    row |= {"expression": planned.expression, "intensity": None, "identity": None}
    row |= asdict(conditions)
    if planned.identity < 0:
        picture = draw_empty_picture(conditions, seed=seed)
        for name in ("yaw_deg", "pitch_deg", "roll_deg", "occlusion", "face_px"):
            row[name] = None
        row |= {"bystander": False, "points": None, "visible": None, "face_box": None}
        nowhere = np.zeros((68, 2)), np.zeros(68, dtype=bool)
        return row, Photograph(picture, *nowhere, conditions)
    studio = open_studio("8k", _TEXTURE)
    sitter = _invited(wild_set.standin.seed, wild_set.tag, planned.identity)
    intensity = int(rng.choice([2, 3, 4], p=[0.2, 0.4, 0.4]))
    intensity = 0 if planned.expression == "neutral" else intensity
    shot = express(studio, sitter, planned.expression, intensity, seed=[*seed, 3])
    other = None
    if conditions.bystander:
        other = _bystander(wild_set.standin.seed, wild_set.tag, split, planned.index % _BYSTANDERS)
    photograph = take_photograph(studio, sitter, shot, conditions, seed=seed, bystander=other)
    height, width = photograph.picture.shape[:2]
    row |= {
        "intensity": intensity or None,
        "identity": planned.identity,
        "points": [round(float(value), 4) for value in photograph.points.ravel()],
        "visible": photograph.visible.tolist(),
        "face_box": list(
            face_box(
                photograph.points, width=width, height=height, square=wild_set.has_square_boxes
            )
        ),
    }
    return row, photograph


@lru_cache(maxsize=2)
def _invited(seed: int, tag: int, identity: int) -> Sitter:
    """The person of a number; cached, as their pictures follow each other."""
    from fertools.synth.sitting import invite, open_studio

    male = bool(np.random.default_rng([seed, tag, identity, 13]).random() < 0.5)
    return invite(open_studio("8k", _TEXTURE), [seed, tag, identity], male=male)


@lru_cache(maxsize=3 * _BYSTANDERS)
def _bystander(seed: int, tag: int, split: int, number: int) -> tuple[Sitter, Shot]:
    """Somebody in the background; each split has its own few."""
    from fertools.synth.moods import express
    from fertools.synth.sitting import invite, open_studio

    own = [seed, tag, split, number, 77]
    studio = open_studio("8k", _TEXTURE)
    sitter = invite(studio, own, male=number % 2 == 1)
    mood, intensity = ("neutral", 0) if number < _BYSTANDERS // 2 else ("happiness", 3)
    return sitter, express(studio, sitter, mood, intensity, seed=own)


def _is_whole(task: _Task, known: Mapping[str, Row]) -> bool:
    """Whether all files of a sitting have the sizes that its rows tell."""
    rows = {row["sample_id"]: row for row in _read_rows(task)}
    root, options = task.wild_set.standin.root, task.wild_set.settings
    for planned in task.pictures:
        row = rows.get(planned.sample_id) or known.get(planned.sample_id)
        paths = [root / name for name in task.wild_set.files(planned, options)]
        if row is None or not all(path.is_file() for path in paths):
            return False
        if sum(path.stat().st_size for path in paths) != row["file_bytes"]:
            return False
    return True


def _read_rows(task: _Task) -> list[Row]:
    """Rows that a task left; none if it left none."""
    try:
        return list(json.loads(task.rows_path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return []


def _write_lists(wild_set: WildSet, rows: Mapping[str, Row]) -> None:
    """Write the files about the whole set, the ground truth last."""
    root, options = wild_set.standin.root, wild_set.settings
    contents = wild_set.lists(wild_set.pictures, options, rows)
    for name, data in zip(wild_set.list_names, contents, strict=True):
        write_bytes(root / name, data)
    wanted = [rows[planned.sample_id] for planned in wild_set.pictures]
    write_truth(root / GROUND_TRUTH, wanted, dataset=wild_set.standin.dataset)
