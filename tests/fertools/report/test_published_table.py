from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fertools.metrics import Predictions, PredictionsInfo
from fertools.report.collect import Run
from fertools.report.marks import Marks
from fertools.report.published_table import published_table
from fertools.report.reading import Reading


def _reading(protocol: str, model: str, *, marks: Marks | None = None) -> Reading:
    info = PredictionsInfo(protocol, ("anger", "fear"), "", False, model, "")
    table = Predictions(None, info, Path("p.parquet"))  # type: ignore[arg-type]
    views = [{"view_id": f"v{yaw}", "yaw_deg": yaw, "pitch_deg": 0.0} for yaw in (0.0, 30.0)]
    summary: dict[str, Any] = {
        "protocol": protocol,
        "model": model,
        "per_view": [{**view, "accuracy": 0.5} for view in views],
        "accuracy_mean_over_views": 0.5,
        "accuracy": 0.5,
    }
    run = Run(Path(), "run", (table,))
    return Reading(run, summary, marks or Marks(), "accuracy_mean_over_views", True)


@pytest.mark.parametrize(
    ("protocol", "model", "overall", "caption"),
    [
        ("bu3dfe-p1-5fold", "gms_lpa_resnet50", "78.23", "Table 6, row ‘GMS-LPA-Net (Ours)’"),
        ("bu3dfe-p1-5fold", "resnet50", "75.54", "Table 6, row ‘ResNet50 (Baseline)’"),
        ("bu3dfe-p1-5fold", "gms_lpa_resnet18", "77.20", "Table 6, row ‘ResNet18 (GMS-LPA)’"),
        ("bu3dfe-p2-5fold", "gms_lpa_resnet50", "82.24", "Table 8, row ‘GMS-LPA-Net (Ours)’"),
        ("multipie-5fold", "anything", "87.02", "Table 10, row ‘GMS-LPA-Net (Ours)’"),
        ("pose-rafdb-30", "resnet50", "84.04", "Table 11, row ‘ResNet50’"),
        ("pose-rafdb-45", "gms_lpa_resnet50", "86.65", "Table 11, row ‘GMS-LPA-Net (Ours)’"),
        ("pose-affectnet-30", "x", "60.31", "Table 11, row ‘GMS-LPA-Net (Ours)’"),
        ("pose-affectnet-45", "x", "60.92", "Table 11, row ‘GMS-LPA-Net (Ours)’"),
        ("rafdb", "x", "86.58", "Table 13, row ‘GMS-LPA’"),
        ("affectnet-7", "x", "56.96", "Table 13, row ‘GMS-LPA’"),
    ],
)
def test_the_paper_prints(protocol: str, model: str, overall: str, caption: str) -> None:
    table = published_table(_reading(protocol, model))
    assert table is not None
    assert [cell.text for cell in table.rows[-1]] == ["Mean of views", overall, "50.0"]
    assert caption in table.caption
    assert "comparable" not in table.caption


def test_views_stand_beside_views_where_the_paper_has_them() -> None:
    table = published_table(_reading("multipie-5fold", "gms_lpa_resnet50"))
    assert table is not None
    assert [[cell.text for cell in row] for row in table.rows[:2]] == [
        ["0°", "88.65", "50.0"],
        ["30°", "89.56", "50.0"],
    ]


def test_what_cannot_be_compared_is_said_not_to_be() -> None:
    synthetic = _reading("rafdb", "x", marks=Marks(synthetic=True))
    unlocked = _reading("rafdb", "x", marks=Marks(mismatch=("labels",)))
    for reading, words in ((synthetic, "NOT comparable: this run saw synth"), (unlocked, "LOCKED")):
        table = published_table(reading)
        assert table is not None
        assert words in table.caption


def test_a_protocol_that_the_paper_does_not_have_has_no_table() -> None:
    assert published_table(_reading("affectnet-8", "x")) is None
