"""From a folder to a manifest: files measured, faults listed, counts compared, work taken up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from dataset_fakes import FAKES, affectnet, affectnet_new, multipie, picture, put, rafdb

from fertools.errors import DatasetError, OutputError
from fertools.formats.registry import Dataset, get_dataset, list_datasets
from fertools.geometry import rotation_from_angles
from fertools.home import DatasetRoot, describe_root, find_dataset
from fertools.index import IndexSummary, compare_counts, index_dataset
from fertools.index.measure import FOLDER
from fertools.jobs import hold_folder
from fertools.manifest import read_manifest


def run(name: str, root: Path, out: Path, **options: Any) -> IndexSummary:
    dataset = get_dataset(name)
    chosen = dataset.options(**options.pop("options", {}))
    return index_dataset(dataset, describe_root(name, root), out, chosen, **options)


@pytest.mark.parametrize("layout", FAKES)
def test_every_layout_becomes_a_manifest(layout: str, tmp_path: Path) -> None:
    name, make = FAKES[layout]
    count = make(tmp_path / "set")
    run(name, tmp_path / "set", tmp_path / "out")
    manifest = read_manifest(tmp_path / "out")
    assert len(manifest.frame) == count
    row = manifest.frame.iloc[0]
    data = (manifest.root / row["image"]).read_bytes()
    assert row["num_bytes"] == len(data)
    assert not manifest.info.synthetic


def test_a_stand_in_is_marked_also_from_an_inner_folder(tmp_path: Path) -> None:
    multipie(tmp_path / "set")
    put(tmp_path / "set/SYNTHETIC.json", json.dumps({"complete": True}))
    assert run("multipie", tmp_path / "set", tmp_path / "a").manifest.info.synthetic
    assert run("multipie", tmp_path / "set/data", tmp_path / "b").manifest.info.synthetic
    assert run("multipie", tmp_path / "set/..", tmp_path / "c").manifest.info.synthetic


def test_counts_of_a_stand_in_are_its_own(tmp_path: Path) -> None:
    rafdb(tmp_path / "set")
    assert run("rafdb", tmp_path / "set", tmp_path / "out").differences
    put(tmp_path / "set/SYNTHETIC.json", json.dumps({"complete": True}))
    assert not run("rafdb", tmp_path / "set", tmp_path / "out", strict=True).differences


def test_missing_samples_are_named(tmp_path: Path) -> None:
    rafdb(tmp_path / "set")
    summary = run("rafdb", tmp_path / "set", tmp_path / "out")
    said = [str(difference) for difference in summary.differences]
    assert said[0].startswith("train: 7 found, 12,271 published")
    assert "15,325 missing: train_00008, train_00009," in said[-1]
    assert yaml.safe_load((tmp_path / "out/index.yaml").read_text())["differences"] == said


def test_strict_makes_another_count_an_error(tmp_path: Path) -> None:
    rafdb(tmp_path / "set")
    with pytest.raises(DatasetError, match=r"train: 7 found, 12,271 published.*leave out --strict"):
        run("rafdb", tmp_path / "set", tmp_path / "out", strict=True)
    assert not (tmp_path / "out/manifest.parquet").exists()


def published_frame(dataset: Dataset) -> pd.DataFrame:
    """A table with the published counts."""
    rows: list[tuple[str, str]] = []
    for count in dataset.counts(dataset.options()):
        if "split" in count.where and len(count.where.get("expression", ())) == 1:
            rows += [(count.where["split"][0], count.where["expression"][0])] * count.accepted[0]
    frame = pd.DataFrame(rows, columns=["split", "expression"])
    if dataset.expected_ids is not None:
        frame["sample_id"] = list(dataset.expected_ids(dataset.options()))
    return frame


@pytest.mark.parametrize("name", ["rafdb", "affectnet"])
def test_the_published_counts_agree_with_each_other(name: str) -> None:
    dataset = get_dataset(name)
    frame = published_frame(dataset)
    assert compare_counts(dataset, dataset.options(), frame) == ()
    assert len(frame) == {"rafdb": 15339, "affectnet": 291651}[name]
    fewer = compare_counts(dataset, dataset.options(), frame.iloc[1:])
    assert len(fewer) >= 2


def test_3999_is_as_good_as_4000(tmp_path: Path) -> None:
    dataset = get_dataset("affectnet")
    frame = published_frame(dataset)
    is_contempt = (frame["split"] == "val") & (frame["expression"] == "contempt")
    fewer = frame.drop(index=frame.index[is_contempt][0])
    assert compare_counts(dataset, dataset.options(), fewer) == ()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_is_no_picture_stops_or_is_left_out(tmp_path: Path, workers: int) -> None:
    count = rafdb(tmp_path / "set")
    put(tmp_path / "set/basic/Image/aligned/train_00003_aligned.jpg", b"<html>not found</html>")
    with pytest.raises(DatasetError, match=r"train_00003_aligned.jpg: is no picture.*--on-error"):
        run("rafdb", tmp_path / "set", tmp_path / "out", workers=workers)
    assert not (tmp_path / "out/manifest.parquet").exists()
    summary = run("rafdb", tmp_path / "set", tmp_path / "out", workers=workers, on_error="skip")
    assert len(summary.manifest.frame) == count - 1
    listed = (tmp_path / "out/faults.txt").read_text().splitlines()
    assert listed == [str(fault) for fault in summary.faults]
    assert len(listed) == 1


def test_a_picture_of_ten_thousand_million_pixels_is_refused_unread(tmp_path: Path) -> None:
    rafdb(tmp_path / "set")
    png = bytearray(picture(1, "png"))
    png[16:24] = (100_000).to_bytes(4, "big") * 2
    import zlib

    png[29:33] = zlib.crc32(bytes(png[12:29])).to_bytes(4, "big")
    put(tmp_path / "set/basic/Image/aligned/train_00003_aligned.jpg", bytes(png))
    summary = run("rafdb", tmp_path / "set", tmp_path / "out", on_error="skip")
    assert len(summary.faults) == 1
    assert "pixels; a picture may have 100,000,000" in str(summary.faults[0])


def test_the_set_may_be_a_link_and_move(tmp_path: Path) -> None:
    rafdb(tmp_path / "disk/set")
    (tmp_path / "home/raw").mkdir(parents=True)
    (tmp_path / "home/raw/rafdb").symlink_to(tmp_path / "disk/set")
    run("rafdb", tmp_path / "home/raw/rafdb", tmp_path / "home/derived/rafdb")
    manifest = read_manifest(tmp_path / "home/derived/rafdb")
    assert not Path(manifest.info.root).is_absolute()
    assert (manifest.root / manifest.frame["image"].iloc[0]).is_file()
    (tmp_path / "disk/set").rename(tmp_path / "moved")
    again = read_manifest(tmp_path / "home/derived/rafdb", root=tmp_path / "moved/basic")
    assert (again.root / again.frame["image"].iloc[0]).is_file()


def test_the_place_of_the_set_does_not_change_the_digest(tmp_path: Path) -> None:
    rafdb(tmp_path / "a/set")
    rafdb(tmp_path / "b/c/set")
    first = run("rafdb", tmp_path / "a/set", tmp_path / "out_a")
    second = run("rafdb", tmp_path / "b/c/set", tmp_path / "out_b")
    assert first.manifest.info.digest == second.manifest.info.digest


def test_landmarks_go_to_a_table_of_their_own(tmp_path: Path) -> None:
    count = affectnet(tmp_path / "set")
    put(
        tmp_path
        / "set/Manually_Annotated_compressed/Manually_Annotated_Images/1"
        / f"{1:056x}.png",
        b"damaged",
    )
    run("affectnet", tmp_path / "set", tmp_path / "out", on_error="skip")
    table = pq.read_table(tmp_path / "out/landmarks.parquet")
    assert table.num_rows == count - 1
    assert f"1/{1:056x}" not in table.column("sample_id").to_pylist()
    assert {len(points) for points in table.column("x").to_pylist()} == {68}


def test_a_set_without_landmarks_leaves_no_old_table(tmp_path: Path) -> None:
    rafdb(tmp_path / "set")
    run("rafdb", tmp_path / "set", tmp_path / "out", options={"images": "original"})
    assert (tmp_path / "out/landmarks.parquet").exists()
    run("rafdb", tmp_path / "set", tmp_path / "out", options={"images": "aligned"})
    assert not (tmp_path / "out/landmarks.parquet").exists()


def test_only_files_that_changed_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fertools.index import measure

    rafdb(tmp_path / "set")
    first = run("rafdb", tmp_path / "set", tmp_path / "out")
    read: list[str] = []

    def watched(path: Path) -> Any:
        read.append(path.name)
        return original(path)

    original = measure.read_facts
    monkeypatch.setattr(measure, "read_facts", watched)
    put(tmp_path / "set/basic/Image/aligned/train_00003_aligned.jpg", picture(77))
    second = run("rafdb", tmp_path / "set", tmp_path / "out")
    assert read == ["train_00003_aligned.jpg"]
    changed = first.manifest.frame["sha256"] != second.manifest.frame["sha256"]
    assert changed.sum() == 1
    run("rafdb", tmp_path / "set", tmp_path / "out", fresh=True)
    assert len(read) == 1 + len(first.manifest.frame)


def test_a_kept_measure_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    rafdb(tmp_path / "set")
    first = run("rafdb", tmp_path / "set", tmp_path / "out")
    kept = next((tmp_path / "out" / FOLDER).glob("*.parquet"))
    kept.write_bytes(kept.read_bytes()[:100])
    second = run("rafdb", tmp_path / "set", tmp_path / "out")
    assert first.manifest.info.digest == second.manifest.info.digest


def test_a_folder_of_something_else_is_not_written_into(tmp_path: Path) -> None:
    rafdb(tmp_path / "set")
    with pytest.raises(OutputError, match="holds 'basic' and nothing of an index"):
        run("rafdb", tmp_path / "set", tmp_path / "set")


def test_two_indexes_cannot_write_one_folder(tmp_path: Path) -> None:
    rafdb(tmp_path / "set")
    with (
        hold_folder(tmp_path / "out"),
        pytest.raises(OutputError, match="another process is writing here"),
    ):
        run("rafdb", tmp_path / "set", tmp_path / "out")


def test_the_chosen_subjects_can_be_given_to_others(tmp_path: Path) -> None:
    from fertools.formats.multipie import read_subjects

    multipie(tmp_path / "set", subjects=3)
    run("multipie", tmp_path / "set", tmp_path / "out", options={"subjects": 2})
    assert read_subjects(tmp_path / "out/chosen.txt") == ("001", "002")


def test_nothing_but_faults_is_no_manifest(tmp_path: Path) -> None:
    affectnet_new(tmp_path / "set")
    for path in (tmp_path / "set").rglob("*_exp.npy"):
        path.write_bytes(b"?")
    with pytest.raises(DatasetError, match=r"no sample that can be used; see .*faults.txt"):
        run("affectnet", tmp_path / "set", tmp_path / "out", on_error="skip")


def test_angles_are_of_the_manifests_type(tmp_path: Path) -> None:
    multipie(tmp_path / "set")
    frame = run("multipie", tmp_path / "set", tmp_path / "out").manifest.frame
    assert frame["yaw_deg"].dtype == "Float32"
    assert set(frame["session"]) == {1, 2, 3, 4}
    assert np.array_equal(frame["yaw_deg"], frame["pan_deg"])
    assert frame["pitch_deg"].isna().all()


def test_every_registered_set_can_be_indexed() -> None:
    assert set(list_datasets()) == {"affectnet", "bu3dfe-rendered", "multipie", "rafdb"}
    assert DatasetRoot("rafdb", Path("x"), False).marker is None


def truth_of(root: Path, rows: list[dict[str, Any]]) -> None:
    put(root / "SYNTHETIC.json", json.dumps({"complete": True}))
    pd.DataFrame(rows).to_parquet(root / "ground_truth.parquet")


def test_a_stand_ins_true_pose_takes_the_place_of_the_cameras(tmp_path: Path) -> None:
    multipie(tmp_path / "set")
    row = {"sample_id": "001_01_01_041_07", "yaw_deg": 31.5, "pitch_deg": -2.0, "roll_deg": 1.0}
    truth_of(tmp_path / "set", [row])
    frame = run("multipie", tmp_path / "set", tmp_path / "out").manifest.frame.set_index(
        "sample_id"
    )
    known = frame.loc["001_01_01_041_07"]
    assert [known[k] for k in ("yaw_deg", "pitch_deg", "roll_deg")] == [31.5, -2, 1]
    assert (known["pose_source"], known["pan_deg"], known["view_id"]) == (
        "ground_truth",
        30,
        "yaw30",
    )
    other = frame.loc["001_01_01_050_07"]
    assert (other["pose_source"], other["yaw_deg"]) == ("camera", 15)


@pytest.mark.parametrize("roll", [-25.0, 0.0, 40.0])
def test_what_the_aligned_picture_was_turned_by_is_taken_off(tmp_path: Path, roll: float) -> None:
    rafdb(tmp_path / "set/x")
    angle = np.radians(-roll)  # the cut turns the head back upright; rows count downwards
    matrix = 0.5 * np.array([[np.cos(angle), -np.sin(angle), 3], [np.sin(angle), np.cos(angle), 4]])
    rows = [
        {"sample_id": "train_00001", "yaw_deg": 0.0, "pitch_deg": 0.0, "roll_deg": roll},
        {"sample_id": "train_00002", "yaw_deg": 40.0, "pitch_deg": 10.0, "roll_deg": 0.0},
    ]
    truth_of(tmp_path / "set", [{**row, "crop_matrix": matrix.ravel()} for row in rows])
    by_kind = {
        kind: run(
            "rafdb", tmp_path / "set", tmp_path / kind, options={"images": kind}
        ).manifest.frame.set_index("sample_id")
        for kind in ("original", "aligned")
    }
    assert by_kind["original"].loc["train_00001", "roll_deg"] == roll
    assert by_kind["aligned"].loc["train_00001", "roll_deg"] == pytest.approx(0, abs=1e-4)
    geodesic = [
        rotation_from_angles(*by_kind[k].loc["train_00002", ["yaw_deg", "pitch_deg", "roll_deg"]])
        for k in ("original", "aligned")
    ]
    between = geodesic[1] @ geodesic[0].T  # a turn in the picture's plane, and nothing else
    assert between == pytest.approx(rotation_from_angles(0, 0, -roll), abs=1e-5)


def test_a_stand_in_is_marked_also_through_links_and_from_deep_within(tmp_path: Path) -> None:
    rafdb(tmp_path / "standin")
    put(tmp_path / "standin/SYNTHETIC.json", json.dumps({"complete": True}))
    (tmp_path / "linked").mkdir()
    for name in ("EmoLabel", "Image"):
        (tmp_path / "linked" / name).symlink_to(tmp_path / "standin/basic" / name)
    assert run("rafdb", tmp_path / "linked", tmp_path / "a").manifest.info.synthetic
    multipie(tmp_path / "deep", subjects=1)
    put(tmp_path / "deep/SYNTHETIC.json", json.dumps({"complete": True}))
    inner = tmp_path / "deep/data/session01/multiview/001/01"
    found = run("multipie", inner, tmp_path / "b", options={"select": "all"})
    assert found.manifest.info.synthetic


@pytest.mark.parametrize("kind", ["dangling", "nested", "absent"])
def test_a_marker_that_cannot_be_read_is_no_licensed_set(tmp_path: Path, kind: str) -> None:
    rafdb(tmp_path / "set")
    marker = tmp_path / "set/SYNTHETIC.json"
    if kind == "dangling":
        marker.symlink_to(tmp_path / "nowhere")
    elif kind == "nested":
        marker.write_text("[" * 100_000)
    else:
        pd.DataFrame({"sample_id": ["train_00001"]}).to_parquet(
            tmp_path / "set/ground_truth.parquet"
        )
    with pytest.raises(DatasetError, match=r"make (it|the stand-in) again"):
        run("rafdb", tmp_path / "set", tmp_path / "out")


@pytest.mark.parametrize("yaw", [float("nan"), 500.0])
def test_a_true_pose_that_cannot_be_is_named_with_its_table(tmp_path: Path, yaw: float) -> None:
    rafdb(tmp_path / "set")
    row = {"sample_id": "train_00001", "yaw_deg": yaw, "pitch_deg": 0.0, "roll_deg": 0.0}
    nobody = {"sample_id": "train_00002", "yaw_deg": None, "pitch_deg": None, "roll_deg": None}
    truth_of(tmp_path / "set", [row, nobody])
    with pytest.raises(DatasetError, match=r"ground_truth.parquet: is no table of true poses"):
        run("rafdb", tmp_path / "set", tmp_path / "out")


def test_a_kill_between_the_files_leaves_no_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fertools.index import job

    multipie(tmp_path / "set")
    run("multipie", tmp_path / "set", tmp_path / "out")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "_write_chosen", killed)
    with pytest.raises(KeyboardInterrupt):
        run("multipie", tmp_path / "set", tmp_path / "out", options={"side": "neg"})
    assert not (tmp_path / "out/manifest.parquet").exists()
    assert not (tmp_path / "out/index.yaml").exists()


def test_people_who_have_withdrawn_are_left_out_by_name(tmp_path: Path) -> None:
    multipie(tmp_path / "set", subjects=3)
    names = ["002", "001_01_01_051_07"]
    summary = run("multipie", tmp_path / "set", tmp_path / "out", exclude=names)
    assert len(summary.manifest.frame) == 2 * 42 - 1
    assert summary.manifest.info.config["excluded"] == sorted(names)
    assert summary.notes["left out by --exclude-list"] == 43
    with pytest.raises(DatasetError, match="names '099', which is no sample or subject"):
        run("multipie", tmp_path / "set", tmp_path / "out", exclude=["099"])


def test_a_column_that_no_sample_has_is_left_out(tmp_path: Path) -> None:
    rafdb(tmp_path / "set")
    aligned = run("rafdb", tmp_path / "set", tmp_path / "a").manifest.frame
    assert "face_x0" not in aligned
    original = run("rafdb", tmp_path / "set", tmp_path / "b", options={"images": "original"})
    assert original.manifest.frame["face_x0"].dtype == "Float64"


def test_the_data_home_whose_disk_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rafdb(tmp_path / "standin/rafdb")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/rafdb").symlink_to(tmp_path / "unmounted")
    monkeypatch.setenv("FERTOOLS_DATA", str(tmp_path))
    with pytest.raises(DatasetError, match=r"raw/rafdb: is a link that leads nowhere"):
        find_dataset("rafdb")
