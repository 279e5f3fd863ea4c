from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    classification_report,
    confusion_matrix,
    f1_score,
)

from fertools.errors import PredictionsError
from fertools.metrics import (
    Predictions,
    PredictionsInfo,
    accuracy_intervals,
    macro_f1,
    read_predictions,
    summarise,
    uar,
    write_predictions,
)

MakeTable = Callable[..., pd.DataFrame]


def _read(path: Path, table: pd.DataFrame, info: PredictionsInfo) -> Predictions:
    return read_predictions(write_predictions(path, table, info))


@pytest.fixture
def random_run(tmp_path: Path, make_table: MakeTable, info: PredictionsInfo) -> list[Predictions]:
    """Two folds of six people each, two views, some faces not found."""
    rng = np.random.default_rng([7])
    tables = []
    for fold in range(2):
        labels = rng.integers(0, 3, 120).tolist()
        predicted = np.where(rng.random(120) < 0.6, labels, rng.integers(-1, 3, 120)).tolist()
        people = [f"F{fold}{row % 6:03d}" for row in range(120)]
        table = make_table(labels, predicted, fold=fold, subjects=people)
        yaw = np.where(np.arange(120) % 2 == 0, 45.0, -30.0)
        table["yaw_deg"], table["view_id"] = yaw, [f"yaw{angle:+.0f}" for angle in yaw]
        tables.append(_read(tmp_path / f"fold{fold}.parquet", table, info))
    return tables


