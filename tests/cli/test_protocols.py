"""``fertools protocols``: what is written, what is said, and how it ends."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from cli.fertools_app import app
from fertools.manifest import write_manifest
from fertools.metrics import (
    PredictionsInfo,
    read_predictions,
    score_columns,
    summarise,
    write_predictions,
)
from fertools.protocols import Lock, load_protocol, read_lock, write_lock
from fertools.protocols.lock import sealed

CLASSES = load_protocol("rafdb").classes


def picture(seed: int) -> bytes:
    """A PNG of soft blobs."""
    noise = np.random.default_rng(seed).normal(0, 400, (48, 48, 3))
    pixels = np.clip(128 + cv2.GaussianBlur(noise, (0, 0), 3), 0, 255).astype(np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


def make(folder: Path, *, leak: bool = False, label: str | None = None) -> Path:
    """An invented RAF-DB of 28 pictures; ``leak`` puts a training picture among the tested."""
    folder.mkdir(parents=True)
    rows = []
    for split, number in (("train", 14), ("test", 14)):
        for i in range(number):
            name = f"{split}_{i:04d}"
            data = picture(i + (0 if leak and i == 3 else 100 * (split == "test")))
            (folder / f"{name}.png").write_bytes(data)
            rows.append(
                {
                    "sample_id": name,
                    "image": f"{name}.png",
                    "dataset": "rafdb",
                    "expression": label if label and name == "train_0000" else CLASSES[i % 7],
                    "split": split,
                    "width": 48,
                    "height": 48,
                    "sha256": hashlib.sha256(data).hexdigest(),
                }
            )
    frame = pd.DataFrame(rows)
    write_manifest(folder / "manifest.parquet", frame, dataset="rafdb", synthetic=True, config={})
    return folder


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["protocols", *map(str, words)])


def data(folder: Path) -> list[str]:
    return ["--data", f"train={folder}", "--data", f"test={folder}"]


def locked(folder: Path, *words: str) -> Path:
    path = folder / "rafdb.lock.json"
    result = run("lock", "rafdb", *data(folder), "--out", path, *words)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == str(path)
    return path


def predicted(folder: Path, lock: Lock) -> Path:
    """A run folder with predictions that are often right."""
    tested = list(lock.folds[0].test)
    labels = np.array([lock.labels[name] for name in tested])
    scores = np.random.default_rng(0).dirichlet(np.ones(7), len(tested)) + np.eye(7)[labels]
    frame = pd.DataFrame({"sample_id": tested, "fold": 0, "label": labels, "found": True})
    frame["expression"] = [CLASSES[label] for label in labels]
    for column in ("subject_id", "view_id", "yaw_deg", "pitch_deg", "intensity"):
        frame[column] = None
    frame[score_columns(CLASSES)] = scores / 2
    info = PredictionsInfo("rafdb", CLASSES, lock.digest, synthetic=True, model="m", fusion="")
    write_predictions(folder / "fold0" / "predictions.parquet", frame, info)
    shutil.copy(folder.parent / "rafdb.lock.json", folder / "protocol.lock.json")
    return folder


def test_what_the_gate_did_not_look_for_is_said(tmp_path: Path) -> None:
    folder = make(tmp_path / "a")
    path = locked(folder)
    result = run("lock", "rafdb", *data(folder), "--out", path)
    assert "not checked: subjects: not checkable" in result.stdout
    assert "not checked: near duplicates: not asked for" in result.stdout
    assert "synthetic" in result.stdout


def test_a_check_searches_copies_lists_leaks_and_can_leave_them_out(tmp_path: Path) -> None:
    folder = make(tmp_path / "a", leak=True)
    path = locked(folder)
    result = run("check", path, *data(folder), "--workers", "1")
    assert result.exit_code == 0, result.output
    assert "leaks: 1 by file; listed, not refused" in result.stdout
    assert "train_0003 trained, test_0003 tested" in result.stderr
    assert "searched for copies: 196" in result.stdout
    table = pd.read_csv(folder / "rafdb.leaks.csv")
    assert table[["kind", "train", "test"]].to_numpy().tolist() == [
        ["file", "train_0003", "test_0003"]
    ]
    strict = run("check", path, *data(folder), "--strict", "--no-near")
    assert strict.exit_code == 1
    assert "--exclude-leaks" in strict.stderr
    without = run("check", path, *data(folder), "--exclude-leaks", "--no-near")
    assert without.exit_code == 0, without.output
    assert "1 training samples left out" in without.stdout
    kept = read_lock(Path(without.stdout.splitlines()[-1]))
    assert "train_0003" not in kept.folds[0].train
    assert [one.sample for one in kept.excluded] == ["train_0003"]


def test_a_label_that_differs_from_the_locked_one_is_refused(tmp_path: Path) -> None:
    path = locked(make(tmp_path / "a"))
    result = run("check", path, *data(make(tmp_path / "b", label="fear")), "--no-near")
    assert result.exit_code == 1
    listed = pd.read_csv(tmp_path / "a" / "rafdb.differences.csv")
    assert listed.to_numpy().tolist() == [["train_0000", "expression", "fear", CLASSES[0]]]
    assert "'train_0000' shows 'fear', locked" in result.stderr


def test_a_lock_of_an_unknown_protocol_asks_for_its_file(tmp_path: Path) -> None:
    folder = make(tmp_path / "a")
    text = Path(load_protocol("rafdb").folder / "rafdb.yaml").read_text(encoding="utf-8")
    mine = tmp_path / "mine.yaml"
    mine.write_text(text.replace("name: rafdb", "name: mine"))
    path = folder / "mine.lock.json"
    assert run("lock", mine, *data(folder), "--out", path).exit_code == 0
    result = run("check", path, *data(folder), "--no-near")
    assert result.exit_code == 1
    assert "--protocol mine.yaml" in result.stderr
    told = run("check", path, *data(folder), "--no-near", "--protocol", mine)
    assert told.exit_code == 0, told.output
    mine.write_text(mine.read_text().replace("version: 1", "version: 2"))
    kept = run("lock", mine, *data(folder), "--out", path)
    assert kept.exit_code == 1
    assert "there is another lock" in kept.stderr
    newer = run("check", path, *data(folder), "--no-near", "--protocol", mine)
    assert newer.exit_code == 1
    assert "read otherwise (version 1, now 2)" in newer.stderr


def test_two_labs_share_folds_and_predictions_without_names(tmp_path: Path) -> None:
    ours, theirs = make(tmp_path / "ours"), make(tmp_path / "theirs")
    own, their_lock = locked(ours, "--public"), locked(theirs)
    assert run("agree", ours / "rafdb.public.json", their_lock, *data(theirs)).stdout == (
        "agrees: 28 samples, 1 fit, all labels\n"
    )
    made = predicted(ours / "run", read_lock(own))
    shared = run("share", made, *data(ours))
    assert shared.exit_code == 0, shared.output
    table, lock = map(Path, shared.stdout.split())
    for path in (table, lock):
        assert b"train_0" not in path.read_bytes()
        assert b"test_0" not in path.read_bytes()
    back = run("restore", table, their_lock, *data(theirs), "--out", tmp_path / "back")
    assert back.exit_code == 0, back.output
    restored = read_predictions(tmp_path / "back" / "fold0" / "predictions.parquet")
    assert read_lock(tmp_path / "back" / "protocol.lock.json") == read_lock(their_lock)
    original = read_predictions(made / "fold0" / "predictions.parquet")
    assert summarise([restored]) == summarise([original])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda rows: rows.iloc[:5], "9 locked samples are missing"),
        (lambda rows: rows.assign(fold=9), "fold 9; the lock has 1 folds"),
        (lambda rows: rows.assign(sample_id="0" * 32), "are none of the lock's"),
        (lambda rows: rows.assign(label=0), "is no table of shared predictions"),
    ],
)
def test_shared_predictions_that_were_changed_are_refused(
    tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], match: str
) -> None:
    folder = make(tmp_path / "a")
    own = locked(folder)
    made = predicted(folder / "run", read_lock(own))
    assert run("share", made, *data(folder)).exit_code == 0
    path = made / "public" / "predictions.public.parquet"
    table = pq.read_table(path)
    other = pa.Table.from_pandas(change(table.to_pandas()), preserve_index=False)
    pq.write_table(other.replace_schema_metadata(table.schema.metadata), path)
    result = run("restore", path, own, *data(folder), "--out", tmp_path / "back")
    assert result.exit_code == 1
    assert match in result.stderr
    assert not (tmp_path / "back").exists()


def test_predictions_under_a_lock_without_its_leaks_are_not_those_of_the_whole(
    tmp_path: Path,
) -> None:
    folder = make(tmp_path / "a", leak=True)
    own = locked(folder)
    kept = run("check", own, *data(folder), "--exclude-leaks", "--no-near").stdout.split()[-1]
    made = predicted(folder / "run", read_lock(Path(kept)))
    shutil.copy(kept, made / "protocol.lock.json")
    assert run("share", made, *data(folder)).exit_code == 0
    path = made / "public" / "predictions.public.parquet"
    result = run("restore", path, own, *data(folder), "--out", tmp_path / "back")
    assert result.exit_code == 1
    assert "was made under the lock" in result.stderr
    assert run("restore", path, kept, *data(folder), "--out", tmp_path / "back").exit_code == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda lock: {"folds": (replace(lock.folds[0], test=lock.folds[0].test[:3]),)},
        lambda lock: {
            "folds": (replace(lock.folds[0], train=lock.folds[0].test, test=lock.folds[0].train),)
        },
        lambda lock: {"protocol_version": 99},
        lambda lock: {"not_found": "excluded"},
        lambda lock: {"synthetic": False},
    ],
)
def test_a_lock_that_was_edited_and_sealed_again_is_refused(
    tmp_path: Path, change: Callable[[Lock], dict[str, Any]]
) -> None:
    folder = make(tmp_path / "a")
    path = locked(folder)
    lock = read_lock(path)
    write_lock(path, sealed(replace(lock, **change(lock))))
    result = run("check", path, *data(folder), "--no-near")
    assert result.exit_code == 1
    assert "lock the protocol again" in result.stderr


def test_labs_that_do_not_agree_are_told_in_what(tmp_path: Path) -> None:
    own = locked(make(tmp_path / "ours"), "--public")
    other = make(tmp_path / "theirs", label="fear")
    result = run("agree", own.with_name("rafdb.public.json"), locked(other), *data(other))
    assert result.exit_code == 1
    assert "the samples are the same, some labels differ" in result.stdout
    assert "cannot be compared" in result.stderr


def test_predictions_of_samples_that_were_not_as_locked_are_not_shared(tmp_path: Path) -> None:
    folder = make(tmp_path / "a")
    made = predicted(folder / "run", read_lock(locked(folder)))
    path = made / "fold0" / "predictions.parquet"
    table = read_predictions(path)
    info = PredictionsInfo(**{**vars_of(table.info), "mismatch": ("other pictures",)})
    write_predictions(path, table.frame, info)
    result = run("share", made, *data(folder))
    assert result.exit_code == 1
    assert "are not as locked (other pictures)" in result.stderr


def vars_of(info: PredictionsInfo) -> dict[str, object]:
    return {name: getattr(info, name) for name in info.__dataclass_fields__}


@pytest.mark.parametrize("text", ["", "{}", json.dumps({"kind": "fertools public lock"})])
def test_a_file_that_is_no_shared_lock_is_refused(tmp_path: Path, text: str) -> None:
    folder = make(tmp_path / "a")
    (tmp_path / "s.json").write_text(text)
    result = run("agree", tmp_path / "s.json", locked(folder), *data(folder))
    assert result.exit_code == 1
    assert "is damaged or no shared lock" in result.stderr
