from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fertools.errors import ConfigError, LockError, ModelError
from fertools.manifest import write_manifest
from fertools.metrics import read_predictions
from fertools.protocols import load_protocol, read_pool
from fertools.report import write_report
from zoo import prediction
from zoo.evaluation import check_run_invariance, evaluate_run, find_run
from zoo.runs import RunConfig
from zoo.training import train_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluated") / "run"


@pytest.fixture
def run(folder: Path, quick_config: RunConfig, pictures: Any) -> Path:
    recipe = quick_config.recipe.model_copy(update={"epochs": 1})
    config = replace(quick_config, recipe=recipe)
    train_run(folder, config, pool=pictures.pool, lock=pictures.lock, folds=(0,))
    return folder


def test_predictions_are_of_the_test_side_and_nobody_trained_on(run: Path, pictures: Any) -> None:
    result = evaluate_run(run, pool=pictures.pool)
    frame = read_predictions(run / "fold0" / "predictions.parquet").frame
    assert sorted(frame["sample_id"]) == sorted(pictures.lock.folds[0].test)
    trained_on = {pictures.lock.subjects[i] for i in pictures.lock.folds[0].train}
    assert not trained_on & set(frame["subject_id"])
    scores = frame[[f"score_{name}" for name in pictures.lock.classes]].to_numpy()
    assert scores.sum(axis=1) == pytest.approx(np.ones(len(frame)), abs=1e-5)
    assert result.missing_folds == (1, 2, 3, 4)
    hits = (scores.argmax(axis=1) == frame["label"].to_numpy()).mean()
    assert result.results["accuracy"] == pytest.approx(hits)


def test_the_same_run_gives_the_same_bytes(run: Path, pictures: Any) -> None:
    path = run / "fold0" / "predictions.parquet"
    evaluate_run(run, pool=pictures.pool)
    before = path.read_bytes()
    evaluate_run(run, pool=pictures.pool)
    assert path.read_bytes() == before


def test_results_say_what_is_needed_to_believe_them(run: Path, pictures: Any) -> None:
    evaluate_run(run, pool=pictures.pool)
    results = json.loads((run / "results.json").read_text())
    assert results["synthetic"] is True
    assert results["selection_rule"] == "final epoch"
    assert results["pretraining"] == "from scratch"
    assert results["lock_digest"] == pictures.lock.digest
    assert set(results["accuracy_by_rule"]) == {
        "fusion_softmax",
        "fusion_logits",
        "global_branch",
        "local_branch",
    }
    assert (run / "results.csv").read_text().count("\n") > 20
    assert "SYNTHETIC" in write_report(run).read_text()


def test_either_fusion_is_what_it_says(run: Path, pictures: Any) -> None:
    by_softmax = evaluate_run(run, pool=pictures.pool).results["accuracy_by_rule"]
    result = evaluate_run(run, pool=pictures.pool, fusion="logits").results
    assert result["accuracy"] == pytest.approx(by_softmax["fusion_logits"])


def test_other_pictures_than_those_locked_are_refused(
    run: Path, own_pictures: Any, pictures: Any
) -> None:
    other = write_manifest(
        own_pictures.manifest.path,
        pictures.manifest.frame,
        dataset="bu3dfe",
        synthetic=True,
        config={"image_size": 32},
    )
    with pytest.raises(LockError, match="made otherwise, in image_size"):
        evaluate_run(run, pool=read_pool(load_protocol("bu3dfe-p1-5fold"), {"samples": other.path}))


def test_a_run_of_another_model_is_refused(run: Path, pictures: Any) -> None:
    with pytest.raises(ConfigError, match="its model is 'gms_lpa_tiny', expected 'resnet18'"):
        evaluate_run(run, pool=pictures.pool, model="resnet18")


def test_no_run_says_how_to_train_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERTOOLS_RUNS", str(tmp_path))
    with pytest.raises(ModelError, match="'zoo train gms_lpa_tiny --protocol bu3dfe-p1-5fold'"):
        find_run("bu3dfe-p1-5fold", "gms_lpa_tiny")


def test_an_untrained_run_is_refused(
    tmp_path: Path, quick_config: RunConfig, pictures: Any
) -> None:
    train_run(tmp_path, quick_config, pool=pictures.pool, lock=pictures.lock, folds=())
    with pytest.raises(ModelError, match=r"no fold is trained to its end.*zoo train"):
        evaluate_run(tmp_path, pool=pictures.pool)


def test_samples_that_are_not_as_locked_mark_every_output(run: Path, pictures: Any) -> None:
    results = evaluate_run(run, pool=pictures.pool, mismatch=("made otherwise, in light",)).results
    assert results["mismatch"] == ["made otherwise, in light"]
    table = read_predictions(run / "fold0" / "predictions.parquet")
    assert table.info.mismatch == ("made otherwise, in light",)
    assert "NOT AS LOCKED" in write_report(run).read_text()
    assert evaluate_run(run, pool=pictures.pool).results["mismatch"] == []


def test_what_a_run_was_trained_on_that_was_not_as_locked_stays_in_its_results(
    tmp_path: Path, quick_config: RunConfig, pictures: Any
) -> None:
    recipe = quick_config.recipe.model_copy(update={"epochs": 1})
    config = replace(quick_config, recipe=recipe, mismatch=("other source files",))
    train_run(tmp_path, config, pool=pictures.pool, lock=pictures.lock, folds=(0,))
    assert evaluate_run(tmp_path, pool=pictures.pool).results["mismatch"] == ["other source files"]


def test_other_bytes_of_the_same_pictures_are_said(run: Path, pictures: Any) -> None:
    assert evaluate_run(run, pool=pictures.pool).results["pictures_differ"] is False
    path = run / "environment.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "pictures_digest": "0" * 64}))
    assert evaluate_run(run, pool=pictures.pool).results["pictures_differ"] is True
    path.write_text(json.dumps(values))


def test_scores_do_not_depend_on_the_batch(run: Path, pictures: Any) -> None:
    found = check_run_invariance(run, pool=pictures.pool)
    assert found.is_invariant
    assert [way.name for way in found.variants] == ["shuffled, 64 at once", "one at a time"]
    assert found.num_samples == len(pictures.lock.folds[0].test)


def test_a_network_that_looks_at_the_batch_is_found(
    run: Path, pictures: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = prediction.normalise
    monkeypatch.setattr(
        prediction, "normalise", lambda images, model: plain(images - images.mean(0), model)
    )
    found = check_run_invariance(run, pool=pictures.pool)
    assert not found.is_invariant
    assert found.variants[1].num_changed > 0
