"""The true head pose of stand-ins, which lies beside them in ``ground_truth.parquet``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fertools.errors import DatasetError
from fertools.geometry import angles_from_rotation, rotation_from_angles
from fertools.regular_files import open_regular

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TRUTH", "add_true_pose"]

TRUTH = "ground_truth.parquet"
_ANGLES = ["yaw_deg", "pitch_deg", "roll_deg"]
_LIMITS = [180.0, 90.0, 180.0]
_CROP = "crop_matrix"
_ALIGNED = "_aligned"


def add_true_pose(frame: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Put the true angles in place of the nominal ones.

    Where the picture is one that was turned upright when it was cut (RAF-DB's aligned ones), the
    angles are those of the face as it stands in that picture.

    Args:
        frame: A manifest's rows.
        folder: The stand-in's, with SYNTHETIC.json.

    Returns:
        The rows, those that the table knows with ``pose_source`` ``ground_truth``.

    Raises:
        DatasetError: If the table is there and cannot be read.
    """
    import pandas as pd

    path = folder / TRUTH
    if not path.is_file():
        return frame
    try:
        with open_regular(path) as stream:
            truth = pd.read_parquet(stream).set_index("sample_id")
        if truth.index.has_duplicates:
            raise ValueError("a sample is there twice")
        angles = truth[_ANGLES].astype(np.float64).dropna(how="all")  # a picture without a face
        if not (angles.abs() <= _LIMITS).all(axis=None):
            raise ValueError("an angle is no number, or turns too far")
        turned = frame["image"].str.contains(_ALIGNED, regex=False)
        if _CROP in truth and turned.any():
            ids = frame.loc[turned, "sample_id"]
            _turn_upright(angles, truth[_CROP], ids[ids.isin(angles.index)])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{path}: is no table of true poses ({' '.join(str(error).split())[:100]}); make the "
            "stand-in again"
        ) from error
    known = frame["sample_id"].isin(angles.index)
    true = angles.reindex(frame.loc[known, "sample_id"])
    for column in _ANGLES:
        values = frame[column] if column in frame else pd.Series(pd.NA, frame.index)
        values = values.astype("Float32")
        values[known] = true[column].to_numpy()
        frame[column] = values
    source = frame["pose_source"].astype("string")
    source[known] = "ground_truth"
    frame["pose_source"] = source
    return frame


def _turn_upright(angles: pd.DataFrame, crops: pd.Series[Any], sample_ids: pd.Series[str]) -> None:
    """Take off what the cut turned each picture by, in place."""
    for sample_id in sample_ids:
        matrix = np.asarray(crops[sample_id], dtype=np.float64).reshape(2, 3)
        clockwise = math.degrees(math.atan2(matrix[1, 0], matrix[0, 0]))
        pose = rotation_from_angles(*angles.loc[sample_id])
        upright = rotation_from_angles(0.0, 0.0, clockwise) @ pose
        angles.loc[sample_id] = angles_from_rotation(upright)
