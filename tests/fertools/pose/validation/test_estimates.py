"""Estimators at work on samples of known pose, and the noise of landmarks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fertools.errors import ConfigError
from fertools.geometry import FloatArray
from fertools.manifest import Manifest
from fertools.pose import registry
from fertools.pose.conventions import get_convention
from fertools.pose.registry import FaceBatch, NoOptions
from fertools.pose.validation.estimates import Chosen, choose, estimate
from fertools.pose.validation.truth import read_truth

MakeManifest = Callable[..., Manifest]
NONE: dict[str, Any] = {"files": {}, "sha256s": {}, "sets": {}}
READER = Chosen("reader", NoOptions())


def yaws(rotations: FloatArray) -> FloatArray:
    return get_convention("fertools").angles(rotations)[:, 0]


def test_noise_is_a_share_of_the_eye_distance(
    make_manifest: MakeManifest, uniform: FloatArray, reader: object
) -> None:
    eyes = np.where(np.arange(400) % 2, 100.0, 20.0)
    truth = read_truth(make_manifest(uniform * 0.5, eye_px=eyes))
    found = estimate(truth, READER, noises=(0.0, 1.0, 2.0))
    errors = [yaws(one.rotations) - truth.angles[:, 0] for one in found]
    assert np.abs(errors[0]).max() < 1e-4
    wide, narrow = errors[1][eyes == 100.0].std(), errors[1][eyes == 20.0].std()
    assert wide == pytest.approx(1.0, rel=0.15)
    assert narrow == pytest.approx(0.2, rel=0.15)
    np.testing.assert_allclose(errors[2], 2 * errors[1], atol=1e-3)  # the same draw, larger
    assert [one.label for one in found] == ["reader", "reader, 1 % noise", "reader, 2 % noise"]


def test_noise_depends_on_the_sample_and_the_seed_alone(
    make_manifest: MakeManifest, uniform: FloatArray, reader: object
) -> None:
    manifest = make_manifest(uniform, eye_px=50.0)
    whole = estimate(read_truth(manifest), READER, noises=(3.0,))[0]
    some = read_truth(manifest, sample_ids=["s00007", "s00211"])
    part = estimate(some, READER, noises=(3.0,))[0]
    np.testing.assert_array_equal(part.rotations, whole.rotations[[7, 211]])
    other = estimate(some, READER, noises=(3.0,), seed=1)[0]
    assert (other.rotations != part.rotations).any()


def test_no_noise_where_the_eye_distance_is_unknown(
    make_manifest: MakeManifest, reader: object
) -> None:
    found = estimate(read_truth(make_manifest([[1, 2, 0]])), READER)
    assert [one.noise for one in found] == [0.0]


def test_a_set_without_landmarks_is_an_error(make_manifest: MakeManifest, reader: object) -> None:
    truth = read_truth(make_manifest([[1, 2, 0]], with_landmarks=False))
    with pytest.raises(ConfigError, match="has no landmarks of these samples"):
        estimate(truth, READER)


def test_records_are_taken_through_the_cached_job(make_manifest: MakeManifest) -> None:
    manifest = make_manifest([[10, 5, 1], [-40, 0, 0]])
    chosen, reasons = choose(["ground_truth"], **NONE)
    found = estimate(read_truth(manifest), chosen[0])[0]
    assert reasons == {}
    assert found.noise is None
    np.testing.assert_allclose(yaws(found.rotations), [10, -40], atol=1e-4)
    assert (manifest.path.parent / "pose/ground_truth/pose.parquet").is_file()


def test_all_are_chosen_that_can_work_and_the_others_have_a_reason(
    reader: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(options: NoOptions) -> Any:
        raise ConfigError("the model\nis not here")

    broken = registry.Estimator("broken", "", "pictures", "", NoOptions, refuse)
    monkeypatch.setitem(registry._ESTIMATORS, "broken", broken)
    chosen, reasons = choose([], **NONE)
    assert "reader" in [one.name for one in chosen]
    assert "broken" not in [one.name for one in chosen]
    assert reasons["broken"] == "the model is not here"
    assert reasons["ground_truth"] == "takes angles over from elsewhere: ask for it by name"
    assert {one.name for one in chosen} | set(reasons) == set(registry.list_estimators())
    with pytest.raises(ConfigError, match="the model"):
        choose(["reader", "broken"], **NONE)


def test_an_option_of_an_estimator_that_is_not_asked_for_is_an_error(reader: object) -> None:
    with pytest.raises(ConfigError, match="ground_truth, which is not asked for"):
        choose(["reader"], files={"ground_truth": Path("x")}, sha256s={}, sets={})
    with pytest.raises(ConfigError, match="unknown pose estimator 'redaer'"):
        choose(["redaer"], **NONE)


def test_landmarks5_gets_five_points(
    make_manifest: MakeManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas as pd

    manifest = make_manifest([[1, 2, 0]])
    xs, ys = np.arange(68.0), np.arange(68.0) * 2
    rows = pd.DataFrame({"sample_id": ["s00000"], "x": [xs], "y": [ys]})
    rows.to_parquet(manifest.path.parent / "landmarks.parquet")
    seen: list[FaceBatch] = []

    class Watcher:
        version = "watcher"

        def estimate(self, batch: FaceBatch) -> Any:
            seen.append(batch)
            return registry.PoseEstimates.empty(len(batch), reason="no")

    entry = registry.Estimator("landmarks5", "", "landmarks", "", NoOptions, lambda o: Watcher())
    registry.list_estimators()
    monkeypatch.setitem(registry._ESTIMATORS, "landmarks5", entry)
    estimate(read_truth(manifest), Chosen("landmarks5", NoOptions()))
    points = seen[0].landmarks[0]
    assert points is not None
    assert points[:, 0].tolist() == [38.5, 44.5, 30.0, 48.0, 54.0]
