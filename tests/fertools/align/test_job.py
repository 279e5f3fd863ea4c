from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from align_portraits import ANGLES, SIDE, Portraits
from PIL import Image

from fertools.align import job
from fertools.align.chunk_job import choose_face
from fertools.align.job import align_manifest
from fertools.align.mtcnn import Face
from fertools.align.recipe import AlignConfig
from fertools.align.template import template_points
from fertools.errors import ConfigError, ManifestError, PictureError
from fertools.jobs import Shard
from fertools.manifest import Manifest, read_manifest, write_manifest
from fertools.pictures import read_picture
from fertools.verify import verify_manifest

Make = Callable[..., Manifest]
CONFIG = AlignConfig(size=64)


def contents(folder: Path) -> dict[str, bytes]:
    """All files that were made, but the records."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "records" not in path.parts and path.name != ".lock"
    }


def points_of(folder: Path) -> dict[str, np.ndarray]:
    table = pd.read_parquet(folder / "align.parquet")
    return {
        i: np.stack([x, y], axis=1)
        for i, x, y in zip(table["sample_id"], table["x"], table["y"], strict=True)
        if x is not None
    }


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "CHUNK", 2)


def test_every_face_is_found_and_upright(tmp_path: Path, make_manifest: Make) -> None:
    given = make_manifest(tmp_path / "in")
    summary = align_manifest(given, tmp_path / "out", CONFIG)
    assert (summary.num_samples, summary.num_made, summary.skipped) == (3, 3, {})
    made = read_manifest(tmp_path / "out")
    frame = made.frame.set_index("sample_id")
    assert frame["aligned"].all()
    assert set(frame["align_source"]) == {"mtcnn"}
    assert set(frame["align_method"]) == {"five-points"}
    assert frame["align_reason"].isna().all()
    assert (frame["num_faces"] == 1).all()
    assert frame.loc["set/tilted", "align_roll_deg"] == pytest.approx(20, abs=5)
    assert frame.loc["set/frontal", "align_roll_deg"] == pytest.approx(0, abs=5)
    wanted = template_points(64, CONFIG.margin)
    for points in points_of(tmp_path / "out").values():
        assert abs(points[0, 1] - points[1, 1]) < 3
        assert np.abs(points - wanted).max() < 12


def test_the_input_s_rows_stay_and_what_changed_is_the_picture(
    tmp_path: Path, make_manifest: Make
) -> None:
    given = make_manifest(tmp_path / "in")
    align_manifest(given, tmp_path / "out", CONFIG)
    made = read_manifest(tmp_path / "out")
    before, now = (m.frame.set_index("sample_id") for m in (given, made))
    for column in ("dataset", "expression", "roll_deg", "camera"):
        pd.testing.assert_series_equal(before[column], now[column])
    assert now.loc["set/tilted", "roll_deg"] == ANGLES["tilted"][2]  # of the original
    assert now["source_sha256"].to_dict() == before["sha256"].to_dict()
    assert now["original_sha256"].to_dict() == before["sha256"].to_dict()
    assert set(now["width"]) == set(now["height"]) == {64}
    assert now.loc["set/frontal", "image"] == "images/set/frontal.png"
    for _, row in now.iterrows():
        data = (tmp_path / "out" / row["image"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        assert read_picture(tmp_path / "out" / row["image"]).shape == (64, 64, 3)


def test_the_recipe_is_in_the_manifest(tmp_path: Path, make_manifest: Make) -> None:
    given = make_manifest(tmp_path / "in")
    config = align_manifest(given, tmp_path / "out", CONFIG).manifest
    assert config is not None
    told = config.info.config
    assert told["index"] == "rafdb"
    assert told["align"]["input_digest"] == given.info.digest
    assert told["align"]["detector"].startswith("facenet-pytorch")
    assert (told["align"]["size"], told["align"]["thresholds"]) == (64, [0.6, 0.7, 0.7])
    assert len(told["align"]["template"]) == 5
    assert config.info.synthetic


def test_a_picture_without_a_face_keeps_its_row_with_a_reason(
    tmp_path: Path, make_manifest: Make
) -> None:
    given = make_manifest(tmp_path / "in", empty=1)
    made = align_manifest(given, tmp_path / "out", CONFIG).manifest
    assert made is not None
    row = made.frame.set_index("sample_id").loc["set/bare/0"]
    assert not row["aligned"]
    assert row["align_reason"] == "no face of 20 pixels or more was found"
    assert row["align_method"] == "whole-picture"
    assert pd.isna(row["align_source"])
    assert pd.isna(row["face_x0"])
    assert row["num_faces"] == 0
    crop = read_picture(tmp_path / "out" / row["image"])
    assert (crop[32] == 40).all()  # the whole width, with a border above
    assert (crop[:7] == 0).all()
    assert "set/bare/0" not in points_of(tmp_path / "out")


def test_the_set_s_own_landmarks_are_used_and_move_with_the_picture(
    tmp_path: Path, make_manifest: Make, portraits: Portraits
) -> None:
    given = make_manifest(tmp_path / "in", with_landmarks=True, empty=1)
    made = align_manifest(given, tmp_path / "out", CONFIG).manifest
    assert made is not None
    sources = made.frame.set_index("sample_id")["align_source"]
    assert (sources.drop("set/bare/0") == "annotation").all()
    marks = pd.read_parquet(tmp_path / "out" / "landmarks.parquet").set_index("sample_id")
    eyes = np.array([marks.loc["set/tilted", axis][36:48] for axis in "xy"])
    assert eyes.shape == (2, 12)
    assert np.abs(eyes[1, :6].mean() - eyes[1, 6:].mean()) < 2  # upright
    assert made.info.config["align"]["source"] == "auto"
    boxes = made.frame.set_index("sample_id").loc["set/frontal", ["face_x0", "face_x1"]]
    assert 0 < boxes["face_x0"] < boxes["face_x1"] < SIDE


def test_only_annotations_may_be_asked_for(tmp_path: Path, make_manifest: Make) -> None:
    config = AlignConfig(size=32, source="annotation")
    with pytest.raises(ConfigError, match=r"has no landmarks\.parquet"):
        align_manifest(make_manifest(tmp_path / "bare"), tmp_path / "x", config)
    given = make_manifest(tmp_path / "in", with_landmarks=True, empty=1)
    made = align_manifest(given, tmp_path / "out", config).manifest
    assert made is not None
    frame = made.frame.set_index("sample_id")
    assert not frame.loc["set/bare/0", "aligned"]
    assert frame.loc["set/bare/0", "align_reason"] == (
        "the set has no landmarks of this picture that five points could be taken from"
    )
    assert made.info.config["align"]["detector"] is None


def test_annotated_points_far_from_the_picture_give_way_to_the_detector(
    tmp_path: Path, make_manifest: Make
) -> None:
    given = make_manifest(tmp_path / "in", with_landmarks=True)
    marks = pd.read_parquet(tmp_path / "in" / "landmarks.parquet")
    marks["x"] = [x + 900 for x in marks["x"]]
    marks.to_parquet(tmp_path / "in" / "landmarks.parquet")
    made = align_manifest(given, tmp_path / "out", CONFIG).manifest
    assert made is not None
    assert set(made.frame["align_source"]) == {"mtcnn"}


@pytest.mark.usefixtures("small_chunks")
def test_it_goes_on_where_it_was_stopped_and_mends_what_is_gone(
    tmp_path: Path, make_manifest: Make
) -> None:
    given = make_manifest(tmp_path / "in", empty=2)
    out = tmp_path / "out"
    align_manifest(given, out, CONFIG)
    whole = contents(out)
    assert align_manifest(given, out, CONFIG).num_made == 0
    (out / "records" / "000001.json").write_text("cut o")
    (out / "images" / "set" / "bare" / "0.png").unlink()
    (out / "manifest.parquet").unlink()
    assert align_manifest(given, out, CONFIG).num_made == 4  # two chunks of two
    assert contents(out) == whole


@pytest.mark.usefixtures("small_chunks")
def test_a_crop_that_was_changed_is_noticed_and_made_anew(
    tmp_path: Path, make_manifest: Make
) -> None:
    given = make_manifest(tmp_path / "in", empty=1)
    out = tmp_path / "out"
    align_manifest(given, out, CONFIG)
    path = out / "images" / "set" / "bare" / "0.png"
    right = path.read_bytes()
    path.write_bytes(right[:-1] + b"?")
    with pytest.raises(PictureError, match="a crop of chunk 0 is gone or was changed"):
        align_manifest(given, out, CONFIG)
    assert align_manifest(given, out, CONFIG).num_made == 2
    assert path.read_bytes() == right


@pytest.mark.usefixtures("small_chunks")
def test_shards_make_the_same_as_one_run(tmp_path: Path, make_manifest: Make) -> None:
    given = make_manifest(tmp_path / "in", empty=2)
    align_manifest(given, tmp_path / "whole", CONFIG)
    out = tmp_path / "out"
    for index in (2, 1):
        summary = align_manifest(given, out, CONFIG, shard=Shard(index, 2))
        assert summary.manifest is None
    assert align_manifest(given, out, CONFIG).num_made == 0
    assert contents(out) == contents(tmp_path / "whole")


@pytest.mark.slow
def test_two_workers_make_the_same_as_one(
    tmp_path: Path, make_manifest: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = make_manifest(tmp_path / "in", empty=1)
    monkeypatch.setattr(job, "CHUNK", 2)
    align_manifest(given, tmp_path / "one", CONFIG, workers=1)
    align_manifest(given, tmp_path / "two", CONFIG, workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.parametrize("fault", ["cut off", "another", "gone"])
def test_a_damaged_picture_stops_the_work_or_is_left_out_and_listed(
    tmp_path: Path, make_manifest: Make, fault: str
) -> None:
    given = make_manifest(tmp_path / "in")
    path = tmp_path / "in" / "given" / "tilted.png"
    if fault == "gone":
        path.unlink()
    elif fault == "another":
        Image.new("RGB", (SIDE, SIDE)).save(path)
    else:
        data = path.read_bytes()[:4000]
        path.write_bytes(data)
        frame = given.frame.copy()
        frame.loc[frame["sample_id"] == "set/tilted", "sha256"] = hashlib.sha256(data).hexdigest()
        given = write_manifest(given.path, frame, dataset="rafdb", synthetic=True, config={})
    with pytest.raises(PictureError, match=r"tilted\.png: "):
        align_manifest(given, tmp_path / "out", CONFIG)
    for _ in range(2):
        summary = align_manifest(given, tmp_path / "out", CONFIG, on_error="skip")
        assert summary.manifest is not None
        assert set(summary.manifest.frame["sample_id"]) == {"set/frontal", "set/turned"}
        assert list(summary.skipped) == ["set/tilted"]
        assert summary.skipped["set/tilted"].startswith("given/tilted.png: ")


def test_another_alignment_in_the_folder_is_refused(tmp_path: Path, make_manifest: Make) -> None:
    given = make_manifest(tmp_path / "in")
    out = tmp_path / "out"
    align_manifest(given, out, CONFIG)
    with pytest.raises(ConfigError, match="holds pictures of another alignment"):
        align_manifest(given, out, AlignConfig(size=65))
    with pytest.raises(ConfigError, match="aligned already"):
        align_manifest(read_manifest(out), tmp_path / "again", CONFIG)
    with pytest.raises(ConfigError, match="holds other files"):
        align_manifest(given, tmp_path / "in", CONFIG)
    (out / "records" / "plan.json").write_text(json.dumps([1]))
    with pytest.raises(ManifestError, match=r"plan\.json: is damaged"):
        align_manifest(given, out, CONFIG)


@pytest.mark.parametrize("name", ["../up", "/abs", "a/../b", "a\\b", "a//b", "."])
def test_a_sample_id_that_leads_out_of_the_folder_is_refused(
    tmp_path: Path, make_manifest: Make, name: str
) -> None:
    given = make_manifest(tmp_path / "in")
    frame = given.frame.copy()
    frame.loc[0, "sample_id"] = name
    given = write_manifest(given.path, frame, dataset="rafdb", synthetic=True, config={})
    with pytest.raises(ManifestError, match="cannot be a file's name"):
        align_manifest(given, tmp_path / "out", CONFIG)


def face(x0: float, side: float, prob: float) -> Face:
    return Face((x0, 100.0, x0 + side, 100.0 + side), prob, np.zeros((5, 2)))


def test_which_of_several_faces_is_taken() -> None:
    large, middle, small = face(0, 90, 0.95), face(170, 60, 0.97), face(330, 40, 0.99)
    faces = [small, middle, large]

    def chosen(choose: str) -> Face | None:
        return choose_face(faces, AlignConfig.model_validate({"choose": choose}), 400, 260)

    assert chosen("largest") is large
    assert chosen("central") is middle
    assert chosen("most-probable") is small
    unsure = face(0, 300, 0.75)
    assert choose_face([*faces, unsure], AlignConfig(), 400, 260) is large
    assert choose_face([unsure], AlignConfig(), 400, 260) is unsure
    assert choose_face([], AlignConfig(), 400, 260) is None


def test_the_smallest_face_grows_with_the_picture() -> None:
    assert AlignConfig().smallest_face(100, 100) == 20
    assert AlignConfig().smallest_face(3000, 1024) == 64
    assert AlignConfig(min_face_size=33).smallest_face(3000, 1024) == 33


def test_the_larger_of_two_faces_is_cut_out(tmp_path: Path, portraits: Portraits) -> None:
    small = Image.fromarray(portraits["frontal"][0]).resize((100, 100), Image.Resampling.BOX)
    page = np.full((SIDE, SIDE + 100, 3), 120, np.uint8)
    page[:, :SIDE], page[:100, SIDE:] = portraits["tilted"][0], np.array(small)
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(page).save(folder / "two.png")
    from fertools.align.folder import align_folder

    (row,) = align_folder(folder, tmp_path / "out", AlignConfig(min_face_size=20)).rows
    assert row["num_faces"] == 2
    assert row["face_x1"] < SIDE
    assert row["align_roll_deg"] == pytest.approx(20, abs=6)


def test_an_aligned_set_is_found_sound(tmp_path: Path, make_manifest: Make) -> None:
    given = make_manifest(tmp_path / "in")
    frame = given.frame.assign(
        num_bytes=[(given.root / name).stat().st_size for name in given.frame["image"]]
    )
    sized = write_manifest(
        tmp_path / "in/manifest.parquet", frame, dataset="rafdb", synthetic=True, config={}
    )
    align_manifest(sized, tmp_path / "out", CONFIG)
    assert verify_manifest(read_manifest(tmp_path / "out"), near=False).findings == ()
