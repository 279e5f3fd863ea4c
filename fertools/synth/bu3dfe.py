"""Stand-in scans on the disk, in the exact layout of BU-3DFE.

Each subject is a folder that appears under its name only when all of its files are written, so a
run that was stopped is taken up by starting the same command again: whole subjects stay, the one
that was being made is made anew.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fertools.errors import ConfigError, OutputError
from fertools.jobs import run_tasks, write_bytes
from fertools.synth.folder import PARTIAL, Standin, check_folder, check_range, filling, is_complete
from fertools.synth.head import find_data

FloatArray = npt.NDArray[np.float64]

SCANS_PER_SUBJECT = 25
GENERATOR = 1  # raise it whenever the same seed would give other bytes
_F2D_SIZE = 512
_F2D_WINDOW_MM = 330.0
_F2D_BACKGROUND = (96, 104, 112)
_WRL_BYTES = {"8k": 942_000, "18k": 2_226_000}  # measured
_RAW_BYTES = 1_993_000
_SMALL_BYTES = 3_500
_MAX_SUBJECTS = 2 * 9999
_WRL_END = b"]\n }\n}\n"


@dataclass(frozen=True)
class ScanOptions:
    """What is written of each scan.

    Attributes:
        seed: The same seed gives the same bytes.
        raw: Write RAW.wrl and RAW.pse, the whole head.
        f2d: Write F2D.bmp, the frontal picture.
        density: Vertices of F3D.wrl, about.
        texture_size: Width and height of F3D.bmp.
    """

    seed: int
    raw: bool = True
    f2d: bool = True
    density: Literal["8k", "18k"] = "8k"
    texture_size: int = 1024


@dataclass(frozen=True)
class SynthesisSummary:
    """What a run left behind.

    Attributes:
        root: The data set's folder.
        subjects: Subjects in it.
        scans: Scans in it.
        num_bytes: Their size on the disk.
        made: Subjects made by this run.
        kept: Subjects that an earlier run had finished.
    """

    root: Path
    subjects: int
    scans: int
    num_bytes: int
    made: int
    kept: int


@dataclass(frozen=True)
class SubjectTask:
    """One subject to make."""

    root: Path
    number: int
    options: ScanOptions


def synthesise_bu3dfe(
    out: Path,
    *,
    subjects: int,
    seed: int,
    raw: bool = True,
    f2d: bool = True,
    density: Literal["8k", "18k"] = "8k",
    texture_size: int = 1024,
    workers: int = 1,
) -> SynthesisSummary:
    """Write stand-in scans: 25 a subject, neutral and six expressions in four intensities.

    Args:
        out: Folder to write to; made if need be. An unfinished one is finished, and one with fewer
            subjects is added to.
        subjects: How many people; women (F0001 ...) and men (M0001 ...) in turn.
        seed: The same seed gives the same bytes, whatever the number of workers.
        raw: Also write the whole heads and their pose points.
        f2d: Also write the frontal pictures.
        density: About 8k or 18k vertices in F3D.wrl.
        texture_size: Width and height of the texture, 64 to 4096.
        workers: Processes.

    Returns:
        What is there now.

    Raises:
        MissingExtraError: If the head data are not installed.
        ConfigError: If an option is out of range, or the folder was made with other options.
        OutputError: If the folder holds something else or cannot be written.
    """
    options = ScanOptions(seed, raw, f2d, density, texture_size)
    _check_options(subjects, options, workers)
    find_data()
    standin = _standin(out, subjects, options)
    check_folder(standin)
    tasks = [SubjectTask(out, number, options) for number in range(subjects)]
    missing = [task for task in tasks if not subject_is_whole(task)]
    if missing or not is_complete(standin):
        with filling(standin):
            run_tasks(
                write_subject,
                missing,
                workers=workers,
                description="making stand-ins",
                unit="subjects",
            )
    size = sum(path.stat().st_size for task in tasks for path in _folder(task).iterdir())
    return SynthesisSummary(
        root=out,
        subjects=subjects,
        scans=subjects * SCANS_PER_SUBJECT,
        num_bytes=size,
        made=len(missing),
        kept=subjects - len(missing),
    )


def estimate_bytes(
    *,
    subjects: int,
    raw: bool = True,
    f2d: bool = True,
    density: Literal["8k", "18k"] = "8k",
    texture_size: int = 1024,
) -> int:
    """Disk space that :func:`synthesise_bu3dfe` will take, in bytes, within some percent."""
    scan = _bitmap_bytes(texture_size) + _WRL_BYTES[density] + _SMALL_BYTES
    if raw:
        scan += _RAW_BYTES
    if f2d:
        scan += _bitmap_bytes(_F2D_SIZE)
    return subjects * SCANS_PER_SUBJECT * scan


def subject_name(number: int) -> tuple[str, bool]:
    """Name of a subject counted from 0, and whether it is a man: F0001, M0001, F0002, ..."""
    male = number % 2 == 1
    return f"{'M' if male else 'F'}{number // 2 + 1:04d}", male


def write_subject(task: SubjectTask) -> str:
    """Make one subject; the folder appears under its name when it is whole."""
    from fertools.synth.sitting import invite, open_studio

    final = _folder(task)
    partial = task.root / f"{PARTIAL}{final.name}"
    try:
        for old in (partial, final):
            if old.exists():
                shutil.rmtree(old)
        studio = open_studio(task.options.density, task.options.texture_size)
        _, male = subject_name(task.number)
        sitter = invite(studio, [task.options.seed, task.number], male=male)
        for emotion, intensity in _takes():
            for name, data in _scan_files(task, studio, sitter, emotion, intensity):
                write_bytes(partial / name, data)
        partial.rename(final)
    except OSError as error:
        raise OutputError(f"{final}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return final.name


def _takes() -> Iterator[tuple[str, int]]:
    """Emotion and intensity of the 25 scans of a subject."""
    from fertools.synth.expressions import EMOTION_CODES

    for emotion in EMOTION_CODES:
        yield from ((emotion, level) for level in ((0,) if emotion == "neutral" else (1, 2, 3, 4)))


def _scan_files(
    task: SubjectTask, studio: Any, sitter: Any, emotion: str, intensity: int
) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of the files of one scan."""
    from fertools.synth.landmarks import bnd_vertices, pse_vertices
    from fertools.synth.sitting import frames_of, mesh_points, pose_for, take_picture
    from fertools.synth.vrml import bnd_bytes, mesh_bytes, pse_bytes

    options, topology = task.options, studio.topology
    shot = pose_for(studio, sitter, emotion=emotion, intensity=intensity)
    stem = _stem(_folder(task).name, emotion, intensity, sitter.person.code)
    face_frame, raw_frame = frames_of(shot)
    picture = take_picture(studio, sitter, shot)
    texture = f"{stem}_F3D.bmp"
    points = face_frame.place(mesh_points(topology.f3d, sitter, shot, hair=False))
    yield f"{stem}_F3D.wrl", mesh_bytes(topology.f3d, points, title=f"{stem}_F3D", texture=texture)
    yield texture, _bitmap(picture)
    yield f"{stem}_F3D.bnd", bnd_bytes(bnd_vertices(topology.f3d), points)
    if options.raw or options.f2d:
        raw_points = raw_frame.place(mesh_points(topology.raw, sitter, shot, hair=True))
    if options.raw:
        title = f"{stem}_RAW"
        yield f"{title}.wrl", mesh_bytes(topology.raw, raw_points, title=title, texture=texture)
        yield f"{title}.pse", pse_bytes(pse_vertices(topology.raw), raw_points)
    if options.f2d:
        yield f"{stem}_F2D.bmp", _bitmap(_portrait(topology.raw, raw_points, picture))


