"""A user's own distribution of poses, as weights of the renders.

Precision depends on how poses are distributed: of many frontal faces a few errors pick more wrong
ones than there are right ones. The renders are uniform in yaw and pitch; weighted by the ratio of
two histograms they stand for a set of another distribution (importance weights).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fertools.errors import ManifestError
from fertools.geometry import FloatArray
from fertools.manifest import read_manifest
from fertools.pose.table import is_pose_table, read_pose_table
from fertools.pose.validation.truth import Truth

__all__ = ["CELL_DEG", "Distribution", "read_distribution"]

CELL_DEG = 10.0
_YAW_EDGES = np.arange(-90.0, 91.0, CELL_DEG)
_PITCH_EDGES = np.arange(-30.0, 31.0, CELL_DEG)


@dataclass(frozen=True)
class Distribution:
    """A distribution of poses, and the renders' weights.

    Attributes:
        source: The file.
        num: Samples with a pose in it.
        covered: Share of them whose yaw and pitch lie where there are renders; the others count in
            no figure.
        weights: Shape ``(N,)``, of the renders; their mean over the part is 1.
        effective: As many renders without weights would know as much (Kish).
        is_synthetic: Whether the samples are stand-ins.
    """

    source: str
    num: int
    covered: float
    weights: FloatArray
    effective: float
    is_synthetic: bool


def read_distribution(path: Path, truth: Truth, *, part: str) -> Distribution:
    """Weight one part of the renders like the poses of a table.

    Args:
        path: A pose table, or a manifest with poses; the file or its folder. Angles count as they
            are written, be they estimated or true.
        truth: The renders.
        part: Of them that is weighted.

    Raises:
        ManifestError: If it is neither, damaged or changed since it was written, or no pose of it
            lies where there are renders.
    """
    angles, is_synthetic = _read_angles(path)
    angles = angles[np.isfinite(angles).all(axis=1)]
    mine = truth.parts == part
    wanted, rendered = _histogram(angles), _histogram(truth.angles[mine, :2])
    reachable = np.where(rendered > 0, wanted, 0.0)
    if not reachable.sum():
        raise ManifestError(
            f"{path}: none of its {len(angles):,} poses lies where there are renders; expected yaw "
            "in ±90 and pitch in ±30 degrees"
        )
    ratio = reachable / np.maximum(rendered, 1.0)
    rows, columns = _cells(truth.angles)
    weights = np.where(mine & (rows >= 0) & (columns >= 0), ratio[rows, columns], 0.0)
    weights *= mine.sum() / weights.sum()
    return Distribution(
        source=str(path),
        num=len(angles),
        covered=float(reachable.sum() / len(angles)),
        weights=weights,
        effective=float(weights.sum() ** 2 / (weights**2).sum()),
        is_synthetic=is_synthetic,
    )


def _read_angles(path: Path) -> tuple[FloatArray, bool]:
    """Yaw and pitch ``(N, 2)`` of a pose table or a manifest."""
    names = ["yaw_deg", "pitch_deg"]
    table = read_pose_table(path) if is_pose_table(path) else read_manifest(path)
    frame, is_synthetic = table.frame, table.info.synthetic
    return frame[names].to_numpy(dtype=np.float64, na_value=np.nan), is_synthetic


def _histogram(angles: FloatArray) -> FloatArray:
    """Counts in cells of yaw and pitch."""
    bins = [_YAW_EDGES, _PITCH_EDGES]
    return np.asarray(np.histogram2d(angles[:, 0], angles[:, 1], bins=bins)[0])


def _cells(angles: FloatArray) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]:
    """Row and column of the cell of each pose; -1 outside."""
    places = []
    for values, edges in ((angles[:, 0], _YAW_EDGES), (angles[:, 1], _PITCH_EDGES)):
        place = np.searchsorted(edges, values, side="right") - 1
        place = np.where(values == edges[-1], len(edges) - 2, place)
        is_inside = (values >= edges[0]) & (values <= edges[-1])
        places.append(np.where(is_inside, place, -1).astype(np.int64))
    return places[0], places[1]
