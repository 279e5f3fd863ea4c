"""The pose that the manifest says itself: of stand-ins, renders, and cameras of known place."""

from __future__ import annotations

import numpy as np

from fertools.pose.conventions import get_convention
from fertools.pose.registry import FaceBatch, NoOptions, PoseEstimates, register_estimator

__all__ = ["GroundTruth", "open_ground_truth"]


class GroundTruth:
    """Takes the angles over; confidence is 1."""

    version = "ground_truth 1"

    def estimate(self, batch: FaceBatch) -> PoseEstimates:
        """Take over; pitch and roll count as 0 where only yaw is known (Multi-PIE's cameras)."""
        angles = np.where(np.isnan(batch.angles) & ~np.isnan(batch.angles[:, :1]), 0, batch.angles)
        rotations = get_convention("fertools").rotations(angles)
        is_known = np.asarray(np.isfinite(rotations).all(axis=(1, 2)))
        return PoseEstimates(
            rotations,
            np.where(is_known, 1.0, np.nan),
            np.full(len(batch), -1, dtype=np.int64),
            [None if known else "the manifest has no pose of it" for known in is_known.tolist()],
        )


@register_estimator(
    name="ground_truth",
    title="the manifest's own pose: stand-ins, renders, cameras whose place is known",
    reads="records",
    reference="the set itself",
    options=NoOptions,
)
def open_ground_truth(options: NoOptions) -> GroundTruth:
    """It needs nothing."""
    return GroundTruth()
