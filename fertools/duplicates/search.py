"""All pairs of 64-bit hashes that differ in few bits, without comparing each with each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import numpy.typing as npt

from fertools.duplicates.sides import meeting_sides

__all__ = ["MAX_DISTANCE", "near_pairs"]

HashArray = npt.NDArray[np.uint64]
IntArray = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]

MAX_DISTANCE = 16

_BANDS = 4
_VALUES = 1 << 16
_LEAST_ROOM = 1 << 15
_SHUFFLE = np.random.default_rng(0).permutation(64)  # neighbouring frequencies go together


def near_pairs(
    hashes: HashArray,
    distance: int,
    *,
    others: HashArray | None = None,
    kinds: IntArray | None = None,
    may_meet: npt.NDArray[np.bool_] | None = None,
) -> Iterator[IntArray]:
    """Find every pair of hashes that differ in at most ``distance`` bits.

    Hashes are cut into four bands of 16 bits. If two differ in d bits or fewer, then in some band b
    they differ in r(b) bits or fewer, for any r with r(0) + … + r(3) = d - 3: else there would be
    at least r(b) + 1 in every band, d + 1 in all. So each band is a table of 65,536 buckets, and
    only the buckets around a hash's own are looked at. For d = 8 these hold 0.3 % of random hashes.

    Args:
        hashes: Shape ``(N,)``.
        distance: From 0 to ``MAX_DISTANCE``.
        others: Shape ``(N,)``: look for ``hashes[i]`` near ``others[j]`` instead (hashes of the
            mirrored pictures, say).
        kinds: Shape ``(N,)``: what each one is, from 0; else all are the same.
        may_meet: Shape ``(K, K)``, symmetric: which kinds are compared; else all.

    Yields:
        Pairs ``(i, j)`` with ``i < j``, shape ``(K, 2)``, each once; in blocks, so that memory is
        bounded however many there are. Within a block they are ordered by ``i``.

    Raises:
        ValueError: If the distance is out of its range or the lengths differ.

    Reference:
        Norouzi, Punjani and Fleet, "Fast exact search in Hamming space with multi-index hashing",
        TPAMI 36(6), 2014, doi:10.1109/TPAMI.2013.231.
    """
    from fertools.duplicates.kernels import find_block

    if not 0 <= distance <= MAX_DISTANCE:
        raise ValueError(f"distance must be from 0 to {MAX_DISTANCE}, got {distance}")
    searched = hashes if others is None else others
    if hashes.shape != searched.shape or hashes.ndim != 1:
        raise ValueError(f"hashes of shapes {hashes.shape} and {searched.shape}")
    count = len(hashes)
    kinds = np.zeros(count, np.int64) if kinds is None else kinds
    may_meet = np.ones((kinds.max(initial=0) + 1,) * 2, np.bool_) if may_meet is None else may_meet
    radii = _radii(distance)
    flips, num_flips = _flips(radii)
    pairs = np.empty((max(_LEAST_ROOM, count), 2), np.int64)
    for asking, asked in meeting_sides(kinds, may_meet):
        queries = _shuffled(hashes[asking])
        tables = _tables(_shuffled(searched[asked]), asked)
        begin = 0
        while begin < len(queries):
            begin, found = find_block(
                queries,
                asking,
                *tables,
                flips,
                num_flips,
                radii,
                distance,
                kinds,
                may_meet,
                begin,
                pairs,
            )
            if found:
                yield pairs[:found].copy()


def _radii(distance: int) -> IntArray:
    """How many bits may differ in each band; -1: the others suffice."""
    base, more = divmod(distance - _BANDS + 1, _BANDS)
    return np.array([base + (band < more) for band in range(_BANDS)], np.int64)


def _flips(radii: IntArray) -> tuple[IntArray, IntArray]:
    """The masks with up to so many bits, for each band, and how many."""
    masks = [
        [
            sum(1 << bit for bit in bits)
            for size in range(radius + 1)
            for bits in combinations(range(16), size)
        ]
        for radius in radii.tolist()
    ]
    flips = np.zeros((_BANDS, max(map(len, masks))), np.int64)
    for band, values in enumerate(masks):
        flips[band, : len(values)] = values
    return flips, np.array([len(values) for values in masks], np.int64)


def _tables(hashes: HashArray, numbers: IntArray) -> tuple[HashArray, Int32Array, Int32Array]:
    """For each band the hashes in its order, their numbers, and where each value begins."""
    in_bands = np.empty((_BANDS, len(hashes)), np.uint64)
    orders = np.empty((_BANDS, len(hashes)), np.int32)
    starts = np.zeros((_BANDS, _VALUES + 1), np.int32)
    for band in range(_BANDS):
        keys = (hashes >> np.uint64(16 * band)).astype(np.uint16)
        order = np.argsort(keys, kind="stable")
        in_bands[band], orders[band] = hashes[order], numbers[order]
        np.cumsum(np.bincount(keys, minlength=_VALUES), out=starts[band, 1:])
    return in_bands, orders, starts


def _shuffled(hashes: HashArray) -> HashArray:
    """Hashes with their bits in another order: distances stay, bands get alike."""
    result = np.zeros(len(hashes), np.uint64)
    for target, source in enumerate(_SHUFFLE.tolist()):
        bit = (hashes >> np.uint64(source)) & np.uint64(1)
        result |= bit << np.uint64(target)
    return result
