"""Altered copies between the sides of a fold: found, with what was done to them; read once."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from fertools.errors import OutputError
from fertools.jobs import hold_folder
from fertools.protocols import NearPairs, find_leaks, find_near_pairs
from fertools.verify import verify_manifest

Pixels = npt.NDArray[np.uint8]


def toned(pixels: Pixels, factor: float) -> Pixels:
    return np.clip(pixels * factor, 0, 255).astype(np.uint8)


def links(near: NearPairs) -> list[tuple[str, str, str, str]]:
    return [(one.first, one.second, one.to_second, one.to_first) for one in near.links]


@pytest.mark.parametrize(
    ("alter", "to_copy", "to_source"),
    [
        (lambda p: cv2.resize(p, (90, 90)), "re-encoded", "re-encoded"),
        (lambda p: p[:, ::-1], "mirrored", "mirrored"),
        (lambda p: p[16:, :150], "cropped", "cropped"),
        (lambda p: toned(p, 1.3), "brightened", "darkened"),
        (lambda p: toned(p, 0.7), "darkened", "brightened"),
        (
            lambda p: toned(p[10:-6, ::-1][:, 12:], 0.8),
            "mirrored, cropped, darkened",
            "mirrored, cropped, brightened",
        ),
    ],
    ids=["smaller", "mirrored", "cropped", "brighter", "darker", "all"],
)
def test_an_altered_copy_of_another_person_is_found_with_what_was_done(
    small: Any, alter: Callable[[Pixels], Pixels], to_copy: str, to_source: str
) -> None:
    small.save("S4_anger", alter(small.pixels("S1_anger")))
    near = find_near_pairs(*small.locked())
    assert links(near) == [("S1_anger", "S4_anger", to_copy, to_source)]


def test_different_pictures_are_no_copies_and_all_pairs_of_two_sides_are_counted(
    small: Any,
) -> None:
    near = find_near_pairs(*small.locked())
    assert near == NearPairs((), 6 * 4 * 4, ())  # pairs of people, pictures of each


def test_copies_on_one_side_of_all_folds_are_not_looked_for(small: Any) -> None:
    small.save("S1_happiness", small.pixels("S1_anger")[:, ::-1])
    near = find_near_pairs(*small.locked())
    assert near.links == ()


def test_what_a_model_is_chosen_by_counts_as_training(small: Any) -> None:
    small.save("S4_anger", small.pixels("S3_anger")[:, ::-1])
    near = find_near_pairs(*small.official())
    assert links(near) == [("S3_anger", "S4_anger", "mirrored", "mirrored")]
    assert near.num_pairs == 12 * 4


def test_pictures_that_cannot_be_read_are_listed_not_skipped(small: Any) -> None:
    lock, pool = small.locked()
    (small.folder / "images/S2_anger.png").unlink()
    (small.folder / "images/S3_anger.png").write_bytes(b"no picture")
    near = find_near_pairs(lock, pool)
    assert near.unread == ("S2_anger", "S3_anger")


def test_what_verify_has_read_is_not_read_again_nor_the_other_way_round(small: Any) -> None:
    lock, pool = small.locked()
    find_near_pairs(lock, pool)
    assert verify_manifest(small.manifest).num_kept == 16
    [chunk] = (small.folder / "verify").glob("*.arrow")
    before = chunk.stat().st_mtime_ns
    find_near_pairs(lock, pool)
    assert chunk.stat().st_mtime_ns == before


def test_a_picture_written_again_is_read_again_though_size_and_date_are_the_same(
    small: Any,
) -> None:
    lock, pool = small.locked()
    known = find_near_pairs(lock, pool)
    path = small.folder / "images/S4_anger.png"
    status = path.stat()
    small.save("S4_anger", small.pixels("S1_anger")[:, ::-1])
    path.write_bytes(path.read_bytes().ljust(status.st_size, b"\0")[: status.st_size])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    near = find_near_pairs(lock, pool, known=known)
    assert (near.links, near.unread) != ((), ())


def test_an_earlier_search_is_taken_only_while_no_picture_was_written(small: Any) -> None:
    lock, pool = small.locked()
    known = NearPairs((), -1, ())
    find_near_pairs(lock, pool)
    assert find_near_pairs(lock, pool, known=known) is known
    small.save("S4_anger", small.pixels("S1_anger")[:, ::-1])
    assert len(find_near_pairs(lock, pool, known=known).links) == 1


def test_two_checks_may_read_at_once_but_not_beside_a_verification(
    small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fertools.jobs.folder_lock._PATIENCE_SECONDS", 0)
    lock, pool = small.locked()
    with hold_folder(small.folder / "verify", shared=True):
        assert find_near_pairs(lock, pool).unread == ()
    with (
        hold_folder(small.folder / "verify"),
        pytest.raises(OutputError, match="another process is writing here"),
    ):
        find_near_pairs(lock, pool)


def test_pictures_of_one_colour_are_nobodys_copies(small: Any) -> None:
    for name in ("S1_anger", "S4_anger"):
        small.save(name, np.full((60, 60, 3), 90 + len(name) + int(name[1]), np.uint8))
    near = find_near_pairs(*small.locked())
    assert (near.links, near.unread) == ((), ())


def test_a_picture_that_is_another_file_than_the_manifest_says_is_named(small: Any) -> None:
    lock, pool = small.locked()
    small.save("S1_anger", 255 - small.pixels("S1_anger"))
    found = find_near_pairs(lock, pool)
    assert found.changed == ("S1_anger",)
    [reason] = find_leaks(lock, pool, found).not_checked
    assert "1 pictures as the manifest has them: other files are there, first 'S1_anger'" in reason
