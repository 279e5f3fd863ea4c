"""All figures of one estimator: errors by part, region and bin, and decisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fertools.geometry import FloatArray
from fertools.pose.rules import PoseRule
from fertools.pose.validation.decisions import Decision, decide
from fertools.pose.validation.errors import Deviations, Errors, deviations, measure
from fertools.pose.validation.estimates import Estimates
from fertools.pose.validation.truth import ALL, Truth
from fertools.pose.validation.weights import Distribution

__all__ = ["BIN_DEG", "CORE", "Assessment", "PartFigures", "assess", "continuous_part"]

BIN_DEG = 15.0
CORE = (60.0, 30.0)
"""The region that the bars are about: largest absolute yaw and pitch, degrees."""

_SLACK = 1e-3  # angles are kept with seven digits


@dataclass(frozen=True)
class PartFigures:
    """Errors and decisions on one part of the samples.

    Attributes:
        part: Its name.
        regions: ``all`` of it, the ``core`` of moderate poses (:data:`CORE`), and ``beyond`` it.
        bins: ``yaw``, ``pitch`` and ``fov`` (field of view), as far as they are known: true value,
            rounded to 15 degrees, to the errors about it.
        cells: The same of yaw and pitch together.
        decisions: None on the grid, whose poses lie ON the thresholds.
    """

    part: str
    regions: dict[str, Errors]
    bins: dict[str, dict[float, Errors]]
    cells: dict[tuple[float, float], Errors]
    decisions: tuple[Decision, ...]


@dataclass(frozen=True)
class Assessment:
    """All figures of an estimator at one noise.

    Attributes:
        estimates: What it said.
        found: Against the truth, sample by sample.
        parts: Figures of each part.
        like: Of the renders weighted as the user's poses are distributed; None if he gave none.
    """

    estimates: Estimates
    found: Deviations
    parts: tuple[PartFigures, ...]
    like: PartFigures | None = None

    def of(self, part: str) -> PartFigures:
        """The figures of a part."""
        return next(figures for figures in self.parts if figures.part == part)


def continuous_part(truth: Truth) -> str:
    """The part whose poses lie anywhere, which decisions are made on."""
    names = truth.part_names
    return next((name for name in ("uniform", ALL) if name in names), names[0])


def assess(
    truth: Truth,
    estimates: Estimates,
    rules: Sequence[PoseRule],
    *,
    min_confidence: float,
    like: Distribution | None = None,
    seed: int = 0,
) -> Assessment:
    """Work out all figures.

    Args:
        truth: All samples.
        estimates: Of them.
        rules: What is decided.
        min_confidence: A pose of less is unknown to the decisions.
        like: The user's own distribution.
        seed: Of the intervals.
    """
    found = deviations(truth, estimates, min_confidence=min_confidence)
    decided = continuous_part(truth)
    parts = []
    for name in truth.part_names:
        mine = truth.parts == name
        decisions = [
            decision
            for rule in rules
            if name == decided
            for decision in decide(truth, estimates, found.is_unsure, rule, where=mine)
        ]
        parts.append(_figures(truth, found, name, mine, decisions, seed=seed))
    weighted = None
    if like is not None:
        weighted = _weighted(truth, estimates, found, rules, like.weights, seed=seed)
    return Assessment(estimates, found, tuple(parts), weighted)


def _figures(
    truth: Truth,
    found: Deviations,
    part: str,
    mine: npt.NDArray[np.bool_],
    decisions: Sequence[Decision],
    *,
    seed: int,
) -> PartFigures:
    """Errors of a part in all its regions and bins."""
    yaw, pitch = truth.angles[:, 0], np.nan_to_num(truth.angles[:, 1])
    is_core = (np.abs(yaw) <= CORE[0] + _SLACK) & (np.abs(pitch) <= CORE[1] + _SLACK)
    regions = {"all": mine, "core": mine & is_core, "beyond": mine & ~is_core}
    rounded = {
        "yaw": _binned(yaw),
        "pitch": _binned(truth.angles[:, 1]),
        "fov": _binned(truth.fov_deg),
    }
    return PartFigures(
        part=part,
        regions={
            name: measure(truth, found, where, seed=seed)
            for name, where in regions.items()
            if where.any()
        },
        bins={
            name: {v: measure(truth, found, mine & (all_of == v)) for v in _values(all_of[mine])}
            for name, all_of in rounded.items()
        },
        cells=dict(_cells(truth, found, mine, rounded["yaw"], rounded["pitch"])),
        decisions=tuple(decisions),
    )


def _cells(
    truth: Truth,
    found: Deviations,
    mine: npt.NDArray[np.bool_],
    yaws: FloatArray,
    pitches: FloatArray,
) -> Iterator[tuple[tuple[float, float], Errors]]:
    """Errors about each pair of yaw and pitch."""
    for yaw in _values(yaws[mine]):
        for pitch in _values(pitches[mine]):
            where = mine & (yaws == yaw) & (pitches == pitch)
            if where.any():
                yield (yaw, pitch), measure(truth, found, where)


def _weighted(
    truth: Truth,
    estimates: Estimates,
    found: Deviations,
    rules: Sequence[PoseRule],
    weights: FloatArray,
    *,
    seed: int,
) -> PartFigures:
    """Errors and decisions on weighted renders, not by bins: those do not depend on weights."""
    where = weights > 0
    decisions = [
        decision
        for rule in rules
        for decision in decide(
            truth, estimates, found.is_unsure, rule, where=where, weights=weights
        )
    ]
    regions = {"all": measure(truth, found, where, weights=weights, seed=seed)}
    return PartFigures("like", regions, {}, {}, tuple(decisions))


def _binned(values: FloatArray) -> FloatArray:
    """Rounded to the middle of a bin."""
    return np.asarray(np.round(values / BIN_DEG) * BIN_DEG + 0.0)


def _values(binned: FloatArray) -> list[float]:
    """The bins that there are."""
    return [float(value) for value in np.unique(binned[np.isfinite(binned)])]
