"""Pairs of which one may be a cut copy of the other: windows with nearly the same hash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from fertools.duplicates.windows import Windows

__all__ = ["cut_pairs"]

IntArray = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]

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
    from fertools.duplicates.kernels import fill_buckets, find_cut

    count = len(windows.inner)
    words = windows.inner.reshape(-1, 2)
    first = np.ascontiguousarray(words[:, 0])
    ordered = np.empty((len(_SHIFTS), len(words)), np.uint64)
    numbers = np.empty((len(_SHIFTS), len(words)), np.int32)
    starts = np.zeros((len(_SHIFTS), (1 << _KEY_BITS) + 1), np.int32)
    for table, shift in enumerate(_SHIFTS.tolist()):
        ordered[table], numbers[table] = fill_buckets(first, shift, starts[table])
    scratch = [np.full(count, -1, np.int32) for _ in range(workers)]

    def search(worker: int, begin: int, end: int) -> list[Int32Array]:
        """Everything about some copies."""
        blocks, room = [], np.empty((max(_ROOM, count), 3), np.int32)
        while begin < end:
            begin, found = find_cut(
                copies.outer[:end],
                copies.unsure[:end],
                words,
                (ordered, numbers, starts),
                _SHIFTS,
                known,
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
