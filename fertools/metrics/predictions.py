"""The table of predictions: what it holds, how it is written and read.

``predictions.parquet`` stands between a model and every number: metrics and reports are
computed from it alone. One row is one tested sample. Columns:

==================  ========  ==========================================================
column              type      meaning
==================  ========  ==========================================================
sample_id           string    unique over the table
fold                int       fold the sample was tested in, from 0
label               int       index into ``classes``
subject_id          string    null where the set has no people's ids
view_id             string    nominal view of the protocol, or null
yaw_deg, pitch_deg  float     head pose in degrees, or null
intensity           int       1 to 4, or null
expression          string    name of the label: ``classes[label]``
found               bool      false where no face was found; such a row counts as an error
score_<class>       float32   the fused softmax; the scores of a row sum to 1
score_<class>_global,         logits of the two branches, so that another fusion rule can
score_<class>_local           be applied later; only dual-branch models have them
==================  ========  ==========================================================

The file's metadata holds the protocol, the class order, the lock's digest, ``synthetic``, the
model and its fusion rule. A table written by hand without that metadata is read too: then
``sample_id``, ``label`` and one ``score_<class>`` a class are needed (the order of these columns
is the order of the labels), the other columns are filled and :attr:`Predictions.notes` says so.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fertools.errors import PredictionsError
from fertools.jobs import atomic_path

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Predictions",
    "PredictionsInfo",
    "predicted_labels",
    "read_predictions",
    "score_columns",
    "write_predictions",
]

SCHEMA_VERSION = 1
BRANCHES = ("global", "local")

_METADATA_KEY = b"fertools.predictions"
_SUM_TOLERANCE = 1e-3
_FIXED = {
    "sample_id": pa.string(),
    "fold": pa.int32(),
    "label": pa.int32(),
    "subject_id": pa.string(),
    "view_id": pa.string(),
    "yaw_deg": pa.float32(),
    "pitch_deg": pa.float32(),
    "intensity": pa.int8(),
    "expression": pa.string(),
    "found": pa.bool_(),
}
_PANDAS = {"sample_id": "str", "fold": "int64", "label": "int64", "intensity": "Int8"}
_ALWAYS_NEEDED = ("sample_id", "label")


@dataclass(frozen=True)
class PredictionsInfo:
    """What a table of predictions says about itself.

    Attributes:
        protocol: Name of the protocol; empty when not known.
        classes: Expression names; index = label.
        lock_digest: Digest of the locked protocol; empty when there is none.
        synthetic: Whether the tested pictures are stand-ins.
        model: Name of the model; empty when not known.
        fusion: How the branches were fused, such as ``"mean"``; empty for one branch.
        mismatch: In what the tested samples were not as locked, a line each; see
            :func:`fertools.protocols.check_lock`.
    """

    protocol: str
    classes: tuple[str, ...]
    lock_digest: str
    synthetic: bool
    model: str
    fusion: str
    mismatch: tuple[str, ...] = ()


@dataclass(frozen=True)
class Predictions:
    """A validated table of predictions.

    Attributes:
        frame: The rows, sorted by fold and sample_id, with the columns of this module.
        info: The file's metadata.
        path: Where it was read from.
        notes: What had to be filled in because the file did not hold it; one sentence each.
    """

    frame: pd.DataFrame
    info: PredictionsInfo
    path: Path
    notes: tuple[str, ...] = ()


def score_columns(classes: Sequence[str], branch: str | None = None) -> list[str]:
    """Names of the score columns in label order: fused, or of one branch's logits."""
    suffix = "" if branch is None else f"_{branch}"
    return [f"score_{name}{suffix}" for name in classes]


def write_predictions(path: Path, frame: pd.DataFrame, info: PredictionsInfo) -> Path:
    """Write a table of predictions, whole or not at all.

    The same rows, in any order, and the same ``info`` give the same bytes. Columns beyond those
    of this module are refused, so that no picture's path is shared by accident.

    Args:
        path: The file to write; its folder is made.
        frame: Rows with every column of this module.
        info: Written into the file's metadata.

    Returns:
        ``path``.

    Raises:
        PredictionsError: If a column or a value is wrong, naming the path, row and column.
        OutputError: If the file cannot be written.
    """
    path = Path(path)
    known = {*_FIXED, *score_columns(info.classes)}
    for branch in BRANCHES:
        known.update(score_columns(info.classes, branch))
    for column in frame.columns:
        if column not in known:
            raise PredictionsError(
                f"{path}: column {column!r} is not part of a predictions table; remove it"
            )
    frame = _validate(frame, info.classes, path)
    scores = [name for name in frame.columns if name not in _FIXED]
    fields = [pa.field(name, kind) for name, kind in _FIXED.items()]
    fields += [pa.field(name, pa.float32()) for name in scores]
    metadata = {"schema_version": SCHEMA_VERSION, **asdict(info)}
    schema = pa.schema(fields, metadata={_METADATA_KEY: json.dumps(metadata, sort_keys=True)})
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    table = table.replace_schema_metadata(schema.metadata)
    with atomic_path(path) as partial:
        pq.write_table(table, partial, compression="zstd")
    return path


