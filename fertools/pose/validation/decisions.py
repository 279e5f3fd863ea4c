"""Is the pose large? What estimated angles decide against what the true ones do.

A pose of low confidence, and a picture without one, is unknown, as in ``make-pose-split``: it is
not in the split. So precision is the share of the picked that are large, and recall the share of
the large that are picked; unknown ones that are large lower it. How recall would be without them is
told beside it: a high one there means that the estimator is right where it says something.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fertools.geometry import FloatArray
from fertools.pose.rules import FAILS, PASSES, UNKNOWN, PoseRule, RuleName
from fertools.pose.validation.estimates import Estimates
from fertools.pose.validation.truth import Truth

__all__ = ["NEAR_DEG", "THRESHOLDS", "Decision", "decide", "list_rules"]

THRESHOLDS = (30.0, 45.0)
NEAR_DEG = 5.0
"""What 'near the threshold' means: the deciding angle is at most so far from it."""

_RULES: tuple[RuleName, ...] = ("yaw", "pitch", "any")


@dataclass(frozen=True)
class Decision:
    """Counts of a decision; with weights they are sums of these and no whole numbers.

    Attributes:
        rule: What counts as large.
        scope: ``all`` samples, or those ``near`` the threshold by their true pose.
        num: Samples.
        effective: As many equally weighted ones would know as much (Kish).
        true_positive: Large, and picked.
        false_positive: Not large, but picked.
        false_negative: Large, and not picked.
        true_negative: Not large, and not picked.
        unknown_positive: Large, and not known to the estimator.
        unknown_negative: Not large, and not known to it.
    """

    rule: PoseRule
    scope: str
    num: int
    effective: float
    true_positive: float
    false_positive: float
    false_negative: float
    true_negative: float
    unknown_positive: float
    unknown_negative: float

    @property
    def precision(self) -> float:
        """Share of the picked that are large; NaN if none was picked."""
        return _share(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> float:
        """Share of the large that were picked; NaN if none is large."""
        missed = self.false_negative + self.unknown_positive
        return _share(self.true_positive, self.true_positive + missed)

    @property
    def recall_of_known(self) -> float:
        """Share of the large WITH a sure pose that were picked; NaN if there are none."""
        return _share(self.true_positive, self.true_positive + self.false_negative)

    @property
    def precision_interval(self) -> tuple[float, float]:
        """95 % interval by Wilson, with renders as independent as they are counted."""
        return self._interval(self.precision, self.true_positive + self.false_positive)

    @property
    def recall_interval(self) -> tuple[float, float]:
        """Likewise."""
        large = self.true_positive + self.false_negative + self.unknown_positive
        return self._interval(self.recall, large)

    @property
    def recall_of_known_interval(self) -> tuple[float, float]:
        """Likewise."""
        return self._interval(self.recall_of_known, self.true_positive + self.false_negative)

    def _interval(self, share: float, weight: float) -> tuple[float, float]:
        """Wilson's, of as many samples as the weight stands for (JASA 22, 1927)."""
        total = self.true_positive + self.false_positive + self.false_negative
        total += self.true_negative + self.unknown_positive + self.unknown_negative
        if not weight or np.isnan(share):
            return float("nan"), float("nan")
        n, z = self.effective * weight / total, 1.959964
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
        return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def list_rules(convention: str, *, has_all_angles: bool) -> list[PoseRule]:
    """What is decided: both thresholds by every rule, and by yaw in the project's convention too.

    Args:
        convention: The named one.
        has_all_angles: Whether pitch and roll are true as well. If not, only yaw in the project's
            convention can be decided: another's depends on them.
    """
    ours = [PoseRule(limit, rule="yaw", convention="fertools") for limit in THRESHOLDS]
    if not has_all_angles:
        return ours
    theirs = [
        PoseRule(limit, rule=rule, convention=convention) for rule in _RULES for limit in THRESHOLDS
    ]
    return list(dict.fromkeys([*ours, *theirs]))


def decide(
    truth: Truth,
    estimates: Estimates,
    is_unsure: npt.NDArray[np.bool_],
    rule: PoseRule,
    *,
    where: npt.NDArray[np.bool_],
    weights: FloatArray | None = None,
) -> Iterator[Decision]:
    """Decide on some samples: all of them, and those near the threshold.

    Args:
        truth: All samples. Where only yaw is true, pitch and roll are taken to be 0.
        estimates: Of all samples.
        is_unsure: Shape ``(N,)``: those of low confidence.
        rule: What counts as large.
        where: Shape ``(N,)``: which count.
        weights: Shape ``(N,)``: how much each counts.
    """
    true_margins = rule.margins(_true_angles(truth, rule))
    large = true_margins > 0
    said = rule.decide(rule.angles(estimates.rotations))
    said = np.where(is_unsure, UNKNOWN, said)
    for scope, mine in (("all", where), ("near", where & (np.abs(true_margins) <= NEAR_DEG))):
        share = np.where(mine, 1.0 if weights is None else weights, 0.0)
        total, squares = float(share.sum()), float((share**2).sum())
        yield Decision(
            rule=rule,
            scope=scope,
            num=int(mine.sum()),
            effective=total**2 / squares if squares else 0.0,
            true_positive=float(share[large & (said == PASSES)].sum()),
            false_positive=float(share[~large & (said == PASSES)].sum()),
            false_negative=float(share[large & (said == FAILS)].sum()),
            true_negative=float(share[~large & (said == FAILS)].sum()),
            unknown_positive=float(share[large & (said == UNKNOWN)].sum()),
            unknown_negative=float(share[~large & (said == UNKNOWN)].sum()),
        )


def _true_angles(truth: Truth, rule: PoseRule) -> FloatArray:
    """The true angles in the rule's convention."""
    if rule.convention == "fertools":
        return np.nan_to_num(truth.angles)  # yaw is always there; what is not is not looked at
    return rule.angles(truth.rotations)


def _share(part: float, whole: float) -> float:
    """A quotient, NaN of nothing."""
    return part / whole if whole else float("nan")
