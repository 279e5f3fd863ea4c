from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fertools.errors import LeakError, LockError, ProtocolError
from fertools.expressions import BASIC_EXPRESSIONS
from fertools.manifest import Manifest, write_manifest
from fertools.protocols import (
    Lock,
    Pool,
    Protocol,
    check_lock,
    find_leaks,
    list_protocols,
    load_protocol,
    lock_protocol,
    parse_data,
    read_lock,
    read_pool,
    refuse_leaks,
    subject_folds,
    write_lock,
)

SIDES = ("train", "val", "test")
VIEWS = ("yaw00", "yaw30", "yaw45", "yaw60", "yaw90")


def frame(subjects: int = 6) -> pd.DataFrame:
    rows = [
        {
            "sample_id": f"S{s:02d}_{e}_{v}",
            "image": f"images/{s}_{e}_{v}.png",
            "dataset": "bu3dfe",
            "subject_id": f"S{s:02d}",
            "expression": e,
            "intensity": 1 + s % 4,
            "view_id": v,
            "width": 8,
            "height": 8,
            "sex": "female" if s % 2 else "male",
            "source_sha256": f"{s:064x}",
        }
        for s in range(subjects)
        for e in BASIC_EXPRESSIONS
        for v in VIEWS
    ]
    table = pd.DataFrame(rows)
    table["sha256"] = [f"{i:064x}" for i in range(len(table))]
    return table


def manifest(
    folder: Path, table: pd.DataFrame | None = None, *, dataset: str = "bu3dfe", **config: Any
) -> Manifest:
    return write_manifest(
        folder / "manifest.parquet",
        frame() if table is None else table,
        dataset=dataset,
        synthetic=True,
        config={"image_size": 8, **config},
    )


def pool(folder: Path, table: pd.DataFrame | None = None, **config: Any) -> Pool:
    return read_pool(PROTOCOL, {"samples": manifest(folder, table, **config).path})


def lock_of(folder: Path, table: pd.DataFrame | None = None) -> Lock:
    return lock_protocol(PROTOCOL, pool(folder, table))


def declared(folder: Path, change: dict[str, Any]) -> Protocol:
    """A protocol of one's own: the first one with changes, ``split`` laid over its own."""
    values = PROTOCOL.model_dump(mode="json", exclude={"digest"})
    if change.get("split", {}).get("method", "subject-k-fold") == "subject-k-fold":
        change = {**change, "split": {**values["split"], **change.get("split", {})}}
    path = folder / "mine.yaml"
    path.write_text(json.dumps({**values, "name": "mine", **change}))
    return load_protocol(str(path))


def page_of(name: str) -> Path | None:
    """The page of a protocol, or of its family: the longest stem that its name begins with."""
    folder = Path(__file__).parents[3] / "protocols"
    pages = [page for page in folder.glob("*.md") if name.startswith(page.stem)]
    return max(pages, key=lambda page: len(page.stem), default=None)


PROTOCOL = load_protocol("bu3dfe-p1-5fold")


@pytest.mark.parametrize("name", list_protocols())
def test_every_protocol_is_read_and_has_a_page(name: str) -> None:
    protocol = load_protocol(name)
    assert protocol.name == name
    page = page_of(name)
    assert page is not None
    assert f"`{name}`" in page.read_text(encoding="utf-8"), f"{page} does not name {name}"


def test_an_unknown_protocol_offers_near_names() -> None:
    with pytest.raises(ProtocolError, match="did you mean bu3dfe-p1-5fold"):
        load_protocol("bu3dfe-p1-5folds")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"surprise": 1}, r"'surprise': unknown key"),
        ({"version": None}, r"'version'"),
        ({"version": "1"}, r"'version'"),
        ({"metrics": ["accuracy", "uar", "uar"], "primary_metric": "uar"}, "names one twice"),
        ({"name": "other"}, r"'name': is 'other', expected the file's own 'mine'"),
        ({"classes": ["anger", "joy"]}, r"'classes'"),
        ({"primary_metric": "uar", "metrics": ["accuracy"]}, "must be one of 'metrics'"),
        ({"digest": "0"}, "is computed"),
    ],
)
def test_a_wrong_key_is_named_with_its_file(
    tmp_path: Path, change: dict[str, Any], match: str
) -> None:
    values = {**PROTOCOL.model_dump(mode="json", exclude={"digest"}), "name": "mine", **change}
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps(values))
    with pytest.raises(ProtocolError, match=match) as caught:
        load_protocol(str(path))
    assert str(path) in str(caught.value)


