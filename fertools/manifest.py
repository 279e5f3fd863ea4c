"""The manifest: one row a sample, in a parquet file that is checked when it is read.

The columns are those of :data:`COLUMNS` plus the data set's own. The file's metadata holds schema
version, data set, whether it is a stand-in, the options that made it, the tool's version and a
digest of rows and options; the digest is compared at every reading.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fertools import __version__
from fertools.errors import ManifestError
from fertools.expressions import EXPRESSIONS
from fertools.jobs import atomic_path
from fertools.manifest_facts import SCHEMA_VERSION, ManifestInfo, check_facts
from fertools.names import is_name

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

__all__ = ["COLUMNS", "Manifest", "ManifestInfo", "read_manifest", "write_manifest"]

_METADATA_KEY = b"fertools.manifest"

COLUMNS: dict[str, str] = {
    "sample_id": "string",
    "image": "string",
    "dataset": "string",
    "subject_id": "string",
    "expression": "string",
    "intensity": "Int8",
    "yaw_deg": "Float32",
    "pitch_deg": "Float32",
    "roll_deg": "Float32",
    "view_id": "string",
    "pan_deg": "Float32",
    "tilt_deg": "Float32",
    "pose_source": "string",
    "split": "string",
    "width": "Int32",
    "height": "Int32",
    "sha256": "string",
}
"""Column name to pandas type; every manifest has all of them, null where the set knows nothing."""

_REQUIRED = ("sample_id", "image", "dataset", "expression", "width", "height", "sha256")
_SPLITS = ("train", "val", "test")
_UNSIGNED = ("digest", "root")


@dataclass(frozen=True)
class Manifest:
    """A checked table of samples.

    Attributes:
        frame: One row a sample, columns as in :data:`COLUMNS` and the set's own.
        info: The file's metadata.
        path: The file.
        moved_to: Where the pictures are, if not where the file's metadata says.
    """

    frame: pd.DataFrame
    info: ManifestInfo
    path: Path
    moved_to: Path | None = None

    @property
    def root(self) -> Path:
        """The folder that the column ``image`` is relative to."""
        return self.moved_to or self.path.parent / self.info.root


def write_manifest(
    path: Path,
    frame: pd.DataFrame,
    *,
    dataset: str,
    synthetic: bool,
    config: dict[str, Any],
    root: Path | None = None,
) -> Manifest:
    """Check a table and write it whole or not at all; equal content gives equal bytes.

    Args:
        path: The parquet file.
        frame: Columns of :data:`COLUMNS` (absent ones are filled with null) and the set's own.
        dataset: Name of the data set.
        synthetic: Whether the samples come from stand-ins.
        config: Options that made the samples, JSON values only.
        root: The folder that images are relative to; the file's own if left out.

    Returns:
        The manifest as a reader will get it.

    Raises:
        ManifestError: If the table breaks the schema.
        OutputError: If the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    _check_names(path, list(frame.columns))
    complete = _with_types(frame)
    _check(path, complete)
    if not complete["sample_id"].is_monotonic_increasing:
        complete = complete.sort_values("sample_id")
    complete = complete.reset_index(drop=True)
    facts: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "dataset": dataset,
        "synthetic": synthetic,
        "config": config,
        "tool_version": __version__,
    }
    facts["digest"] = _digest(complete, facts)
    facts["root"] = "." if root is None else _way(path.parent, root)
    info = check_facts(path, facts)
    table = pa.Table.from_pandas(complete, preserve_index=False)
    table = table.replace_schema_metadata(
        {**(table.schema.metadata or {}), _METADATA_KEY: json.dumps(facts, sort_keys=True).encode()}
    )
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    return Manifest(complete, info, path)


def read_manifest(path: Path, *, root: Path | None = None) -> Manifest:
    """Read and check a manifest.

    Args:
        path: The file, or the folder that holds ``manifest.parquet``.
        root: Where the pictures are now, if the set was moved since.

    Raises:
        ManifestError: If it is missing, truncated, not a manifest, of another schema version,
            changed since it was written, or has a wrong cell (row and column are named).
    """
    import pyarrow.parquet as pq

    if path.is_dir():
        path = path / "manifest.parquet"
    if not path.is_file():
        raise ManifestError(
            f"{path}: there is no manifest here; 'fertools render-bu3dfe' makes one for BU-3DFE, "
            "'fertools index' one for the other sets, 'fertools align' one of cut faces, 'fertools "
            "make-pose-split' one of a pose split"
        )
    try:
        names = pq.read_schema(path).names
        _check_names(path, names)  # pyarrow would list all columns
        table = pq.read_table(path)
    except (OSError, ValueError, RuntimeError) as error:  # pyarrow's errors are ValueErrors
        raise ManifestError(
            f"{path}: is not a whole parquet file; make it again: {_one_line(error)[:200]}"
        ) from error
    raw = (table.schema.metadata or {}).get(_METADATA_KEY)
    if raw is None:
        raise ManifestError(f"{path}: has no fertools metadata; expected a manifest of this tool")
    try:
        facts = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ManifestError(
            f"{path}: the metadata is no JSON; make the manifest again: {_one_line(error)[:200]}"
        ) from error
    info = check_facts(path, facts)
    try:
        frame = _with_types(table.to_pandas())
    except Exception as error:  # whatever pandas makes of metadata of its own that was changed
        raise ManifestError(
            f"{path}: the columns are not those of a manifest; make it again: "
            f"{type(error).__name__}: {_one_line(error)[:200]}"
        ) from error
    _check(path, frame)
    expected = _digest(frame, {k: v for k, v in facts.items() if k not in _UNSIGNED})
    if facts["digest"] != expected:
        raise ManifestError(
            f"{path}: rows or metadata were changed after it was written (digest "
            f"{facts['digest'][:12]}, content {expected[:12]}); make the manifest again"
        )
    return Manifest(frame, info, path, root)


