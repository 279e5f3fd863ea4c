"""What an estimator says of the samples whose pose is known, with noise on landmarks if wanted.

The noise is Gaussian, independent for every point and coordinate. Its standard deviation is a share
of the distance that the eyes would have in the picture if the head looked straight ahead: a
turned head's eyes come closer together, and its annotators do not become more exact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from fertools.errors import ConfigError, FertoolsError
from fertools.geometry import FloatArray
from fertools.jobs import run_tasks
from fertools.landmarks import read_landmark_table
from fertools.pose.job import estimate_pose
from fertools.pose.registry import FaceBatch, choose_options, get_estimator, list_estimators
from fertools.pose.validation.truth import Truth

__all__ = ["NOISES", "Chosen", "Estimates", "choose", "corrected", "estimate"]

NOISES = (0.0, 1.0, 2.0, 3.0, 5.0)
"""Standard deviations of landmarks, percent of the eye distance."""

_FIVE_POINTS = ("landmarks5",)  # these are given five points of 68
_CHUNK = 512


@dataclass(frozen=True)
class Chosen:
    """An estimator with its options.

    Attributes:
        name: Registered.
        options: Of its own model.
    """

    name: str
    options: BaseModel


@dataclass(frozen=True)
class Estimates:
    """What an estimator says of N samples.

    Attributes:
        estimator: Its name.
        version: All that decides its angles.
        noise: Of the landmarks, percent of the eye distance; None where it looks at pictures.
        rotations: Head to camera, shape ``(N, 3, 3)``; NaN where there is no estimate.
        confidence: Shape ``(N,)``; NaN where there is no estimate.
        reasons: Why there is none; None where there is one.
        is_calibrated: Whether a calibration was applied.
    """

    estimator: str
    version: str
    noise: float | None
    rotations: FloatArray
    confidence: FloatArray
    reasons: tuple[str | None, ...]
    is_calibrated: bool = False

    @property
    def label(self) -> str:
        """Name, noise, and whether it is calibrated."""
        noise = f", {self.noise:g} % noise" if self.noise else ""
        return f"{self.estimator}{noise}{', calibrated' if self.is_calibrated else ''}"

    @property
    def is_found(self) -> npt.NDArray[np.bool_]:
        """Which samples have a pose, shape ``(N,)``."""
        return np.asarray(np.isfinite(self.rotations).all(axis=(1, 2)))


def choose(
    names: Sequence[str],
    *,
    files: dict[str, Path],
    sha256s: dict[str, str],
    sets: dict[str, list[str]],
) -> tuple[list[Chosen], dict[str, str]]:
    """The estimators to be validated, opened once to see whether they can work.

    Args:
        names: Of those that are asked for; if there are none, all that look at pictures or
            landmarks and have what they need.
        files: Name to the file that it needs.
        sha256s: Name to that file's digest.
        sets: Name to other options, ``key=value`` each.

    Returns:
        Those that can work, and the reasons why others, that nobody asked for by name, cannot.

    Raises:
        FertoolsError: If one that is asked for cannot work.
        ConfigError: If an option is for one that is not asked for.
    """
    known = list_estimators()
    for name in [*names, *files, *sha256s, *sets]:
        get_estimator(name)
    stray = sorted({*files, *sha256s, *sets} - set(names or known))
    if stray:
        raise ConfigError(
            f"an option is for {stray[0]}, which is not asked for; add --estimator {stray[0]}"
        )
    chosen, reasons = [], {}
    for name in dict.fromkeys(names or known):
        entry = get_estimator(name)
        if not names and entry.reads == "records" and name not in files:
            reasons[name] = "takes angles over from elsewhere: ask for it by name"
            continue
        try:
            options = choose_options(
                name,
                file=files.get(name),
                sha256=sha256s.get(name),
                sets=sets.get(name, ()),
            )
            entry.open(options)
        except FertoolsError as error:
            if names or name in {*files, *sha256s, *sets}:
                raise
            reasons[name] = " ".join(str(error).split())
            continue
        chosen.append(Chosen(name, options))
    if not chosen:
        raise ConfigError(f"no estimator can work: {'; '.join(reasons.values())}")
    return chosen, reasons


def estimate(
    truth: Truth,
    chosen: Chosen,
    *,
    noises: Sequence[float] = NOISES,
    seed: int = 0,
    workers: int = 1,
) -> list[Estimates]:
    """Estimate the poses of all samples.

    Args:
        truth: The samples.
        chosen: The estimator. Of pictures or records: by ``estimate_pose``, kept in ``pose/NAME``
            beside the manifest. Of landmarks: in memory, once for each noise.
        noises: Percent of the eye distance; only 0 is used where that is unknown.
        seed: Of the noise.
        workers: Processes.

    Raises:
        FertoolsError: As ``estimate_pose``.
    """
    if get_estimator(chosen.name).reads == "landmarks":
        return _of_landmarks(truth, chosen, noises, seed=seed, workers=workers)
    folder = truth.manifest.path.parent / "pose" / chosen.name
    summary = estimate_pose(
        truth.manifest, folder, chosen.name, chosen.options, where=truth.where, workers=workers
    )
    if summary.table is None:
        raise ValueError("a whole run leaves a table")
    table = summary.table
    reasons = table.frame["reason"].astype("object").where(table.frame["reason"].notna(), None)
    return [
        Estimates(
            chosen.name,
            table.info.version,
            None,
            table.rotations,
            table.frame["confidence"].to_numpy(dtype=np.float64, na_value=np.nan),
            tuple(reasons.tolist()),
        )
    ]


@dataclass(frozen=True)
class _Task:
    """Some samples with their landmarks, for one worker."""

    estimator: str
    options: str
    sample_ids: tuple[str, ...]
    images: tuple[str, ...]
    sizes: npt.NDArray[np.int64]
    landmarks: tuple[FloatArray | None, ...]


def _of_landmarks(
    truth: Truth, chosen: Chosen, noises: Sequence[float], *, seed: int, workers: int
) -> list[Estimates]:
    """Estimates from the set's landmarks, once for each noise."""
    names = truth.frame["sample_id"].tolist()
    exact = list(read_landmark_table(truth.manifest.path.parent).of(names))
    if not any(points is not None for points in exact):
        raise ConfigError(
            f"{truth.manifest.path.parent}: has no landmarks of these samples, and --estimator "
            f"{chosen.name} looks at the set's own; choose estimators of pictures"
        )
    if chosen.name in _FIVE_POINTS:
        exact = [_five(points) for points in exact]
    if not np.isfinite(truth.eye_px).all():
        noises = [0.0]
    noisy = [_with_noise(truth, names, exact, noise, seed=seed) for noise in noises]
    tasks = [
        _task(truth, chosen, points, slice(start, start + _CHUNK))
        for points in noisy
        for start in range(0, len(truth), _CHUNK)
    ]
    parts = run_tasks(
        _estimate,
        tasks,
        workers=workers,
        description=f"estimating head pose ({chosen.name})",
        unit=f"x {_CHUNK} samples",
    )
    version = get_estimator(chosen.name).open(chosen.options).version
    per_noise = len(parts) // len(noisy)
    return [
        Estimates(
            chosen.name,
            version,
            float(noise),
            np.concatenate([part[0] for part in mine]),
            np.concatenate([part[1] for part in mine]),
            tuple(reason for part in mine for reason in part[2]),
        )
        for number, noise in enumerate(noises)
        for mine in [parts[number * per_noise : (number + 1) * per_noise]]
    ]