def _stem(subject: str, emotion: str, intensity: int, code: str) -> str:
    """First part of a scan's file names, such as ``F0001_AN01WH``."""
    from fertools.synth.expressions import EMOTION_CODES

    return f"{subject}_{EMOTION_CODES[emotion]}{intensity:02d}{code}"


def _portrait(
    mesh: Any, points: FloatArray, picture: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """The frontal picture, drawn with the tool's own renderer."""
    from fertools.mesh import FaceScan
    from fertools.render.backends import Look
    from fertools.render.camera import Camera
    from fertools.render.scene import render_scan

    scan = FaceScan(points, mesh.triangles[0], mesh.uvs, mesh.triangles[1], picture)
    camera = Camera(image_size=_F2D_SIZE, window_mm=_F2D_WINDOW_MM)
    look = Look(background=_F2D_BACKGROUND)
    return np.asarray(render_scan(scan, [np.eye(3)], camera=camera, look=look).pictures[0])


def _bitmap(picture: npt.NDArray[np.uint8]) -> bytes:
    """A 24-bit BMP."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="BMP")
    return buffer.getvalue()


def _bitmap_bytes(size: int) -> int:
    """Size of a 24-bit BMP of ``size`` by ``size``."""
    return 54 + size * ((3 * size + 3) // 4 * 4)


def _folder(task: SubjectTask) -> Path:
    """Where a subject's files go."""
    return task.root / subject_name(task.number)[0]


def subject_is_whole(task: SubjectTask) -> bool:
    """Whether a subject's folder holds every file, none of them cut off."""
    from fertools.synth.identity import draw_code

    folder = _folder(task)
    if not folder.is_dir():
        return False
    code = draw_code([task.options.seed, task.number])
    sizes = {
        "_F3D.wrl": None,
        "_F3D.bnd": None,
        "_F3D.bmp": _bitmap_bytes(task.options.texture_size),
    }
    if task.options.raw:
        sizes |= {"_RAW.wrl": None, "_RAW.pse": None}
    if task.options.f2d:
        sizes |= {"_F2D.bmp": _bitmap_bytes(_F2D_SIZE)}
    expected = {
        f"{_stem(folder.name, emotion, level, code)}{ending}": size
        for emotion, level in _takes()
        for ending, size in sizes.items()
    }
    if {path.name for path in folder.iterdir()} != set(expected):
        return False
    return all(_file_is_whole(folder / name, size) for name, size in expected.items())


def _file_is_whole(path: Path, size: int | None) -> bool:
    """Whether a file has its known size, or ends as it should."""
    if size is not None:
        return path.stat().st_size == size
    with path.open("rb") as file:
        if path.suffix != ".wrl":
            return len(file.read().splitlines()) == (83 if path.suffix == ".bnd" else 8)
        file.seek(max(0, path.stat().st_size - len(_WRL_END)))
        return file.read() == _WRL_END


def _standin(out: Path, subjects: int, options: ScanOptions) -> Standin:
    """What SYNTHETIC.json says."""
    return Standin(
        root=out,
        dataset="bu3dfe",
        seed=options.seed,
        generator=GENERATOR,
        size=("subjects", subjects),
        options={key: value for key, value in asdict(options).items() if key != "seed"},
        facts={
            "scans": subjects * SCANS_PER_SUBJECT,
            "subject_left": "+x (the right of the picture)",
            "note": (
                "No person stands behind these scans. Ethnicity codes are drawn independently of "
                "the looks; sex, age and ancestry are drawing parameters."
            ),
        },
    )


def _check_options(subjects: int, options: ScanOptions, workers: int) -> None:
    """Refuse options that are out of range."""
    check_range("subjects", subjects, 1, _MAX_SUBJECTS)
    check_range("seed", options.seed, 0, 2**63 - 1)
    check_range("texture_size", options.texture_size, 64, 4096)
    check_range("workers", workers, 1, 1024)
    if options.density not in _WRL_BYTES:
        raise ConfigError(
            f"density is {options.density!r}; expected one of {', '.join(_WRL_BYTES)}"
        )