@given(st.sets(st.text("ABC0123456789", min_size=1), min_size=5, max_size=60), st.integers(0, 9))
def test_folds_are_disjoint_cover_and_balance(subjects: set[str], seed: int) -> None:
    groups = subject_folds(subjects, 5, seed=seed)
    assert sorted(s for group in groups for s in group) == sorted(subjects)
    sizes = [len(group) for group in groups]
    assert max(sizes) - min(sizes) <= 1
    assert groups == subject_folds(sorted(subjects, reverse=True), 5, seed=seed)


def test_the_folds_of_100_subjects_stay_what_they_are() -> None:
    groups = subject_folds([f"S{i:03d}" for i in range(100)], 5, seed=0)
    assert [len(group) for group in groups] == [20] * 5
    assert [int(s[1:]) for s in groups[0]] == [
        *(5, 8, 9, 10, 11, 13, 16, 20, 27, 36, 37, 52, 72, 75, 81, 82, 83, 90, 93, 94)
    ]


def test_fewer_subjects_than_folds_are_refused() -> None:
    with pytest.raises(ProtocolError, match="4 subjects cannot be parted into 5"):
        subject_folds("ABCD", 5, seed=0)


def test_a_subject_is_never_on_both_sides_of_a_fold(tmp_path: Path) -> None:
    lock = lock_of(tmp_path)
    assert sorted(i for fold in lock.folds for i in fold.test) == sorted(lock.labels)
    for fold in lock.folds:
        assert not {lock.subjects[i] for i in fold.train} & {lock.subjects[i] for i in fold.test}
        assert len(fold.train) + len(fold.test) == len(lock.labels)


def test_a_lock_does_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    one = lock_of(tmp_path)
    mixed = frame().sample(frac=1.0, random_state=np.random.default_rng(1))
    assert lock_of(tmp_path / "a", mixed) == one


def test_a_lock_survives_the_way_through_its_file(tmp_path: Path) -> None:
    lock = lock_of(tmp_path)
    write_lock(tmp_path / "a.lock.json", lock)
    assert read_lock(tmp_path / "a.lock.json") == lock


def test_a_lock_edited_by_hand_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.lock.json"
    write_lock(path, lock_of(tmp_path))
    values = json.loads(path.read_text())
    values["folds"][0]["train"].append(values["folds"][0]["test"][0])
    path.write_text(json.dumps(values))
    with pytest.raises(LockError, match="was changed after it was made"):
        read_lock(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 3}', "[" * 100_000])
def test_a_file_that_is_no_lock_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(LockError, match="is damaged or no lock"):
        read_lock(tmp_path / "a.json")


def test_a_lock_of_an_older_version_is_called_that(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"schema_version": 2}')
    with pytest.raises(LockError, match=r"schema version 2, this version .* reads 3"):
        read_lock(tmp_path / "a.json")


def test_an_identical_picture_on_both_sides_is_refused(tmp_path: Path) -> None:
    table = frame()
    table["sha256"] = "0" * 64
    whole = pool(tmp_path, table)
    report = find_leaks(lock_protocol(PROTOCOL, whole), whole)
    with pytest.raises(LeakError, match=r"fold 0: file 0000.* must not share any"):
        refuse_leaks(report, protocol="mine")


def changed(**columns: Any) -> pd.DataFrame:
    table = frame()
    for column, value in columns.items():
        table.loc[0, column] = value
    return table


