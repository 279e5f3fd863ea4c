"""The whole validation: samples, estimates, figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fertools.errors import ConfigError
from fertools.home import derived_dir
from fertools.manifest import Manifest
from fertools.pose.calibration import Calibration, fit_calibration
from fertools.pose.rules import is_below
from fertools.pose.validation.assess import assess, continuous_part
from fertools.pose.validation.decisions import list_rules
from fertools.pose.validation.estimates import NOISES, Chosen, Estimates, corrected, estimate
from fertools.pose.validation.outcome import Outcome
from fertools.pose.validation.plan import CALIBRATION, VALIDATION, RenderPlan
from fertools.pose.validation.renders import render_plan
from fertools.pose.validation.truth import Truth, read_truth
from fertools.pose.validation.weights import read_distribution

__all__ = [
    "fit_on",
    "renders_dir",
    "truth_of_calibration",
    "truth_of_manifest",
    "truth_of_renders",
    "validate",
]

_QUICK_GRID, _QUICK_UNIFORM = 3, 300
_FIT_UNIFORM = 1000


def renders_dir(*, for_calibration: bool = False) -> Path:
    """Where renders are kept by default."""
    return derived_dir("pose-calibration" if for_calibration else "pose-validation")


def truth_of_renders(
    folder: Path, *, renders: int = 2000, quick: bool = False, seed: int = 0, workers: int = 1
) -> Truth:
    """Render what is missing, and take the poses of these renders for truth.

    Args:
        folder: Of the renders.
        renders: Of the part whose poses are continuous.
        quick: At most 300 of them and an eighth of the grid, the first of the whole.
        seed: Of everything.
        workers: Processes.
    """
    plan = RenderPlan(seed=seed, tag=VALIDATION, uniform=renders)
    if quick:
        uniform = min(renders, _QUICK_UNIFORM)
        plan = RenderPlan(seed=seed, tag=VALIDATION, uniform=uniform, grid=_QUICK_GRID)
    made = render_plan(plan, folder, workers=workers)
    return read_truth(made.manifest, sample_ids=made.sample_ids)


def truth_of_calibration(folder: Path, *, seed: int = 0, workers: int = 1) -> Truth:
    """The same of 1,000 renders of other people, to fit a calibration on."""
    plan = RenderPlan(seed=seed, tag=CALIBRATION, uniform=_FIT_UNIFORM, grid=0)
    made = render_plan(plan, folder, workers=workers)
    return read_truth(made.manifest, sample_ids=made.sample_ids)


def truth_of_manifest(manifest: Manifest, *, split: str | None = None) -> Truth:
    """The known poses of a set, or of one of its splits.

    Raises:
        ManifestError: If no pose is known there.
    """
    if split is None:
        return read_truth(manifest)
    mine = manifest.frame["split"].eq(split).fillna(False).to_numpy(dtype=bool)
    return read_truth(manifest, sample_ids=manifest.frame["sample_id"][mine].tolist())


def validate(
    truth: Truth,
    chosen: Sequence[Chosen],
    *,
    noises: Sequence[float] = NOISES,
    convention: str = "openface",
    min_confidence: float = 0.5,
    like: Path | None = None,
    calibration: Calibration | None = None,
    not_run: dict[str, str] | None = None,
    seed: int = 0,
    workers: int = 1,
) -> Outcome:
    """Let estimators estimate, and compare.

    Args:
        truth: The samples.
        chosen: The estimators.
        noises: Of landmarks, percent of the eye distance.
        convention: Whose angles decisions are about.
        min_confidence: A pose of less is unknown to the decisions.
        like: A pose table or manifest whose distribution the renders are weighted to.
        calibration: Applied to its estimator, which is then there twice.
        not_run: What is said of estimators that cannot work.
        seed: Of noise and intervals.
        workers: Processes.

    Raises:
        ConfigError: If the calibration is of none of the estimators, or another version.
        FertoolsError: As the estimators.
    """
    if not 0 <= min_confidence <= 1:
        raise ConfigError(f"--min-confidence {min_confidence:g}: expected 0 to 1")
    rules = list_rules(convention, has_all_angles=truth.has_all_angles)
    distribution = None
    if like is not None:
        distribution = read_distribution(like, truth, part=continuous_part(truth))
    if calibration is not None:
        _check_calibration(calibration, truth, [one.name for one in chosen])
    assessments = []
    for one in chosen:
        for found in estimate(truth, one, noises=noises, seed=seed, workers=workers):
            for estimates in _with_corrected(found, calibration):
                assessments.append(
                    assess(
                        truth,
                        estimates,
                        rules,
                        min_confidence=min_confidence,
                        like=distribution,
                        seed=seed,
                    )
                )
    return Outcome(
        truth,
        tuple(assessments),
        not_run or {},
        convention,
        min_confidence,
        distribution,
        seed,
    )


def fit_on(
    truth: Truth, chosen: Chosen, *, min_confidence: float = 0.5, workers: int = 1
) -> Calibration:
    """Fit a calibration of an estimator on samples of known pose, their landmarks as they are.

    Args:
        truth: The samples.
        chosen: The estimator.
        min_confidence: Poses of less are left out.
        workers: Processes.

    Raises:
        ConfigError: If too few have an estimate, or pitch is not known.
    """
    found = estimate(truth, chosen, noises=(0.0,), workers=workers)[0]
    info = truth.manifest.info
    is_sure = np.isfinite(found.confidence) & ~is_below(found.confidence, min_confidence)
    return fit_calibration(
        np.where(is_sure[:, None, None], found.rotations, np.nan),
        truth.rotations,
        estimator=found.estimator,
        version=found.version,
        dataset=info.dataset,
        digest=info.digest,
        synthetic=info.synthetic,
    )


def _check_calibration(calibration: Calibration, truth: Truth, names: Sequence[str]) -> None:
    """Raise if a calibration has nothing to correct, or was fitted on what it is tested on."""
    if calibration.estimator not in names:
        raise ConfigError(
            f"the calibration is of {calibration.estimator!r}, which is not validated; add "
            f"--estimator {calibration.estimator}"
        )
    if calibration.digest == truth.manifest.info.digest:
        raise ConfigError(
            "the calibration was fitted on these very samples; expected others, of people held "
            "out from the fit"
        )


def _with_corrected(found: Estimates, calibration: Calibration | None) -> list[Estimates]:
    """An estimator's angles, and once more corrected if the calibration is its own."""
    if calibration is None or calibration.estimator != found.estimator:
        return [found]
    calibration.require(found.estimator, found.version)
    return [found, corrected(found, calibration.apply)]
