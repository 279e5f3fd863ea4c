"""Stand-ins of the sets in the wild: layouts to the letter, truth, and runs that are taken up."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fertools.errors import ConfigError, OutputError
from fertools.synth.affectnet import synthesise_affectnet
from fertools.synth.ibug import five_points
from fertools.synth.rafdb import ALIGNED_POINTS, synthesise_rafdb
from fertools.synth.wild_conditions import draw_conditions
from fertools.synth.wild_set import WildSummary, share_out
from fertools.synth.wild_truth import face_box

SEED = 4


@pytest.fixture(scope="module")
def rafdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighteen pictures by two processes."""
    root = tmp_path_factory.mktemp("wild") / "rafdb"
    summary = synthesise_rafdb(root, train=10, test=8, seed=SEED, workers=2)
    assert summary == WildSummary(root, pictures=18, identities=4, made=18, kept=0)
    return root


@pytest.fixture(scope="module")
def affectnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first release, thirteen rows each."""
    root = tmp_path_factory.mktemp("wild") / "affectnet"
    synthesise_affectnet(root, train=13, val=13, seed=SEED, workers=1)
    return root


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same pictures in the new release."""
    root = tmp_path_factory.mktemp("wild") / "affectnet"
    synthesise_affectnet(root, release="new", train=13, val=13, seed=SEED, workers=1)
    return root


def truth_of(root: Path) -> pd.DataFrame:
    return pd.read_parquet(root / "ground_truth.parquet").set_index("sample_id")


