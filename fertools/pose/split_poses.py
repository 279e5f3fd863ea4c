"""The poses that a split is cut by: estimated now, kept from before, or of the user's table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fertools.errors import ConfigError, ManifestError
from fertools.geometry import FloatArray
from fertools.manifest import Manifest
from fertools.pose.job import estimate_pose
from fertools.pose.registry import get_estimator
from fertools.pose.split_options import DEFAULT_ESTIMATORS, SplitOptions
from fertools.pose.split_source import Indexing, NoOriginalsError, find_originals
from fertools.pose.table import PoseTable, read_pose_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SeenPoses", "find_poses", "true_angles"]

_ANGLES = ["yaw_deg", "pitch_deg", "roll_deg"]


@dataclass(frozen=True)
class SeenPoses:
    """The poses of the pictures that were looked at.

    Attributes:
        poses: Of the rows that are evaluated, as far as there are pictures of them.
        frame: The rows of the manifest that was looked at.
        pictures: Which ones these are, in words.
        skipped: Samples whose picture could not be read.
    """

    poses: PoseTable
    frame: pd.DataFrame
    pictures: str
    skipped: dict[str, str]


def find_poses(
    manifest: Manifest, rows: Manifest, options: SplitOptions, indexing: Indexing
) -> SeenPoses:
    """The poses of the rows that are evaluated.

    Args:
        manifest: The set's, all rows of it.
        rows: The same manifest with those that are evaluated.
        options: Estimator, or a table; which pictures.
        indexing: For original pictures that are not indexed yet.

    Raises:
        FertoolsError: As :func:`fertools.pose.job.estimate_pose` and :func:`find_originals` say.
        ManifestError: If the table is of other pictures.
        ConfigError: If it is of another set.
    """
    if options.poses is not None:
        return _take_poses(manifest, rows, options.poses, options, indexing)
    estimator = options.estimator or DEFAULT_ESTIMATORS[manifest.info.dataset]
    is_picky = get_estimator(estimator).reads == "landmarks"
    looked_at, pictures = _find_pictures(manifest, options, indexing, only_originals=is_picky)
    where = looked_at.frame["sample_id"].isin(rows.frame["sample_id"]).to_numpy(dtype=bool)
    summary = estimate_pose(
        looked_at,
        looked_at.path.parent / "pose" / estimator,
        estimator,
        options.estimator_options,
        where=where,
        workers=options.workers,
        on_error=options.on_error,
    )
    if summary.note:
        indexing.say(summary.note)
    if summary.table is None:
        raise ValueError("an estimation without shards leaves a table")
    return SeenPoses(summary.table, looked_at.frame[where], pictures, summary.skipped)


def _find_pictures(
    manifest: Manifest, options: SplitOptions, indexing: Indexing, *, only_originals: bool
) -> tuple[Manifest, str]:
    """The manifest of the pictures that are looked at, and which ones these are."""
    if manifest.info.dataset != "rafdb":
        return manifest, ""
    if options.images == "aligned":
        return manifest, "aligned pictures"
    try:
        return find_originals(manifest, indexing), "original pictures"
    except NoOriginalsError as error:
        if only_originals or options.images == "original":
            raise
        indexing.say(f"{error}: this estimator looks at the aligned pictures instead")
        return manifest, "aligned pictures"


def _take_poses(
    manifest: Manifest, rows: Manifest, path: Path, options: SplitOptions, indexing: Indexing
) -> SeenPoses:
    """Poses of a table, if it is of the pictures at hand: the aligned or the original ones."""
    table = read_pose_table(path)
    if table.info.dataset != manifest.info.dataset:
        raise ConfigError(
            f"--poses {path}: holds poses of {table.info.dataset}, not of {manifest.info.dataset}"
        )
    is_rafdb = manifest.info.dataset == "rafdb"
    if not is_rafdb or options.images != "original":
        pictures = "aligned pictures" if is_rafdb else ""
        try:
            return SeenPoses(table.of(rows), rows.frame, pictures, {})
        except ManifestError:
            if not is_rafdb or options.images == "aligned":
                raise
    originals = find_originals(manifest, indexing)
    where = originals.frame["sample_id"].isin(rows.frame["sample_id"])
    asked = replace(originals, frame=originals.frame[where].reset_index(drop=True))
    return SeenPoses(table.of(asked), asked.frame, "original pictures", {})


def true_angles(rows: pd.DataFrame, looked_at: pd.DataFrame) -> FloatArray | None:
    """True yaw, pitch and roll in the pictures that were looked at.

    Args:
        rows: That are evaluated.
        looked_at: The rows of those pictures, in any order.

    Returns:
        Degrees in the project's convention, shape ``(N, 3)``, NaN where unknown; None where all is.
    """
    known = looked_at.loc[looked_at["pose_source"] == "ground_truth", ["sample_id", *_ANGLES]]
    if known.empty:
        return None
    true = rows[["sample_id"]].merge(known, on="sample_id", how="left", sort=False)
    return np.asarray(true[_ANGLES].to_numpy(dtype=np.float64, na_value=np.nan))