def _way(start: Path, target: Path) -> str:
    """A folder seen from another: relative where they share more than the disk, else absolute."""
    start = start.resolve()  # '..' goes up from where links lead
    target = (
        target.resolve() if target.name in ("", "..") else target.parent.resolve() / target.name
    )
    shared = os.path.commonpath([start, target])
    if len(Path(shared).parts) < 2:
        return target.as_posix()
    return Path(os.path.relpath(target, start)).as_posix()


def _with_types(frame: pd.DataFrame) -> pd.DataFrame:
    """Add missing columns, give every known one its type, and put them first."""
    import pandas as pd

    complete = frame.copy(deep=False)  # columns are shared until one is changed
    for column, kind in COLUMNS.items():
        if column not in complete:
            complete[column] = pd.Series([None] * len(complete), dtype=kind, index=complete.index)
        else:
            complete[column] = complete[column].astype(kind)  # type: ignore[call-overload]
    for column in complete.columns.difference(list(COLUMNS)):
        if complete[column].dtype == object or pd.api.types.is_string_dtype(complete[column]):
            complete[column] = complete[column].astype("string")
    others = sorted(column for column in complete.columns if column not in COLUMNS)
    return complete[[*COLUMNS, *others]]


@cache
def _schema() -> pa.DataFrameSchema:
    """The pandera schema of the fixed columns."""
    import pandera.pandas as pa

    def angle(limit: float) -> pa.Check:
        return pa.Check.in_range(-limit, limit)

    name = pa.Check(_are_names, name="printable text without white space at its ends")
    checks: dict[str, list[pa.Check]] = {
        "sample_id": [name],
        "subject_id": [name],
        "view_id": [name],
        "image": [pa.Check(_are_inside, name="a relative path without '..'")],
        "expression": [pa.Check.isin(EXPRESSIONS)],
        "intensity": [pa.Check.in_range(1, 4)],
        "yaw_deg": [angle(180)],
        "pitch_deg": [angle(90)],
        "roll_deg": [angle(180)],
        "split": [pa.Check.isin(_SPLITS)],
        "width": [pa.Check.ge(1)],
        "height": [pa.Check.ge(1)],
        "sha256": [pa.Check.str_matches(r"^[0-9a-f]{64}$")],
    }
    return pa.DataFrameSchema(
        {
            column: pa.Column(
                kind,
                checks=checks.get(column, []),
                nullable=column not in _REQUIRED,
                unique=column == "sample_id",
            )
            for column, kind in COLUMNS.items()
        }
    )


def _are_names(column: pd.Series[Any]) -> pd.Series[bool]:
    """Whether texts can be told apart by eye: two persons may not differ by a blank at the end."""
    import pandas as pd

    return pd.Series([is_name(value) for value in column.tolist()], column.index, dtype=bool)


def _check_names(path: Path, names: list[Any]) -> None:
    """Raise if a column is there twice."""
    doubled = next((str(name) for i, name in enumerate(names) if name in names[:i]), None)
    if doubled is not None:
        raise ManifestError(f"{path}: column {doubled[:60]!r} is there twice; expected it once")


def _check(path: Path, frame: pd.DataFrame) -> None:
    """Raise on the first cell that breaks the schema."""
    import pandera.errors

    if frame.empty:
        raise ManifestError(f"{path}: has no rows; expected one a sample")
    try:
        _schema().validate(frame, lazy=True, inplace=True)  # without a copy: nothing is coerced
    except pandera.errors.SchemaErrors as error:
        case = error.failure_cases.iloc[0]
        row = "" if case["index"] is None else f", row {case['index']}"
        raise ManifestError(
            f"{path}: column {case['column']!r}{row}: {case['failure_case']!r} breaks the rule "
            f"{case['check']!r} ({len(error.failure_cases)} such cells)"
        ) from error


def _are_inside(images: pd.Series[str]) -> pd.Series[bool]:
    """Whether image paths stay in the manifest's folder."""
    words = images.str
    is_bad = words.startswith("/") | words.contains("\\", regex=False)
    is_bad |= words.contains(r"(?:^|/)\.\.(?:/|$)") | words.fullmatch(r"(?:\.?/)*\.?")
    return ~is_bad.astype(bool)


def _digest(frame: pd.DataFrame, facts: dict[str, Any]) -> str:
    """SHA-256 over the rows in order and the metadata, the same on every machine."""
    sha = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for column in frame.columns:
        sha.update(f"\n{column}\n".encode())
        if frame[column].isna().all():
            sha.update(b"\n".join([b"\0"] * len(frame)))
            continue
        values = frame[column].astype("string").fillna("\0")
        sha.update("\n".join(values.tolist()).encode())  # a list: pandas yields Arrow's slowly
    return sha.hexdigest()


def _one_line(error: Exception) -> str:
    """An exception's text without line breaks."""
    return " ".join(str(error).split())
