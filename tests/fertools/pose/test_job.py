from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fertools.errors import ConfigError, ManifestError, OutputError, PictureError
from fertools.jobs import Shard
from fertools.manifest import Manifest, read_manifest
from fertools.pose import job, registry
from fertools.pose.job import estimate_pose
from fertools.pose.registry import FaceBatch, NoOptions, PoseEstimates
from fertools.pose.stale_pictures import find_stale
from fertools.pose.table import read_pose_table

Make = Callable[..., Manifest]


def test_the_manifest_s_own_pose_comes_back(tmp_path: Path, make_set: Make) -> None:
    given = make_set()
    summary = estimate_pose(given, tmp_path / "pose", "ground_truth", workers=2)
    assert summary.num_made == 4
    table = read_pose_table(tmp_path / "pose")
    for column in ("yaw_deg", "pitch_deg", "roll_deg"):
        wanted = given.frame[column].to_numpy(float)
        np.testing.assert_allclose(table.frame[column], wanted, atol=1e-4)
    assert table.info.synthetic
    assert table.info.estimator == "ground_truth"
    assert (table.frame["confidence"] == 1).all()


def test_only_what_changed_is_estimated_again(
    tmp_path: Path, make_set: Make, colour: object
) -> None:
    estimate_pose(make_set(), tmp_path / "pose", "colour")
    again = estimate_pose(make_set(), tmp_path / "pose", "colour")
    assert again.num_made == 0
    colour.looked_at.clear()  # type: ignore[attr-defined]
    other = estimate_pose(make_set(reds=(10, 60, 111, 160)), tmp_path / "pose", "colour")
    assert colour.looked_at == ["face_0002"]  # type: ignore[attr-defined]
    assert other.table is not None
    assert other.table.frame["yaw_deg"].fillna(-1).tolist() == pytest.approx(
        [-1, 60, 111, 160], abs=0.01
    )


def test_no_face_has_a_reason_and_no_angle(tmp_path: Path, make_set: Make, colour: object) -> None:
    summary = estimate_pose(make_set(), tmp_path / "pose", "colour")
    assert summary.table is not None
    first = summary.table.frame.iloc[0]
    assert first["reason"] == "no face was found"
    assert first["num_faces"] == 0
    assert np.isnan(first["yaw_deg"])
    assert np.isnan(summary.table.rotations[0]).all()


def test_a_part_can_be_asked_for_and_the_rest_later(
    tmp_path: Path, make_set: Make, colour: object
) -> None:
    given = make_set()
    is_test = given.frame["split"].eq("test").to_numpy(bool)
    part = estimate_pose(given, tmp_path / "pose", "colour", where=is_test)
    assert (part.num_samples, part.num_made) == (3, 3)
    whole = estimate_pose(given, tmp_path / "pose", "colour")
    assert (whole.num_samples, whole.num_made) == (4, 1)
    again = estimate_pose(given, tmp_path / "pose", "colour", where=is_test)
    assert again.num_made == 0
    assert len(read_pose_table(tmp_path / "pose").frame) == 4