@pytest.mark.parametrize(
    ("table", "config", "match"),
    [
        (frame().iloc[1:], {}, "1 of its samples are missing"),
        (changed(expression="fear"), {}, "shows 'fear', locked 'anger'"),
        (changed(subject_id="S01"), {}, "is of 'S01', locked 'S00'"),
        (changed(source_sha256="f" * 64), {}, "other source files"),
        (frame(), {"supersample": 3}, "made otherwise, in supersample"),
    ],
)
def test_data_that_differ_from_the_lock_are_refused(
    tmp_path: Path, table: pd.DataFrame, config: dict[str, Any], match: str
) -> None:
    (tmp_path / "b").mkdir()
    lock = lock_of(tmp_path)
    assert check_lock(lock, pool(tmp_path)) == ()
    other = pool(tmp_path / "b", table, **config)
    with pytest.raises(LockError, match=match):
        check_lock(lock, other)
    if "missing" in match:
        with pytest.raises(LockError, match=match):
            check_lock(lock, other, allow_mismatch=True)
    else:
        differences = check_lock(lock, other, allow_mismatch=True)
        assert len(differences) == 1
        assert re.search(match, differences[0])


def test_a_licensed_set_must_have_the_published_number_of_samples(tmp_path: Path) -> None:
    licensed = write_manifest(
        tmp_path / "m.parquet", frame(), dataset="bu3dfe", synthetic=False, config={}
    )
    with pytest.raises(
        ProtocolError, match=r"180 samples of 6 subjects, expected 12,000 of 100; for a part"
    ):
        read_pool(PROTOCOL, {"samples": licensed.path})


def test_a_missing_view_is_named(tmp_path: Path) -> None:
    table = frame()
    with pytest.raises(ProtocolError, match="no picture of view_id 'yaw90'"):
        pool(tmp_path, table[table["view_id"] != "yaw90"])


def test_a_missing_class_is_named(tmp_path: Path) -> None:
    table = frame()
    with pytest.raises(ProtocolError, match="no picture of fear"):
        pool(tmp_path, table[table["expression"] != "fear"])


def test_a_listed_sample_of_two_columns_is_chosen(tmp_path: Path) -> None:
    mine = declared(
        tmp_path,
        {
            "split": {
                "samples": {
                    "dataset": "bu3dfe",
                    "derived": "x",
                    "where": {"view_id": ["yaw30"], "intensity": [1, 2, 3, 4]},
                }
            }
        },
    )
    chosen = read_pool(mine, {"samples": manifest(tmp_path).path})
    assert set(chosen.frame["view_id"]) == {"yaw30"}
    assert len(chosen.frame) == 36
    assert chosen.files([chosen.frame.index[0]]) == [tmp_path / chosen.frame["image"].iloc[0]]


def test_strata_are_shared_out(tmp_path: Path) -> None:
    mine = declared(tmp_path, {"split": {"folds": 2, "stratify": "sex"}})
    whole = read_pool(mine, {"samples": manifest(tmp_path, frame(8)).path})
    for fold in lock_protocol(mine, whole).folds:
        people = whole.frame.loc[list(fold.test)].drop_duplicates("subject_id")
        assert people["sex"].value_counts().to_dict() == {"female": 2, "male": 2}


@pytest.mark.parametrize(
    ("column", "change", "match"),
    [
        ("ethnicity", {}, "does not say the ethnicity"),
        ("sex", {0: None}, "does not say the sex"),
        ("sex", {0: "female"}, "subject 'S00' has more than one sex"),
        ("sex", dict.fromkeys(range(180), "male") | dict.fromkeys(range(30), "x"), "only 1 subj"),
    ],
)
def test_strata_that_cannot_be_are_refused(
    tmp_path: Path, column: str, change: dict[int, Any], match: str
) -> None:
    mine = declared(tmp_path, {"split": {"folds": 2, "stratify": column}})
    table = frame()
    for row, value in change.items():
        table.loc[row, "sex"] = value
    whole = read_pool(mine, {"samples": manifest(tmp_path, table).path})
    with pytest.raises(ProtocolError, match=match):
        lock_protocol(mine, whole)


