"""The rows of a table of predictions: their columns and types, and the check of every value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from fertools.errors import PredictionsError
from fertools.metrics.prediction_info import check_classes
from fertools.names import is_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "BRANCHES",
    "FIXED",
    "check_rows",
    "is_fused",
    "need_columns",
    "score_columns",
    "whole_numbers",
]

BRANCHES = ("global", "local")
FIXED = {
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
"""Columns of every table, in order, and how they are kept."""

_NAME = "expected a name (text, without line breaks, invisible characters or spaces at its ends)"
_SUM_TOLERANCE = 1e-3
_MAX_FOLD = 2**31 - 1
_MAX_LOGIT = float(np.finfo(np.float32).max)


def score_columns(classes: Sequence[str], branch: str | None = None) -> list[str]:
    """Names of the score columns in label order: fused, or of one branch's logits."""
    suffix = "" if branch is None else f"_{branch}"
    return [f"score_{name}{suffix}" for name in classes]


def is_fused(column: str, columns: Sequence[str] | pd.Index[Any]) -> bool:
    """Whether a column is a fused score, not a branch's logit."""
    if not column.startswith("score_"):
        return False
    stem, _, branch = column.rpartition("_")
    return not (branch in BRANCHES and stem in columns)


def need_columns(frame: pd.DataFrame, columns: Sequence[str], path: Path) -> None:
    """Raise PredictionsError for columns that are not there or stand there twice."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise PredictionsError(f"{path}: no column {', '.join(map(repr, missing))}")
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        raise PredictionsError(f"{path}: column {doubled[0]!r} stands there twice")


def check_rows(frame: pd.DataFrame, classes: tuple[str, ...], path: Path) -> pd.DataFrame:
    """Check every value of a table.

    Nothing is turned into a number or a name that is none: text, dates and truth values are no
    numbers, though a whole number may be kept as a float, as pandas makes of a column with gaps.

    Args:
        frame: Rows with all columns of :data:`FIXED` and the scores of the classes.
        classes: Class names; index = label.
        path: The table, for errors.

    Returns:
        The rows sorted by fold and sample_id, with fixed column order and types.

    Raises:
        PredictionsError: If a column or a value is wrong, naming the path, row and column.
    """
    check_classes(classes, path)
    fused = score_columns(classes)
    need_columns(frame, [*FIXED, *fused], path)
    logits = []
    for branch in BRANCHES:
        columns = score_columns(classes, branch)
        if any(name in frame.columns for name in columns):
            need_columns(frame, columns, path)
            logits += columns
    if frame.empty:
        raise PredictionsError(f"{path}: no rows; expected one a tested sample")
    frame = frame.loc[:, [*FIXED, *fused, *logits]].reset_index(drop=True)

    _check_names(frame, "sample_id", path)
    doubled = frame["sample_id"].duplicated().to_numpy()
    _refuse(frame, doubled, "sample_id", path, "this sample stands there twice")
    for column in ("subject_id", "view_id"):
        _check_names(frame, column, path, is_optional=True)
    numbers = {
        "fold": whole_numbers(frame, "fold", path),
        "label": whole_numbers(frame, "label", path, upper=len(classes)),
        "intensity": _numbers_within(frame, "intensity", path, 1, 4, is_whole=True),
        "yaw_deg": _numbers_within(frame, "yaw_deg", path, -180, 180),
        "pitch_deg": _numbers_within(frame, "pitch_deg", path, -180, 180),
    }
    _check_expressions(frame, numbers["label"].astype(np.int64), classes, path)
    if frame["found"].dtype != bool:
        no_flag = [not isinstance(value, bool | np.bool_) for value in frame["found"]]
        _refuse(frame, np.array(no_flag), "found", path, "expected true or false")
    scores = {column: _finite_numbers(frame, column, path) for column in (*fused, *logits)}
    _check_softmax(frame, np.stack([scores[name] for name in fused], axis=1), fused, path)

    types: dict[str, Any] = {"fold": "int64", "label": "int64", "intensity": "Int8"}
    types |= {"sample_id": "str", "found": "bool", "expression": "str"}
    types |= dict.fromkeys(("subject_id", "view_id"), "string")
    types |= dict.fromkeys(("yaw_deg", "pitch_deg", *scores), "float32")
    frame = frame.assign(**numbers, **scores).astype(types)
    return frame.sort_values(["fold", "sample_id"], ignore_index=True)


def whole_numbers(
    frame: pd.DataFrame, column: str, path: Path, *, upper: int | None = None
) -> NDArray[np.float64]:
    """The whole numbers of a column, shape ``(N,)``; raise unless all are in ``[0, upper)``."""
    top = _MAX_FOLD if upper is None else upper - 1
    expected = f"expected a whole number, 0 to {top}"
    values = _numbers(frame, column, path, expected)
    inside = (values >= 0) & (values <= top) & (values == np.floor(values))
    _refuse(frame, ~inside, column, path, expected)
    return values


def _numbers_within(
    frame: pd.DataFrame, column: str, path: Path, low: int, high: int, *, is_whole: bool = False
) -> NDArray[np.float64]:
    """The numbers of a column that may be null, NaN there; raise for those not in the range."""
    kind = "a whole number" if is_whole else "a number"
    expected = f"expected {low} to {high} ({kind}) or nothing"
    values = _numbers(frame, column, path, expected)
    inside = (values >= low) & (values <= high)
    if is_whole:
        inside &= values == np.floor(values)
    _refuse(frame, ~np.isnan(values) & ~inside, column, path, expected)
    return values


def _finite_numbers(frame: pd.DataFrame, column: str, path: Path) -> NDArray[np.float64]:
    """The numbers of a column; raise unless all are finite, as float32 too."""
    expected = "expected a finite number"
    values = _numbers(frame, column, path, expected)
    _refuse(frame, ~(np.abs(values) <= _MAX_LOGIT), column, path, expected)
    return values


def _numbers(frame: pd.DataFrame, column: str, path: Path, expected: str) -> NDArray[np.float64]:
    """A column as floats, NaN where nothing stands; raise for what is no number."""
    cells = frame[column]
    if cells.dtype.kind not in "iuf":  # a column of no single kind, of text, dates, flags, ...
        cells = cells.astype(object)
        present, wrong = cells.notna().to_numpy(), np.zeros(len(cells), dtype=bool)
        wrong[present] = [not _is_number(value) for value in cells[present]]
        _refuse(frame, wrong, column, path, expected)
    return cells.to_numpy(dtype=np.float64, na_value=np.nan)


def _is_number(value: object) -> bool:
    """Whether a value is a real number, not a flag, text or a date."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _check_names(
    frame: pd.DataFrame, column: str, path: Path, *, is_optional: bool = False
) -> None:
    """Raise for the first cell that is no name, nor null where it may be."""
    cells = frame[column]
    if isinstance(cells.dtype, pd.StringDtype):  # few values, many rows: each is looked at once
        wrong = cells.isin([value for value in cells.unique() if not is_name(value)]).to_numpy()
    else:
        wrong = np.fromiter((not is_name(value) for value in cells), bool, count=len(cells))
    if is_optional:
        wrong = wrong & cells.notna().to_numpy()
    _refuse(frame, wrong, column, path, _NAME + (" or nothing" if is_optional else ""))


