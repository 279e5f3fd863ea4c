"""The pose table: one row a sample, angles, confidence, or the reason why there are none.

A parquet file whose metadata say estimator, version, options and whether the samples are stand-ins.
Each row bears the SHA-256 of the picture that it is about, so that a table of other pictures is
told from the right one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fertools import __version__
from fertools.errors import ManifestError
from fertools.geometry import FloatArray
from fertools.jobs import atomic_path
from fertools.pose.conventions import get_convention
from fertools.regular_files import open_for_arrow

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from fertools.manifest import Manifest

__all__ = [
    "PoseInfo",
    "PoseTable",
    "is_pose_table",
    "pose_schema",
    "read_pose_table",
    "write_pose_table",
]

_KEY = b"fertools.pose"
_SCHEMA_VERSION = 1
_ANGLES = {"yaw_deg": 180.0, "pitch_deg": 90.0, "roll_deg": 180.0}
_MAX_BYTES = 4_000_000_000


@dataclass(frozen=True)
class PoseInfo:
    """What the file's metadata says.

    Attributes:
        dataset: Name of the data set.
        synthetic: Whether the samples are stand-ins.
        estimator: Its registered name.
        version: All that decides its angles.
        options: Its options, JSON values.
        tool_version: Version of fertools that wrote it.
        digest: SHA-256 over rows and metadata.
    """

    dataset: str
    synthetic: bool
    estimator: str
    version: str
    options: dict[str, Any]
    tool_version: str
    digest: str


@dataclass(frozen=True)
class PoseTable:
    """Estimated poses.

    Attributes:
        frame: Columns of :func:`pose_schema`, sorted by ``sample_id``.
        info: The file's metadata.
        path: The file.
    """

    frame: pd.DataFrame
    info: PoseInfo
    path: Path

    @property
    def rotations(self) -> FloatArray:
        """Head to camera, shape ``(N, 3, 3)``; NaN where there is no estimate."""
        angles = self.frame[list(_ANGLES)].to_numpy(dtype=np.float64, na_value=np.nan)
        return get_convention("fertools").rotations(angles)

    def of(self, manifest: Manifest) -> PoseTable:
        """The rows of a manifest's samples, in its order.

        Raises:
            ManifestError: If a sample is not in the table, or its picture is another than the one
                that was looked at.
        """
        mine = manifest.frame[["sample_id", "sha256"]]
        rows = mine[["sample_id"]].merge(self.frame, on="sample_id", how="left", sort=False)
        for is_bad, fault in (
            (rows["sha256"].isna().to_numpy(), "is not in this table"),
            (
                (rows["sha256"] != mine["sha256"].reset_index(drop=True)).to_numpy(na_value=True),
                "is another picture now (its SHA-256 differs from the one that was looked at)",
            ),
        ):
            if is_bad.any():
                first = rows["sample_id"][int(np.argmax(is_bad))]
                raise ManifestError(
                    f"{self.path}: sample {first!r} of {manifest.path} {fault}, as are "
                    f"{int(is_bad.sum()) - 1:,} more; estimate the poses of this manifest: "
                    f"'fertools estimate-pose {manifest.path.parent}'"
                )
        return PoseTable(rows, self.info, self.path)


def pose_schema() -> pa.Schema:
    """Columns of a pose table; ``key`` says of what the row was made, see the job."""
    import pyarrow as pa

    return pa.schema(
        [
            ("sample_id", pa.string()),
            ("sha256", pa.string()),
            ("yaw_deg", pa.float32()),
            ("pitch_deg", pa.float32()),
            ("roll_deg", pa.float32()),
            ("confidence", pa.float32()),
            ("num_faces", pa.int32()),
            ("reason", pa.string()),
            ("key", pa.string()),
        ]
    )


def write_pose_table(
    path: Path,
    table: pa.Table,
    *,
    dataset: str,
    synthetic: bool,
    estimator: str,
    version: str,
    options: dict[str, Any],
) -> PoseTable:
    """Write a table whole or not at all; equal content gives equal bytes.

    Args:
        path: The parquet file.
        table: Of :func:`pose_schema`; sorted here.
        dataset: Name of the data set.
        synthetic: Whether the samples are stand-ins.
        estimator: Its registered name.
        version: All that decides its angles.
        options: Its options, JSON values.

    Raises:
        ManifestError: If a row has half a pose, an impossible angle, or a sample is there twice.
        OutputError: If the file cannot be written.
    """
    import pyarrow.parquet as pq

    table = table.select(pose_schema().names).cast(pose_schema()).sort_by("sample_id")
    frame = _frame(table)
    _check(path, frame)
    facts: dict[str, Any] = {
        "schema_version": _SCHEMA_VERSION,
        "dataset": dataset,
        "synthetic": synthetic,
        "estimator": estimator,
        "version": version,
        "options": options,
        "angles": "fertools: yaw right, pitch up, roll clockwise, degrees",
        "tool_version": __version__,
    }
    facts["digest"] = _digest(table, facts)
    with atomic_path(path) as temporary:
        pq.write_table(
            table.replace_schema_metadata({_KEY: json.dumps(facts, sort_keys=True).encode()}),
            temporary,
            compression="zstd",
        )
    return PoseTable(frame, _info(facts), path)


def is_pose_table(path: Path) -> bool:
    """Whether a file, or what its folder holds, means to be a pose table, damaged or not."""
    import pyarrow.parquet as pq

    if path.is_dir():
        path = path / "pose.parquet"
    if path.name == "pose.parquet":
        return path.is_file()
    try:
        with open_for_arrow(path) as stream:
            return _KEY in (pq.read_schema(stream).metadata or {})
    except (OSError, ValueError, RuntimeError):
        return False


def read_pose_table(path: Path) -> PoseTable:
    """Read and check a pose table.

    Args:
        path: The file, or the folder that holds ``pose.parquet``.

    Raises:
        ManifestError: If it is missing, truncated, no pose table, of another schema version,
            changed since it was written, or has an impossible row.
    """
    import pyarrow.parquet as pq

    if path.is_dir():
        path = path / "pose.parquet"
    if not path.is_file():
        raise ManifestError(
            f"{path}: there is no pose table here; 'fertools estimate-pose' makes one"
        )
    again = "delete it and estimate the poses again"
    try:
        with open_for_arrow(path) as stream:
            table = pq.read_table(stream)
        facts = json.loads((table.schema.metadata or {})[_KEY])
        version = facts["schema_version"]
    except KeyError as error:
        raise ManifestError(
            f"{path}: has no metadata of a pose table; expected a file of 'fertools estimate-pose'"
        ) from error
    except (OSError, ValueError, RuntimeError, TypeError, RecursionError) as error:
        raise ManifestError(
            f"{path}: is no pose table, or cut short; expected a file of 'fertools estimate-pose' "
            "(a CSV of angles is read with --estimator table --file)"
        ) from error
    if version != _SCHEMA_VERSION:
        raise ManifestError(
            f"{path}: schema version {str(version)[:20]!r}; this version of fertools reads "
            f"{_SCHEMA_VERSION}: {again}"
        )
    try:
        table = table.replace_schema_metadata(None).select(pose_schema().names).cast(pose_schema())
        info = _info(facts)
        digest = _digest(table, {k: v for k, v in facts.items() if k != "digest"})
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestError(
            f"{path}: lacks a column or a fact ({' '.join(str(error).split())[:120]}); {again}"
        ) from error
    if digest != info.digest:
        raise ManifestError(f"{path}: rows or metadata were changed after it was written; {again}")
    frame = _frame(table)
    _check(path, frame)
    return PoseTable(frame, info, path)


def _info(facts: dict[str, Any]) -> PoseInfo:
    """The facts as a value, each of its type."""
    kinds = PoseInfo.__annotations__
    names = {"str": str, "bool": bool, "dict[str, Any]": dict}
    for name, kind in kinds.items():
        if type(facts[name]) is not names[kind]:
            raise TypeError(f"{name!r} is {type(facts[name]).__name__}")
    return PoseInfo(**{name: facts[name] for name in kinds})


def _frame(table: pa.Table) -> pd.DataFrame:
    """Columns with pandas' nullable strings."""
    import pandas as pd
    import pyarrow as pa

    frame: pd.DataFrame = table.to_pandas(types_mapper={pa.string(): pd.StringDtype()}.get)
    return frame