def test_shards_come_to_the_same_table(
    tmp_path: Path, make_set: Make, colour: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(job._CHUNK, "pictures", 1)
    given = make_set()
    for text in ("1/2", "2/2"):
        part = estimate_pose(given, tmp_path / "parts", "colour", shard=Shard.parse(text))
        assert part.table is None
    num_looks = len(colour.looked_at)  # type: ignore[attr-defined]
    estimate_pose(given, tmp_path / "parts", "colour")
    assert len(colour.looked_at) == num_looks == 4  # type: ignore[attr-defined]
    estimate_pose(given, tmp_path / "whole", "colour")
    made = [(tmp_path / name / "pose.parquet").read_bytes() for name in ("parts", "whole")]
    assert made[0] == made[1]
    assert sorted(p.name for p in (tmp_path / "parts").iterdir()) == [".lock", "pose.parquet"]


def test_it_goes_on_after_an_interruption(
    tmp_path: Path, make_set: Make, colour: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(job._CHUNK, "pictures", 1)
    given = make_set()
    look = type(colour).estimate

    def stop_at_the_third(self: object, batch: object) -> object:
        if len(colour.looked_at) == 2:  # type: ignore[attr-defined]
            raise KeyboardInterrupt
        return look(self, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(type(colour), "estimate", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        estimate_pose(given, tmp_path / "pose", "colour")
    monkeypatch.setattr(type(colour), "estimate", look)
    estimate_pose(given, tmp_path / "pose", "colour")
    names = given.frame["sample_id"].tolist()
    assert colour.looked_at == names  # type: ignore[attr-defined]


def test_a_damaged_picture_stops_it_or_is_listed(
    tmp_path: Path, make_set: Make, colour: object
) -> None:
    given = make_set()
    path = given.root / "images" / "face_0002.png"
    whole = path.read_bytes()
    path.write_bytes(whole[:40])
    with pytest.raises(PictureError, match=r"face_0002\.png: is not the picture .*--on-error skip"):
        estimate_pose(given, tmp_path / "pose", "colour")
    summary = estimate_pose(given, tmp_path / "pose", "colour", on_error="skip")
    assert list(summary.skipped) == ["face_0002"]
    assert summary.table is not None
    assert "another SHA-256" in summary.table.frame["reason"][2]
    path.write_bytes(whole)  # a row without a picture is not kept
    again = estimate_pose(given, tmp_path / "pose", "colour")
    assert (again.num_made, again.skipped) == (1, {})


@pytest.fixture
def marks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Registers 'marks', an estimator of landmarks that opens no picture."""

    class Marks:
        version = "marks 1"

        def estimate(self, batch: FaceBatch) -> PoseEstimates:
            rotations = np.tile(np.eye(3), (len(batch), 1, 1))
            faces = np.full(len(batch), -1)
            return PoseEstimates(rotations, np.ones(len(batch)), faces, [None] * len(batch))

    registry.list_estimators()
    entry = registry.Estimator("marks", "", "landmarks", "", NoOptions, lambda options: Marks())
    monkeypatch.setitem(registry._ESTIMATORS, "marks", entry)
    job._opened.cache_clear()
    yield
    job._opened.cache_clear()


@pytest.mark.parametrize("is_known", [False, True])
def test_a_set_that_was_changed_since_it_was_indexed_is_noticed_without_opening_pictures(
    tmp_path: Path, make_set: Make, marks: None, is_known: bool
) -> None:
    given = make_set()
    if is_known:
        assert estimate_pose(given, tmp_path / "pose", "marks").skipped == {}
    gone, other = (given.root / f"images/face_000{n}.png" for n in (1, 2))
    gone.unlink()
    other.write_bytes((given.root / "images/face_0003.png").read_bytes())
    match = r"face_0001\.png: cannot be read.*index the set again \(and 1 more\).*--on-error skip"
    with pytest.raises(PictureError, match=match):
        estimate_pose(given, tmp_path / "pose", "marks")
    summary = estimate_pose(given, tmp_path / "pose", "marks", on_error="skip")
    assert list(summary.skipped) == ["face_0001", "face_0002"]
    assert "images/face_0002.png: is not the picture" in summary.skipped["face_0002"]
    assert str(tmp_path) not in str(summary.skipped)
    assert summary.table is not None
    assert summary.table.frame["yaw_deg"].notna().tolist() == [True, False, False, True]


def test_a_picture_of_another_size_is_noticed_however_old_it_looks(
    tmp_path: Path, make_set: Make
) -> None:
    given = make_set()
    sizes = [path.stat().st_size for path in sorted((given.root / "images").iterdir())]
    frame = given.frame.assign(num_bytes=sizes)
    assert find_stale(given, frame) == {}
    assert list(find_stale(given, frame.assign(num_bytes=[*sizes[:3], 9]))) == [3]


def test_a_table_of_other_pictures_is_refused(
    tmp_path: Path, make_set: Make, colour: object
) -> None:
    estimate_pose(make_set(), tmp_path / "pose", "colour")
    other = make_set(reds=(10, 60, 111, 161))
    with pytest.raises(ManifestError, match=r"'face_0002'.* is another picture now .* 1 more"):
        read_pose_table(tmp_path / "pose").of(other)


def test_a_table_of_other_samples_is_refused(
    tmp_path: Path, make_set: Make, colour: object
) -> None:
    given = make_set()
    is_test = given.frame["split"].eq("test").to_numpy(bool)
    estimate_pose(given, tmp_path / "pose", "colour", where=is_test)
    with pytest.raises(ManifestError, match=r"'face_0000' .* is not in this table, as are 0 more"):
        read_pose_table(tmp_path / "pose").of(given)


def test_another_estimator_s_table_is_not_overwritten(
    tmp_path: Path, make_set: Make, colour: object
) -> None:
    estimate_pose(make_set(), tmp_path / "pose", "colour")
    with pytest.raises(ConfigError, match="holds poses of rafdb by colour; choose another"):
        estimate_pose(make_set(), tmp_path / "pose", "ground_truth")


def test_a_folder_of_something_else_is_left_alone(
    tmp_path: Path, make_set: Make, colour: object
) -> None:
    given = make_set()
    with pytest.raises(OutputError, match="holds 'images' and no poses, so it is not ours"):
        estimate_pose(given, given.path.parent, "colour")


def test_another_version_estimates_everything_anew(
    tmp_path: Path, make_set: Make, colour: object
) -> None:
    estimate_pose(make_set(), tmp_path / "pose", "colour")
    colour.version = "colour 2"  # type: ignore[attr-defined]
    assert estimate_pose(make_set(), tmp_path / "pose", "colour").num_made == 4
    assert read_pose_table(tmp_path / "pose").info.version == "colour 2"


def test_an_estimator_of_landmarks_wants_a_set_that_has_them(
    tmp_path: Path, make_set: Make
) -> None:
    given = make_set()
    (given.path.parent / "landmarks.parquet").unlink()
    with pytest.raises(ConfigError, match="has no landmarks of these samples"):
        estimate_pose(given, tmp_path / "pose", "landmarks68")


def test_the_yaw_of_a_camera_counts_alone(tmp_path: Path, make_set: Make) -> None:
    given = make_set()
    given.frame[["pitch_deg", "roll_deg"]] = pd.NA
    summary = estimate_pose(given, tmp_path / "pose", "ground_truth")
    assert summary.table is not None
    assert summary.table.frame["yaw_deg"].tolist() == pytest.approx([0, 40, -75, 10])
    assert (summary.table.frame["pitch_deg"] == 0).all()


def test_a_manifest_without_poses_says_so(tmp_path: Path, make_set: Make) -> None:
    given = read_manifest(make_set().path)
    given.frame["yaw_deg"] = pd.Series([pd.NA, 1.0, 2.0, 3.0], dtype="Float32")
    summary = estimate_pose(given, tmp_path / "pose", "ground_truth")
    assert summary.table is not None
    assert summary.table.frame["reason"][0] == "the manifest has no pose of it"
