"""The table of what is true about every picture of a stand-in in the wild."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fertools.jobs import atomic_path

__all__ = ["GROUND_TRUTH", "Row", "face_box", "read_truth", "write_truth"]

GROUND_TRUTH = "ground_truth.parquet"
"""Its name at the root of a set."""

Row = dict[str, Any]
FloatArray = npt.NDArray[np.float64]


def face_box(
    points: FloatArray, *, width: int, height: int, square: bool = False
) -> tuple[float, float, float, float]:
    """Box ``(x0, y0, x1, y1)`` from forehead to chin about 68 points, within the picture.

    Args:
        points: Shape ``(68, 2)``, pixels.
        width: Of the picture.
        height: Of the picture.
        square: Make it as wide as it is high, where the picture has the room.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    wide, tall = high - low
    low = low - np.array([0.06 * wide, 0.26 * tall])
    high = high + np.array([0.06 * wide, 0.05 * tall])
    wide, tall = high - low
    wider = max(wide, 0.8 * tall)  # a profile's box is no narrow strip
    goal = np.full(2, max(wide, tall)) if square else np.array([wider, tall])
    goal = np.minimum(goal, [width, height])
    start = np.clip(0.5 * (low + high - goal), 0.0, [width, height] - goal)
    left, top, right, bottom = (round(float(value), 4) for value in (*start, *(start + goal)))
    return left, top, right, bottom


def read_truth(path: Path) -> dict[str, Row]:
    """Rows by sample; none where there is no such file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException):
        return {}
    return {row["sample_id"]: row for row in table.to_pylist()}


def write_truth(path: Path, rows: Sequence[Row], *, dataset: str) -> None:
    """Write the table whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    note = {"synthetic": "true", "dataset": dataset, "pose": "head to the camera's optical axis"}
    table = pa.Table.from_pylist(list(rows), schema=_schema(pa).with_metadata(note))
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary)


def _schema(pa: Any) -> Any:
    """Columns of the ground truth; lengths in pixels unless the name says otherwise."""
    number, text, flag = pa.float64(), pa.string(), pa.bool_()
    return pa.schema(
        [
            ("sample_id", text),
            ("split", text),
            ("label", pa.int16()),
            ("expression", text),
            ("intensity", pa.int8()),
            ("identity", pa.int32()),
            *((f"{name}_deg", number) for name in ("yaw", "pitch", "roll")),
            *((f"light_{name}", number) for name in ("yaw_deg", "pitch_deg", "share")),
            ("light_hard", flag),
            ("exposure", number),
            ("occlusion", text),
            ("background", text),
            ("bystander", flag),
            *((name, number) for name in ("distance_mm", "face_px", "face_x", "face_y")),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("blur_px", number),
            ("noise", number),
            ("jpeg_quality", pa.int16()),
            ("grey", flag),
            ("valence", number),
            ("arousal", number),
            ("face_box", pa.list_(number)),
            ("points", pa.list_(number)),
            ("visible", pa.list_(flag)),
            ("crop_matrix", pa.list_(number)),
            ("file_bytes", pa.int64()),
        ]
    )