def bytes_of(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def points_of(row: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(row["points"]).reshape(68, 2)


class TestRafdb:
    def test_the_tree_is_that_of_the_authors(self, rafdb: Path) -> None:
        stems = [f"train_{n:05d}" for n in range(1, 11)] + [f"test_{n:04d}" for n in range(1, 9)]
        expected = {".lock", "SYNTHETIC.json", "ground_truth.parquet"}
        expected.add("EmoLabel/list_patition_label.txt")
        for stem in stems:
            expected |= {
                f"Image/original/{stem}.jpg",
                f"Image/aligned/{stem}_aligned.jpg",
                f"Annotation/boundingbox/{stem}_boundingbox.txt",
                f"Annotation/auto/{stem}_auto_attri.txt",
                f"Annotation/manual/{stem}_manu_attri.txt",
            }
        assert set(bytes_of(rafdb)) == expected

    def test_the_list_of_labels_has_no_newline_at_its_end(self, rafdb: Path) -> None:
        text = (rafdb / "EmoLabel/list_patition_label.txt").read_text()
        lines = text.split("\n")
        assert len(lines) == 18
        assert all(re.fullmatch(r"(train_\d{5}|test_\d{4})\.jpg [1-7]", line) for line in lines)
        for split in ("train", "test"):
            assert {line[-1] for line in lines if line.startswith(split)} == set("1234567")

    def test_annotations_have_the_authors_lines(self, rafdb: Path) -> None:
        truth = truth_of(rafdb)
        for stem, row in truth.iterrows():
            box = (rafdb / f"Annotation/boundingbox/{stem}_boundingbox.txt").read_text().split()
            assert np.array(box, dtype=float) == pytest.approx(row["face_box"], abs=1e-4)
            auto = (rafdb / f"Annotation/auto/{stem}_auto_attri.txt").read_text().splitlines()
            assert len(auto) == 37
            manual = (rafdb / f"Annotation/manual/{stem}_manu_attri.txt").read_text().splitlines()
            assert len(manual) == 8
            five = np.array([line.split("\t") for line in manual[:5]], dtype=float)
            assert five == pytest.approx(five_points(points_of(row)), abs=1e-3)
            gender, race, age = map(int, manual[5:])
            assert (gender in range(3), race in range(3), age in range(5)) == (True, True, True)

    def test_nobody_is_in_both_splits(self, rafdb: Path) -> None:
        truth = truth_of(rafdb)
        people = truth.groupby("split")["identity"].agg(set)
        assert not people["train"] & people["test"]

    def test_the_true_points_lie_on_the_face(self, rafdb: Path) -> None:
        for stem, row in truth_of(rafdb).iterrows():
            with Image.open(rafdb / f"Image/original/{stem}.jpg") as picture:
                assert picture.size == (row["width"], row["height"])
            points = points_of(row)
            x0, y0, x1, y1 = row["face_box"]
            eyes = points[36:48]
            assert (eyes > [x0, y0]).all()
            assert (eyes < [x1, y1]).all()
            assert row["expression"] in ("neutral",) or row["intensity"] in (2, 3, 4)

    def test_positive_yaw_has_the_nose_right_of_the_eyes(self, rafdb: Path) -> None:
        truth = truth_of(rafdb)
        turned = truth[truth["yaw_deg"].abs() > 15]
        assert len(turned) >= 4
        for _, row in turned.iterrows():
            points = points_of(row)
            roll = np.radians(row["roll_deg"])
            right = np.array([np.cos(roll), np.sin(roll)])  # of the tilted face, y down
            nose = (points[30] - points[36:48].mean(axis=0)) @ right
            assert np.sign(nose) == np.sign(row["yaw_deg"])

    def test_the_aligned_picture_has_the_face_in_its_place(self, rafdb: Path) -> None:
        for stem, row in truth_of(rafdb).iterrows():
            with Image.open(rafdb / f"Image/aligned/{stem}_aligned.jpg") as picture:
                assert picture.size == (100, 100)
            matrix = np.array(row["crop_matrix"]).reshape(2, 3)
            five = five_points(points_of(row)) @ matrix[:, :2].T + matrix[:, 2]
            assert five.mean(axis=0) == pytest.approx(ALIGNED_POINTS.mean(axis=0), abs=0.1)
            if abs(row["yaw_deg"]) < 20:
                assert np.abs(five - ALIGNED_POINTS).max() < 12

    def test_one_process_gives_the_same_bytes_as_two(self, rafdb: Path, tmp_path: Path) -> None:
        synthesise_rafdb(tmp_path / "one", train=10, test=8, seed=SEED, workers=1)
        assert bytes_of(tmp_path / "one") == bytes_of(rafdb)

    def test_a_run_taken_up_gives_the_same_bytes(self, rafdb: Path, tmp_path: Path) -> None:
        import shutil

        root = tmp_path / "again"
        shutil.copytree(rafdb, root)
        marker = json.loads((root / "SYNTHETIC.json").read_text())
        (root / "SYNTHETIC.json").write_text(json.dumps(marker | {"complete": False}))
        (root / "Image/original/train_00002.jpg").unlink()
        cut = root / "Image/aligned/test_0003_aligned.jpg"
        cut.write_bytes(cut.read_bytes()[:50])
        summary = synthesise_rafdb(root, train=10, test=8, seed=SEED)
        assert (summary.made, summary.kept) == (12, 6)  # two sittings of six
        assert bytes_of(root) == bytes_of(rafdb)
        assert synthesise_rafdb(root, train=10, test=8, seed=SEED).made == 0

    def test_a_run_stopped_half_way_keeps_what_it_has(
        self, rafdb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from fertools.synth import wild_set

        root, take = tmp_path / "stopped", wild_set._take

        def stop(part: Any, planned: Any) -> Any:
            if planned.sample_id == "test_0002":
                raise KeyboardInterrupt
            return take(part, planned)

        monkeypatch.setattr(wild_set, "_take", stop)
        with pytest.raises(KeyboardInterrupt):
            synthesise_rafdb(root, train=10, test=8, seed=SEED)
        assert json.loads((root / "SYNTHETIC.json").read_text())["complete"] is False
        monkeypatch.undo()
        assert synthesise_rafdb(root, train=10, test=8, seed=SEED).kept == 10
        assert bytes_of(root) == bytes_of(rafdb)

    def test_another_seed_or_a_strangers_folder_is_refused(
        self, rafdb: Path, tmp_path: Path
    ) -> None:
        with pytest.raises(ConfigError, match="seed"):
            synthesise_rafdb(rafdb, train=10, test=8, seed=SEED + 1)
        with pytest.raises(ConfigError, match="train"):
            synthesise_rafdb(rafdb, train=11, test=8, seed=SEED)
        (tmp_path / "thesis.doc").write_text("mine")
        with pytest.raises(OutputError, match=r"thesis\.doc"):
            synthesise_rafdb(tmp_path, train=10, test=8, seed=SEED)

    def test_the_copy_on_kaggle_has_folders_by_label(self, rafdb: Path, tmp_path: Path) -> None:
        root = tmp_path / "kaggle"
        synthesise_rafdb(root, train=7, test=7, seed=SEED, layout="kaggle")
        table = pd.read_csv(root / "train_labels.csv")
        assert list(table.columns) == ["image", "label"]
        for image, label in table.itertuples(index=False):
            assert (root / f"DATASET/train/{label}/{image}").is_file()
        assert sorted(table["label"]) == list(range(1, 8))

    def test_planted_faults_stay_when_the_command_is_given_again(
        self, rafdb: Path, tmp_path: Path
    ) -> None:
        import shutil

        root = tmp_path / "planted"
        shutil.copytree(rafdb, root)
        faults = ("duplicate", "truncated")
        assert synthesise_rafdb(root, train=10, test=8, seed=SEED, plant=faults).made == 0
        planted = bytes_of(root)
        assert len(planted) > len(bytes_of(rafdb))
        assert synthesise_rafdb(root, train=10, test=8, seed=SEED, plant=faults).made == 0
        assert bytes_of(root) == planted


class TestAffectnet:
    def test_the_lists_are_those_of_the_first_release(self, affectnet: Path) -> None:
        lists = affectnet / "Manually_Annotated_file_lists"
        columns = (
            "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
            "expression,valence,arousal"
        )
        training = (lists / "training.csv").read_text().splitlines()
        validation = (lists / "validation.csv").read_text().splitlines()
        assert training[0] == columns
        assert (len(training), len(validation)) == (14, 13)
        pictures = affectnet / "Manually_Annotated_compressed/Manually_Annotated_Images"
        codes, suffixes = [], set()
        for line in training[1:]:
            path, *box, landmarks, code, valence, arousal = line.split(",")
            assert re.fullmatch(r"\d+/[0-9a-f]{56}\.(jpg|png|JPG|jpeg|tif)", path)
            x, y, wide, high = map(int, box)
            with Image.open(pictures / path) as picture:
                assert 0 <= x < x + wide <= picture.width
                assert 0 <= y < y + high <= picture.height
            assert len([float(value) for value in landmarks.split(";")]) == 136
            suffixes.add(path.rsplit(".")[-1])
            codes.append(int(code))
            rated = -1 <= float(valence) <= 1 and -1 <= float(arousal) <= 1
            assert rated == (int(code) < 9)
        assert set(codes) == set(range(11))
        assert suffixes == {"jpg", "png", "JPG", "jpeg", "tif"}
        assert validation[0].split(",")[-3] == "7"  # the row that the new release lost

    def test_a_picture_without_a_face_has_no_pose(self, affectnet: Path) -> None:
        truth = truth_of(affectnet)
        empty = truth[truth["label"] == 10]
        assert len(empty) >= 2
        assert empty[["yaw_deg", "identity", "points"]].isna().all().all()
        assert truth[truth["label"] != 10]["yaw_deg"].notna().all()

    def test_the_validation_list_may_have_a_header(self, tmp_path: Path) -> None:
        synthesise_affectnet(tmp_path, train=11, val=12, seed=SEED, header_in_validation=True)
        path = tmp_path / "Manually_Annotated_file_lists/validation.csv"
        assert path.read_text().startswith("subDirectory_filePath,")

    def test_the_new_release_numbers_the_rows_with_gaps(self, affectnet: Path, crops: Path) -> None:
        text = (affectnet / "Manually_Annotated_file_lists/validation.csv").read_text()
        codes = [int(line.split(",")[-3]) for line in text.splitlines()]
        expected = {str(row - 1): code for row, code in enumerate(codes) if row and code < 8}
        found = {}
        for path in (crops / "val_set/annotations").glob("*_exp.npy"):
            found[path.name.removesuffix("_exp.npy")] = int(np.load(path))
        assert found == expected
        assert {p.stem for p in (crops / "val_set/images").iterdir()} == set(expected)

    def test_the_new_release_holds_crops_and_arrays(self, crops: Path) -> None:
        kinds = set()
        for path in (crops / "train_set/images").iterdir():
            with Image.open(path) as picture:
                assert picture.size == (224, 224)
            arrays = crops / "train_set/annotations"
            label = np.load(arrays / f"{path.stem}_exp.npy")
            kinds.add(label.dtype.kind)
            assert label.shape == ()
            assert np.load(arrays / f"{path.stem}_lnd.npy").shape == (136,)
            for kind in ("val", "aro"):
                assert -1 <= float(np.load(arrays / f"{path.stem}_{kind}.npy")) <= 1
        assert "U" in kinds

    def test_both_releases_show_the_same_pictures(self, affectnet: Path, crops: Path) -> None:
        whole, cut = truth_of(affectnet), truth_of(crops)
        whole = whole[whole["split"] == "train"].reset_index()
        for name, row in cut[cut["split"] == "train"].iterrows():
            other = whole.loc[int(str(name).removeprefix("train/"))]
            for column in ("yaw_deg", "identity", "label", "valence"):
                assert other[column] == row[column]
            eyes = points_of(row)[36:48]
            assert ((eyes > 0) & (eyes < 224)).all()


class TestDrawing:
    def test_a_good_share_of_poses_is_large_and_none_absurd(self) -> None:
        drawn = [draw_conditions([1, n]) for n in range(2000)]
        largest = np.array([max(abs(c.yaw_deg), abs(c.pitch_deg)) for c in drawn])
        assert 0.24 < (largest > 30).mean() < 0.36
        assert 0.10 < (largest > 45).mean() < 0.20
        assert max(abs(c.yaw_deg) for c in drawn) <= 85
        assert {c.occlusion for c in drawn} > {"none", "hand", "scarf", "sunglasses"}

    def test_shares_add_up_and_leave_no_class_out(self) -> None:
        assert share_out(400, (1290, 281, 717, 4772, 1982, 705, 2524), what="train") == [
            *(42, 10, 24, 154, 64, 24, 82),
        ]
        assert share_out(7, (1, 1000, 1, 1, 1, 1, 1), what="train") == [1] * 7
        with pytest.raises(ConfigError, match="train is 6"):
            share_out(6, (1,) * 7, what="train")

    def test_a_face_box_stays_in_the_picture(self) -> None:
        points = np.stack([np.linspace(-5, 60, 68), np.linspace(2, 90, 68)], axis=1)
        for square in (False, True):
            x0, y0, x1, y1 = face_box(points, width=80, height=95, square=square)
            assert 0 <= x0 < x1 <= 80
            assert 0 <= y0 < y1 <= 95
