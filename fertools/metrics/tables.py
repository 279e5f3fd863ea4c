"""All tables of predictions of a run, found in its folder."""

from __future__ import annotations

from pathlib import Path

from fertools.errors import PredictionsError
from fertools.metrics.predictions import Predictions, read_predictions

__all__ = ["read_tables"]


def read_tables(path: Path) -> tuple[Predictions, ...]:
    """Read the predictions of a run.

    Args:
        path: A table, or a folder that holds ``fold*/predictions.parquet`` or else
            ``predictions.parquet``.

    Returns:
        One table, or one a fold, in the order of the folds.

    Raises:
        PredictionsError: If there is none, or one is damaged.
    """
    if path.is_file():
        return (read_predictions(path),)
    if not path.is_dir():
        raise PredictionsError(f"{path}: no such folder; expected a run folder of 'zoo evaluate'")
    paths = sorted(path.glob("fold*/predictions.parquet"), key=lambda p: (len(str(p)), p))
    if not paths and (path / "predictions.parquet").is_file():
        paths = [path / "predictions.parquet"]
    if not paths:
        raise PredictionsError(
            f"{path}: no predictions; expected fold*/predictions.parquet (zoo evaluate writes "
            "them) or predictions.parquet"
        )
    return tuple(read_predictions(table) for table in paths)
