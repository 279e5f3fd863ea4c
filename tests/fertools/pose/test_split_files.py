from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pose_homes import cut

from fertools.errors import ManifestError, OutputError
from fertools.manifest import read_manifest
from fertools.pose import split_files
from fertools.pose.compare import compare_with_list
from fertools.pose.list_import import find_listed
from fertools.pose.rules import PoseRule
from fertools.pose.split import split_by_list
from fertools.pose.split_files import (
    check_out,
    public_counterpart,
    summary_table,
    table_csv,
    write_split,
)

NAN = float("nan")
YAWS = [40.0, -20.0, NAN, 50.0, 30.0]


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.name[0] != "."}


def test_the_same_split_is_the_same_bytes(tmp_path: Path) -> None:
    split = cut(tmp_path, YAWS)
    for name in ("a", "b"):
        write_split(split, tmp_path / name, readme="text\n")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    write_split(split, tmp_path / "a", readme="text\n")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_the_manifest_has_the_estimated_pose_and_the_true_one(tmp_path: Path) -> None:
    true = np.array([[41.0, 1, 2], [0, 0, 0], [0, 0, 0], [52.0, 0, 0], [0, 0, 0]])
    split = cut(tmp_path, YAWS, true_angles=true)
    write_split(split, tmp_path / "out", readme="")
    read = read_manifest(tmp_path / "out")
    frame = read.frame.set_index("sample_id")
    assert frame.index.tolist() == ["val/1", "val/4"]
    assert frame["yaw_deg"].tolist() == pytest.approx([40, 50])
    assert frame["true_yaw_deg"].tolist() == pytest.approx([41, 52])
    assert set(frame["pose_source"]) == {"landmarks68 1"}
    assert set(frame["split"]) == {"val"}
    assert read.info.synthetic
    assert read.info.config["min_yaw"] == 30
    assert read.root.resolve() == tmp_path.resolve()


def test_a_picture_without_a_pose_has_no_source_of_one(tmp_path: Path) -> None:
    write_split(cut(tmp_path, YAWS, unsure="include"), tmp_path / "out", readme="")
    frame = read_manifest(tmp_path / "out").frame.set_index("sample_id")
    assert frame["pose_source"].isna().to_dict() == {"val/1": False, "val/3": True, "val/4": False}
    assert frame["pose_category"].to_dict() == {
        "val/1": "large",
        "val/3": "no pose",
        "val/4": "large",
    }


