"""The tested samples of a run, put together from its tables and ready to be counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fertools.errors import PredictionsError
from fertools.metrics.predictions import predicted_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fertools.metrics.predictions import Predictions, PredictionsInfo
    from fertools.metrics.scores import Labels

__all__ = [
    "NotFound",
    "Samples",
    "check_treatment",
    "gather_samples",
    "join_predictions",
    "subjects_of",
    "where",
]

NotFound = Literal["error", "excluded"]
"""What a sample is in which no face was found: an error, or left out of every figure."""


@dataclass(frozen=True)
class Samples:
    """The samples of a run that are counted.

    Attributes:
        frame: Their rows, N of them.
        labels: Class indices, shape ``(N,)``.
        predicted: Predicted class indices, shape ``(N,)``; -1 where no face was found.
        subjects: Person of each, shape ``(N,)``; None where any is not known.
        no_subjects: Why ``subjects`` is None; empty where it is not.
        info: What the tables say about themselves.
        not_found: What was done with the samples without a face.
        num_not_found: How many of these there are, counted or left out.
    """

    frame: pd.DataFrame
    labels: Labels
    predicted: Labels
    subjects: NDArray[Any] | None
    no_subjects: str
    info: PredictionsInfo
    not_found: NotFound
    num_not_found: int


def gather_samples(predictions: Sequence[Predictions], *, not_found: NotFound) -> Samples:
    """Put the tables of a run together and treat the samples without a face.

    Raises:
        PredictionsError: If there is no table, they do not belong together, a sample is in two,
            or nothing is left.
        ValueError: If ``not_found`` is neither ``"error"`` nor ``"excluded"``.
    """
    check_treatment(not_found)
    frame, predicted = join_predictions(predictions)
    lost = predicted < 0
    if not_found == "excluded":
        if lost.all():
            raise PredictionsError(
                f"{where(predictions)}: no face was found in any of {len(frame)} samples; "
                "nothing is left when they are excluded"
            )
        frame, predicted = frame[~lost].reset_index(drop=True), predicted[~lost]
    subjects, no_subjects = subjects_of(frame["subject_id"])
    labels = frame["label"].to_numpy(dtype=np.int64)
    info = predictions[0].info
    return Samples(
        frame, labels, predicted, subjects, no_subjects, info, not_found, int(lost.sum())
    )


def check_treatment(not_found: str) -> None:
    """Raise ``ValueError`` unless the treatment of samples without a face is a known one."""
    if not_found not in get_args(NotFound):
        raise ValueError(f"not_found is {not_found!r}; expected 'error' or 'excluded'")


def join_predictions(predictions: Sequence[Predictions]) -> tuple[pd.DataFrame, Labels]:
    """Put the tables of a run together.

    Returns:
        The rows of all tables, and the predicted label of each (-1: no face found), ``(N,)``.

    Raises:
        PredictionsError: If there is none, they do not belong together, or a sample is in two.
    """
    if not predictions:
        raise PredictionsError("no predictions table; expected one a fold")
    first = predictions[0]
    for other in predictions[1:]:
        for name in first.info.__dataclass_fields__:
            ours, theirs = getattr(first.info, name), getattr(other.info, name)
            if ours != theirs:
                raise PredictionsError(
                    f"{other.path}: its {name} is {theirs!r}, that of {first.path} is {ours!r}; "
                    "tables of one result must come from one run"
                )
    frame = pd.concat([table.frame for table in predictions], ignore_index=True)
    predicted = np.concatenate([predicted_labels(table) for table in predictions])
    doubled = frame["sample_id"].duplicated().to_numpy()
    if doubled.any():
        sample = frame["sample_id"].iloc[int(doubled.argmax())]
        folds = frame.loc[frame["sample_id"] == sample, "fold"].tolist()
        paths = ", ".join(sorted({str(table.path) for table in predictions}))
        raise PredictionsError(f"{paths}: sample {sample!r} is tested twice, in folds {folds}")
    return frame, predicted


def subjects_of(column: pd.Series[str]) -> tuple[NDArray[Any] | None, str]:
    """Person of each row, or None and the reason where any is not known."""
    unknown = int(column.isna().sum())
    if not unknown:
        return column.to_numpy(dtype=object), ""
    if unknown == len(column):
        return None, "there are no subject ids: pictures are resampled as if they were independent"
    return None, (
        f"{unknown} of {len(column)} samples have no subject id: pictures are resampled as if they "
        "were independent, which makes intervals too narrow"
    )


def where(predictions: Sequence[Predictions]) -> str:
    """The tables of a run, for an error: the first and how many more."""
    more = len(predictions) - 1
    return f"{predictions[0].path}" + (f" (and {more} more)" if more else "")
