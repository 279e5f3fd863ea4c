"""Pairs of which one may be a cut copy of the other: windows with nearly the same hash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from fertools.duplicates.windows import NUM_WINDOWS, Windows

__all__ = ["cut_pairs"]

IntArray = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]
Buckets = tuple[npt.NDArray[np.uint64], Int32Array, Int32Array]

_KEY_BITS = 20
_SHIFTS = np.array([0, 15, 29, 44])  # the lowest bit of each table's key
_MOST_BITS = (11, 26)  # of the first word, of both; of copies some pair of windows is nearer
_ROOM = 1 << 16
_AT_ONCE = 1 << 18  # pairs that are aimed at in a block


def cut_pairs(
    windows: Windows,
    copies: Windows,
    *,
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
        windows: The pictures, as those that were cut from.
        copies: The same pictures as those that were cut, mirrored perhaps.
        kinds: Shape ``(N,)``: the kind of each picture.
        may_meet: Shape ``(K, K)``: which kinds are compared.
        roots: Gives numbers ``(N,)``; pictures of the same number are not looked for any more.
        workers: Threads.

    Yields:
        Blocks ``(C, 3)`` of source, copy, and the windows ``16 * inner + outer`` that are nearest.

    Reference:
        Lv et al., "Multi-probe LSH: efficient indexing for high-dimensional similarity search",
        VLDB 2007.
    """
    for sources in _sides(kinds, may_meet):
        yield from _cut_from(sources, windows, copies, kinds, may_meet, roots, workers)


def _cut_from(
    sources: IntArray,
    windows: Windows,
    copies: Windows,
    kinds: IntArray,
    may_meet: npt.NDArray[np.bool_],
    roots: Callable[[], IntArray],
    workers: int,
) -> Iterator[Int32Array]:
    """The pairs of some sources."""
    from fertools.duplicates.kernels import find_cut

    count = len(windows.inner)
    words = windows.inner.reshape(-1, 2)
    buckets = _buckets(words, sources)
    is_asked = np.asarray(may_meet[np.unique(kinds[sources])].any(axis=0))[kinds]
    scratch = [np.full(count, -1, np.int32) for _ in range(workers)]

    def search(worker: int, begin: int, end: int) -> list[Int32Array]:
        """Everything about some copies."""
        blocks, room = [], np.empty((max(_ROOM, count), 3), np.int32)
        while begin < end:
            begin, found = find_cut(
                copies.outer[:end],
                copies.unsure[:end],
                words,
                buckets,
                _SHIFTS,
                known,
                is_asked,
                kinds,
                may_meet,
                _MOST_BITS,
                begin,
                scratch[worker],
                room,
            )
            blocks.append(room[:found].copy())
        return blocks

    step, begin = 256, 0
    with ThreadPoolExecutor(workers) as pool:
        while begin < count:
            end = min(begin + step, count)
            known = roots()
            edges = np.linspace(begin, end, workers + 1).astype(int).tolist()
            jobs = [
                pool.submit(search, worker, edges[worker], edges[worker + 1])
                for worker in range(workers)
            ]
            block = np.concatenate([part for job in jobs for part in job.result()])
            yield block
            share = _AT_ONCE / max(len(block), 1)
            step = int(np.clip(step * min(share, 2.0), 16, 8192))
            begin = end


def _sides(kinds: IntArray, may_meet: npt.NDArray[np.bool_]) -> list[IntArray]:
    """The sources that are searched together: all, or the two sides where there are only two.

    One side is small where a set is trained on and a few of it are tested; then either the buckets
    or those who look into them are few.
    """
    present = np.unique(kinds)
    meets = may_meet[np.ix_(present, present)]
    if len(present) != 2 or meets.diagonal().any():
        return [np.arange(len(kinds))]
    return [np.flatnonzero(kinds == kind) for kind in present]


def _buckets(words: npt.NDArray[np.uint64], sources: IntArray) -> Buckets:
    """For each table some sources' first words in order, their numbers, where values begin."""
    from fertools.duplicates.kernels import fill_buckets

    places = (sources[:, None] * NUM_WINDOWS + np.arange(NUM_WINDOWS)).reshape(-1)
    first = words[places, 0]
    ordered = np.empty((len(_SHIFTS), len(places)), np.uint64)
    numbers = np.empty((len(_SHIFTS), len(places)), np.int32)
    starts = np.zeros((len(_SHIFTS), (1 << _KEY_BITS) + 1), np.int32)
    for table, shift in enumerate(_SHIFTS.tolist()):
        ordered[table], order = fill_buckets(first, shift, starts[table])
        numbers[table] = places[order]
    return ordered, numbers, starts
