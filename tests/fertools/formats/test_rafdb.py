"""RAF-DB: its three layouts, its lists as they come, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dataset_fakes import picture, put, rafdb, rafdb_kaggle

from fertools.errors import ConfigError, DatasetError
from fertools.formats.rafdb import RafdbOptions, open_rafdb, parse_class_map
from fertools.formats.registry import Fault, Note, Row, Sample

LIST = "basic/EmoLabel/list_patition_label.txt"


def read(root: Path, **options: Any) -> list[Row]:
    return list(open_rafdb(root, RafdbOptions(**options)).rows)


def by_id(rows: list[Row]) -> dict[str, Sample]:
    return {row.sample_id: row for row in rows if isinstance(row, Sample)}


def faults(rows: list[Row]) -> list[str]:
    return [str(row) for row in rows if isinstance(row, Fault)]


def test_codes_and_splits_are_the_authors(tmp_path: Path) -> None:
    rafdb(tmp_path)
    found = by_id(read(tmp_path))
    names = ["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"]
    assert [found[f"train_{n:05d}"].expression for n in range(1, 8)] == names
    assert found["test_0001"].expression == "neutral"
    assert found["test_0001"].split == "test"
    assert found["train_00001"].image == "Image/aligned/train_00001_aligned.jpg"


def test_points_and_box_go_with_the_original_picture_only(tmp_path: Path) -> None:
    rafdb(tmp_path)
    aligned = by_id(read(tmp_path))["train_00002"]
    assert aligned.landmarks is None
    assert aligned.extra["face_x0"] is None
    assert aligned.extra["gender"] == "female"
    original = by_id(read(tmp_path, images="original"))["train_00002"]
    assert original.landmarks is not None
    assert np.array_equal(original.landmarks[1], [11.5, 13.25])
    assert [original.extra[k] for k in ("gender", "race", "age")] == ["female", "asian", "40-69"]
    assert [original.extra[f"face_{k}"] for k in ("x0", "y0", "x1", "y1")] == [5.5, 6.25, 30, 28.75]


def test_dos_line_ends_and_a_byte_order_mark_are_taken(tmp_path: Path) -> None:
    count = rafdb(tmp_path)
    path = tmp_path / LIST
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    rows = read(tmp_path)
    assert len(by_id(rows)) == count
    assert not faults(rows)


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("train_00001.jpg 1", "'train_00001' is also on line 1; remove one"),
        ("train_00009.jpg 8", "label '8'; expected 1 to 7"),
        ("train_00009.jpg 0", "label '0'; expected 1 to 7"),
        ("train_00009.jpg happy", "label 'happy'"),
        ("train_00009.jpg", "1 words; expected a name and a label"),
        ("train_0009.jpg 3", "expected train_##### or test_####"),
        ("train_00009.jpg 3", "Image/aligned has no picture train_00009"),
    ],
)
def test_a_line_that_cannot_be_used_is_a_fault(tmp_path: Path, line: str, match: str) -> None:
    count = rafdb(tmp_path)
    path = tmp_path / LIST
    path.write_text(f"{path.read_text()}\n{line}\n")
    rows = read(tmp_path)
    assert any(f"line {count + 1}" in text and match in text for text in faults(rows))
    assert len(by_id(rows)) == count


def test_of_two_labels_neither_is_used(tmp_path: Path) -> None:
    count = rafdb(tmp_path)
    path = tmp_path / LIST
    path.write_text(f"{path.read_text()}\ntrain_00001.jpg 2\n")
    rows = read(tmp_path)
    assert "train_00001" not in by_id(rows)
    assert len(by_id(rows)) == count - 1
    assert any("another label on line 15: neither is used" in text for text in faults(rows))


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b.jpg", "C:\\x.jpg"])
def test_a_list_that_leads_out_is_refused_as_a_whole(tmp_path: Path, name: str) -> None:
    rafdb(tmp_path)
    path = tmp_path / LIST
    path.write_text(f"{path.read_text()}\n{name} 3\n")
    with pytest.raises(DatasetError, match=r"line 15 names .*the list is refused"):
        read(tmp_path)


def test_a_list_that_is_not_utf8_is_named_with_its_line(tmp_path: Path) -> None:
    rafdb(tmp_path)
    path = tmp_path / LIST
    path.write_bytes(path.read_bytes() + "\nträin.jpg 3".encode("latin-1"))
    with pytest.raises(DatasetError, match=r"line 15 is not UTF-8 text \(byte 3\)"):
        read(tmp_path)


def test_pictures_that_no_line_names_are_counted(tmp_path: Path) -> None:
    rafdb(tmp_path)
    put(tmp_path / "basic/Image/aligned/train_09999_aligned.jpg", picture(1))
    notes = [row for row in read(tmp_path) if isinstance(row, Note)]
    assert notes == [Note("in Image/aligned but not in the list, left out", 1)]


def test_pictures_still_packed_are_said(tmp_path: Path) -> None:
    rafdb(tmp_path, kinds=())
    put(tmp_path / "basic/Image/aligned.zip", b"PK")
    with pytest.raises(
        DatasetError, match=r"no picture in Image/aligned.*unpack Image/aligned.zip"
    ):
        read(tmp_path)


def test_a_damaged_annotation_is_listed_and_the_picture_kept(tmp_path: Path) -> None:
    count = rafdb(tmp_path)
    put(tmp_path / "basic/Annotation/manual/train_00003_manu_attri.txt", "1 2\n3 4\n")
    put(tmp_path / "basic/Annotation/boundingbox/train_00004_boundingbox.txt", "9 9 1 1\n")
    rows = read(tmp_path, images="original")
    assert len(by_id(rows)) == count
    assert by_id(rows)["train_00003"].landmarks is None
    assert len(faults(rows)) == 2
    assert all("the picture is used without it" in text for text in faults(rows))


def test_two_layouts_are_refused(tmp_path: Path) -> None:
    rafdb(tmp_path)
    rafdb_kaggle(tmp_path)
    with pytest.raises(DatasetError, match="holds two layouts"):
        read(tmp_path)


def make_bare(root: Path) -> None:
    for number in range(7):
        put(root / f"train/{number}/train_{number + 1:05d}_aligned.jpg", picture(number))
        put(root / f"test/{number}/test_{number + 1:04d}_aligned.jpg", picture(number + 20))


def test_bare_class_folders_need_a_map(tmp_path: Path) -> None:
    make_bare(tmp_path)
    with pytest.raises(DatasetError, match="say which is which with --class-map"):
        read(tmp_path)
    names = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
    text = ",".join(f"{number}={name}" for number, name in enumerate(names))
    found = by_id(read(tmp_path, class_map=parse_class_map(text)))
    assert [found[f"train_{n + 1:05d}"].expression for n in range(7)] == names


@pytest.mark.parametrize("text", ["0", "0=", "=fear", "0=fear,0=anger"])
def test_a_class_map_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--class-map"):
        parse_class_map(text)


def test_the_kaggle_table_must_agree_with_the_folders(tmp_path: Path) -> None:
    count = rafdb_kaggle(tmp_path)
    path = tmp_path / "train_labels.csv"
    path.write_text(
        path.read_text().replace("train_00002_aligned.jpg,2", "train_00002_aligned.jpg,5")
    )
    rows = read(tmp_path)
    assert len(by_id(rows)) == count - 1
    assert faults(rows) == ["train/2/train_00002_aligned.jpg: train_labels.csv says label '5'"]
    path.write_text("file;class\n")
    with pytest.raises(DatasetError, match="the head is 'file;class'; expected 'image,label'"):
        read(tmp_path)


def test_a_picture_that_the_kaggle_table_names_must_be_there(tmp_path: Path) -> None:
    rafdb_kaggle(tmp_path)
    (tmp_path / "DATASET/test/5/test_0003_aligned.jpg").unlink()
    said = faults(read(tmp_path))
    assert said == ["test_labels.csv: names test_0003, which is in no class folder"]


def test_of_two_files_of_one_picture_neither_is_used(tmp_path: Path) -> None:
    count = rafdb(tmp_path)
    put(tmp_path / "basic/Image/aligned/train_00002_aligned.png", picture(5, "png"))
    rows = read(tmp_path)
    assert "train_00002" not in by_id(rows)
    assert len(by_id(rows)) == count - 1
    assert any(
        "the same picture as Image/aligned/train_00002_aligned.jpg" in t for t in faults(rows)
    )


def test_the_kaggle_table_must_not_contradict_itself(tmp_path: Path) -> None:
    count = rafdb_kaggle(tmp_path)
    path = tmp_path / "train_labels.csv"
    path.write_text(path.read_text() + "train_00001_aligned.jpg,2\ntrain_00001_aligned.jpg,1\n")
    rows = read(tmp_path)
    assert len(by_id(rows)) == count - 1
    assert any("line 9: names train_00001 once more" in text for text in faults(rows))
    assert any("says label '1 and 2" in text for text in faults(rows))


def test_what_lies_beside_the_class_folders_is_said(tmp_path: Path) -> None:
    rafdb_kaggle(tmp_path)
    put(tmp_path / "DATASET/train/train_00099_aligned.jpg", picture(5))
    (tmp_path / "DATASET/test/3/test_0005_aligned.jpg").unlink()
    (tmp_path / "DATASET/test/3").rmdir()
    said = faults(read(tmp_path))
    assert any(
        text.startswith("train/train_00099_aligned.jpg: is no class folder") for text in said
    )
    assert "test/3: there is no such class folder; unpack it again" in said


def test_a_pipe_in_place_of_the_list_does_not_hang(tmp_path: Path) -> None:
    rafdb(tmp_path)
    (tmp_path / LIST).unlink()
    os.mkfifo(tmp_path / LIST)
    with pytest.raises(DatasetError, match="is a pipe or a device, no regular file"):
        read(tmp_path)