def _task(truth: Truth, chosen: Chosen, points: Sequence[FloatArray | None], part: slice) -> _Task:
    """A chunk."""
    rows = truth.frame[part]
    return _Task(
        chosen.name,
        chosen.options.model_dump_json(),
        tuple(rows["sample_id"].tolist()),
        tuple(rows["image"].tolist()),
        rows[["width", "height"]].to_numpy(dtype=np.int64),
        tuple(points[part]),
    )


def _estimate(task: _Task) -> tuple[FloatArray, FloatArray, list[str | None]]:
    """Rotations, confidence and reasons of a chunk."""
    entry = get_estimator(task.estimator)
    estimator = entry.open(entry.options.model_validate_json(task.options))
    size = len(task.sample_ids)
    found = estimator.estimate(
        FaceBatch(
            sample_ids=task.sample_ids,
            images=task.images,
            sizes=task.sizes,
            landmarks=task.landmarks,
            boxes=np.full((size, 4), np.nan),
            angles=np.full((size, 3), np.nan),
            sources=[None] * size,
            load=_no_picture,
        )
    )
    return found.rotations, found.confidence, list(found.reasons)


def _no_picture(number: int) -> npt.NDArray[np.uint8]:
    """An estimator of landmarks does not look at pictures."""
    raise ValueError("an estimator that reads landmarks asked for a picture")


def _five(points: FloatArray | None) -> FloatArray | None:
    """Five points of 68, none of them exchanged however the head is turned; others as they are."""
    from fertools.synth.ibug import five_points

    return points if points is None or len(points) != 68 else five_points(points)


def _with_noise(
    truth: Truth,
    names: Sequence[str],
    exact: Sequence[FloatArray | None],
    percent: float,
    *,
    seed: int,
) -> list[FloatArray | None]:
    """Landmarks moved at random; a sample's noise depends on its name and the seed alone."""
    if percent == 0.0:
        return list(exact)
    spread = 0.01 * percent * truth.eye_px
    return [
        None if points is None else points + width * _normals(name, points.shape, seed)
        for name, points, width in zip(names, exact, spread.tolist(), strict=True)
    ]


def _normals(name: str, shape: tuple[int, ...], seed: int) -> FloatArray:
    """Standard normal numbers of a sample: the same for every size of the noise."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(digest)]).standard_normal(shape)


def corrected(estimates: Estimates, correct: Callable[[FloatArray], FloatArray]) -> Estimates:
    """The same estimates after a calibration."""
    return replace(estimates, rotations=correct(estimates.rotations), is_calibrated=True)