def _pooled(run: list[Predictions]) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Labels and predictions by hand, not by our own function; 3 is 'not found'."""
    frame = pd.concat([table.frame for table in run], ignore_index=True)
    scores = frame[["score_anger", "score_fear", "score_happiness"]].to_numpy()
    return frame, frame["label"].to_numpy(), np.where(frame["found"], scores.argmax(1), 3)


class TestAgainstScikitLearn:
    def test_accuracy_uar_and_f1(self, random_run: list[Predictions]) -> None:
        summary = summarise(random_run)
        _, truth, answer = _pooled(random_run)
        report = classification_report(
            truth, answer, labels=[0, 1, 2], output_dict=True, zero_division=0
        )
        assert summary["num_not_found"] == int((answer == 3).sum()) > 0
        assert summary["accuracy"] == pytest.approx(accuracy_score(truth, answer))
        assert summary["uar"] == pytest.approx(report["macro avg"]["recall"])
        assert summary["macro_f1"] == pytest.approx(report["macro avg"]["f1-score"])
        for label, row in enumerate(summary["per_expression"]):
            theirs = report[str(label)]
            assert row["recall"] == pytest.approx(theirs["recall"])
            assert row["precision"] == pytest.approx(theirs["precision"])
            assert row["f1"] == pytest.approx(theirs["f1-score"])
            assert row["num_samples"] == theirs["support"]

    def test_folds_their_mean_and_sample_sd(self, random_run: list[Predictions]) -> None:
        summary = summarise(random_run)
        frame, truth, answer = _pooled(random_run)
        folds = [accuracy_score(truth[frame.fold == k], answer[frame.fold == k]) for k in (0, 1)]
        assert [row["accuracy"] for row in summary["per_fold"]] == pytest.approx(folds)
        assert summary["accuracy_mean_over_folds"] == pytest.approx(sum(folds) / 2)
        assert summary["accuracy_sd_over_folds"] == pytest.approx(
            abs(folds[0] - folds[1]) / np.sqrt(2)  # SD of two numbers with N - 1
        )

    def test_views_and_confusions(self, random_run: list[Predictions]) -> None:
        summary = summarise(random_run)
        frame, truth, answer = _pooled(random_run)
        assert [row["view_id"] for row in summary["per_view"]] == ["yaw-30", "yaw+45"]
        for view, row in zip(summary["confusion_per_view"], summary["per_view"], strict=True):
            inside = (frame["view_id"] == row["view_id"]).to_numpy(dtype=bool)
            whole = confusion_matrix(truth[inside], answer[inside], labels=[0, 1, 2, 3])
            assert view["counts"] == whole[:3, :3].tolist()
            assert view["not_found"] == whole[:3, 3].tolist()
            assert row["accuracy"] == pytest.approx(accuracy_score(truth[inside], answer[inside]))
        accuracies = [row["accuracy"] for row in summary["per_view"]]
        assert summary["accuracy_mean_over_views"] == pytest.approx(np.mean(accuracies))
        total = np.array(summary["confusion"]["counts"]).sum() + summary["num_not_found"]
        assert total == summary["num_samples"] == 240

    def test_uar_and_f1_with_a_class_that_never_occurs(self) -> None:
        truth, answer = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 0, 1, 0])
        assert uar(truth, answer) == pytest.approx(balanced_accuracy_score(truth, answer))
        assert macro_f1(truth, answer) == pytest.approx(f1_score(truth, answer, average="macro"))


class TestByHand:
    def test_a_face_that_was_not_found_is_an_error(
        self, tmp_path: Path, make_table: MakeTable, info: PredictionsInfo
    ) -> None:
        table = make_table([0, 0, 0, 0], [0, 0, 1, -1])
        summary = summarise([_read(tmp_path / "p.parquet", table, info)])
        assert summary["accuracy"] == 0.5
        assert summary["confusion"] == {
            "counts": [[2, 1, 0], [0, 0, 0], [0, 0, 0]],
            "not_found": [1, 0, 0],
        }
        assert summary["chance"] == pytest.approx(1 / 3)
        assert summary["majority_share"] == 1.0
        assert summary["accuracy_sd_over_folds"] is None
        assert summary["per_expression"][1]["recall"] is None

    def test_the_table_of_views_and_expressions(
        self, tmp_path: Path, make_table: MakeTable, info: PredictionsInfo
    ) -> None:
        # anger: front 1 of 2, side 1 of 1; fear: front 0 of 1, side 1 of 2; happiness: none
        table = make_table([0, 0, 0, 1, 1, 1], [0, 1, 0, 0, 1, 2])
        table["view_id"] = ["front", "front", "side", "front", "side", "side"]
        table["yaw_deg"] = [0.0, 0.0, 60.0, 0.0, 60.0, 60.0]
        cells = summarise([_read(tmp_path / "p.parquet", table, info)])["view_expression"]
        assert cells["views"] == ["front", "side"]
        assert cells["recall"] == [[0.5, 1.0], [0.0, 0.5], [None, None]]
        assert cells["num_samples"] == [[2, 1], [1, 2], [0, 0]]
        assert cells["mean_over_views"] == [0.75, 0.25, None]
        assert cells["mean_over_expressions"] == [0.25, 0.75]
        assert cells["mean"] == 0.5

    def test_intensities(
        self, tmp_path: Path, make_table: MakeTable, info: PredictionsInfo
    ) -> None:
        table = make_table([0, 1, 2, 0], [0, 1, 1, 1])
        table["intensity"] = pd.array([1, 1, 4, None], dtype="Int8")
        rows = summarise([_read(tmp_path / "p.parquet", table, info)])["per_intensity"]
        assert rows == [
            {"intensity": 1, "num_samples": 2, "accuracy": 1.0},
            {"intensity": 4, "num_samples": 1, "accuracy": 0.0},
        ]

    def test_a_set_without_people_views_and_poses(
        self, tmp_path: Path, make_table: MakeTable, info: PredictionsInfo
    ) -> None:
        table = make_table([0, 1, 2, 0, 1, 2], [0, 1, 2, 0, 0, -1])
        for column in ("subject_id", "view_id", "yaw_deg", "pitch_deg", "intensity"):
            table[column] = None
        summary = summarise([_read(tmp_path / "p.parquet", table, info)])
        assert summary["num_subjects"] is None
        assert summary["per_view"] == summary["per_intensity"] == []
        assert summary["accuracy_mean_over_views"] is None
        assert summary["view_expression"]["mean"] is None
        assert summary["accuracy_interval"]["unit"] == "sample"


class TestIntervals:
    def test_every_class_has_its_three_and_the_point_is_inside(
        self, random_run: list[Predictions]
    ) -> None:
        summary = summarise(random_run)
        for row in summary["per_expression"]:
            for rate in ("recall", "precision", "f1"):
                interval = row[f"{rate}_interval"]
                assert interval["low"] < row[rate] < interval["high"]
                assert (interval["unit"], interval["num_units"]) == ("subject", 12)
        for name in ("accuracy", "uar", "macro_f1", "accuracy_mean_over_views"):
            interval = summary[f"{name}_interval"]
            assert interval["low"] < summary[name] < interval["high"]

    def test_recall_of_a_class_is_the_accuracy_of_its_samples(
        self, random_run: list[Predictions]
    ) -> None:
        frame, truth, answer = _pooled(random_run)
        fear = truth == 1
        [alone] = accuracy_intervals(
            answer[fear] == 1, truth[fear] * 0, subjects=frame["subject_id"][fear].to_numpy(str)
        )
        ours = summarise(random_run)["per_expression"][1]["recall_interval"]
        assert alone is not None
        assert (ours["low"], ours["high"]) == pytest.approx((alone.low, alone.high), abs=0.02)

    def test_what_is_resampled_is_said(
        self, random_run: list[Predictions], make_run: Callable[..., list[Predictions]]
    ) -> None:
        assert summarise(random_run, num_resamples=50, seed=3)["resampling"] == {
            "unit": "subject",
            "num_units": 12,
            "reason": "",
            "num_resamples": 50,
            "level": 0.95,
            "seed": 3,
        }
        pictures = summarise(make_run([0, 1, 2, 0, 1], [0, 1, 2, 0, 0]))["resampling"]
        assert (pictures["unit"], pictures["num_units"]) == ("sample", 5)
        assert pictures["reason"].startswith("there are no subject ids")

    def test_too_few_people_with_a_class_give_none(
        self, make_run: Callable[..., list[Predictions]]
    ) -> None:
        people = [f"F{i}" for i in range(6)]
        rows = summarise(make_run([0, 0, 0, 0, 0, 1], [0, 0, 0, 1, 1, 1], subjects=people))
        by_name = {row["expression"]: row for row in rows["per_expression"]}
        assert by_name["anger"]["recall_interval"]["num_units"] == 5
        assert by_name["fear"]["recall_interval"] is None
        assert by_name["happiness"]["f1_interval"] is None


class TestNotFound:
    def test_excluded_faces_are_in_no_figure(
        self, make_run: Callable[..., list[Predictions]]
    ) -> None:
        run = make_run([0, 0, 1, 1], [0, -1, 1, 0])
        errors, excluded = summarise(run), summarise(run, not_found="excluded")
        assert (errors["not_found"], errors["num_samples"], errors["accuracy"]) == ("error", 4, 0.5)
        assert (excluded["not_found"], excluded["num_samples"]) == ("excluded", 3)
        assert excluded["accuracy"] == pytest.approx(2 / 3)
        assert excluded["confusion"]["not_found"] == [0, 0, 0]
        assert errors["num_not_found"] == excluded["num_not_found"] == 1
        assert errors["calibration"] == excluded["calibration"]

    def test_folds_have_a_mean_and_an_sd_of_every_metric(
        self, random_run: list[Predictions]
    ) -> None:
        summary = summarise(random_run)
        for name in ("accuracy", "uar", "macro_f1"):
            values = [row[name] for row in summary["per_fold"]]
            assert summary["over_folds"][name]["mean"] == pytest.approx(np.mean(values))
            assert summary["over_folds"][name]["sd"] == pytest.approx(np.std(values, ddof=1))
        assert summary["over_folds"]["accuracy"]["sd"] == summary["accuracy_sd_over_folds"]
        assert summarise(random_run[:1])["over_folds"]["uar"]["sd"] is None


@pytest.mark.parametrize("column", ["view_id", "fold"])
def test_a_view_or_fold_for_every_picture_is_a_mistake(
    make_run: Callable[..., list[Predictions]], column: str
) -> None:
    run = make_run([0] * 1001, [0] * 1001)
    run[0].frame[column] = run[0].frame.index.astype(str if column == "view_id" else int)
    with pytest.raises(PredictionsError, match=f"m.parquet: column '{column}' has 1001 different"):
        summarise(run)


def test_no_face_found_anywhere_is_no_crash(
    tmp_path: Path, make_table: MakeTable, info: PredictionsInfo
) -> None:
    summary = summarise([_read(tmp_path / "p.parquet", make_table([0, 1], [-1, -1]), info)])
    assert summary["accuracy"] == summary["uar"] == summary["macro_f1"] == 0.0
    assert summary["calibration"] is None


def test_a_summary_is_plain_and_stable(random_run: list[Predictions]) -> None:
    def text(run: list[Predictions]) -> str:
        return json.dumps(summarise(run), allow_nan=False)

    assert text(random_run) == text(random_run)
    one_file: Any = json.loads(text(random_run))
    assert list(one_file)[:2] == ["protocol", "model"]


def test_tables_that_do_not_belong_together_are_refused(
    tmp_path: Path, make_table: MakeTable, info: PredictionsInfo
) -> None:
    first = _read(tmp_path / "a.parquet", make_table([0, 1], [0, 1]), info)
    other_info = PredictionsInfo("p", info.classes, "e" * 64, True, "m", "mean")
    other = _read(tmp_path / "b.parquet", make_table([0, 1], [0, 1], fold=1), other_info)
    with pytest.raises(PredictionsError, match=r"b.parquet: its lock_digest is 'eee"):
        summarise([first, other])
    with pytest.raises(PredictionsError, match=r"sample 's0-000' is tested twice"):
        summarise([first, first])
    with pytest.raises(PredictionsError, match="no predictions table"):
        summarise([])
