"""Stand-in pictures on the disk, in the exact layout of Multi-PIE.

A person is painted once, each recording is lit once an illumination, and all cameras look at it in
the same moment. A subject's folders appear under their names only when all of the subject's files
are written, so a run that was stopped is taken up by starting the same command again. What is true
of every picture stands in ``ground_truth.parquet`` at the root.

Of the real 337 subjects 129 came to all four sessions. Here every fifth, from the fourth on, stays
away from one or two of them, so that most people have the pictures that a protocol needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from fertools.errors import ConfigError
from fertools.formats.multipie import CAMERA_YAWS
from fertools.jobs import run_tasks, write_bytes, write_text
from fertools.synth.folder import (
    Standin,
    check_folder,
    check_range,
    filling,
    is_complete,
    is_planted,
)
from fertools.synth.head import find_data
from fertools.synth.multipie_layout import (
    ALL_CAMERAS,
    LEVELS,
    Layout,
    Level,
    MultipieOptions,
    attendance,
    places_of,
    subject_list,
)
from fertools.synth.multipie_subject import (
    PARTS,
    SubjectTask,
    parquet_bytes,
    subject_is_whole,
    write_subject,
)
from fertools.synth.plant import check_kinds, plant_faults

__all__ = [
    "GENERATOR",
    "GROUND_TRUTH",
    "MultipieSummary",
    "choose_cameras",
    "choose_numbers",
    "estimate_bytes",
    "synthesise_multipie",
]

GENERATOR = 1  # raise it whenever the same seed would give other bytes
GROUND_TRUTH = "ground_truth.parquet"
_MAX_SUBJECTS = 800
_PICTURE_BYTES = {"png": 119_000, "jpg": 31_000}  # measured


@dataclass(frozen=True)
class MultipieSummary:
    """What a run left behind.

    Attributes:
        root: The data set's folder.
        subjects: People in it.
        complete_subjects: Those of them who came to all sessions.
        pictures: Pictures in it, before any fault was planted.
        num_bytes: Their size on the disk.
        made: Subjects made by this run.
        kept: Subjects that an earlier run had finished.
    """

    root: Path
    subjects: int
    complete_subjects: int
    pictures: int
    num_bytes: int
    made: int
    kept: int


def synthesise_multipie(
    out: Path,
    *,
    subjects: int,
    seed: int,
    sessions: Sequence[int] = (1, 2, 3, 4),
    cameras: Sequence[str] = tuple(CAMERA_YAWS),
    illuminations: Sequence[int] = (7,),
    level: Level = "data",
    with_labels: bool = True,
    plant: Sequence[str] = (),
    workers: int = 1,
) -> MultipieSummary:
    """Write stand-in pictures: up to 11 recordings a subject, each from all cameras at once.

    Args:
        out: Folder to write to; made if need be. An unfinished one is finished, and one with fewer
            subjects is added to.
        subjects: How many people; women and men in turn.
        seed: The same seed gives the same bytes, whatever the number of workers.
        sessions: Which of the four.
        cameras: Names such as ``05_1``; the 13 at the height of the head if left out.
        illuminations: 0 and 19: the room's light; 1 to 18: a flash, 7 in front of camera 05_1.
        level: How the folders are laid out; see :mod:`fertools.synth.multipie_layout`.
        with_labels: Also write landmark files of about one picture in ten.
        plant: Kinds of faults that are planted at the end; see :mod:`fertools.synth.plant`.
        workers: Processes.

    Returns:
        What is there now.

    Raises:
        MissingExtraError: If the head data are not installed.
        ConfigError: If an option is out of range, or the folder was made with other options.
        OutputError: If the folder holds something else or cannot be written.
    """
    options = _options(seed, sessions, cameras, illuminations, level, with_labels)
    check_range("subjects", subjects, 1, _MAX_SUBJECTS)
    check_range("workers", workers, 1, 1024)
    kinds = check_kinds(plant)
    find_data()
    standin = _standin(out, subjects, options, kinds)
    check_folder(standin)
    tasks = [SubjectTask(out, index, options) for index in range(subjects)]
    missing: list[SubjectTask] = []
    if not is_planted(standin):
        missing = [task for task in tasks if not subject_is_whole(task)]
        if missing or not is_complete(standin) or not (out / GROUND_TRUTH).is_file():
            with filling(standin):
                run_tasks(
                    write_subject,
                    missing,
                    workers=workers,
                    description="making stand-ins",
                    unit="subjects",
                )
                _write_about_all(tasks)
        if kinds:
            plant_faults(out, "multipie", kinds, seed=seed)
    pictures = [path for task in tasks for path in _pictures(task)]
    return MultipieSummary(
        root=out,
        subjects=subjects,
        complete_subjects=sum(len(attendance(seed, t.index).sessions) == 4 for t in tasks),
        pictures=len(pictures),
        num_bytes=sum((out / name).stat().st_size for name in pictures if (out / name).is_file()),
        made=len(missing),
        kept=subjects - len(missing),
    )


def estimate_bytes(
    *,
    subjects: int,
    seed: int,
    sessions: Sequence[int] = (1, 2, 3, 4),
    cameras: Sequence[str] = tuple(CAMERA_YAWS),
    illuminations: Sequence[int] = (7,),
    level: Level = "data",
) -> tuple[int, int]:
    """How many pictures :func:`synthesise_multipie` will write, and about how many bytes."""
    options = _options(seed, sessions, cameras, illuminations, level, True)
    count = sum(1 for index in range(subjects) for _ in places_of(index, options))
    return count, count * _PICTURE_BYTES[Layout(level).suffix]


def choose_cameras(text: str) -> tuple[str, ...]:
    """Cameras of a list such as ``05_1,05_0``; ``13`` at the head's height, ``all`` are 15.

    Raises:
        ConfigError: If one is unknown.
    """
    if text in ("13", "all"):
        return tuple(CAMERA_YAWS) if text == "13" else ALL_CAMERAS
    return tuple(name.strip() for name in text.split(","))


def choose_numbers(text: str, name: str, allowed: Sequence[int]) -> tuple[int, ...]:
    """Numbers of a list such as ``1,7``, or ``all``.

    Raises:
        ConfigError: If a part is no whole number.
    """
    if text == "all":
        return tuple(allowed)
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(
            f"{name} is {text!r}; expected whole numbers divided by commas, or 'all'"
        ) from error


def _write_about_all(tasks: Sequence[SubjectTask]) -> None:
    """The list of subjects, and the ground truth of all of them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    root, options = tasks[0].root, tasks[0].options
    people = [attendance(options.seed, task.index) for task in tasks]
    beside = root / Layout(options.level).beside
    write_text(beside / "meta" / "subject_list.txt", subject_list(people))
    parts = [pq.read_table(root / PARTS / f"{who.subject}.parquet") for who in people]
    write_bytes(root / GROUND_TRUTH, parquet_bytes(pa.concat_tables(parts).combine_chunks()))


