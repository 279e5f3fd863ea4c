from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from fertools.errors import LockError
from fertools.manifest import write_manifest
from fertools.protocols import Lock, Pool, load_protocol, lock_protocol, read_pool
from fertools.protocols.public import compare_public, read_public, write_public

CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")


def make(folder: Path, *, first: str = "anger", moved: bool = False) -> tuple[Lock, Pool]:
    """RAF-DB's protocol on 28 invented rows."""
    folder.mkdir()
    rows = [
        {
            "sample_id": f"{split}_{i:04d}",
            "image": f"{split}_{i:04d}.jpg",
            "dataset": "rafdb",
            "expression": CLASSES[i % 7],
            "split": split,
            "width": 8,
            "height": 8,
            "sha256": f"{100 * len(split) + i:064x}",
        }
        for split, number in (("train", 14 - moved), ("test", 14 + moved))
        for i in range(number)
    ]
    rows[0]["expression"] = first
    frame = pd.DataFrame(rows)
    path = write_manifest(
        folder / "manifest.parquet", frame, dataset="rafdb", synthetic=True, config={}
    ).path
    protocol = load_protocol("rafdb")
    pool = read_pool(protocol, {"train": path, "test": path})
    return lock_protocol(protocol, pool), pool


def test_it_names_nobody_and_says_no_label(tmp_path: Path) -> None:
    lock, pool = make(tmp_path / "a")
    write_public(tmp_path / "shared.json", lock, pool)
    text = (tmp_path / "shared.json").read_text()
    assert not any(name in text for name in lock.labels)
    assert not any(sha256 in text for sha256 in pool.frame["sha256"])
    assert "label" not in text.replace("labels_digest", "")
    assert len(json.loads(text)["folds"][0]["test"]) == 14


def test_two_labs_with_the_set_see_that_theirs_agree(tmp_path: Path) -> None:
    lock, pool = make(tmp_path / "a")
    write_public(tmp_path / "shared.json", lock, pool)
    shared = read_public(tmp_path / "shared.json")
    assert compare_public(shared, *make(tmp_path / "b")) == []
    assert compare_public(shared, *make(tmp_path / "c", first="fear")) == [
        "the samples are the same, some labels differ"
    ]
    [train, test] = compare_public(shared, *make(tmp_path / "d", moved=True))
    assert train.startswith("fold 0, train: ")
    assert test.startswith("fold 0, test: ")


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "shared.json"
    write_public(path, *make(tmp_path / "a"))
    values = json.loads(path.read_text())
    values["folds"][0]["test"].pop()
    path.write_text(json.dumps(values))
    with pytest.raises(LockError, match="was changed after it was made"):
        read_public(path)
    for text in ("", "[]", "{}", "[" * 100_000):
        path.write_text(text)
        with pytest.raises(LockError, match="is damaged or no shared lock"):
            read_public(path)