def _check(path: Path, frame: pd.DataFrame) -> None:
    """Raise on the first row that is none."""
    angles = frame[list(_ANGLES)].to_numpy(dtype=np.float64)
    known = np.isfinite(angles)
    confidence = frame["confidence"].to_numpy(dtype=np.float64)
    has_pose = known.all(axis=1)
    rules = (
        (frame["sample_id"].isna() | frame["sample_id"].duplicated(), "is nameless or there twice"),
        (frame["sha256"].isna() | frame["key"].isna(), "has no digest"),
        (known.any(axis=1) & ~has_pose, "has half a pose"),
        (
            has_pose & (np.abs(np.nan_to_num(angles)) > list(_ANGLES.values())).any(axis=1),
            "has an impossible angle",
        ),
        (np.isinf(angles).any(axis=1), "has an infinite angle"),
        (has_pose & ~((confidence >= 0) & (confidence <= 1)), "has a pose of no confidence"),
        (has_pose == frame["reason"].notna(), "has neither a pose nor a reason, or both"),
    )
    for is_bad, fault in rules:
        rows = np.flatnonzero(np.asarray(is_bad, dtype=bool))
        if len(rows):
            name = frame["sample_id"][int(rows[0])]
            raise ManifestError(
                f"{path}: row {rows[0]} (sample {name!r}) {fault}, and {len(rows) - 1} more; "
                "delete it and estimate the poses again"
            )


def _digest(table: pa.Table, facts: dict[str, Any]) -> str:
    """SHA-256 over rows and metadata."""
    sha = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        sha.update(f"\n{name}\n".encode())
        if name.endswith("_deg") or name in ("confidence", "num_faces"):
            values = column.to_numpy(zero_copy_only=False)
            sha.update(np.nan_to_num(values.astype("<f4"), nan=-1e9).tobytes())
        else:
            sha.update("\n".join(column.fill_null("\0").to_pylist()).encode())
    return sha.hexdigest()