def read_predictions(path: Path) -> Predictions:
    """Read and validate a table of predictions.

    Args:
        path: A parquet file written by :func:`write_predictions` or by hand.

    Raises:
        PredictionsError: If the file is missing, cut short or not parquet, if a column is
            missing or does not match the class list, or if a value is wrong (NaN or infinite
            score, label out of range, doubled sample_id, ...), naming the row and the column.
    """
    path = Path(path)
    if not path.is_file():
        raise PredictionsError(
            f"{path}: no such file; expected a predictions table (zoo evaluate writes it)"
        )
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise PredictionsError(
            f"{path}: not a whole parquet file (cut short or of another kind); write it again"
        ) from error
    metadata = (table.schema.metadata or {}).get(_METADATA_KEY)
    try:
        frame = table.replace_schema_metadata(None).to_pandas()
    except (pa.ArrowException, ValueError) as error:
        raise PredictionsError(f"{path}: its columns cannot be read: {error}") from error
    notes: tuple[str, ...] = ()
    if metadata is None:
        info = _info_from_columns(frame, path)
        frame, notes = _fill(frame, info, path)
    else:
        info = _info_from_metadata(metadata, path)
        stored = {name for name in frame.columns if _is_fused(name, frame.columns)}
        if stored != set(score_columns(info.classes)):
            raise PredictionsError(
                f"{path}: score columns {sorted(stored)} do not match the class list of its "
                f"metadata {list(info.classes)}"
            )
    return Predictions(_validate(frame, info.classes, path), info, path, notes)


def predicted_labels(predictions: Predictions) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Predicted class index of each row, shape ``(N,)``; -1 where no face was found.

    The largest score wins, the lower index at a tie.
    """
    scores = predictions.frame[score_columns(predictions.info.classes)].to_numpy()
    return np.where(predictions.frame["found"].to_numpy(), scores.argmax(axis=1), -1)


def _is_fused(column: str, columns: Sequence[str] | pd.Index[Any]) -> bool:
    """Whether a column is a fused score, not a branch's logit."""
    if not column.startswith("score_"):
        return False
    stem, _, branch = column.rpartition("_")
    return not (branch in BRANCHES and stem in columns)


def _info_from_metadata(metadata: bytes, path: Path) -> PredictionsInfo:
    """The file's own description, checked."""
    try:
        values = json.loads(metadata)
        version = values.pop("schema_version")
        lists = {name: tuple(values.get(name, ())) for name in ("classes", "mismatch")}
        info = PredictionsInfo(**{**values, **lists})
    except (ValueError, KeyError, TypeError) as error:
        raise PredictionsError(f"{path}: its metadata is damaged; write it again") from error
    if version != SCHEMA_VERSION:
        raise PredictionsError(
            f"{path}: schema version {version!r}; this fertools reads {SCHEMA_VERSION}"
        )
    return info


def _info_from_columns(frame: pd.DataFrame, path: Path) -> PredictionsInfo:
    """Classes of a table written by hand: its score columns in their order."""
    names = [str(name) for name in frame.columns]
    classes = tuple(name.removeprefix("score_") for name in names if _is_fused(name, names))
    if not classes:
        raise PredictionsError(
            f"{path}: no score column; expected one 'score_<class>' a class, such as "
            "'score_happiness'"
        )
    return PredictionsInfo("", classes, "", synthetic=False, model="", fusion="")


