"""How far estimates lie from the truth: bias, mean absolute error, 95th percentile, geodesic.

Errors of yaw, pitch and roll are differences of the angles of :mod:`fertools.geometry`, estimate
minus truth, in (-180, 180]. The geodesic error is the angle of the one turn that leads from the
true pose to the estimated one; it knows no axes. All are over the samples that have a pose, those
of low confidence too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fertools.geometry import FloatArray
from fertools.pose.conventions import get_convention
from fertools.pose.rules import is_below
from fertools.pose.validation.estimates import Estimates
from fertools.pose.validation.truth import Truth

__all__ = ["ANGLES", "AngleErrors", "Deviations", "Errors", "deviations", "geodesic_deg", "measure"]

ANGLES = ("yaw", "pitch", "roll")
_DRAWS = 1000
_LEAST_PEOPLE = 5


@dataclass(frozen=True)
class AngleErrors:
    """Errors of one angle, or of the whole turn, degrees; NaN where nothing is known.

    Attributes:
        bias: Mean of estimate minus truth; NaN of the whole turn, which has no sign.
        mae: Mean absolute error.
        p95: 95 % of the absolute errors are not larger.
        low: Lower end of the 95 % interval of ``mae``: people are drawn with replacement, since
            pictures of one person err together. NaN with fewer than 5 people.
        high: Upper end.
    """

    bias: float
    mae: float
    p95: float
    low: float
    high: float


@dataclass(frozen=True)
class Errors:
    """What an estimator comes to on some samples.

    Attributes:
        num: Samples.
        effective: As many equally weighted ones would know as much (Kish); ``num`` without weights.
        found: Share of them with a pose.
        low_confidence: Share of them with a pose of low confidence.
        yaw: Its errors; None where its truth is not known, like all that follows.
        pitch: Likewise.
        roll: Likewise.
        geodesic: Likewise.
    """

    num: int
    effective: float
    found: float
    low_confidence: float
    yaw: AngleErrors | None
    pitch: AngleErrors | None
    roll: AngleErrors | None
    geodesic: AngleErrors | None


@dataclass(frozen=True)
class Deviations:
    """Estimate against truth, sample by sample.

    Attributes:
        angles: Estimate minus truth of yaw, pitch and roll, degrees, shape ``(N, 3)``; NaN where
            one of them is not known.
        geodesic: Degrees, shape ``(N,)``.
        is_found: Shape ``(N,)``.
        is_unsure: Shape ``(N,)``: has a pose of low confidence.
    """

    angles: FloatArray
    geodesic: FloatArray
    is_found: npt.NDArray[np.bool_]
    is_unsure: npt.NDArray[np.bool_]


def geodesic_deg(first: FloatArray, second: FloatArray) -> FloatArray:
    """Angle of the turn between two rotations.

    Args:
        first: Shape ``(N, 3, 3)``.
        second: Shape ``(N, 3, 3)``.

    Returns:
        Degrees in [0, 180], shape ``(N,)``; NaN where one is. From the distance of the matrices,
        ``|A - B| = 2 sqrt(2) sin(angle / 2)``, which is exact for small angles too (Huynh, "Metrics
        for 3D rotations", JMIV 35, 2009).

    Example:
        >>> from fertools.geometry import rotation_from_angles
        >>> pair = rotation_from_angles(10.0)[None], rotation_from_angles(-5.0)[None]
        >>> geodesic_deg(*pair).round(6).tolist()
        [15.0]
    """
    chord = np.sqrt(((first - second) ** 2).sum(axis=(1, 2))) / (2 * np.sqrt(2))
    return np.asarray(2 * np.degrees(np.arcsin(np.clip(chord, 0.0, 1.0))))


def deviations(truth: Truth, estimates: Estimates, *, min_confidence: float) -> Deviations:
    """Compare all samples once."""
    angles = get_convention("fertools").angles(estimates.rotations) - truth.angles
    angles = 180.0 - np.mod(180.0 - angles, 360.0)
    with np.errstate(invalid="ignore"):
        is_unsure = estimates.is_found & is_below(estimates.confidence, min_confidence)
    return Deviations(
        angles, geodesic_deg(estimates.rotations, truth.rotations), estimates.is_found, is_unsure
    )


def measure(
    truth: Truth,
    found: Deviations,
    where: npt.NDArray[np.bool_],
    *,
    weights: FloatArray | None = None,
    seed: int | None = None,
) -> Errors:
    """Errors of some samples.

    Args:
        truth: All samples.
        found: Of all samples.
        where: Shape ``(N,)``: which count.
        weights: Shape ``(N,)``: how much each counts; all the same if left out.
        seed: Of the intervals; there are none if it is left out.
    """
    share = np.where(where, 1.0 if weights is None else weights, 0.0)
    total = float(share.sum())
    columns = {name: found.angles[:, place] for place, name in enumerate(ANGLES)}
    known = {name: np.isfinite(truth.angles[:, place]) for place, name in enumerate(ANGLES)}
    columns["geodesic"], known["geodesic"] = found.geodesic, known["pitch"]
    results = {
        name: _summary(values, share, truth.people, is_signed=name != "geodesic", seed=seed)
        if (known[name] & where).any()
        else None
        for name, values in columns.items()
    }
    return Errors(
        num=int(where.sum()),
        effective=total**2 / float((share**2).sum()) if total else 0.0,
        found=float((share * found.is_found).sum()) / total if total else float("nan"),
        low_confidence=float((share * found.is_unsure).sum()) / total if total else float("nan"),
        **results,
    )


def _summary(
    values: FloatArray,
    share: FloatArray,
    people: npt.NDArray[np.str_],
    *,
    is_signed: bool,
    seed: int | None,
) -> AngleErrors:
    """Bias, mean and 95th percentile of weighted errors; those that are not known do not count."""
    counts = np.isfinite(values) & (share > 0)
    values, share, people = values[counts], share[counts], people[counts]
    if not len(values):
        return AngleErrors(*[float("nan")] * 5)
    sizes = np.abs(values)
    order = np.argsort(sizes, kind="stable")
    reached = np.cumsum(share[order]) / share.sum()
    low, high = (float("nan"),) * 2 if seed is None else _interval(sizes, share, people, seed)
    return AngleErrors(
        bias=float(np.average(values, weights=share)) if is_signed else float("nan"),
        mae=float(np.average(sizes, weights=share)),
        p95=float(sizes[order][np.searchsorted(reached, 0.95 - 1e-12)]),
        low=low,
        high=high,
    )


def _interval(
    sizes: FloatArray, share: FloatArray, people: npt.NDArray[np.str_], seed: int
) -> tuple[float, float]:
    """95 % interval of a mean: the bootstrap's percentiles over people."""
    _, number = np.unique(people, return_inverse=True)
    num_people = int(number.max()) + 1
    if num_people < _LEAST_PEOPLE:
        return float("nan"), float("nan")
    sums = np.bincount(number, weights=share * sizes)
    totals = np.bincount(number, weights=share)
    chances = np.full(num_people, 1 / num_people)
    draws = np.random.default_rng(seed).multinomial(num_people, chances, size=_DRAWS)
    means = (draws @ sums) / np.maximum(draws @ totals, 1e-12)
    low, high = np.percentile(means, [2.5, 97.5]).tolist()
    return low, high
