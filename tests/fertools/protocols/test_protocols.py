from __future__ import annotations

import json
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
    check_lock,
    list_protocols,
    load_protocol,
    lock_protocol,
    read_lock,
    write_lock,
)
from fertools.protocols.splitters import subject_folds

VIEWS = ("yaw00", "yaw30", "yaw45", "yaw60", "yaw90")


def frame(subjects: int = 6) -> pd.DataFrame:
    rows = [
        {
            "sample_id": f"S{s:02d}_{e}_{v}",
            "image": f"images/{s}_{e}_{v}.png",
            "dataset": "bu3dfe",
            "subject_id": f"S{s:02d}",
            "expression": e,
            "view_id": v,
            "width": 8,
            "height": 8,
            "source_sha256": f"{s:064x}",
        }
        for s in range(subjects)
        for e in BASIC_EXPRESSIONS
        for v in VIEWS
    ]
    table = pd.DataFrame(rows)
    table["sha256"] = [f"{i:064x}" for i in range(len(table))]
    return table


def manifest(tmp_path: Path, table: pd.DataFrame | None = None, **config: Any) -> Manifest:
    return write_manifest(
        tmp_path / "manifest.parquet",
        frame() if table is None else table,
        dataset="bu3dfe",
        synthetic=True,
        config={"image_size": 8, **config},
    )


PROTOCOL = load_protocol("bu3dfe-p1-5fold")


@pytest.mark.parametrize("name", list_protocols())
def test_every_protocol_is_read_and_has_a_page(name: str) -> None:
    protocol = load_protocol(name)
    assert protocol.name == name
    assert (Path(__file__).parents[3] / "protocols" / f"{name}.md").is_file()


def test_an_unknown_protocol_offers_near_names() -> None:
    with pytest.raises(ProtocolError, match="did you mean bu3dfe-p1-5fold"):
        load_protocol("bu3dfe-p1-5folds")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"surprise": 1}, r"'surprise': unknown key"),
        ({"version": None}, r"'version'"),
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
    lock = lock_protocol(PROTOCOL, manifest(tmp_path))
    assert sorted(i for fold in lock.folds for i in fold.test) == sorted(lock.labels)
    for fold in lock.folds:
        assert not {lock.subjects[i] for i in fold.train} & {lock.subjects[i] for i in fold.test}
        assert len(fold.train) + len(fold.test) == len(lock.labels)


def test_a_lock_does_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    one = lock_protocol(PROTOCOL, manifest(tmp_path))
    mixed = frame().sample(frac=1.0, random_state=np.random.default_rng(1))
    assert lock_protocol(PROTOCOL, manifest(tmp_path / "a", mixed)) == one


def test_a_lock_survives_the_way_through_its_file(tmp_path: Path) -> None:
    lock = lock_protocol(PROTOCOL, manifest(tmp_path))
    write_lock(tmp_path / "a.lock.json", lock)
    assert read_lock(tmp_path / "a.lock.json") == lock


def test_a_lock_edited_by_hand_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.lock.json"
    write_lock(path, lock_protocol(PROTOCOL, manifest(tmp_path)))
    values = json.loads(path.read_text())
    values["folds"][0]["train"].append(values["folds"][0]["test"][0])
    path.write_text(json.dumps(values))
    with pytest.raises(LockError, match="was changed after it was made"):
        read_lock(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 1}', "[" * 100_000])
def test_a_file_that_is_no_lock_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(LockError, match="is damaged or no lock"):
        read_lock(tmp_path / "a.json")


def test_an_identical_picture_on_both_sides_is_refused(tmp_path: Path) -> None:
    table = frame()
    table["sha256"] = "0" * 64
    with pytest.raises(LeakError, match="picture with SHA-256 0000"):
        lock_protocol(PROTOCOL, manifest(tmp_path, table))


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
    lock = lock_protocol(PROTOCOL, manifest(tmp_path))
    check_lock(lock, manifest(tmp_path))
    with pytest.raises(LockError, match=match):
        check_lock(lock, manifest(tmp_path / "b", table, **config))


def test_a_licensed_set_must_have_the_published_number_of_samples(tmp_path: Path) -> None:
    licensed = write_manifest(
        tmp_path / "m.parquet", frame(), dataset="bu3dfe", synthetic=False, config={}
    )
    with pytest.raises(
        ProtocolError, match=r"180 samples of 6 subjects, expected 12,000 of 100; for a part"
    ):
        lock_protocol(PROTOCOL, licensed)


def test_a_missing_view_is_named(tmp_path: Path) -> None:
    table = frame()
    with pytest.raises(ProtocolError, match="no picture of view 'yaw90'"):
        lock_protocol(PROTOCOL, manifest(tmp_path, table[table["view_id"] != "yaw90"]))


def test_a_missing_class_is_named(tmp_path: Path) -> None:
    table = frame()
    with pytest.raises(ProtocolError, match="no picture of fear"):
        lock_protocol(PROTOCOL, manifest(tmp_path, table[table["expression"] != "fear"]))