def _pictures(task: SubjectTask) -> list[str]:
    """Paths of a subject's pictures below the root."""
    layout = Layout(task.options.level)
    return [layout.picture(place) for place in places_of(task.index, task.options)]


def _options(
    seed: int,
    sessions: Sequence[int],
    cameras: Sequence[str],
    illuminations: Sequence[int],
    level: Level,
    with_labels: bool,
) -> MultipieOptions:
    """The options in one order, each checked."""
    check_range("seed", seed, 0, 2**63 - 1)
    for name, values, low, high in (
        ("sessions", sessions, 1, 4),
        ("illuminations", illuminations, 0, 19),
    ):
        if not values:
            raise ConfigError(f"{name} is empty; expected whole numbers from {low} to {high}")
        for value in values:
            check_range(name, value, low, high)
    unknown = [camera for camera in cameras if camera not in ALL_CAMERAS]
    if unknown or not cameras:
        raise ConfigError(
            f"cameras has {unknown[0] if unknown else 'nothing'!r}; expected some of "
            f"{', '.join(ALL_CAMERAS)}"
        )
    if level not in LEVELS:
        raise ConfigError(f"level is {level!r}; expected one of {', '.join(LEVELS)}")
    return MultipieOptions(
        seed=seed,
        sessions=tuple(sorted(set(sessions))),
        cameras=tuple(camera for camera in ALL_CAMERAS if camera in cameras),
        illuminations=tuple(sorted(set(illuminations))),
        level=level,
        with_labels=with_labels,
    )


def _standin(
    out: Path, subjects: int, options: MultipieOptions, planted: tuple[str, ...]
) -> Standin:
    """What SYNTHETIC.json says."""
    count = sum(1 for index in range(subjects) for _ in places_of(index, options))
    return Standin(
        root=out,
        dataset="multipie",
        seed=options.seed,
        generator=GENERATOR,
        size=("subjects", subjects),
        options={key: value for key, value in asdict(options).items() if key != "seed"},
        facts={
            "pictures": count,
            "absences": "every fifth subject, from the fourth on, misses one or two sessions",
            "yaw": "camera 24_0 is yaw +90: the nose points to the image's right",
            "flashes": "01 to 13 from the left to the right of camera 05_1's picture, 14 to 18 "
            "likewise but higher; the authors' places are not public",
            "note": (
                "No person stands behind these pictures. Birth years are drawn independently of "
                "the looks; sex, age and ancestry are drawing parameters."
            ),
        },
        planted=planted,
    )
