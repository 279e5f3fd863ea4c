"""The part of a set whose pose is large: every picture decided, and what could not be is counted.

Pictures without a pose, and those whose pose the estimator is not sure of, are neither large nor
not: they are categories of their own, and in the split only where that is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from fertools.errors import ConfigError, ManifestError
from fertools.expressions import EXPRESSIONS
from fertools.geometry import FloatArray
from fertools.pose.conventions import get_convention
from fertools.pose.rules import PASSES, UNKNOWN, PoseRule, exact_number, is_below

if TYPE_CHECKING:
    import pandas as pd

    from fertools.manifest import Manifest
    from fertools.pose.calibration import Calibration
    from fertools.pose.list_import import ListedSamples
    from fertools.pose.table import PoseInfo, PoseTable

__all__ = [
    "CATEGORIES",
    "EVALUATED",
    "Agreement",
    "Cut",
    "Split",
    "Unsure",
    "check_confidence",
    "count_classes",
    "evaluated_rows",
    "split_by_list",
    "split_by_pose",
]

EVALUATED = {"rafdb": "test", "affectnet": "val"}
"""Data set to the part that is tested; the pictures for training are never split."""

CATEGORIES = ("large", "not large", "no pose", "low confidence")
"""What a picture can be in a cut by pose; the last two are unsure."""

Unsure = Literal["leave-out", "include"]

_ANGLES = ("yaw_deg", "pitch_deg", "roll_deg")
_NO_ORIGINAL = "it is not among the pictures whose pose was estimated"


@dataclass(frozen=True)
class Cut:
    """How a split was cut by pose.

    Attributes:
        rule: What is large.
        poses: Estimator, version and options.
        pictures: Which pictures were looked at, where the set has two kinds; else empty.
        min_confidence: A pose of less is not believed.
        unsure: Whether pictures that cannot be decided are in the split.
        calibration: The correction of the angles, where one was asked for.
    """

    rule: PoseRule
    poses: PoseInfo
    pictures: str = ""
    min_confidence: float = 0.5
    unsure: Unsure = "leave-out"
    calibration: Calibration | None = None


@dataclass(frozen=True)
class Agreement:
    """How a split agrees with the true poses, under the same rule.

    Attributes:
        num_true: Pictures whose true pose is large.
        num_selected: Pictures of the split whose true pose is known.
        num_both: Pictures that are both.
    """

    num_true: int
    num_selected: int
    num_both: int

    @property
    def precision(self) -> float:
        """Share of the split that is truly large; NaN where it is empty."""
        return self.num_both / self.num_selected if self.num_selected else float("nan")

    @property
    def recall(self) -> float:
        """Share of the truly large that is in the split; NaN where there are none."""
        return self.num_both / self.num_true if self.num_true else float("nan")


@dataclass(frozen=True)
class Split:
    """A split, before it is written.

    Attributes:
        manifest: The set's; its rows are those that are evaluated.
        table: One row each, in the same order: ``sample_id``, ``expression``, ``category``,
            ``selected``, ``truth`` (1, 0 or -1, as :meth:`PoseRule.decide` says of the true pose).
            Of a cut also ``yaw``, ``pitch``, ``roll`` in the rule's convention, ``margin``
            (degrees above the threshold), ``confidence``, ``reason``.
        own_angles: The estimated yaw, pitch and roll in the project's convention, shape ``(N, 3)``;
            None of an imported list.
        true_angles: The true ones, likewise; None where the set does not know them.
        cut: How it was cut; None of an imported list.
        listed: The list that was imported; None of a cut.
        num_classes: 7 or 8.
    """

    manifest: Manifest
    table: pd.DataFrame
    own_angles: FloatArray | None
    true_angles: FloatArray | None
    cut: Cut | None
    listed: ListedSamples | None
    num_classes: int

    @property
    def has_truth(self) -> bool:
        """Whether true poses are known."""
        return bool((self.table["truth"] != UNKNOWN).any())

    def listing(self) -> tuple[list[str], list[str]]:
        """Sample ids and expressions; of a list in its order, repeated lines too."""
        chosen = self.table.loc[self.table["selected"], ["sample_id", "expression"]]
        ids: list[str] = chosen["sample_id"].tolist()  # a loop over the column is much slower
        expressions: list[str] = chosen["expression"].tolist()
        if self.listed is None:
            return ids, expressions
        known = dict(zip(ids, expressions, strict=True))
        return [*self.listed.sample_ids], [known[name] for name in self.listed.sample_ids]

    def agreement(self) -> Agreement:
        """How it agrees with the true poses."""
        truth = self.table["truth"].to_numpy()
        is_in = self.table["selected"].to_numpy(dtype=bool)
        return Agreement(
            int((truth == PASSES).sum()),
            int((is_in & (truth != UNKNOWN)).sum()),
            int((is_in & (truth == PASSES)).sum()),
        )


def check_confidence(value: float) -> None:
    """Raise where a least confidence is none.

    Raises:
        ConfigError: If it is not in 0 to 1.
    """
    if not 0 <= value <= 1:
        raise ConfigError(f"--min-confidence {exact_number(value)}: expected 0 to 1")


def evaluated_rows(manifest: Manifest, *, num_classes: int = 8) -> pd.DataFrame:
    """Rows of the part that is tested: RAF-DB's test, AffectNet's validation.

    Args:
        manifest: Of one of these sets.
        num_classes: 7 leaves out AffectNet's contempt.

    Raises:
        ConfigError: If the manifest is of another set.
        ManifestError: If it has no such rows.
    """
    dataset = manifest.info.dataset
    if dataset not in EVALUATED:
        raise ConfigError(
            f"{manifest.path}: is of {dataset}; Pose-* splits are made of "
            f"{' and '.join(sorted(EVALUATED))}"
        )
    frame = manifest.frame
    is_meant = frame["split"].eq(EVALUATED[dataset]).fillna(False)
    if num_classes == 7:
        is_meant &= frame["expression"] != "contempt"
    if not is_meant.any():
        raise ManifestError(
            f"{manifest.path}: has no picture of the split {EVALUATED[dataset]!r}; index the whole "
            f"set again: 'fertools index {dataset}'"
        )
    return frame[is_meant].reset_index(drop=True)


def split_by_pose(
    manifest: Manifest,
    poses: PoseTable,
    rule: PoseRule,
    *,
    pictures: str = "",
    min_confidence: float = 0.5,
    unsure: Unsure = "leave-out",
    calibration: Calibration | None = None,
    true_angles: FloatArray | None = None,
    num_classes: int = 8,
) -> Split:
    """Decide every picture by its estimated pose.

    Args:
        manifest: Whose rows are evaluated: see :func:`evaluated_rows`.
        poses: Of these samples in any order; one that is not among them has no pose. That they are
            of these pictures is for :meth:`PoseTable.of` to check.
        rule: What is large.
        pictures: Which pictures were looked at, for the README.
        min_confidence: 0 to 1.
        unsure: What becomes of pictures that cannot be decided.
        calibration: A correction of the estimator's angles.
        true_angles: In the project's convention, degrees, shape ``(N, 3)``, NaN where unknown.
        num_classes: As the rows were chosen.

    Raises:
        ConfigError: If ``min_confidence`` is not in 0 to 1, or the calibration is of another
            estimator.
    """
    check_confidence(min_confidence)
    rows = manifest.frame
    found = _in_order(poses, rows["sample_id"])
    rotations = found.rotations
    if calibration is not None:
        calibration.require(poses.info.estimator, poses.info.version)
        rotations = calibration.apply(rotations)
    angles = rule.angles(rotations)
    verdict = rule.decide(angles)
    confidence = found.frame["confidence"].to_numpy(dtype=np.float32)
    is_doubtful = (verdict != UNKNOWN) & is_below(confidence, min_confidence)
    category = np.select(
        [verdict == UNKNOWN, is_doubtful, verdict == PASSES],
        ["no pose", "low confidence", "large"],
        "not large",
    )
    reason = found.frame["reason"].mask(
        is_doubtful, f"confidence below {exact_number(min_confidence)}"
    )
    chosen = ["large"] if unsure == "leave-out" else ["large", "no pose", "low confidence"]
    table = _table(rows) | {
        **{name: angles[:, n] for n, name in enumerate(("yaw", "pitch", "roll"))},
        "margin": rule.margins(angles),
        "confidence": confidence,
        "category": _as_strings(category),
        "reason": reason,
        "selected": np.isin(category, chosen),
        "truth": _truth(rule, true_angles, len(rows)),
    }
    cut = Cut(rule, poses.info, pictures, min_confidence, unsure, calibration)
    own = found.frame[list(_ANGLES)].to_numpy(dtype=np.float64)
    if calibration is not None:
        own = get_convention("fertools").angles(rotations)
    return Split(manifest, _frame(table), own, true_angles, cut, None, num_classes)


def split_by_list(manifest: Manifest, listed: ListedSamples, *, num_classes: int = 8) -> Split:
    """The pictures that a list names.

    Args:
        manifest: Whose rows are evaluated.
        listed: Of these rows.
        num_classes: As the rows were chosen.

    Raises:
        ManifestError: If the list names none of them.
    """
    rows = manifest.frame
    is_listed = rows["sample_id"].isin(listed.sample_ids).to_numpy(dtype=bool)
    if not is_listed.any():
        raise ManifestError(f"{listed.source.path}: names no picture of {num_classes} classes")
    table = _table(rows) | {
        "category": _as_strings(np.where(is_listed, "listed", "not listed")),
        "selected": is_listed,
        "truth": np.full(len(rows), UNKNOWN, dtype=np.int8),
    }
    return Split(manifest, _frame(table), None, None, None, listed, num_classes)


def count_classes(split: Split) -> pd.DataFrame:
    """Counts of every class and, in the last row ``all``, of the whole.

    Returns:
        Columns ``expression``, ``evaluated``; of a cut the four categories; ``in_split``; where
        true poses are known ``truly_large``, ``correct``, ``precision``, ``recall``.
    """
    import pandas as pd

    table = split.table
    names = [name for name in EXPRESSIONS if (table["expression"] == name).any()]
    places = pd.Categorical(table["expression"], categories=names).codes
    is_in = table["selected"].to_numpy(dtype=bool)

    def count(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        counts = np.bincount(places[mask], minlength=len(names))
        return np.append(counts, counts.sum())

    columns: dict[str, Any] = {
        "expression": [*names, "all"],
        "evaluated": count(np.ones(len(table), dtype=bool)),
    }
    if split.cut is not None:
        for category in CATEGORIES:
            is_it = (table["category"] == category).to_numpy(dtype=bool)
            columns[category.replace(" ", "_")] = count(is_it)
    columns["in_split"] = count(is_in)
    if split.has_truth:
        truth = table["truth"].to_numpy()
        columns["truly_large"] = count(truth == PASSES)
        columns["correct"] = count(is_in & (truth == PASSES))
        num_known = count(is_in & (truth != UNKNOWN))
        columns["precision"] = _shares(columns["correct"], num_known)
        columns["recall"] = _shares(columns["correct"], columns["truly_large"])
    return pd.DataFrame(columns)


def _shares(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> FloatArray:
    """Quotients; NaN where there is nothing to divide by."""
    shares = np.full(len(whole), np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


def _in_order(poses: PoseTable, sample_ids: pd.Series[str]) -> PoseTable:
    """The poses of some samples; a row with a reason for one that has none."""
    from dataclasses import replace

    if len(poses.frame) == len(sample_ids) and poses.frame["sample_id"].equals(sample_ids):
        return poses
    frame = sample_ids.to_frame().merge(poses.frame, on="sample_id", how="left", sort=False)
    is_absent = frame["key"].isna()
    frame["reason"] = frame["reason"].mask(is_absent, _NO_ORIGINAL)
    return replace(poses, frame=frame)


def _table(rows: pd.DataFrame) -> dict[str, Any]:
    """What every split says of a picture."""
    return {"sample_id": rows["sample_id"], "expression": rows["expression"]}


def _frame(table: dict[str, Any]) -> pd.DataFrame:
    """Columns as a table."""
    import pandas as pd

    return pd.DataFrame(table)


def _as_strings(values: Any) -> pd.Series[str]:
    """An array of few different words."""
    import pandas as pd

    return pd.Series(values, dtype="string")


def _truth(rule: PoseRule, true_angles: FloatArray | None, size: int) -> Any:
    """What the rule says of the true poses."""
    if true_angles is None:
        return np.full(size, UNKNOWN, dtype=np.int8)
    rotations = get_convention("fertools").rotations(true_angles)
    return rule.decide(rule.angles(rotations))
