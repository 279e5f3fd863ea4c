"""What stands on both sides of a fold is found; a clean lock has nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fertools.errors import LockError
from fertools.protocols import (
    Leak,
    NearLink,
    NearPairs,
    check_lock,
    find_leaks,
    find_near_pairs,
    read_pool,
)


def leaks(report: Any, kind: str) -> list[tuple[int, str, str, str]]:
    return [(o.fold, o.train, o.test, o.what) for o in report.leaks if o.kind == kind]


def link(first: str, second: str, difference: float = 0.1, what: str = "mirrored") -> NearLink:
    return NearLink(first, second, difference, what, what)


def test_a_clean_lock_has_no_leaks(small: Any) -> None:
    for lock, pool in (small.locked(), small.official()):
        report = find_leaks(lock, pool, find_near_pairs(lock, pool))
        assert (report.leaks, report.offenders, report.not_checked) == ((), (), ())


def test_a_subject_on_both_sides_is_found_in_each_fold(small: Any) -> None:
    lock, pool = small.official(S4_happiness="train")
    report = find_leaks(lock, pool)
    assert leaks(report, "subject") == [
        (0, "S4_happiness", name, "S4") for name in ("S4_anger", "S4_anger2", "S4_happiness2")
    ]
    assert report.counts == {"subject": 3}
    assert str(report.leaks[0]) == ("fold 0: subject S4: S4_happiness trained, S4_anger tested")


def test_what_a_model_is_chosen_by_counts_as_training(small: Any) -> None:
    report = find_leaks(*small.official(S4_happiness="val"))
    assert leaks(report, "subject")[0] == (0, "S4_happiness", "S4_anger", "S4")


def test_an_identical_file_is_found_and_is_no_near_duplicate(small: Any) -> None:
    small.save("S4_anger", small.pixels("S1_anger"))
    lock, pool = small.official()
    report = find_leaks(lock, pool, find_near_pairs(lock, pool))
    digest = pool.frame.loc["S4_anger", "sha256"]
    assert leaks(report, "file") == [(0, "S1_anger", "S4_anger", digest)]
    assert report.counts == {"file": 1}


def test_a_near_duplicate_is_told_in_each_fold_as_the_tested_one_was_altered(small: Any) -> None:
    small.save("S4_anger", (small.pixels("S1_anger")[:, ::-1] * 0.7).astype("uint8"))
    lock, pool = small.locked()
    report = find_leaks(lock, pool, find_near_pairs(lock, pool))
    fold_of = {name: n for n, fold in enumerate(lock.folds) for name in fold.test}
    assert sorted(leaks(report, "near-duplicate")) == sorted(
        [
            (fold_of["S4_anger"], "S1_anger", "S4_anger", "mirrored, darkened"),
            (fold_of["S1_anger"], "S4_anger", "S1_anger", "mirrored, brightened"),
        ]
    )
    assert {(one.fold, one.sample) for one in report.offenders} == {
        (fold_of["S4_anger"], "S1_anger"),
        (fold_of["S1_anger"], "S4_anger"),
    }


def test_a_copy_of_a_copy_is_found_and_the_nearest_is_named(small: Any) -> None:
    lock, pool = small.official()
    chain = (link("S1_anger", "S2_anger"), link("S2_anger", "S4_anger", 0.3))
    report = find_leaks(lock, pool, NearPairs(chain, 1))
    assert leaks(report, "near-duplicate") == [(0, "S2_anger", "S4_anger", "mirrored")]
    assert {one.sample for one in report.offenders} == {"S1_anger", "S2_anger"}
    through_a_third = (link("S1_anger", "S4_happiness"), link("S4_happiness", "S4_anger"))
    report = find_leaks(lock, pool, NearPairs(through_a_third, 1))
    assert (0, "S1_anger", "S4_anger", "copy of a copy") in leaks(report, "near-duplicate")


def test_an_identical_file_of_a_copy_is_an_offender_too(small: Any) -> None:
    small.save("S2_anger", small.pixels("S1_anger"))
    lock, pool = small.official()
    report = find_leaks(lock, pool, NearPairs((link("S1_anger", "S4_anger"),), 1))
    assert {one.sample for one in report.offenders} == {"S1_anger", "S2_anger"}


def test_what_could_not_be_checked_is_said(small: Any) -> None:
    small.frame.loc[0, "subject_id"] = None
    lock, pool = small.official(S1_anger="train")
    report = find_leaks(lock, pool)
    assert report.subjects_word == "not checkable"
    assert report.not_checked == (
        "subjects: not checkable, not every sample has one",
        "near duplicates: not asked for ('fertools protocols check' searches them)",
    )
    report = find_leaks(lock, pool, NearPairs((), 1, ("S1_anger",)))
    assert report.not_checked[1] == (
        "near duplicates of 1 pictures that cannot be read, first 'S1_anger'"
    )


def test_another_label_than_the_locked_one_is_refused(small: Any) -> None:
    lock, pool = small.locked()
    path = pool.main.path
    small.frame.loc[0, "expression"] = "happiness"
    small.record()
    with pytest.raises(LockError, match="S1_anger"):
        check_lock(lock, read_pool(small.protocol(), {"samples": path}))


def test_a_lock_made_by_hand_whose_person_is_on_both_sides_is_found(small: Any) -> None:
    lock, pool = small.locked()
    fold = lock.folds[0]
    moved = replace(fold, train=(*fold.train, fold.test[0]), test=fold.test[1:])
    report = find_leaks(replace(lock, folds=(moved, *lock.folds[1:])), pool)
    who = fold.test[0][:2]
    assert report.leaks == tuple(
        Leak("subject", 0, fold.test[0], name, who) for name in fold.test[1:]
    )


def test_a_person_whose_name_is_written_in_two_ways_is_one(small: Any) -> None:
    small.frame.loc[small.frame["sample_id"] == "S1_anger", "subject_id"] = "s1"
    small.record()
    lock, pool = small.locked()
    report = find_leaks(lock, pool)
    assert {leak.kind for leak in report.leaks} == {"subject"}
    assert any("S1_anger" in (leak.train, leak.test) for leak in report.leaks)


def test_two_pictures_cut_from_one_file_are_one_file(small: Any) -> None:
    small.frame["source_sha256"] = [f"{row:064x}" for row in range(15)] + ["1" * 64]
    small.frame.loc[0, "source_sha256"] = "1" * 64
    small.record()
    lock, pool = small.locked()
    leaks = find_leaks(lock, pool).leaks
    one, other = small.frame.loc[[0, 15], "sample_id"]
    assert {(leak.kind, *sorted((leak.train, leak.test))) for leak in leaks} == {
        ("file", *sorted((one, other)))
    }
    assert leaks[0].what == f"source {'1' * 64}"
