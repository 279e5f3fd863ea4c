"""Pairs of which one may be a cut copy of the other: windows with nearly the same hash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fertools.duplicates.sides import meeting_sides
from fertools.duplicates.windows import Windows, mirrored_words

__all__ = ["cut_pairs"]

IntArray = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]
HashArray = npt.NDArray[np.uint64]
Buckets = tuple[HashArray, Int32Array, Int32Array]

_KEY_BITS = 20
_SHIFTS = np.array([0, 15, 29, 44])  # the lowest bit of each table's key
_MOST_BITS = (11, 26)  # of the first word, of both; of copies some pair of windows is nearer
_ROOM = 1 << 16
_AT_ONCE = 1 << 18  # pairs that are aimed at in a block
_SOURCES = 1 << 16  # at a time; they and their buckets are 80 MB


def cut_pairs(
    windows: Windows,
    numbers: IntArray,
    *,
    is_mirrored: bool,
    kinds: IntArray,
    may_meet: npt.NDArray[np.bool_],
    roots: Callable[[], IntArray],
    workers: int = 1,
) -> Iterator[Int32Array]:
    """Find pairs of which one may show a part of the other.

    The first words of all inner windows stand in four tables of buckets, by 20 of their bits each.
    Of an outer window the bucket of its own bits is looked into, and those that come of turning one
    of the bits that a small change turns first.

    Args:
        windows: Of pictures.
        numbers: Shape ``(N,)``: which of them take part. In what follows they count from 0.
        is_mirrored: Whether those that were cut were mirrored, too.
        kinds: Shape ``(N,)``: the kind of each picture.
        may_meet: Shape ``(K, K)``, symmetric: which kinds are compared.
        roots: Gives numbers ``(N,)``; pictures of the same number are not looked for any more.
        workers: Threads.

    Yields:
        Blocks ``(C, 3)`` of source, copy, and the windows ``16 * inner + outer`` that are nearest.

    Reference:
        Lv et al., "Multi-probe LSH: efficient indexing for high-dimensional similarity search",
        VLDB 2007.
    """

    def search(copies: IntArray, known: IntArray, best: Int32Array) -> list[Int32Array]:
        """Everything about some copies."""
        words = windows.outer[numbers[copies]], windows.unsure[numbers[copies]]
        outer = mirrored_words(*words) if is_mirrored else words
        return sources.pairs(copies, outer, known, kinds, may_meet, best)

    for asking, asked in _tasks(kinds, may_meet):
        inner = windows.inner[numbers[asked]]
        sources = _Sources(asked, inner, _buckets(inner[..., 0]))
        scratch = [np.full(len(asked), -1, np.int32) for _ in range(workers)]
        step, begin = 256, 0
        with ThreadPoolExecutor(workers) as pool:
            while begin < len(asking):
                parts = np.array_split(asking[begin : begin + step], workers)
                jobs = pool.map(search, parts, [roots()] * workers, scratch)
                block = np.concatenate([found for job in jobs for found in job])
                yield block
                begin += step
                share = _AT_ONCE / max(len(block), 1)
                step = int(np.clip(step * min(share, 2.0), 16, 8192))


@dataclass(frozen=True)
class _Sources:
    """Pictures that others may be cut from: their numbers, inner words and buckets of these."""

    numbers: IntArray
    inner: HashArray
    buckets: Buckets

    def pairs(
        self,
        copies: IntArray,
        outer: tuple[HashArray, HashArray],
        known: IntArray,
        kinds: IntArray,
        may_meet: npt.NDArray[np.bool_],
        best: Int32Array,
    ) -> list[Int32Array]:
        """Pairs with some copies, of which the outer words and their unsure bits are given."""
        from fertools.duplicates.kernels import find_cut

        blocks, begin = [np.empty((0, 3), np.int32)], 0
        room = np.empty((max(_ROOM, len(self.numbers)), 3), np.int32)
        while begin < len(copies):
            begin, found = find_cut(
                *outer,
                copies,
                self.inner,
                self.numbers,
                self.buckets,
                _SHIFTS,
                known,
                kinds,
                may_meet,
                _MOST_BITS,
                begin,
                best,
                room,
            )
            blocks.append(room[:found].copy())
        return blocks


def _tasks(kinds: IntArray, may_meet: npt.NDArray[np.bool_]) -> Iterator[tuple[IntArray, IntArray]]:
    """Copies, and sources that they are looked for in; not all at once, for the memory."""
    for asking, asked in meeting_sides(kinds, may_meet):
        for start in range(0, len(asked), _SOURCES):
            yield asking, asked[start : start + _SOURCES]


def _buckets(words: HashArray) -> Buckets:
    """For each table the words in order, their places, where values begin."""
    from fertools.duplicates.kernels import fill_buckets

    first = np.ascontiguousarray(words).reshape(-1)
    ordered = np.empty((len(_SHIFTS), len(first)), np.uint64)
    places = np.empty((len(_SHIFTS), len(first)), np.int32)
    starts = np.zeros((len(_SHIFTS), (1 << _KEY_BITS) + 1), np.int32)
    for table, shift in enumerate(_SHIFTS.tolist()):
        ordered[table], places[table] = fill_buckets(first, shift, starts[table])
    return ordered, places, starts
