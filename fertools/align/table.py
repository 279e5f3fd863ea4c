"""Records of an alignment to tables: the manifest's columns, and ``align.parquet``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fertools.align.landmarks import Landmarks
from fertools.geometry import FloatArray
from fertools.jobs import atomic_path

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "aligned_frame", "write_landmarks", "write_points"]

COLUMNS: dict[str, str] = {
    "aligned": "boolean",
    "align_reason": "string",
    "align_source": "string",
    "align_method": "string",
    "align_roll_deg": "Float32",
    "align_scale": "Float32",
    "face_x0": "Float32",
    "face_y0": "Float32",
    "face_x1": "Float32",
    "face_y1": "Float32",
    "face_prob": "Float32",
    "num_faces": "Int32",
    "original_image": "string",
    "original_width": "Int32",
    "original_height": "Int32",
    "original_sha256": "string",
}
"""Column to pandas type: what an alignment adds to a manifest."""


def aligned_frame(
    frame: pd.DataFrame, rows: Sequence[dict[str, Any]], *, size: int
) -> pd.DataFrame:
    """A manifest's rows with the crops instead of the originals; what has no record is left out.

    Args:
        frame: Rows of the originals.
        rows: Of the records.
        size: Side of the crops.
    """
    import pandas as pd

    made = pd.DataFrame(list(rows)).set_index("sample_id")
    result = frame[frame["sample_id"].isin(made.index)].copy()
    made = made.loc[result["sample_id"]]
    for name, kind in COLUMNS.items():
        result[name] = pd.array(made[name].tolist(), dtype=kind)  # type: ignore[call-overload]
    if "source_sha256" not in result:
        result["source_sha256"] = result["original_sha256"]
    for name in ("image", "sha256"):
        result[name] = pd.array(made[name].tolist(), dtype="string")
    result["width"] = result["height"] = size
    result["num_bytes"] = pd.array(made["num_bytes"].tolist(), dtype="Int64")
    return result


def write_points(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """``align.parquet``: the five points in the crop, and the matrix, of every sample.

    Columns: ``sample_id``; ``x`` and ``y``, five values or null, NaN for a point that is not known;
    ``matrix``, six values row by row: crop = matrix @ (x, y, 1) of the original.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = pa.list_(pa.float32())
    schema = pa.schema(
        [
            ("sample_id", pa.string()),
            ("x", numbers),
            ("y", numbers),
            ("matrix", pa.list_(pa.float64())),
        ]
    )
    table = [
        {
            "sample_id": row["sample_id"],
            "x": _column(row["points"], 0),
            "y": _column(row["points"], 1),
            "matrix": row["matrix"],
        }
        for row in sorted(rows, key=lambda row: str(row["sample_id"]))
    ]
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_pylist(table, schema=schema), temporary, compression="zstd")


def write_landmarks(path: Path, rows: Sequence[dict[str, Any]], landmarks: Landmarks) -> None:
    """The set's own landmarks in pixels of the crops; no file where the set has none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    marked = sorted(r["sample_id"] for r in rows if r["sample_id"] in landmarks.points)
    if not marked:
        path.unlink(missing_ok=True)
        return
    matrices = {r["sample_id"]: np.array(r["matrix"]).reshape(2, 3) for r in rows}
    moved = {i: _move(matrices[i], landmarks.points[i]) for i in marked}
    numbers = pa.list_(pa.float32())
    fields = [("sample_id", pa.string()), ("x", numbers), ("y", numbers)]
    columns: dict[str, list[Any]] = {
        "sample_id": marked,
        "x": [moved[i][:, 0] for i in marked],
        "y": [moved[i][:, 1] for i in marked],
    }
    if landmarks.visible:
        fields.append(("visible", pa.list_(pa.bool_())))
        columns["visible"] = [landmarks.visible.get(i) for i in marked]
    with atomic_path(path) as temporary:
        pq.write_table(
            pa.Table.from_pydict(columns, schema=pa.schema(fields)), temporary, compression="zstd"
        )


def _move(matrix: FloatArray, points: FloatArray) -> FloatArray:
    """Points of the original in the crop."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def _column(points: list[list[float | None]] | None, axis: int) -> list[float] | None:
    """All x or all y; NaN for what is not known."""
    if points is None:
        return None
    return [float("nan") if point[axis] is None else float(point[axis] or 0.0) for point in points]
