"""What becomes of leaks, and what is written down of them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from fertools.errors import LeakError, ManifestError
from fertools.protocols import leaks_path, read_lock, read_near, run_gate, write_lock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "small.lock.json"


def plant_all(small: Any) -> tuple[Any, Any]:
    """An authors' split with a subject, a file and a mirrored copy on both sides."""
    small.save("S4_anger", small.pixels("S2_anger"))
    small.save("S3_anger", small.pixels("S1_anger")[:, ::-1])
    return tuple(small.official(S4_happiness="train", S3_anger="test"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_our_own_folds_are_refused_for_a_file_and_listed_all_the_same(
    small: Any, path: Path
) -> None:
    small.save("S4_anger", small.pixels("S1_anger"))
    lock, pool = small.locked()
    with pytest.raises(LeakError, match=r"small: fold \d: file .*; and 1 more; .*--exclude-leaks"):
        run_gate(lock, pool, path, near=True, is_written=True)
    assert [row["kind"] for row in rows(leaks_path(path))] == ["file", "file"]


def test_near_duplicates_are_listed_and_refused_only_strictly(small: Any, path: Path) -> None:
    small.save("S4_anger", small.pixels("S1_anger")[:, ::-1])
    lock, pool = small.locked()
    checked = run_gate(lock, pool, path, near=True)
    assert checked.report.counts == {"near-duplicate": 2}
    assert not leaks_path(path).exists()
    with pytest.raises(LeakError, match=r"near-duplicate mirrored: .* trained, .* tested"):
        run_gate(lock, pool, path, near=True, strict=True)


def test_an_official_split_is_listed_and_refused_only_strictly(small: Any, path: Path) -> None:
    lock, pool = plant_all(small)
    checked = run_gate(lock, pool, path, near=True, is_written=True)
    assert checked.lock is lock
    assert checked.report.counts == {"file": 1, "near-duplicate": 1, "subject": 4}
    assert {(row["kind"], row["train"], row["test"]) for row in rows(leaks_path(path))} == {
        ("subject", "S4_happiness", "S4_anger"),
        ("subject", "S4_happiness", "S4_anger2"),
        ("subject", "S4_happiness", "S4_happiness2"),
        ("subject", "S3_anger2", "S3_anger"),
        ("file", "S2_anger", "S4_anger"),
        ("near-duplicate", "S1_anger", "S3_anger"),
    }
    with pytest.raises(LeakError, match="and 5 more"):
        run_gate(lock, pool, path, strict=True)


def test_left_out_samples_are_recorded_and_the_lock_is_another_one(small: Any, path: Path) -> None:
    lock, pool = plant_all(small)
    checked = run_gate(lock, pool, path, near=True, exclude=True, strict=True)
    assert checked.report.leaks == ()
    assert checked.found.counts["subject"] == 4
    [fold] = checked.lock.folds
    assert set(lock.folds[0].train) - set(fold.train) == {"S1_anger", "S2_anger", "S4_happiness"}
    assert (len(lock.folds[0].val), fold.val) == (3, ())
    assert fold.test == lock.folds[0].test
    assert {(one.sample, one.kind) for one in checked.excluded} == {
        ("S4_happiness", "subject"),
        ("S3_anger2", "subject"),
        ("S3_happiness", "subject"),
        ("S3_happiness2", "subject"),
        ("S2_anger", "file"),
        ("S1_anger", "near-duplicate"),
    }
    assert checked.lock.digest != lock.digest
    write_lock(path, checked.lock)
    assert read_lock(path) == checked.lock
    hidden = json.loads(path.read_text()) | {"excluded": []}
    path.write_text(json.dumps(hidden))
    with pytest.raises(Exception, match="was changed after it was made"):
        read_lock(path)


def test_what_was_found_holds_for_the_lock_with_and_without_the_offenders(
    small: Any, path: Path
) -> None:
    lock, pool = plant_all(small)
    checked = run_gate(lock, pool, path, near=True, exclude=True, is_written=True)
    assert read_near(path, lock, pool) == read_near(path, checked.lock, pool) == checked.near
    assert json.loads(leaks_path(path).with_suffix(".json").read_text())["num_excluded"] == 6


def test_nothing_is_left_out_of_a_clean_lock(small: Any, path: Path) -> None:
    lock, pool = small.locked()
    checked = run_gate(lock, pool, path, near=True, strict=True, exclude=True)
    assert checked.lock is lock
    assert checked.excluded == ()


def test_a_fold_of_which_nothing_would_be_left_is_refused(small: Any, path: Path) -> None:
    lock, pool = small.official(S1_anger="test", S2_anger="test")
    with pytest.raises(LeakError, match="all 6 training samples leak"):
        run_gate(lock, pool, path, exclude=True)


def test_a_training_run_takes_what_a_check_found(small: Any, path: Path) -> None:
    small.save("S4_anger", small.pixels("S1_anger")[:, ::-1])
    lock, pool = small.locked()
    before = run_gate(lock, pool, path)
    assert before.near is None
    assert (
        "near duplicates: not asked for ('fertools protocols check' searches them)"
        in before.report.not_checked
    )
    found = run_gate(lock, pool, path, near=True, is_written=True)
    again = run_gate(lock, pool, path)
    assert again.near == found.near
    assert again.report.counts == {"near-duplicate": 2}
    assert run_gate(lock, pool, path, near=False).near is None


def test_a_record_of_another_lock_or_set_is_not_taken(small: Any, path: Path) -> None:
    lock, pool = small.locked()
    run_gate(lock, pool, path, near=True, is_written=True)
    assert read_near(path, lock, pool) is not None
    small.save("S4_anger", small.pixels("S1_anger")[:, ::-1])
    other = small.locked()
    assert read_near(path, *other) is None
    assert read_near(path, *small.official()) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-20],
        lambda text: text.replace('"num_pairs"', '"pairs"'),
        lambda text: text.replace("S1_anger", "S9_anger"),
    ],
    ids=["cut off", "a key less", "an unknown sample"],
)
def test_a_damaged_record_is_an_error(small: Any, path: Path, damage: Any) -> None:
    small.save("S4_anger", small.pixels("S1_anger")[:, ::-1])
    lock, pool = small.locked()
    run_gate(lock, pool, path, near=True, is_written=True)
    record = leaks_path(path).with_suffix(".json")
    record.write_text(damage(record.read_text()))
    with pytest.raises(ManifestError, match=r"small\.leaks\.json: .*protocols check"):
        run_gate(lock, pool, path)