def test_validation_subjects_come_from_the_training_side(tmp_path: Path) -> None:
    mine = declared(tmp_path, {"split": {"folds": 3, "validation_subjects": 1}})
    whole = read_pool(mine, {"samples": manifest(tmp_path).path})
    lock = lock_protocol(mine, whole)
    plain = declared(tmp_path, {"split": {"folds": 3}})
    for fold, before in zip(lock.folds, lock_protocol(plain, whole).folds, strict=True):
        people = {name: {lock.subjects[i] for i in getattr(fold, name)} for name in SIDES}
        assert fold.test == before.test
        assert len(people["val"]) == 1
        assert not people["val"] & (people["train"] | people["test"])
        assert sorted((*fold.train, *fold.val)) == list(before.train)


def test_too_many_validation_subjects_are_refused(tmp_path: Path) -> None:
    mine = declared(tmp_path, {"split": {"folds": 3, "validation_subjects": 4}})
    whole = read_pool(mine, {"samples": manifest(tmp_path).path})
    with pytest.raises(ProtocolError, match="validation_subjects is 4, fold 0 trains on 4"):
        lock_protocol(mine, whole)


def test_an_unseen_view_is_trained_on_by_nobody(tmp_path: Path) -> None:
    protocol = load_protocol("bu3dfe-p1-unseen-view")
    whole = read_pool(protocol, {"samples": manifest(tmp_path).path})
    lock = lock_protocol(protocol, whole)
    assert len(lock.folds) == 25
    assert sorted(i for fold in lock.folds for i in fold.test) == sorted(lock.labels)
    for fold in lock.folds:
        of_test, of_train = (whole.frame.loc[list(ids)] for ids in (fold.test, fold.train))
        [view] = set(of_test["view_id"])
        assert fold.name.startswith(f"{view}, fold ")
        assert view not in set(of_train["view_id"])
        assert not set(of_train["subject_id"]) & set(of_test["subject_id"])
    refuse_leaks(find_leaks(lock, whole), protocol="unseen", strict=True)


def wild(split: str, number: int, dataset: str = "rafdb") -> pd.DataFrame:
    classes = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    rows = [
        {
            "sample_id": f"{split}_{i:04d}",
            "image": f"{split}_{i:04d}.jpg",
            "dataset": dataset,
            "expression": classes[i % 7],
            "split": split,
            "width": 8,
            "height": 8,
            "sha256": f"{len(split) * 1000 + i:064x}",
        }
        for i in range(number)
    ]
    return pd.DataFrame(rows)


def test_the_members_of_a_pose_split_are_tested(tmp_path: Path) -> None:
    protocol = load_protocol("pose-rafdb-30")
    for name in ("rafdb", "pose"):
        (tmp_path / name).mkdir()
    every = pd.concat([wild("train", 21), wild("test", 21)], ignore_index=True)
    path = manifest(tmp_path / "rafdb", every, dataset="rafdb").path
    cut = manifest(tmp_path / "pose", wild("test", 9), dataset="rafdb", rule="any").path
    data = {"train": path, "test": path, "test.members": cut}
    whole = read_pool(protocol, data)
    lock = lock_protocol(protocol, whole)
    [fold] = lock.folds
    assert fold.test == tuple(f"test_{i:04d}" for i in range(9))
    assert len(fold.train) == 21
    report = find_leaks(lock, whole)
    assert (report.has_subjects, report.is_own, report.leaks) == (False, False, ())
    other = manifest(tmp_path / "pose", wild("test", 9), dataset="rafdb", rule="yaw").path
    with pytest.raises(LockError, match="of test were made otherwise, in members"):
        check_lock(lock, read_pool(protocol, {**data, "test.members": other}))


def test_leaks_of_an_official_split_are_listed_and_refused_only_strictly(tmp_path: Path) -> None:
    protocol = load_protocol("rafdb")
    every = pd.concat([wild("train", 14), wild("test", 7)], ignore_index=True)
    every.loc[14, "sha256"] = every.loc[0, "sha256"]
    path = manifest(tmp_path, every, dataset="rafdb").path
    whole = read_pool(protocol, {"train": path, "test": path})
    report = find_leaks(lock_protocol(protocol, whole), whole)
    assert [(leak.kind, leak.train, leak.test) for leak in report.leaks] == [
        ("file", "train_0000", "test_0000")
    ]
    refuse_leaks(report, protocol="rafdb")
    with pytest.raises(LeakError, match=r"rafdb: fold 0: file .* train_0000 trained, test_0000"):
        refuse_leaks(report, protocol="rafdb", strict=True)


