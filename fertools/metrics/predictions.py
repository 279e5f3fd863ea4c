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

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fertools.errors import PredictionsError
from fertools.jobs import atomic_path
from fertools.metrics.prediction_info import PredictionsInfo, check_classes, encode_info, read_info
from fertools.metrics.prediction_rows import (
    BRANCHES,
    FIXED,
    check_rows,
    is_fused,
    need_columns,
    score_columns,
    whole_numbers,
)

__all__ = [
    "Predictions",
    "PredictionsInfo",
    "make_predictions",
    "predicted_labels",
    "read_predictions",
    "score_columns",
    "write_predictions",
]

_METADATA_KEY = b"fertools.predictions"
_ALWAYS_NEEDED = ("sample_id", "label")


@dataclass(frozen=True)
class Predictions:
    """A validated table of predictions.

    Attributes:
        frame: The rows, sorted by fold and sample_id, with the columns of this module.
        info: The file's metadata.
        path: Where it was read from, or what errors call it.
        notes: What had to be filled in because the file did not hold it; one sentence each.
    """

    frame: pd.DataFrame
    info: PredictionsInfo
    path: Path
    notes: tuple[str, ...] = ()


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
    frame = make_predictions(frame, info, path).frame
    scores = [name for name in frame.columns if name not in FIXED]
    fields = [pa.field(name, kind) for name, kind in FIXED.items()]
    fields += [pa.field(name, pa.float32()) for name in scores]
    schema = pa.schema(fields, metadata={_METADATA_KEY: encode_info(info, path)})
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    table = table.replace_schema_metadata(schema.metadata)
    with atomic_path(path) as partial:
        pq.write_table(table, partial, compression="zstd")
    return path


def make_predictions(frame: pd.DataFrame, info: PredictionsInfo, path: Path) -> Predictions:
    """Check rows as :func:`write_predictions` does, without writing them.

    Args:
        frame: Rows with every column of this module.
        info: What they are.
        path: What errors call them.

    Raises:
        PredictionsError: See :func:`write_predictions`.
    """
    encode_info(info, path)
    known = {*FIXED, *score_columns(info.classes)}
    for branch in BRANCHES:
        known.update(score_columns(info.classes, branch))
    for column in frame.columns:
        if column not in known:
            raise PredictionsError(
                f"{path}: column {column!r} is not part of a predictions table; remove it"
            )
    return Predictions(check_rows(frame, info.classes, path), info, path)


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
        info = read_info(metadata, path)
        stored = {name for name in frame.columns if is_fused(name, frame.columns)}
        if stored != set(score_columns(info.classes)):
            raise PredictionsError(
                f"{path}: score columns {sorted(stored)} do not match the class list of its "
                f"metadata {list(info.classes)}"
            )
    return Predictions(check_rows(frame, info.classes, path), info, path, notes)


def predicted_labels(predictions: Predictions) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Predicted class index of each row, shape ``(N,)``; -1 where no face was found.

    The largest score wins, the lower index at a tie.
    """
    scores = predictions.frame[score_columns(predictions.info.classes)].to_numpy()
    return np.where(predictions.frame["found"].to_numpy(), scores.argmax(axis=1), -1)


def _info_from_columns(frame: pd.DataFrame, path: Path) -> PredictionsInfo:
    """Classes of a table written by hand: its score columns in their order."""
    names = [str(name) for name in frame.columns]
    classes = tuple(name.removeprefix("score_") for name in names if is_fused(name, names))
    if not classes:
        raise PredictionsError(
            f"{path}: no score column; expected one 'score_<class>' a class, such as "
            "'score_happiness'"
        )
    check_classes(classes, path)
    return PredictionsInfo("", classes, "", synthetic=False, model="", fusion="")


def _fill(
    frame: pd.DataFrame, info: PredictionsInfo, path: Path
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Add the columns that a table written by hand may leave out, and say so."""
    need_columns(frame, _ALWAYS_NEEDED, path)
    labels = whole_numbers(frame, "label", path, upper=len(info.classes)).astype(np.int64)
    missing = [name for name in FIXED if name not in frame.columns]
    names = np.array(info.classes, dtype=object)
    filled: dict[str, Any] = {
        "fold": 0,
        "found": True,
        "expression": names[labels],
    }
    frame = frame.assign(**{name: filled.get(name) for name in missing})
    notes = [f"the file has no metadata: classes taken from its columns ({', '.join(names)})"]
    if missing:
        taken = {"fold": "0", "found": "true", "expression": "that of the label"}
        parts = [f"{name} ({taken.get(name, 'unknown')})" for name in missing]
        notes.append(f"columns not in the file, and what was taken: {', '.join(parts)}")
    return frame, tuple(notes)