def _check_expressions(
    frame: pd.DataFrame, labels: NDArray[np.int64], classes: tuple[str, ...], path: Path
) -> None:
    """Raise for the first expression that is not that of its label."""
    _check_names(frame, "expression", path)
    named = np.array(classes, dtype=object)[labels]
    differs = (frame["expression"].to_numpy(dtype=object) != named).astype(bool)
    row = int(differs.argmax())
    expected = f"its label {labels[row]} is {named[row]!r} in the class list"
    _refuse(frame, differs, "expression", path, expected)


def _check_softmax(
    frame: pd.DataFrame, scores: NDArray[np.float64], fused: Sequence[str], path: Path
) -> None:
    """Raise unless each row, shape ``(N, C)``, is a softmax."""
    outside = (scores < -_SUM_TOLERANCE) | (scores > 1 + _SUM_TOLERANCE)
    for column, wrong in zip(fused, outside.T, strict=True):
        _refuse(frame, wrong, column, path, "expected 0 to 1 (softmax, not logits)")
    sums = scores.sum(axis=1)
    wrong = np.abs(sums - 1) > _SUM_TOLERANCE
    if wrong.any():
        row = int(wrong.argmax())
        raise PredictionsError(
            f"{path}: row {row} ({frame['sample_id'].iloc[row]!r}): its {len(fused)} scores "
            f"('{fused[0]}', ...) sum to {sums[row]:.6g}; expected 1 (softmax, not logits)"
        )


def _refuse(
    frame: pd.DataFrame, wrong: NDArray[np.bool_], column: str, path: Path, expected: str
) -> None:
    """Raise for the first wrong cell, naming path, row, sample, column and value."""
    if not wrong.any():
        return
    row = int(wrong.argmax())
    value, sample = (_shown(frame[name].iloc[row]) for name in (column, "sample_id"))
    raise PredictionsError(f"{path}: row {row} ({sample}), column {column!r}: {value}; {expected}")


def _shown(cell: object) -> str:
    """A cell for an error: in one line, cut where it is long."""
    text = " ".join(repr(cell.item() if isinstance(cell, np.generic) else cell).split())
    return text if len(text) <= 80 else f"{text[:80]}…"
