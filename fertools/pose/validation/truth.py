"""The pose that is true: taken from a manifest whose poses are known and not estimated."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fertools.errors import ManifestError
from fertools.geometry import FloatArray
from fertools.pose.conventions import get_convention

if TYPE_CHECKING:
    import pandas as pd

    from fertools.manifest import Manifest

__all__ = ["ALL", "NOTES", "Truth", "read_truth"]

BoolArray = npt.NDArray[np.bool_]
_ANGLES = ("yaw_deg", "pitch_deg", "roll_deg")

ALL = "all"
"""The part of samples that belong to none."""

NOTES = {
    "ground_truth": "exact: the heads were turned by this",
    "render_rotation": "relative to each scan's own zero, which is not exactly frontal",
    "frontalised_rotation": "relative to a zero that each scan's landmarks say",
    "camera": "nominal: the camera's place; the head's own turn, pitch and roll are not known",
}
"""What is taken for truth, by ``pose_source``, and how true it is."""


@dataclass(frozen=True)
class Truth:
    """Samples whose pose is known.

    Attributes:
        manifest: That they are in.
        where: Shape ``(all rows of the manifest,)``: which they are. All else has one row a sample.
        frame: Their rows.
        angles: Yaw, pitch and roll by :mod:`fertools.geometry`, shape ``(N, 3)``; pitch and roll
            NaN where only the camera's place is known.
        rotations: Shape ``(N, 3, 3)``; NaN where an angle is.
        parts: Which part of the renders each belongs to, else :data:`ALL`.
        people: Who is in it; the sample's own name where nobody knows.
        eye_px: Distance of the eyes as :func:`fertools.pose.validation.renders.draw` has it; NaN
            where unknown.
        fov_deg: Field of view of the whole picture; NaN where unknown.
        sources: ``pose_source`` to the number of samples.
        num_unknown: Samples that were asked for and whose pose is not known.
    """

    manifest: Manifest
    where: BoolArray
    frame: pd.DataFrame
    angles: FloatArray
    rotations: FloatArray
    parts: npt.NDArray[np.str_]
    people: npt.NDArray[np.str_]
    eye_px: FloatArray
    fov_deg: FloatArray
    sources: dict[str, int]
    num_unknown: int

    def __len__(self) -> int:
        return len(self.angles)

    @property
    def has_all_angles(self) -> bool:
        """Whether pitch and roll are known, not only yaw."""
        return bool(np.isfinite(self.angles).all())

    @property
    def part_names(self) -> list[str]:
        """The parts that there are, sorted."""
        return sorted(set(self.parts.tolist()))


def read_truth(manifest: Manifest, *, sample_ids: Collection[str] | None = None) -> Truth:
    """Take the known poses out of a manifest.

    Args:
        manifest: Of any set; columns ``part`` and ``eye_px`` are used if they are there.
        sample_ids: Only these; all if left out.

    Raises:
        ManifestError: If no pose is known, or one was estimated, which is no truth.
    """
    frame = manifest.frame
    asked = np.ones(len(frame), dtype=bool)
    if sample_ids is not None:
        asked = frame["sample_id"].isin(list(sample_ids)).to_numpy(dtype=bool)
    angles = frame[list(_ANGLES)].to_numpy(dtype=np.float64, na_value=np.nan)
    where = asked & np.isfinite(angles[:, 0])
    if not where.any():
        raise ManifestError(
            f"{manifest.path}: no pose is known; expected yaw_deg of stand-ins, of renders or of "
            "Multi-PIE's cameras: index the set again, or leave the manifest out to use renders"
        )
    chosen = frame[where].reset_index(drop=True)
    sources = chosen["pose_source"].fillna("unknown").value_counts().to_dict()
    bad = sorted(set(sources) - set(NOTES))
    if bad:
        raise ManifestError(
            f"{manifest.path}: pose_source {bad[0]!r} of {sources[bad[0]]:,} samples is no truth; "
            f"expected one of {', '.join(NOTES)}"
        )
    known = angles[where]
    known[np.isnan(known).any(axis=1), 1:] = np.nan
    names = chosen["sample_id"].astype(str)
    people = chosen["subject_id"].astype("object").where(chosen["subject_id"].notna(), names)
    return Truth(
        manifest=manifest,
        where=where,
        frame=chosen,
        angles=known,
        rotations=get_convention("fertools").rotations(known),
        parts=_texts(chosen, "part"),
        people=people.to_numpy(dtype=np.str_),
        eye_px=_numbers(chosen, "eye_px"),
        fov_deg=_numbers(chosen, "fov_deg"),
        sources={str(name): int(count) for name, count in sorted(sources.items())},
        num_unknown=int(asked.sum() - where.sum()),
    )


def _texts(frame: pd.DataFrame, name: str) -> npt.NDArray[np.str_]:
    """A column of words, :data:`ALL` where there is none."""
    if name not in frame:
        return np.full(len(frame), ALL)
    return frame[name].astype("string").fillna(ALL).to_numpy(dtype=np.str_)


def _numbers(frame: pd.DataFrame, name: str) -> FloatArray:
    """A column of numbers, NaN where there is none."""
    import pandas as pd

    if name not in frame:
        return np.full(len(frame), np.nan)
    return np.asarray(
        pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    )
