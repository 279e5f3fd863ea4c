from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pose_homes import cut, make_manifest, make_poses

from fertools.errors import ConfigError, ManifestError
from fertools.manifest import Manifest
from fertools.pose.calibration import Calibration, Line
from fertools.pose.conventions import CONVENTIONS
from fertools.pose.rules import PoseRule
from fertools.pose.split import count_classes, evaluated_rows, split_by_pose
from fertools.pose.table import PoseTable

NAN = math.nan


def test_only_the_evaluated_part_is_split(tmp_path: Path) -> None:
    frame = evaluated_rows(make_manifest(tmp_path))
    assert frame["sample_id"].tolist() == [f"val/{n}" for n in range(1, 6)]
    seven = evaluated_rows(make_manifest(tmp_path), num_classes=7)
    assert seven["expression"].tolist() == ["anger", "fear", "fear", "neutral"]


def test_a_set_without_such_a_part_says_so(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"no picture of the split 'val'.*index affectnet"):
        evaluated_rows(make_manifest(tmp_path, split="train"))
    with pytest.raises(ConfigError, match="is of bu3dfe; Pose"):
        evaluated_rows(make_manifest(tmp_path, "bu3dfe"))


def test_every_picture_is_of_one_category(tmp_path: Path) -> None:
    split = cut(tmp_path, [40, -20, NAN, 50, 30], confidence=[0.9, 0.9, 0.9, 0.4, 0.9])
    assert split.table["category"].tolist() == [
        "large",
        "not large",
        "no pose",
        "low confidence",
        "not large",
    ]
    assert split.table["selected"].tolist() == [True, False, False, False, False]
    reasons = split.table["reason"].fillna("").tolist()
    assert reasons == ["", "", "no face was found", "confidence below 0.5", ""]


def test_what_cannot_be_decided_is_in_only_where_asked_for(tmp_path: Path) -> None:
    options = {"confidence": [0.9, 0.9, 0.9, 0.4, 0.9], "unsure": "include"}
    split = cut(tmp_path, [40, -20, NAN, 50, 30], **options)
    assert split.table["selected"].tolist() == [True, False, True, True, False]


def test_the_least_confidence_is_the_user_s(tmp_path: Path) -> None:
    split = cut(tmp_path, [40, 40, 40, 40, 40], confidence=[0, 0.3, 0.5, 0.7, 1], min_confidence=0)
    assert split.table["selected"].all()
    with pytest.raises(ConfigError, match="--min-confidence nan: expected 0 to 1"):
        cut(tmp_path, [40] * 5, min_confidence=NAN)


def test_a_sample_that_was_not_looked_at_has_no_pose(tmp_path: Path) -> None:
    split = cut(tmp_path, [40, 40, 40])
    assert split.table["category"].tolist() == ["large"] * 3 + ["no pose"] * 2
    assert "not among the pictures" in split.table["reason"].iloc[-1]


def test_counts_of_the_classes_sum_up(tmp_path: Path) -> None:
    counts = count_classes(cut(tmp_path, [40, -20, NAN, 50, 30]))
    assert counts["expression"].tolist() == ["anger", "fear", "neutral", "contempt", "all"]
    numbers = counts.drop(columns="expression")
    assert (numbers.iloc[:-1].sum() == numbers.iloc[-1]).all()
    categories = ["large", "not_large", "no_pose", "low_confidence"]
    assert (numbers[categories].sum(axis=1) == numbers["evaluated"]).all()


def test_precision_and_recall_are_those_of_the_same_rule(tmp_path: Path) -> None:
    true = np.array([[40.0, 0, 0], [40.0, 0, 0], [40.0, 0, 0], [10.0, 0, 0], [NAN] * 3])
    split = cut(tmp_path, [45, 10, NAN, 50, 60], true_angles=true)
    agreement = split.agreement()
    # the last one is in the split, but nobody knows its true pose: it counts as neither
    assert (agreement.num_true, agreement.num_selected, agreement.num_both) == (3, 2, 1)
    assert (agreement.precision, agreement.recall) == (1 / 2, 1 / 3)
    counts = count_classes(split).set_index("expression")
    assert math.isnan(counts.loc["contempt", "precision"])
    assert counts.loc["fear", "recall"] == 0


def test_without_true_poses_nothing_is_claimed(tmp_path: Path) -> None:
    split = cut(tmp_path, [45, 10, NAN, 50, 60])
    assert not split.has_truth
    assert "precision" not in count_classes(split)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, PoseTable]:
    """The evaluated rows of a small set, and poses of all of them."""
    folder = tmp_path_factory.mktemp("whole")
    manifest = make_manifest(folder)
    rows = replace(manifest, frame=evaluated_rows(manifest))
    return rows, make_poses(folder, [0.0] * 5)


@settings(deadline=None)
@given(
    poses=st.lists(
        st.tuples(st.floats(-180, 180), st.floats(-90, 90)) | st.just((NAN, NAN)),
        min_size=5,
        max_size=5,
    ),
    confidence=st.lists(st.floats(0, 1), min_size=5, max_size=5),
    rule=st.sampled_from(["any", "yaw", "pitch"]),
    convention=st.sampled_from(sorted(CONVENTIONS)),
    unsure=st.sampled_from(["leave-out", "include"]),
)
def test_the_split_beyond_45_is_a_part_of_that_beyond_30(
    whole: tuple[Manifest, PoseTable],
    poses: list[tuple[float, float]],
    confidence: list[float],
    rule: Any,
    convention: str,
    unsure: Any,
) -> None:
    rows, table = whole
    yaw, pitch = zip(*poses, strict=True)
    columns = {"yaw_deg": yaw, "pitch_deg": pitch, "confidence": confidence}
    table = replace(table, frame=table.frame.assign(**columns))
    taken = [
        set(
            split_by_pose(
                rows, table, PoseRule(limit, None, rule, convention), unsure=unsure
            ).listing()[0]
        )
        for limit in (30.0, 45.0)
    ]
    assert taken[1] <= taken[0]


def test_a_calibration_corrects_the_angles_before_they_are_judged(tmp_path: Path) -> None:
    def calibration(version: str) -> Calibration:
        return Calibration(
            estimator="landmarks68",
            version=version,
            yaw=Line(knots=[-60.0, 60.0], values=[-80.0, 80.0]),
            pitch=Line(knots=[-10.0, 10.0], values=[-10.0, 10.0]),
            dataset="pose-validation",
            digest="0" * 64,
            num_samples=100,
            synthetic=True,
        )

    version = cut(tmp_path, [40, -20, NAN, 25, 30]).cut.poses.version
    split = cut(tmp_path, [40, -20, NAN, 25, 30], calibration=calibration(version))
    assert split.table["category"].tolist() == ["large", "not large", "no pose", "large", "large"]
    assert split.table["yaw"].abs().round(3).tolist()[3] == 33.333
    with pytest.raises(ConfigError, match="the calibration is of the version 'other'"):
        cut(tmp_path, [40, -20, NAN, 25, 30], calibration=calibration("other"))
