"""AffectNet: both releases, lists with and without a head, and annotations that are not plain."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dataset_fakes import HEAD, affectnet, affectnet_new, affectnet_row, picture, put

from fertools.errors import DatasetError
from fertools.formats.affectnet import AffectnetOptions, open_affectnet
from fertools.formats.registry import Fault, Note, Row, Sample

LISTS = "Manually_Annotated_file_lists"
IMAGES = "Manually_Annotated_compressed/Manually_Annotated_Images"


def read(root: Path, **options: Any) -> list[Row]:
    return list(open_affectnet(root, AffectnetOptions(**options)).rows)


def by_id(rows: list[Row]) -> dict[str, Sample]:
    return {row.sample_id: row for row in rows if isinstance(row, Sample)}


def faults(rows: list[Row]) -> list[str]:
    return [str(row) for row in rows if isinstance(row, Fault)]


def append(root: Path, name: str, *lines: str) -> None:
    path = root / LISTS / name
    path.write_text(path.read_text() + "".join(f"{line}\n" for line in lines))


def test_the_first_row_of_a_list_without_a_head_is_a_sample(tmp_path: Path) -> None:
    affectnet(tmp_path)
    found = by_id(read(tmp_path))
    validation = [s for s in found.values() if s.split == "val"]
    assert len(validation) == 8
    names = ["neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt"]
    assert [s.expression for s in validation] == names


def test_landmarks_box_and_feeling_are_the_rows(tmp_path: Path) -> None:
    affectnet(tmp_path)
    sample = by_id(read(tmp_path))[f"1/{1:056x}"]
    assert sample.landmarks is not None
    assert sample.landmarks.shape == (68, 2)
    assert sample.landmarks[0].tolist() == pytest.approx([1.0, 2.1])
    assert sample.landmarks[1].tolist() == pytest.approx([3.2, 4.3])
    box = [sample.extra[f"face_{k}"] for k in ("x0", "y0", "x1", "y1")]
    assert box == [3, 4, 103, 114]
    assert (sample.extra["valence"], sample.extra["arousal"]) == (-0.25, 0.5)


def test_a_picture_is_found_by_its_stem_whatever_its_ending(tmp_path: Path) -> None:
    affectnet(tmp_path)
    found = by_id(read(tmp_path))
    assert {s.image.rsplit(".", 1)[1] for s in found.values()} == {
        "jpg",
        "png",
        "JPG",
        "jpeg",
        "tif",
    }


def test_rows_that_are_no_expression_are_counted(tmp_path: Path) -> None:
    affectnet(tmp_path)
    notes = {row.reason: row.count for row in read(tmp_path) if isinstance(row, Note)}
    assert notes["train: none (code 8), left out"] == 1
    assert notes["train: uncertain (code 9), left out"] == 1
    assert notes["train: non-face (code 10), left out"] == 1


def test_columns_may_come_in_another_order(tmp_path: Path) -> None:
    count = affectnet(tmp_path)
    path = tmp_path / LISTS / "training.csv"
    rows = [line.split(",") for line in path.read_text().splitlines()]
    path.write_text("\n".join(",".join([*row[5:], *row[:5]]) for row in rows))
    found = read(tmp_path)
    assert len(by_id(found)) == count
    assert not faults(found)


@pytest.mark.parametrize(
    ("row", "match"),
    [
        (affectnet_row("0/absent.jpg", 1), "there is no picture '0/absent.jpg'"),
        (affectnet_row(f"1/{1:056x}.jpg", 1), "is also in training.csv, line 2; remove one row"),
        (affectnet_row("0/new.jpg", 11), "expression '11'; expected 0 to 10"),
        (affectnet_row("0/new.jpg", "happy"), "expression 'happy'"),
        (affectnet_row("0/new.jpg", "1.0"), "expression '1.0'"),
        ("0/new.jpg,1,2,3", "has 4 cells; expected 9"),
        (affectnet_row("0/new.jpg", 1, points=67), "134 landmark numbers; expected 136"),
        (affectnet_row("0/new.jpg", 1).replace(",100,", ",0,"), "the face box"),
        (affectnet_row("0/new.jpg", 1).replace("0.0;", "nan;", 1), "a landmark is no number"),
        (affectnet_row("0/new.jpg", 1).replace("-0.25", "55"), "valence 55, expected -1 to 1"),
        (affectnet_row("0/new.jpg", 1).replace(",0.5", ",inf"), "arousal inf"),
        (affectnet_row("0/new.jpg", "9" * 5000), "expression '99999"),
        (affectnet_row("0/new.jpg", 1).replace(",100,", ",100\r,"), "is no line of a CSV"),
    ],
)
def test_a_row_that_cannot_be_used_is_a_fault(tmp_path: Path, row: str, match: str) -> None:
    affectnet(tmp_path)
    put(tmp_path / IMAGES / "0/new.jpg", picture(99))
    append(tmp_path, "training.csv", row)
    said = faults(read(tmp_path))
    assert len(said) == 1
    assert said[0].startswith(f"{LISTS}/training.csv, line 13: ")
    assert match in said[0]


@pytest.mark.parametrize("name", ["../x.jpg", "/x/y.jpg", "1/../../y.jpg", "..\\y\\z.jpg"])
def test_a_list_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    affectnet(tmp_path)
    append(tmp_path, "validation.csv", affectnet_row(name, 1))
    with pytest.raises(DatasetError, match="the list is refused"):
        read(tmp_path)


def test_a_head_that_differs_is_refused(tmp_path: Path) -> None:
    affectnet(tmp_path)
    path = tmp_path / LISTS / "training.csv"
    path.write_text(path.read_text().replace(HEAD, HEAD.replace(",expression,", ",emotion,")))
    with pytest.raises(DatasetError, match="the head has no column 'expression'"):
        read(tmp_path)
    path.write_text(HEAD + ",expression\n")
    with pytest.raises(DatasetError, match="two columns 'expression'"):
        read(tmp_path)
    path.write_text("name;label\n")
    with pytest.raises(DatasetError, match="the first line has 1 cells and begins 'name;label'"):
        read(tmp_path)


def test_lists_without_pictures_are_said(tmp_path: Path) -> None:
    put(tmp_path / "training.csv", HEAD + "\n")
    with pytest.raises(DatasetError, match="no folder Manually_Annotated_Images"):
        read(tmp_path)


def test_two_releases_need_a_choice(tmp_path: Path) -> None:
    affectnet(tmp_path)
    affectnet_new(tmp_path)
    with pytest.raises(DatasetError, match=r"holds two releases.*choose one with --release"):
        read(tmp_path)
    assert {s.extra["release"] for s in by_id(read(tmp_path, release="new")).values()} == {"new"}
    assert {s.extra["release"] for s in by_id(read(tmp_path, release="2017")).values()} == {"2017"}


def test_labels_saved_as_text_are_read(tmp_path: Path) -> None:
    affectnet_new(tmp_path)
    found = by_id(read(tmp_path))
    assert found["train/2"].expression == "happiness"  # saved as '1'
    assert found["train/2"].extra["arousal"] == 0.25
    assert found["train/1"].landmarks is not None
    assert found["train/1"].landmarks[0].tolist() == [1, 2]


def saved(value: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, value, allow_pickle=True)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (saved(np.array(9)), "expression 9; expected 0 to 7"),
        (saved(np.array("happy")), "is no number"),
        (saved(np.array([1, 2])), "has 2 values; expected one"),
        (saved(np.array(np.nan)), "is no number"),
        (saved(np.array(3.7)), "expression 3.7; expected 0 to 7"),
        (saved(np.array("-0.9")), "expression -0.9; expected 0 to 7"),
        (saved(np.array(True)), "values of type 'b'"),
        (saved(np.array(1 + 0j)), "values of type 'c'"),
        (saved(np.zeros(1, dtype=[("x", "f4")])), "values of type 'V'"),
        (b"\x93NUMPY\x01\x00\x1c\x00{'descr': 'it's', ((((((\n     ", "is no plain .npy array"),
        (saved(np.array({"run": "me"}, dtype=object)), "is no plain .npy array"),
        (pickle.dumps({"run": "me"}), "is no plain .npy array"),
        (saved(np.array(1))[:40], "is no plain .npy array"),
        (b"", "is empty"),
    ],
)
def test_a_label_that_is_no_plain_number_is_a_fault(
    tmp_path: Path, data: bytes, match: str
) -> None:
    affectnet_new(tmp_path)
    put(tmp_path / "train_set/annotations/2_exp.npy", data)
    rows = read(tmp_path)
    assert "train/2" not in by_id(rows)
    assert len(faults(rows)) == 1
    assert faults(rows)[0].startswith("train_set/annotations/2_exp.npy: ")
    assert match in faults(rows)[0]


def test_a_giant_array_in_a_small_file_is_not_made(tmp_path: Path) -> None:
    affectnet_new(tmp_path)
    head = saved(np.zeros(136)).replace(b"(136,)", b"(9999999999,)")
    put(tmp_path / "train_set/annotations/2_lnd.npy", head)
    rows = read(tmp_path)
    assert by_id(rows)["train/2"].landmarks is None
    assert len(faults(rows)) == 1


def test_an_annotation_without_a_picture_and_a_picture_without_one_are_faults(
    tmp_path: Path,
) -> None:
    affectnet_new(tmp_path)
    (tmp_path / "val_set/images/11.jpg").unlink()
    (tmp_path / "val_set/annotations/12_exp.npy").unlink()
    said = faults(read(tmp_path))
    assert "val_set/annotations/11_exp.npy: there is no picture of this number" in said
    assert any(text.startswith("val_set/annotations/12_exp.npy: there is no such") for text in said)


def test_a_part_that_is_not_unpacked_is_a_fault(tmp_path: Path) -> None:
    affectnet_new(tmp_path)
    (tmp_path / "val_set").rename(tmp_path / "elsewhere")
    said = faults(read(tmp_path))
    assert len(said) == 1
    assert "so that the whole split 'val' would be missing" in said[0]