def _fill(
    frame: pd.DataFrame, info: PredictionsInfo, path: Path
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Add the columns that a table written by hand may leave out, and say so."""
    _need_columns(frame, _ALWAYS_NEEDED, path)
    _need_whole_numbers(frame, "label", path, upper=len(info.classes))
    missing = [name for name in _FIXED if name not in frame.columns]
    names = np.array(info.classes, dtype=object)
    filled: dict[str, Any] = {
        "fold": 0,
        "found": True,
        "expression": names[frame["label"].to_numpy(dtype=np.int64)],
    }
    frame = frame.assign(**{name: filled.get(name) for name in missing})
    notes = [f"the file has no metadata: classes taken from its columns ({', '.join(names)})"]
    if missing:
        taken = {"fold": "0", "found": "true", "expression": "that of the label"}
        parts = [f"{name} ({taken.get(name, 'unknown')})" for name in missing]
        notes.append(f"columns not in the file, and what was taken: {', '.join(parts)}")
    return frame, tuple(notes)


def _need_columns(frame: pd.DataFrame, columns: Sequence[str], path: Path) -> None:
    """Raise for the columns that are not there."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise PredictionsError(f"{path}: no column {', '.join(map(repr, missing))}")


def _need_whole_numbers(
    frame: pd.DataFrame, column: str, path: Path, *, upper: int | None = None
) -> None:
    """Raise unless the column holds whole numbers in ``[0, upper)``."""
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    top = np.inf if upper is None else upper
    wrong = ~((values >= 0) & (values < top) & (values == np.floor(values)))
    if wrong.any():
        expected = "0 or more" if upper is None else f"0 to {upper - 1}"
        _fail(frame, int(wrong.argmax()), column, path, f"expected a whole number, {expected}")


def _fail(frame: pd.DataFrame, row: int, column: str, path: Path, expected: str) -> None:
    """Raise for one cell, naming path, row, sample, column and value."""
    value, sample = (
        cell.item() if isinstance(cell, np.generic) else cell
        for cell in (frame[column].iloc[row], frame["sample_id"].iloc[row])
    )
    raise PredictionsError(
        f"{path}: row {row} ({sample!r}), column {column!r}: {value!r}; {expected}"
    )


def _validate(frame: pd.DataFrame, classes: tuple[str, ...], path: Path) -> pd.DataFrame:
    """Check every value; return the frame with fixed column order, types and row order."""
    if len(classes) < 2 or len(set(classes)) != len(classes):
        raise PredictionsError(
            f"{path}: class list {list(classes)}; expected two or more different names"
        )
    fused = score_columns(classes)
    _need_columns(frame, [*_FIXED, *fused], path)
    logits = []
    for branch in BRANCHES:
        columns = score_columns(classes, branch)
        if any(name in frame.columns for name in columns):
            _need_columns(frame, columns, path)
            logits += columns
    if frame.empty:
        raise PredictionsError(f"{path}: no rows; expected one a tested sample")
    frame = frame.loc[:, [*_FIXED, *fused, *logits]].reset_index(drop=True)

    ids = frame["sample_id"]
    no_name = ~ids.map(lambda value: isinstance(value, str) and value != "").to_numpy(dtype=bool)
    if no_name.any():
        _fail(frame, int(no_name.argmax()), "sample_id", path, "expected a name (text)")
    doubled = ids.duplicated().to_numpy()
    if doubled.any():
        _fail(frame, int(doubled.argmax()), "sample_id", path, "this sample stands there twice")
    _need_whole_numbers(frame, "fold", path)
    _need_whole_numbers(frame, "label", path, upper=len(classes))
    named = np.array(classes, dtype=object)[frame["label"].to_numpy(dtype=np.int64)]
    differs = (frame["expression"].to_numpy(dtype=object) != named).astype(bool)
    if differs.any():
        row = int(differs.argmax())
        expected = f"its label {int(frame['label'].iloc[row])} is {named[row]!r} in the class list"
        _fail(frame, row, "expression", path, expected)
    is_flag = frame["found"].map(lambda value: isinstance(value, bool | np.bool_))
    if not is_flag.all():
        _fail(frame, int((~is_flag).to_numpy().argmax()), "found", path, "expected true or false")
    _check_optional(frame, path)
    _check_scores(frame, fused, logits, path)

    types: dict[str, Any] = {**_PANDAS, "found": "bool", "expression": "str"}
    types.update(dict.fromkeys(("subject_id", "view_id"), "string"))
    types.update(dict.fromkeys(("yaw_deg", "pitch_deg", *fused, *logits), "float32"))
    return frame.astype(types).sort_values(["fold", "sample_id"], ignore_index=True)


def _check_optional(frame: pd.DataFrame, path: Path) -> None:
    """Check the columns that may be null."""
    for column, low, high in (
        ("intensity", 1, 4),
        ("yaw_deg", -180, 180),
        ("pitch_deg", -180, 180),
    ):
        present = frame[column].notna().to_numpy()
        values = pd.to_numeric(frame[column], errors="coerce").to_numpy(
            dtype=float, na_value=np.nan
        )
        inside = (values >= low) & (values <= high)
        if column == "intensity":
            inside &= values == np.floor(values)
        wrong = present & ~inside
        if wrong.any():
            expected = f"expected {low} to {high} or nothing"
            _fail(frame, int(wrong.argmax()), column, path, expected)


def _check_scores(
    frame: pd.DataFrame, fused: Sequence[str], logits: Sequence[str], path: Path
) -> None:
    """Check that scores are finite and that the fused ones are a softmax."""
    for column in (*fused, *logits):
        values = pd.to_numeric(frame[column], errors="coerce").to_numpy(
            dtype=float, na_value=np.nan
        )
        wrong = ~np.isfinite(values)
        if wrong.any():
            _fail(frame, int(wrong.argmax()), column, path, "expected a finite number")
    scores = frame[list(fused)].to_numpy(dtype=float)
    outside = (scores < -_SUM_TOLERANCE) | (scores > 1 + _SUM_TOLERANCE)
    if outside.any():
        row, column_index = np.argwhere(outside)[0]
        column = fused[int(column_index)]
        _fail(frame, int(row), column, path, "expected 0 to 1 (softmax, not logits)")
    sums = scores.sum(axis=1)
    wrong = np.abs(sums - 1) > _SUM_TOLERANCE
    if wrong.any():
        row = int(wrong.argmax())
        raise PredictionsError(
            f"{path}: row {row} ({frame['sample_id'].iloc[row]!r}): its {len(fused)} scores "
            f"('{fused[0]}', ...) sum to {sums[row]:.6g}; expected 1 (softmax, not logits)"
        )
