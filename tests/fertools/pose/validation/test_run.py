"""A whole validation with its report."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fertools.errors import ConfigError
from fertools.geometry import FloatArray
from fertools.manifest import Manifest
from fertools.pose.calibration import Calibration
from fertools.pose.registry import NoOptions
from fertools.pose.validation.estimates import Chosen
from fertools.pose.validation.report import as_json, write_report
from fertools.pose.validation.run import fit_on, truth_of_manifest, validate
from fertools.pose.validation.tables import error_table, markdown
from fertools.pose.validation.truth import read_truth

MakeManifest = Callable[..., Manifest]
READER = Chosen("reader", NoOptions())
NAN = float("nan")


def test_the_report_says_all_and_is_marked(
    make_manifest: MakeManifest, uniform: FloatArray, reader: object, tmp_path: Path
) -> None:
    manifest = make_manifest(uniform[:150] * [1, 1, 0], eye_px=50.0)
    truth = truth_of_manifest(manifest)
    outcome = validate(truth, [READER], not_run={"other": "no model"}, like=manifest.path)
    page = write_report(outcome, tmp_path / "report")
    text = page.read_text()
    assert "(synthetic)" in text.splitlines()[0]
    assert "- other: no model" in text
    assert "reader, 5 % noise" in text
    assert "worth" not in text
    values = json.loads((tmp_path / "report/validation.json").read_text())
    assert values["synthetic"] is True
    exact = values["estimators"][0]
    assert exact["parts"]["all"]["regions"]["core"]["yaw"]["mae"] < 0.001
    assert {d["threshold_deg"] for d in exact["like"]["decisions"]} == {30.0, 45.0}
    rows = list(csv.DictReader(io.StringIO((tmp_path / "report/validation.csv").read_text())))
    assert {row["synthetic"] for row in rows} == {"True"}
    assert {row["noise_percent"] for row in rows} == {"0.0", "1.0", "2.0", "3.0", "5.0"}
    names = {path.name for path in page.parent.glob("*.png")}
    assert names == {"yaw.png", "cells.png", "scatter.png", "decisions.png", "noise.png"}


def test_equal_runs_give_equal_bytes(
    make_manifest: MakeManifest, uniform: FloatArray, reader: object, tmp_path: Path
) -> None:
    truth = read_truth(make_manifest(uniform[:80]))
    for name in ("a", "b"):
        write_report(validate(truth, [READER]), tmp_path / name)
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_low_confidence_counts_in_errors_and_not_in_decisions(
    make_manifest: MakeManifest, reader: object
) -> None:
    truth = read_truth(make_manifest([[50, 28, 0], [50, 0, 0], [10, 28, 0]]))
    outcome = validate(truth, [READER])
    figures = outcome.assessments[0].parts[0]
    errors = figures.regions["all"]
    assert (errors.found, errors.low_confidence) == (1.0, pytest.approx(2 / 3))
    decision = figures.decisions[0]
    assert (decision.true_positive, decision.unknown_positive) == (1, 1)
    believed = validate(truth, [READER], min_confidence=0.3)
    assert believed.assessments[0].parts[0].decisions[0].recall == 1.0


def test_a_nan_angle_is_neither_large_nor_not(make_manifest: MakeManifest, reader: object) -> None:
    reader.lost = 45.0  # type: ignore[attr-defined]
    truth = read_truth(make_manifest([[50, 0, 0], [40, 0, 0], [10, 0, 0]]))
    outcome = validate(truth, [READER])
    decision = outcome.assessments[0].parts[0].decisions[0]
    assert (decision.true_positive, decision.unknown_positive, decision.true_negative) == (1, 1, 1)
    found = as_json(outcome)["estimators"][0]
    assert found["without_pose"] == {"the face is lost": 1}


def test_cameras_are_judged_by_yaw_alone(
    make_manifest: MakeManifest, reader: object, tmp_path: Path
) -> None:
    poses = [[y, NAN, NAN] for y in (0, 15, 30, 45, 60, 75, 90) for _ in range(4)]
    truth = read_truth(make_manifest(poses, source="camera"))
    outcome = validate(truth, [READER])
    page = write_report(outcome, tmp_path / "report").read_text()
    assert "camera: nominal" in page
    part = as_json(outcome)["estimators"][0]["parts"]["all"]
    assert part["regions"]["all"]["pitch"] is None
    assert part["regions"]["all"]["geodesic"] is None
    assert {(d["rule"], d["angle_convention"]) for d in part["decisions"]} == {("yaw", "fertools")}
    assert not (tmp_path / "report/cells.png").exists()


def test_a_calibration_is_shown_beside_what_it_corrects(
    make_manifest: MakeManifest, uniform: FloatArray, reader: object, tmp_path: Path
) -> None:
    fitted_on = read_truth(make_manifest(uniform * [0.9, 1, 0]))
    fitted = fit_on(fitted_on, READER)
    assert fitted.synthetic
    assert fitted.digest == fitted_on.manifest.info.digest
    other = read_truth(make_manifest(uniform[:150] * [0.8, 1, 0], folder=tmp_path / "other"))
    outcome = validate(other, [READER], calibration=fitted)
    assert [a.estimates.label for a in outcome.assessments] == ["reader", "reader, calibrated"]
    assert "reader, calibrated" in error_table(outcome)
    with pytest.raises(ConfigError, match="fitted on these very samples"):
        validate(fitted_on, [READER], calibration=fitted)
    with pytest.raises(ConfigError, match="of 'reader', which is not validated"):
        validate(other, [Chosen("ground_truth", NoOptions())], calibration=fitted)
    stale = Calibration.model_validate({**fitted.model_dump(), "version": "reader 0"})
    with pytest.raises(ConfigError, match="version 'reader 0', the angles are of 'reader 1'"):
        validate(other, [READER], calibration=stale)


def test_a_split_alone_can_be_asked_for(make_manifest: MakeManifest) -> None:
    manifest = make_manifest([[1, 0, 0], [2, 0, 0]], split=["train", "val"])
    assert truth_of_manifest(manifest, split="val").angles[:, 0].tolist() == [2.0]


def test_tables_are_padded_and_numbers_stand_right() -> None:
    assert markdown(["who", "n"], [["a", "1"], ["bcd", "1,000"]]).splitlines() == [
        "| who |     n |",
        "| --- | ----: |",
        "| a   |     1 |",
        "| bcd | 1,000 |",
    ]


def test_a_confidence_beyond_one_is_an_error(make_manifest: MakeManifest, reader: object) -> None:
    with pytest.raises(ConfigError, match="expected 0 to 1"):
        validate(read_truth(make_manifest([[1, 0, 0]])), [READER], min_confidence=1.5)


def test_the_number_of_samples_is_that_of_known_poses(
    make_manifest: MakeManifest, reader: object
) -> None:
    truth = read_truth(make_manifest([[1, 0, 0], [NAN] * 3]))
    assert as_json(validate(truth, [READER]))["manifest"]["num_of_unknown_pose"] == 1
    assert np.isfinite(truth.angles).all()