def test_all_angles_are_listed_and_the_undecided_once_more(tmp_path: Path) -> None:
    write_split(cut(tmp_path, YAWS), tmp_path / "out", readme="")
    with (tmp_path / "out/angles.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["sample_id"] for row in rows] == [f"val/{n}" for n in range(1, 6)]
    assert float(rows[0]["yaw"]) == -40  # OpenFace's sign
    assert (rows[2]["yaw"], rows[2]["category"]) == ("", "no pose")
    unsure = (tmp_path / "out/unsure.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in unsure] == ["sample_id", "val/3"]
    assert unsure[1].endswith(",no pose,no face was found")


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    split = cut(tmp_path / "set", YAWS)
    with pytest.raises(OutputError, match=r"holds 'manifest.parquet' and is no split's folder"):
        write_split(split, tmp_path / "set", readme="")  # where the set's own manifest is
    assert len(read_manifest(tmp_path / "set").frame) == 6
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="is no folder"):
        write_split(split, tmp_path / "file", readme="")


@pytest.mark.parametrize("name", ["list.txt", "README.md", "summary.csv", "manifest.parquet"])
def test_a_file_of_the_user_s_that_is_called_as_one_of_a_split_is_not_replaced(
    tmp_path: Path, name: str
) -> None:
    split = cut(tmp_path / "set", YAWS)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text("mine")
    with pytest.raises(OutputError, match=f"holds '{name}' and is no split's folder"):
        write_split(split, tmp_path / "mine", readme="")
    assert contents(tmp_path / "mine") == {name: b"mine"}


def test_what_is_read_is_not_written_over(tmp_path: Path) -> None:
    write_split(cut(tmp_path / "set", YAWS), tmp_path / "out", readme="")
    for path in (tmp_path / "out/list.txt", tmp_path / "out"):
        with pytest.raises(OutputError, match="is read, and lies in the folder that is written"):
            check_out(tmp_path / "out", inputs=[path])
    check_out(tmp_path / "out", inputs=[tmp_path / "list.txt"])


def test_a_split_that_failed_has_no_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = cut(tmp_path / "set", YAWS)
    write_split(split, tmp_path / "out", readme="")

    def is_full(path: Path, data: bytes) -> None:
        raise OutputError(f"{path}: no space left on the device")

    monkeypatch.setattr(split_files, "write_bytes", is_full)
    with pytest.raises(OutputError, match="no space left"):
        write_split(split, tmp_path / "out", readme="")
    assert not (tmp_path / "out/manifest.parquet").exists()
    monkeypatch.undo()
    write_split(split, tmp_path / "out", readme="")  # and it is still ours to write into
    assert (tmp_path / "out/manifest.parquet").exists()


def test_an_empty_split_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no picture is in the split, nothing is written"):
        write_split(cut(tmp_path / "set", [0.0] * 5), tmp_path / "out", readme="")
    assert not (tmp_path / "out").exists()


def test_an_empty_split_says_why_most_have_no_pose(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="4 of 5 have no pose: no face was found"):
        write_split(cut(tmp_path / "set", [0.0, *[float("nan")] * 4]), tmp_path / "out", readme="")


def test_a_cut_without_any_pose_is_not_written_even_if_the_unsure_are_included(
    tmp_path: Path,
) -> None:
    split = cut(tmp_path / "set", [NAN] * 5, unsure="include")
    with pytest.raises(ManifestError, match="no picture has a pose, nothing is written; 5 of 5"):
        write_split(split, tmp_path / "out", readme="")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("least", [0.7, 0.4996])
def test_a_confidence_is_written_as_exactly_as_it_was_compared(
    tmp_path: Path, least: float
) -> None:
    given = [least, least - 1e-4, least + 1e-4, 1.0, 1.0]
    split = cut(tmp_path / "set", [40.0] * 5, confidence=given, min_confidence=least)
    write_split(split, tmp_path / "out", readme="")
    read = pd.read_csv(tmp_path / "out/angles.csv")
    assert read["category"].tolist() == ["large", "low confidence", "large", "large", "large"]
    assert (read["confidence"] < least).tolist() == [False, True, False, False, False]
    assert read["reason"][1] == f"confidence below {least}"


def test_what_other_commands_left_beside_a_split_may_stay(tmp_path: Path) -> None:
    split = cut(tmp_path / "set", YAWS)
    write_split(split, tmp_path / "out", readme="")
    (tmp_path / "out/verify").mkdir()
    (tmp_path / "out/pose-affectnet-30.lock.json").write_text("{}")
    write_split(split, tmp_path / "out", readme="")
    assert (tmp_path / "out/pose-affectnet-30.lock.json").exists()


def test_what_another_split_left_is_removed(tmp_path: Path) -> None:
    split = cut(tmp_path / "set", YAWS)
    (tmp_path / "list.txt").write_text("6/1.jpg\n6/1.jpg\n0/4.jpg\n")
    frame = split.manifest.frame
    listed = find_listed(tmp_path / "list.txt", frame, "affectnet", duplicates="keep")
    write_split(split, tmp_path / "out", readme="", comparison=compare_with_list(split, listed))
    assert (tmp_path / "out/compare.csv").read_text().count("\n") == 1
    write_split(split_by_list(split.manifest, listed), tmp_path / "out", readme="")
    assert sorted(contents(tmp_path / "out")) == [
        "README.md",
        "list.txt",
        "manifest.parquet",
        "summary.csv",
    ]


def test_lines_that_repeat_a_picture_can_be_kept(tmp_path: Path) -> None:
    manifest = cut(tmp_path / "set", YAWS).manifest
    (tmp_path / "list.txt").write_text("0/4.jpg\n6/1.jpg\n6/1.jpg\n")
    listed = find_listed(tmp_path / "list.txt", manifest.frame, "affectnet", duplicates="keep")
    write_split(split_by_list(manifest, listed), tmp_path / "out", readme="")
    assert (tmp_path / "out/list.txt").read_text() == "0/4.jpg\n6/1.jpg\n6/1.jpg\n"
    frame = read_manifest(tmp_path / "out").frame
    assert dict(zip(frame["sample_id"], frame["times_listed"], strict=True)) == {
        "val/1": 2,
        "val/4": 1,
    }
    assert frame["yaw_deg"].isna().all()


def test_published_counts_stand_beside_a_cut_of_the_same_rule_only(tmp_path: Path) -> None:
    split = cut(tmp_path, YAWS)
    counts = summary_table(split).set_index("expression")["public_list"]
    assert counts.to_dict() == {
        "anger": 270,
        "fear": 263,
        "neutral": 230,
        "contempt": 200,
        "all": 963,
    }
    for rule in (
        PoseRule(31.0),
        PoseRule(30.0, 20.0),
        PoseRule(30.0, None, "yaw"),
        PoseRule(30.0, None, "any", "fertools"),
    ):
        assert split.cut is not None
        assert public_counterpart(replace(split, cut=replace(split.cut, rule=rule))) is None


def test_a_csv_quotes_what_needs_it_and_leaves_out_what_is_not_known() -> None:
    table = pd.DataFrame(
        {
            "name": pd.Series(["a", 'b "c", d', None], dtype="string"),
            "angle": [0.12349, -0.00001, NAN],
            "count": [1, 2, 3],
        }
    )
    lines = table_csv(table).decode().splitlines()
    assert lines[0] == "name,angle,count"
    assert lines[2].startswith('"b ""c"", d",0')
    assert "-0" not in lines[2]
    read = pd.read_csv(io.StringIO("\n".join(lines)))
    assert read["angle"].round(6).tolist()[:2] == [0.123, 0.0]
    assert np.isnan(read["angle"][2])
    assert read["name"][1] == 'b "c", d'
