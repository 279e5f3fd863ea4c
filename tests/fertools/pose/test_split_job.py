from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dataset_fakes import picture, put, rafdb_kaggle
from pose_homes import (
    AFFECTNET_VAL,
    affectnet_home,
    affectnet_new_home,
    mark_standin,
    rafdb_home,
)

from fertools.errors import ConfigError, DatasetError, ManifestError, OutputError
from fertools.manifest import read_manifest
from fertools.pose import job, registry
from fertools.pose.conventions import get_convention
from fertools.pose.registry import FaceBatch, NoOptions, PoseEstimates, choose_options
from fertools.pose.rules import PoseRule
from fertools.pose.split_job import choose_sets, make_pose_split
from fertools.pose.split_options import SplitOptions

TRUE = SplitOptions(estimator="ground_truth")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FERTOOLS_DATA", str(tmp_path))
    return tmp_path


class Sizes:
    """Yaw is the picture's width, so that it tells which pictures were looked at."""

    version = "sizes 1"
    num_asked = 0

    def estimate(self, batch: FaceBatch) -> PoseEstimates:
        self.num_asked += len(batch)
        found = PoseEstimates.empty(len(batch), reason="")
        angles = np.stack([batch.sizes[:, 0], *[np.zeros(len(batch))] * 2], axis=1)
        rotations = get_convention("fertools").rotations(angles.astype(float))
        return PoseEstimates(rotations, np.ones(len(batch)), found.num_faces, [None] * len(batch))


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sizes]:
    """Estimators of pictures and of landmarks, both called after sizes."""
    registry.list_estimators()
    one = Sizes()
    for name, reads in (("sizes", "pictures"), ("sizes5", "landmarks")):
        entry = registry.Estimator(name, "", reads, "", NoOptions, lambda options: one)  # type: ignore[arg-type]
        monkeypatch.setitem(registry._ESTIMATORS, name, entry)
    job._opened.cache_clear()
    yield one
    job._opened.cache_clear()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a split of RAF-DB that was cut by the true poses; nobody may change it."""
    home = tmp_path_factory.mktemp("done")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FERTOOLS_DATA", str(home))
        rafdb_home(home)
        yield make_pose_split("rafdb", TRUE).manifest.path.parent


def selected(folder: Path) -> list[str]:
    names: list[str] = read_manifest(folder).frame["sample_id"].tolist()
    return names


def test_everything_that_is_missing_is_made_on_the_way(home: Path) -> None:
    rafdb_home(home)
    said: list[str] = []
    summary = make_pose_split("rafdb", TRUE, say=said.append)
    assert selected(home / "derived/pose-rafdb-30-ground_truth") == [
        "test_0001",
        "test_0002",
        "test_0004",
    ]
    assert [line.split(":")[1].split(",")[0] for line in said] == [" indexed first"] * 2
    assert (home / "derived/rafdb-original/landmarks.parquet").exists()
    agreement = summary.split.agreement()
    assert (agreement.precision, agreement.recall) == (1, 1)
    assert summary.split.table["category"].iloc[-1] == "no pose"
    assert summary.skipped == ()


def test_a_second_threshold_indexes_and_estimates_nothing(home: Path, sizes: Sizes) -> None:
    rafdb_home(home)
    said: list[str] = []
    for limit in (30.0, 39.0):
        options = SplitOptions(rule=PoseRule(limit), estimator="sizes")
        make_pose_split("rafdb", options, say=said.append)
        assert len(said) == 2
        assert sizes.num_asked == 7


def test_two_thresholds_make_a_part_and_its_part(home: Path) -> None:
    affectnet_home(home)
    taken = []
    for limit in (30.0, 45.0):
        options = SplitOptions(rule=PoseRule(limit), estimator="ground_truth")
        taken.append(set(make_pose_split("affectnet", options).split.listing()[0]))
    codes = [[AFFECTNET_VAL.index(name) for name in sorted(names)] for names in taken]
    assert sorted(codes[0]) == [1, 2, 4, 6, 7]
    assert sorted(codes[1]) == [2, 4, 7]


def test_seven_classes_have_a_folder_of_their_own(home: Path) -> None:
    affectnet_home(home)
    make_pose_split("affectnet", TRUE)
    make_pose_split("affectnet", SplitOptions(estimator="ground_truth", classes=7))
    eight, seven = (
        home / f"derived/pose-affectnet-30-ground_truth{end}" for end in ("", "-7classes")
    )
    assert set(selected(eight)) - set(selected(seven)) == {AFFECTNET_VAL[7]}
    assert "eight classes" in (eight / "README.md").read_text()
    assert "seven classes (without contempt)" in (seven / "README.md").read_text()


def test_the_rows_are_the_aligned_pictures_and_the_pose_that_of_the_originals(
    home: Path, sizes: Sizes
) -> None:
    rafdb_home(home)
    summary = make_pose_split("rafdb", SplitOptions(estimator="sizes5"))
    frame = summary.manifest.frame
    assert frame["image"].str.contains("_aligned").all()
    assert set(frame["width"]) == {12}
    assert set(frame["yaw_deg"].round(3)) == {40}
    assert set(frame["pose_source"]) == {"sizes5 sizes 1, original pictures"}


def test_aligned_pictures_alone_are_an_error_that_says_what_to_do(home: Path, sizes: Sizes) -> None:
    rafdb_home(home, ("aligned",))
    with pytest.raises(DatasetError, match=r"no picture in Image/original.*--estimator mtcnn"):
        make_pose_split("rafdb", SplitOptions(estimator="sizes5"))
    said: list[str] = []
    options = SplitOptions(rule=PoseRule(10.0), estimator="sizes")
    summary = make_pose_split("rafdb", options, say=said.append)
    assert set(summary.manifest.frame["yaw_deg"].round(3)) == {12}
    assert "looks at the aligned pictures instead" in said[-1]


def test_the_kaggle_copy_has_aligned_pictures_only(home: Path, sizes: Sizes) -> None:
    rafdb_kaggle(home / "standin/rafdb")
    mark_standin(home / "standin/rafdb")
    with pytest.raises(DatasetError, match=r"give the authors' folder.*--estimator mtcnn"):
        make_pose_split("rafdb", SplitOptions(estimator="sizes5"))


def test_the_user_may_choose_the_aligned_pictures(home: Path, sizes: Sizes) -> None:
    rafdb_home(home)
    options = SplitOptions(rule=PoseRule(10.0), estimator="sizes", images="aligned")
    summary = make_pose_split("rafdb", options)
    assert summary.manifest.path.parent.name == "pose-rafdb-10-sizes-aligned"
    assert set(summary.manifest.frame["yaw_deg"].round(3)) == {12}


def test_originals_of_another_stand_in_are_indexed_again(home: Path) -> None:
    root = rafdb_home(home)
    make_pose_split("rafdb", TRUE)
    path = root / "basic/EmoLabel/list_patition_label.txt"
    path.write_text(path.read_text().replace("test_0001.jpg 7", "test_0001.jpg 6"))
    shutil.rmtree(home / "derived/rafdb")
    said: list[str] = []
    make_pose_split("rafdb", TRUE, say=said.append)
    assert any("is of another stand-in" in line for line in said)


def test_a_licensed_set_takes_the_place_of_the_stand_in(home: Path) -> None:
    root = rafdb_home(home)
    make_pose_split("rafdb", TRUE)
    (home / "raw").mkdir()
    shutil.copytree(root / "basic", home / "raw/rafdb/basic")
    said: list[str] = []
    with pytest.raises(ManifestError, match="no picture has a pose"):
        make_pose_split("rafdb", TRUE, say=said.append)  # nobody knows its true poses
    assert "is of a stand-in, and there is a licensed set now" in said[0]
    assert not read_manifest(home / "derived/rafdb").info.synthetic


def test_a_pose_table_of_the_user_s_is_taken_if_it_is_of_these_pictures(home: Path) -> None:
    root = rafdb_home(home)
    first = make_pose_split("rafdb", TRUE)
    table = home / "mine/pose.parquet"
    put(table, (home / "derived/rafdb-original/pose/ground_truth/pose.parquet").read_bytes())
    again = make_pose_split("rafdb", SplitOptions(poses=table))
    assert again.split.listing() == first.split.listing()
    put(root / "basic/Image/original/test_0002.jpg", picture(999))
    shutil.rmtree(home / "derived/rafdb-original")
    with pytest.raises(ManifestError, match=r"'test_0002' .* is another picture now"):
        make_pose_split("rafdb", SplitOptions(poses=table))


def test_a_pose_table_of_another_set_is_refused(home: Path) -> None:
    rafdb_home(home)
    affectnet_home(home)
    make_pose_split("rafdb", TRUE)
    table = home / "derived/rafdb-original/pose/ground_truth"
    with pytest.raises(ConfigError, match="holds poses of rafdb, not of affectnet"):
        make_pose_split("affectnet", SplitOptions(poses=table))


def test_a_manifest_may_be_named(home: Path) -> None:
    affectnet_home(home)
    make_pose_split("affectnet", TRUE)
    shutil.move(home / "derived/affectnet", home / "derived/mine")
    options = SplitOptions(estimator="ground_truth", manifest=Path("mine"))
    summary = make_pose_split(None, options)
    assert summary.manifest.path.parent.name == "pose-affectnet-30-ground_truth-of-mine"
    with pytest.raises(ConfigError, match="is of affectnet, not of rafdb"):
        make_pose_split("rafdb", options)


def test_poses_of_pictures_for_training_stay_in_their_table(home: Path) -> None:
    affectnet_home(home)
    make_pose_split("affectnet", TRUE)
    given = read_manifest(home / "derived/affectnet")
    folder = home / "derived/affectnet/pose/ground_truth"
    job.estimate_pose(given, folder, "ground_truth")
    make_pose_split("affectnet", TRUE)
    assert len(pd.read_parquet(folder / "pose.parquet")) == len(given.frame)


def test_the_split_is_the_same_bytes_when_it_is_made_again(
    done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FERTOOLS_DATA", str(done.parents[1]))
    before = {p.name: p.read_bytes() for p in done.iterdir()}
    assert make_pose_split("rafdb", TRUE).manifest.path.parent == done
    assert {p.name: p.read_bytes() for p in done.iterdir()} == before


def test_lists_are_written_as_the_public_ones_are(done: Path) -> None:
    assert (done / "list.txt").read_text().splitlines() == [
        "6/test_0001_aligned.jpg",
        "5/test_0002_aligned.jpg",
        "3/test_0004_aligned.jpg",
    ]
    assert (done / "label.txt").read_text() == "3 7\n6\n5\n3\n"


def test_its_own_list_comes_back_as_the_same_split(home: Path, done: Path) -> None:
    rafdb_home(home)
    options = SplitOptions(from_list=done / "list.txt", labels=done / "label.txt")
    summary = make_pose_split("rafdb", options)
    assert selected(summary.manifest.path.parent) == selected(done)
    digest = hashlib.sha256((done / "list.txt").read_bytes()).hexdigest()
    assert summary.manifest.path.parent.name == f"pose-rafdb-list-list-{digest[:8]}"
    readme = (summary.manifest.path.parent / "README.md").read_text()
    assert "**Imported.**" in readme
    assert "SHA-256" in readme
    beside = make_pose_split(
        "rafdb", SplitOptions(estimator="ground_truth", compare=done / "list.txt")
    )
    assert beside.comparison is not None
    assert beside.comparison.jaccard == 1


def test_a_file_of_angles_that_fits_no_picture_is_refused_and_how_many_fit_is_told(
    home: Path,
) -> None:
    rafdb_home(home)
    put(home / "t.csv", "name,yaw,pitch\nx,1,2\n")
    table = choose_options("table", file=home / "t.csv", sets=["convention=whenet"])
    options = SplitOptions(estimator="table", estimator_options=table, unsure="include")
    with pytest.raises(ConfigError, match=r"names none of the 7 pictures: .* such as 'x', the set"):
        make_pose_split("rafdb", options)
    put(home / "t.csv", "name,yaw,pitch\nx,1,2\ntest_0001,50,0\n")
    said: list[str] = []
    job._opened.cache_clear()
    make_pose_split("rafdb", options, say=said.append)
    assert said[-1].endswith("of its 2 names 1 are of the 7 pictures that were asked for")


def test_poses_of_the_aligned_pictures_are_none_of_the_originals(home: Path) -> None:
    rafdb_home(home)
    make_pose_split("rafdb", replace(TRUE, images="aligned"))
    table = home / "derived/rafdb/pose/ground_truth"
    assert make_pose_split("rafdb", SplitOptions(poses=table)).split.cut is not None
    with pytest.raises(ManifestError, match="is another picture now"):
        make_pose_split("rafdb", SplitOptions(poses=table, images="original"))


def test_a_list_is_not_written_over_by_what_is_made_of_it(home: Path) -> None:
    rafdb_home(home)
    put(home / "mine/list.txt", "6/test_0001_aligned.jpg\n")
    options = SplitOptions(from_list=home / "mine/list.txt", out=home / "mine")
    with pytest.raises(OutputError, match="is read, and lies in the folder that is written"):
        make_pose_split("rafdb", options)
    assert (home / "mine/list.txt").read_text() == "6/test_0001_aligned.jpg\n"


def test_hashes_of_the_newer_release_need_the_order(home: Path) -> None:
    names = affectnet_new_home(home)
    hashes = {name: f"{n + 1:056x}" for n, name in enumerate(names)}
    put(home / "l.txt", f"2/{hashes[names[2]]}.jpg\n")
    order = [f"7/{'f' * 56} 1", *(f"{code}/{hashes[name]} 1" for code, name in enumerate(names))]
    put(home / "order.txt", "\n".join(order))
    with pytest.raises(ConfigError, match="--hash-order"):
        make_pose_split("affectnet", SplitOptions(from_list=home / "l.txt"))
    options = SplitOptions(from_list=home / "l.txt", hash_order=home / "order.txt")
    assert make_pose_split("affectnet", options).split.listing()[0] == [names[2]]


def test_missing_pictures_of_a_list_are_told_where_they_may_be_skipped(home: Path) -> None:
    rafdb_home(home)
    put(home / "l.txt", "6/test_0001_aligned.jpg\n0/test_2999_aligned.jpg\n")
    options = SplitOptions(from_list=home / "l.txt", on_error="skip")
    summary = make_pose_split("rafdb", options)
    assert summary.skipped == ("test_2999: is listed but not in the set",)
    assert (summary.manifest.path.parent / "missing.txt").read_text() == "test_2999\n"


def test_pictures_that_cannot_be_indexed_are_told_where_they_may_be_skipped(home: Path) -> None:
    root = rafdb_home(home)
    put(root / "basic/Image/aligned/test_0001_aligned.jpg", b"no picture")
    with pytest.raises(DatasetError, match=r"test_0001_aligned\.jpg"):
        make_pose_split("rafdb", TRUE)
    options = SplitOptions(estimator="ground_truth", on_error="skip")
    summary = make_pose_split("rafdb", options)
    assert "test_0001_aligned.jpg" in summary.skipped[0]
    assert summary.split.listing()[0] == ["test_0002", "test_0004"]


def test_what_cannot_be_is_told_before_anything_is_estimated(home: Path, sizes: Sizes) -> None:
    rafdb_home(home)
    put(home / "mine/thesis.txt", "mine")
    with pytest.raises(OutputError, match=r"holds 'thesis\.txt'"):
        make_pose_split("rafdb", SplitOptions(estimator="sizes", out=home / "mine"))
    put(home / "l.txt", "6/test_2999_aligned.jpg\n")
    with pytest.raises(DatasetError, match="1 of its 1 pictures"):
        make_pose_split("rafdb", SplitOptions(estimator="sizes", compare=home / "l.txt"))
    assert sizes.num_asked == 0


def test_all_sets_that_are_there_are_chosen(home: Path) -> None:
    with pytest.raises(DatasetError, match=r"no rafdb data set.*fertools synth rafdb"):
        choose_sets(None, SplitOptions(), say=print)
    affectnet_home(home)
    said: list[str] = []
    assert choose_sets(None, SplitOptions(), say=said.append) == ["affectnet"]
    assert said == ["rafdb: is not there; 'fertools synth rafdb' makes an open stand-in"]
    rafdb_home(home)
    assert choose_sets(None, SplitOptions(), say=print) == ["affectnet", "rafdb"]
    put(home / "l.txt", "0/test_0001_aligned.jpg\n")
    assert choose_sets(None, SplitOptions(from_list=home / "l.txt"), say=print) == ["rafdb"]
    with pytest.raises(ConfigError, match="--out is of one set, and affectnet and rafdb"):
        choose_sets(None, SplitOptions(out=home / "o"), say=print)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"from_list": Path("a"), "compare": Path("b")}, "--compare is of a cut"),
        ({"from_list": Path("a"), "estimator": "x"}, "--estimator is not used"),
        ({"poses": Path("a"), "estimator": "x"}, "leave out --estimator"),
        ({"hash_order": Path("a")}, "--hash-order belongs to"),
        ({"labels": Path("a")}, "--labels belongs to"),
        ({"duplicates": "keep"}, "--duplicates belongs to"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    options: dict[str, object], match: str
) -> None:
    with pytest.raises(ConfigError, match=match):
        SplitOptions(**options)  # type: ignore[arg-type]


def test_the_figure_and_the_readme_say_synthetic(done: Path) -> None:
    readme = (done / "README.md").read_text()
    assert readme.startswith("# Pose-RAF-DB: yaw or pitch beyond 30° (synthetic)\n")
    assert "**Synthetic.**" in readme
    assert "fertools make-pose-split --dataset rafdb --min-yaw 30 --estimator ground_tr" in readme
    assert "the paper says 1,248, the public list has 1,247 lines" in readme
    assert str(done.parent) not in readme
    assert "| because | 1: the manifest has no pose of it |" in readme
    assert (done / "angles.png").read_bytes().startswith(b"\x89PNG")
