"""Near duplicates among many pictures: hashes propose, pixels decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from fertools.duplicates.compare import SAME_PICTURE, picture_differences
from fertools.duplicates.search import near_pairs
from fertools.duplicates.sketches import VARIANTS, Sketches, altered
from fertools.jobs import progress

__all__ = ["NEAR_DISTANCE", "NearPair", "find_near_duplicates", "group_pairs"]

IntArray = npt.NDArray[np.int64]
_Value = TypeVar("_Value", bound=np.generic)

NEAR_DISTANCE = 8
"""Bits of 64 in which the hashes of two pictures may differ to be compared by their pixels."""

_COARSE_PER_FINE = 2.8  # of altered copies at most 2.0
_AT_ONCE = 8192  # pairs; their thumbnails are 64 MB


@dataclass(frozen=True, slots=True)
class NearPair:
    """Two pictures that are the same but for tones, encoding and size.

    Attributes:
        first: Number of one picture.
        second: Of the other, greater.
        distance: Bits in which their hashes differ.
        difference: See :func:`fertools.duplicates.picture_differences`.
        variant: How the second is altered: one of ``VARIANTS``.
    """

    first: int
    second: int
    distance: int
    difference: float
    variant: str


def find_near_duplicates(
    sketches: Sketches,
    *,
    distance: int = NEAR_DISTANCE,
    difference: float = SAME_PICTURE,
    variants: Sequence[str] = VARIANTS,
    every_pair: bool = False,
    workers: int = 1,
) -> list[NearPair]:
    """Find the pictures that are altered copies of each other.

    Args:
        sketches: The pictures; byte-identical ones once only, else they find each other.
        distance: Bits in which hashes of candidates may differ, at most ``MAX_DISTANCE``.
        difference: Greatest difference of pixels of a pair that is called one picture.
        variants: Which alterations to look for.
        every_pair: Give all pairs. Else only as many as hold each group together: of a thousand
            copies of one picture 999 pairs, not 499,500.
        workers: Threads that compare pixels.

    Returns:
        Pairs, in order. With ``every_pair`` a pair stands there once for each variant that fits.

    Raises:
        ValueError: If the distance is out of its range.
    """
    from fertools.duplicates.kernels import screen

    numbers = np.flatnonzero(~sketches.is_flat)
    base, coarse = sketches.hashes[numbers, 0], sketches.coarse[numbers]
    groups = _Groups(len(numbers), is_joining=not every_pair)
    pairs: list[NearPair] = []
    with progress("comparing pictures", len(numbers) * len(variants), "pictures") as advance:
        for variant in variants:
            others = sketches.hashes[numbers, VARIANTS.index(variant)]
            turned = np.ascontiguousarray(altered(coarse, variant))
            done = 0
            for block in near_pairs(base, distance, others=others):
                roots = groups.roots()
                alike = block[
                    _in_threads(
                        partial(_screen, screen, coarse, turned, roots, difference), block, workers
                    )
                ]
                for start in range(0, len(alike), _AT_ONCE):
                    part = groups.apart(alike[start : start + _AT_ONCE])
                    values = _in_threads(
                        partial(_measure, sketches, numbers, variant), part, workers
                    )
                    for (i, j), value in zip(part.tolist(), values.tolist(), strict=True):
                        if value <= difference and groups.join(i, j):
                            first, second = int(numbers[i]), int(numbers[j])
                            bits = int(base[i] ^ others[j]).bit_count()
                            pairs.append(NearPair(first, second, bits, value, variant))
                advance(int(block[-1, 0]) - done)
                done = int(block[-1, 0])
            advance(len(numbers) - done)
    return sorted(pairs, key=lambda pair: (pair.first, pair.second, VARIANTS.index(pair.variant)))


class _Groups:
    """Which pictures are known to be copies of each other; nothing is joined unless asked."""

    def __init__(self, count: int, *, is_joining: bool) -> None:
        self._parents = np.arange(count)
        self._is_joining = is_joining

    def roots(self) -> IntArray:
        """The first member of everyone's group."""
        from fertools.duplicates.kernels import roots_of

        return np.asarray(roots_of(self._parents), np.int64)

    def apart(self, pairs: IntArray) -> IntArray:
        """The pairs of two groups."""
        if not self._is_joining:
            return pairs
        roots = self.roots()
        are_apart: npt.NDArray[np.bool_] = roots[pairs[:, 0]] != roots[pairs[:, 1]]
        return pairs[are_apart]

    def join(self, i: int, j: int) -> bool:
        """Make one group of two; whether they were two."""
        from fertools.duplicates.kernels import root_of

        if not self._is_joining:
            return True
        roots = root_of(self._parents, i), root_of(self._parents, j)
        self._parents[max(roots)] = min(roots)
        return bool(roots[0] != roots[1])


def _in_threads(
    function: Callable[[IntArray], npt.NDArray[_Value]], pairs: IntArray, workers: int
) -> npt.NDArray[_Value]:
    """Apply a compiled function to parts of some pairs at the same time."""
    if workers == 1 or len(pairs) < 2 * workers:
        return function(pairs)
    parts = np.array_split(pairs, workers)
    with ThreadPoolExecutor(workers) as pool:
        return np.concatenate(list(pool.map(function, parts)))


def _screen(
    screen: Callable[..., npt.NDArray[np.bool_]],
    coarse: npt.NDArray[np.uint8],
    turned: npt.NDArray[np.uint8],
    roots: IntArray,
    difference: float,
    pairs: IntArray,
) -> npt.NDArray[np.bool_]:
    """Which pairs are worth a closer look."""
    return screen(pairs, coarse, turned, roots, _COARSE_PER_FINE * difference)


def group_pairs(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Join pairs that share members; groups and their members in ascending order.

    Example:
        >>> group_pairs([(5, 7), (0, 2), (2, 5), (3, 4)])
        [(0, 2, 5, 7), (3, 4)]
    """
    group_of: dict[int, set[int]] = {}
    for first, second in pairs:
        one = group_of.setdefault(first, {first})
        other = group_of.setdefault(second, {second})
        if one is other:
            continue
        if len(one) < len(other):
            one, other = other, one
        one |= other
        for member in other:
            group_of[member] = one
    return sorted({tuple(sorted(group)) for group in group_of.values()})


def _measure(
    sketches: Sketches, numbers: IntArray, variant: str, pairs: IntArray
) -> npt.NDArray[np.float64]:
    """The differences of pairs; each thumbnail is fetched once."""
    if len(pairs) == 0:
        return np.empty(0)
    members, places = np.unique(numbers[pairs], return_inverse=True)
    thumbnails = sketches.thumbnails[members]
    places = places.reshape(-1, 2)
    return picture_differences(thumbnails[places[:, 0]], altered(thumbnails[places[:, 1]], variant))
