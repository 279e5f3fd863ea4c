"""Search by hash against brute force, and pixels that tell a copy from another picture."""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fertools.duplicates import (
    MAX_DISTANCE,
    SAME_PICTURE,
    NearPair,
    find_near_duplicates,
    group_pairs,
    near_pairs,
    picture_differences,
    sketch_picture,
    stack_sketches,
)

Pixels = npt.NDArray[np.uint8]


def blobs(seed: int, size: tuple[int, int] = (240, 200)) -> Pixels:
    """A picture with structure, as pale as skin: blurred noise."""
    rng = np.random.default_rng(seed)
    noise = rng.uniform(30, 190, (9, 9, 1)) + rng.uniform(0, 25, (9, 9, 3))
    smooth = cv2.resize(noise.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth, 0, 255).astype(np.uint8)


def encoded(pixels: Pixels, kind: str, **options: int) -> Pixels:
    """What a file of another format gives back."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return np.asarray(Image.open(buffer).convert("RGB"))


def toned(pixels: Pixels, factor: float, plus: float = 0.0) -> Pixels:
    return np.clip(pixels * factor + plus, 0, 255).astype(np.uint8)


def grey(pixels: Pixels) -> Pixels:
    return np.repeat(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def pairs_of(pictures: list[Pixels], **options: float) -> list[NearPair]:
    sketches = stack_sketches([sketch_picture(picture) for picture in pictures])
    return find_near_duplicates(sketches, **options)  # type: ignore[arg-type]


def brute_force(
    hashes: npt.NDArray[np.uint64], others: npt.NDArray[np.uint64], distance: int
) -> set[tuple[int, int]]:
    near = np.bitwise_count(hashes[:, None] ^ others[None]) <= distance
    return {(int(i), int(j)) for i, j in zip(*np.nonzero(np.triu(near, 1)), strict=True)}


words = st.integers(0, 2**64 - 1)
masks = st.lists(st.integers(0, 63), max_size=MAX_DISTANCE + 4)


@settings(max_examples=60, deadline=None)
@given(
    seeds=st.lists(words, min_size=1, max_size=12),
    changes=st.lists(st.tuples(st.integers(0, 11), masks), max_size=40),
    distance=st.integers(0, MAX_DISTANCE),
    is_mirrored=st.booleans(),
)
def test_the_search_finds_what_brute_force_finds(
    seeds: list[int],
    changes: list[tuple[int, list[int]]],
    distance: int,
    is_mirrored: bool,
) -> None:
    values = list(seeds)
    for number, bits in changes:
        value = seeds[number % len(seeds)]
        for bit in bits:
            value ^= 1 << bit
        values.append(value)
    hashes = np.array(values, np.uint64)
    others = hashes[::-1].copy() if is_mirrored else hashes
    blocks = list(near_pairs(hashes, distance, others=others if is_mirrored else None))
    found = [(int(i), int(j)) for block in blocks for i, j in block]
    assert len(found) == len(set(found))
    assert set(found) == brute_force(hashes, others, distance)


SIDES = {
    "two sides": ~np.eye(2, dtype=np.bool_),
    "five folds": ~np.eye(5, dtype=np.bool_),
    "two sides and one that meets nobody": np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]], np.bool_),
    "one side, two that it tests": np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]], np.bool_),
}


@pytest.mark.parametrize("may_meet", SIDES.values(), ids=SIDES.keys())
@pytest.mark.parametrize("is_mirrored", [False, True])
def test_by_sides_the_search_finds_the_pairs_that_may_meet_and_no_others(
    may_meet: npt.NDArray[np.bool_], is_mirrored: bool
) -> None:
    rng = np.random.default_rng(0)
    seeds = rng.integers(0, 2**63, 30, np.uint64)
    flips = np.uint64(1) << rng.integers(0, 64, (20, 30, 6), np.uint64)  # up to 6 bits turned
    hashes = (seeds ^ np.bitwise_xor.reduce(flips, axis=2)).reshape(-1)
    others = rng.permutation(hashes) if is_mirrored else hashes
    kinds = rng.integers(0, len(may_meet), len(hashes))
    blocks = near_pairs(hashes, 8, others=others, kinds=kinds, may_meet=may_meet)
    found = [(int(i), int(j)) for block in blocks for i, j in block]
    assert len(found) == len(set(found))
    every = brute_force(hashes, others, 8)
    assert set(found) == {(i, j) for i, j in every if may_meet[kinds[i], kinds[j]]} != every


@pytest.mark.parametrize("may_meet", SIDES.values(), ids=SIDES.keys())
def test_by_sides_the_same_copies_are_found_as_among_all(
    may_meet: npt.NDArray[np.bool_], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fertools.duplicates.crops._SOURCES", 7)  # several parts of each side
    rng = np.random.default_rng(1)
    sources = [blobs(seed) for seed in range(24)]
    copies = [toned(s[:, ::-1], 0.8) if k % 2 else s[20:, :216] for k, s in enumerate(sources)]
    sketches = stack_sketches([sketch_picture(picture) for picture in (*sources, *copies)])
    kinds = rng.integers(0, len(may_meet), len(sketches))
    found = find_near_duplicates(sketches, kinds=kinds, may_meet=may_meet)
    every = find_near_duplicates(sketches)
    assert [(pair.first, pair.second) for pair in every] == [(k, k + 24) for k in range(24)]
    assert found == [p for p in every if may_meet[kinds[p.first], kinds[p.second]]] != every


def test_pairs_come_in_blocks_and_none_is_lost_between_them() -> None:
    hashes = np.zeros(400, np.uint64)
    blocks = list(near_pairs(hashes, 2))
    assert len(blocks) > 1
    found = np.concatenate(blocks)
    assert len(np.unique(found, axis=0)) == len(found) == 400 * 399 // 2


def test_no_hashes_have_no_pairs() -> None:
    assert list(near_pairs(np.zeros(0, np.uint64), 8)) == []


def test_a_distance_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 16, got 17"):
        list(near_pairs(np.zeros(2, np.uint64), 17))
    with pytest.raises(ValueError, match="shapes"):
        list(near_pairs(np.zeros(2, np.uint64), 1, others=np.zeros(3, np.uint64)))


@pytest.mark.parametrize(
    "copy",
    [
        lambda p: encoded(p, "JPEG", quality=40),
        lambda p: encoded(p, "WEBP", quality=70),
        lambda p: encoded(grey(p), "GIF"),
        lambda p: encoded(toned(p, 1.2), "JPEG", quality=75),
        lambda p: toned(p, 0.6),
        lambda p: toned(p, 0.8, 40),
        lambda p: cv2.resize(p, (120, 100), interpolation=cv2.INTER_AREA),
        lambda p: cv2.resize(p, (840, 700), interpolation=cv2.INTER_CUBIC),
        lambda p: grey(p),
    ],
    ids=["jpeg", "webp", "gif", "brighter", "darker", "paler", "smaller", "larger", "grey"],
)
def test_an_altered_copy_is_found_also_mirrored(copy: Callable[[Pixels], Pixels]) -> None:
    pictures = [blobs(0), blobs(1), copy(blobs(0)), copy(blobs(1)[:, ::-1])]
    found = pairs_of(pictures)
    assert [(p.first, p.second, p.variant) for p in found] == [(0, 2, "same"), (1, 3, "mirrored")]
    assert all(p.difference <= SAME_PICTURE for p in found)


def test_a_change_at_one_place_makes_another_picture() -> None:
    one = blobs(0)
    other = one.copy()
    other[130:146, 100:140] = other[130:146, 100:140] // 2  # as a mouth that opens
    sketches = [sketch_picture(one), sketch_picture(other)]
    assert int(sketches[0].hashes[0] ^ sketches[1].hashes[0]).bit_count() <= 8
    assert pairs_of([one, other]) == []


def test_other_pictures_are_no_copies_even_at_the_greatest_distance() -> None:
    assert pairs_of([blobs(seed) for seed in range(60)], distance=MAX_DISTANCE) == []


def test_pictures_of_one_colour_are_nobodys_copies() -> None:
    pictures = [np.full((40, 40, 3), level, np.uint8) for level in (0, 0, 90, 255)]
    assert all(sketch_picture(picture).is_flat for picture in pictures)
    assert pairs_of(pictures) == []


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5000, 1), (16, 16)])
def test_tiny_and_odd_pictures_have_a_sketch(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    assert sketch_picture(pixels).thumbnail.shape == (64, 64)


def test_many_copies_are_told_by_as_few_pairs_as_hold_them_together() -> None:
    pictures = [toned(blobs(0), 1 - number / 40) for number in range(12)]
    assert len(pairs_of(pictures)) == 11
    sketches = stack_sketches([sketch_picture(picture) for picture in pictures])
    every = find_near_duplicates(sketches, every_pair=True, variants=("same",))
    assert len(every) == 12 * 11 // 2


def test_groups_join_what_shares_a_member() -> None:
    assert group_pairs([(0, 1), (2, 3), (1, 2), (8, 9)]) == [(0, 1, 2, 3), (8, 9)]
    assert group_pairs([]) == []


def test_the_difference_knows_tones_and_no_more() -> None:
    thumbnail = sketch_picture(blobs(3)).thumbnail[None]
    assert picture_differences(thumbnail, thumbnail)[0] < 0.1
    assert picture_differences(thumbnail, 255 - thumbnail)[0] < 0.1
    assert picture_differences(thumbnail, np.full_like(thumbnail, 9))[0] == np.inf
    assert picture_differences(np.full_like(thumbnail, 9), thumbnail)[0] == np.inf
    with pytest.raises(ValueError, match="shapes"):
        picture_differences(thumbnail, thumbnail[0])