def test_two_sets_share_their_expressions_by_name(tmp_path: Path) -> None:
    protocol = load_protocol("bu3dfe-p1-to-multipie-30")
    for name in ("bu3dfe", "multipie"):
        (tmp_path / name).mkdir()
    source = frame()
    source.loc[source["expression"] == "fear", "expression"] = "neutral"
    target = frame().assign(dataset="multipie")
    target["sample_id"] = "M" + target["sample_id"]
    for old, new in (("happiness", "smile"), ("fear", "neutral"), ("anger", "squint")):
        target.loc[target["expression"] == old, "expression"] = new
    data = {
        "train": manifest(tmp_path / "bu3dfe", source).path,
        "test": manifest(tmp_path / "multipie", target, dataset="multipie").path,
    }
    whole = read_pool(protocol, data)
    [fold] = lock_protocol(protocol, whole).folds
    assert len(fold.train) == len(fold.test) == 24
    assert set(whole.frame["expression"]) == set(protocol.classes)
    assert lock_protocol(protocol, whole).dataset == "multipie"


def test_a_sample_that_plays_two_roles_is_refused(tmp_path: Path) -> None:
    protocol = load_protocol("bu3dfe-p1-to-multipie-30")
    (tmp_path / "b").mkdir()
    table = frame()
    table.loc[table["expression"] == "fear", "expression"] = "neutral"
    data = {
        "train": manifest(tmp_path, table).path,
        "test": manifest(tmp_path / "b", table, dataset="multipie").path,
    }
    with pytest.raises(ProtocolError, match="plays two roles, and so do 23 more"):
        read_pool(protocol, data)


def test_the_data_of_each_role_can_be_named() -> None:
    kfold, parts = load_protocol("bu3dfe-p1-5fold"), load_protocol("pose-rafdb-30")
    assert parse_data(kfold, ["a/b"]) == {"samples": Path("a/b")}
    assert parse_data(parts, ["train=a", "test.members=b=c"]) == {
        "train": Path("a"),
        "test.members": Path("b=c"),
    }
    for texts, match in (
        (["a"], "takes its samples from 3 places; expected ROLE=MANIFEST"),
        (["val=a"], "the role 'val' is none of train, test, test.members"),
        (["train=a", "train=b"], "the role 'train' is given twice"),
    ):
        with pytest.raises(ProtocolError, match=match):
            parse_data(parts, texts)


def test_a_list_of_one_s_own_is_followed(tmp_path: Path) -> None:
    (tmp_path / "few.txt").write_text("# mine\ntest_0003\ntest_0001\n" + "test_0000\n" * 2)
    selection = {"dataset": "rafdb", "derived": "x", "where": {"split": ["train"]}}
    mine = declared(
        tmp_path,
        {
            "classes": ["anger", "disgust"],
            "split": {
                "method": "parts",
                "train": selection,
                "test": {"dataset": "rafdb", "derived": "x", "ids": "few.txt"},
            },
        },
    )
    every = pd.concat([wild("train", 14), wild("test", 7)], ignore_index=True)
    path = manifest(tmp_path, every, dataset="rafdb").path
    [fold] = lock_protocol(mine, read_pool(mine, {"train": path, "test": path})).folds
    assert fold.test == ("test_0000", "test_0001")
    (tmp_path / "few.txt").write_text("test_9999\n../test_0001\n")
    with pytest.raises(ProtocolError, match=r"few\.txt names '\.\./test_0001', which it does not"):
        read_pool(mine, {"train": path, "test": path})


@pytest.mark.parametrize("name", ["../few.txt", "a/b", "", ".."])
def test_a_list_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    selection = {"dataset": "rafdb", "derived": "x", "ids": name}
    with pytest.raises(ProtocolError, match="expected the name of a file beside the YAML"):
        declared(tmp_path, {"split": {"method": "parts", "train": selection, "test": selection}})


def test_a_yaml_tag_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: !!python/object/apply:os.system [true]\n")
    with pytest.raises(ProtocolError, match="is not plain YAML"):
        load_protocol(str(tmp_path / "mine.yaml"))
