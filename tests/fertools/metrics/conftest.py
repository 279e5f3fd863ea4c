from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fertools.metrics import Predictions, PredictionsInfo

CLASSES = ("anger", "fear", "happiness")


def _table(
    labels: list[int], predicted: list[int], *, fold: int = 0, subjects: list[str] | None = None
) -> pd.DataFrame:
    """Rows whose largest score is the predicted class; -1 is a face that was not found."""
    scores = np.full((len(labels), len(CLASSES)), 0.2, dtype=np.float32)
    for row, answer in enumerate(predicted):
        scores[row, max(answer, 0)] = 0.6
    frame = pd.DataFrame(
        {
            "sample_id": [f"s{fold}-{row:03d}" for row in range(len(labels))],
            "fold": fold,
            "label": labels,
            "subject_id": subjects or [f"F{row % 2:04d}" for row in range(len(labels))],
            "view_id": "front",
            "yaw_deg": 0.0,
            "pitch_deg": 0.0,
            "intensity": pd.array([1 + row % 4 for row in range(len(labels))], dtype="Int8"),
            "expression": [CLASSES[label] for label in labels],
            "found": [answer >= 0 for answer in predicted],
        }
    )
    for column, name in enumerate(CLASSES):
        frame[f"score_{name}"] = scores[:, column]
    return frame


@pytest.fixture
def make_table() -> Callable[..., pd.DataFrame]:
    return _table


@pytest.fixture
def info() -> PredictionsInfo:
    return PredictionsInfo("p", CLASSES, "d" * 64, True, "m", "mean")


@pytest.fixture
def make_run(info: PredictionsInfo) -> Callable[..., list[Predictions]]:
    """A run of one table that never was a file; ``subjects`` of None: a set without ids."""

    def make(
        labels: list[int],
        predicted: list[int],
        *,
        subjects: list[str] | None = None,
        folds: list[int] | None = None,
        name: str = "m",
    ) -> list[Predictions]:
        frame = _table(labels, predicted, subjects=subjects)
        if subjects is None:
            frame["subject_id"] = None
        if folds is not None:
            frame["fold"] = folds
        frame["subject_id"] = frame["subject_id"].astype("string")
        return [Predictions(frame, replace(info, model=name), Path(f"{name}.parquet"))]

    return make
