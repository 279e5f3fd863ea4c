"""Near duplicates among many pictures: hashes propose, pixels decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from fertools.duplicates.compare import SAME_PICTURE, WHOLE
from fertools.duplicates.crops import cut_pairs
from fertools.duplicates.search import near_pairs
from fertools.duplicates.sketches import VARIANTS, Sketches, altered
from fertools.duplicates.windows import FRAMES
from fertools.jobs import progress

__all__ = ["NEAR_DISTANCE", "ONE_PERSON", "NearPair", "find_near_duplicates", "group_pairs"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
_Result = TypeVar("_Result")

NEAR_DISTANCE = 8
"""Bits of 64 in which the hashes of two whole pictures may differ to be compared by pixels."""

ONE_PERSON = 0.25
"""The share of the greatest difference that two pictures of one person may have.

They are alike without being copies, such as a neutral face and one with the faintest smile.
"""

_LEAST_CORRELATION = 0.8  # squared, of coarse pictures; less of 1 in 200 altered copies
_AT_ONCE = 8192  # pairs; their thumbnails are 64 MB
_CUT = 0.98  # of a side; a copy that shows less of its source is called cropped
_BRIGHTER = 1.15  # times


@dataclass(frozen=True, slots=True)
class NearPair:
    """Two pictures that are the same but for tones, encoding, size and cut sides.

    Attributes:
        first: Number of one picture.
        second: Of the other, greater.
        distance: Bits in which the hashes of the whole pictures differ.
        difference: See :func:`fertools.duplicates.picture_differences`.
        variant: How the second is altered: one of ``VARIANTS``.
        frame: Where the one that shows less lies on the other: left edge, width, top edge, height.
        gain: How many times as bright the second is as the first.
    """

    first: int
    second: int
    distance: int
    difference: float
    variant: str
    frame: tuple[float, float, float, float] = WHOLE
    gain: float = 1.0

    @property
    def shape(self) -> str:
        """``same``, ``mirrored``, ``cropped`` or ``mirrored, cropped``."""
        words = ["mirrored"] if self.variant == "mirrored" else []
        if min(self.frame[1], self.frame[3]) < _CUT:
            words.append("cropped")
        return ", ".join(words) or "same"

    def alterations(self, of: int) -> str:
        """In words what was done to one of the two, seen from the other."""
        gain = self.gain if of == self.second else 1 / self.gain
        words = [self.shape] if self.shape != "same" else []
        if not 1 / _BRIGHTER < gain < _BRIGHTER:
            words.append("brightened" if gain > 1 else "darkened")
        return ", ".join(words) or "re-encoded"


def find_near_duplicates(
    sketches: Sketches,
    *,
    distance: int = NEAR_DISTANCE,
    difference: float = SAME_PICTURE,
    variants: Sequence[str] = VARIANTS,
    people: IntArray | None = None,
    kinds: IntArray | None = None,
    may_meet: npt.NDArray[np.bool_] | None = None,
    every_pair: bool = False,
    workers: int = 1,
) -> list[NearPair]:
    """Find the pictures that are altered copies of each other.

    Args:
        sketches: The pictures; byte-identical ones once only, else they find each other.
        distance: Bits in which hashes of whole pictures may differ, at most ``MAX_DISTANCE``.
        difference: Greatest difference of pixels of a pair that is called one picture.
        variants: Which alterations to look for.
        people: Shape ``(N,)``: who it is, negative where nobody knows. Pictures of one person must
            be nearer by ``ONE_PERSON`` to be called one picture.
        kinds: Shape ``(N,)``: what it is, from 0.
        may_meet: Shape ``(K, K)``, symmetric: which kinds are compared with which; else all.
        every_pair: Give all pairs. Else only as many as hold each group together: of a thousand
            copies of one picture 999 pairs, not 499,500.
        workers: Threads.

    Returns:
        Pairs, in order. With ``every_pair`` a pair stands there once for each variant that fits.

    Raises:
        ValueError: If the distance is out of its range.
    """
    numbers = np.flatnonzero(~sketches.is_flat)
    count = len(sketches)
    search = _Search(
        sketches,
        numbers,
        (np.full(count, -1) if people is None else people)[numbers],
        (np.zeros(count, np.int64) if kinds is None else kinds)[numbers],
        np.ones((1, 1), np.bool_) if may_meet is None else may_meet,
        difference=difference,
        is_joining=not every_pair,
        workers=workers,
    )
    with progress("comparing pictures", len(numbers) * len(variants), "pictures") as advance:
        for variant in variants:
            done = 0
            for source, block, frames in search.whole(variant, distance):
                search.confirm(block, frames, variant)
                advance(max(source - done, 0))
                done = max(source, done)
            for block, frames in search.cut(variant):
                search.confirm(block, frames, variant)
            advance(len(numbers) - done)
    return search.pairs()


class _Search:
    """Candidates of one kind after the other, and which pictures are known to be copies."""

    def __init__(
        self,
        sketches: Sketches,
        numbers: IntArray,
        people: IntArray,
        kinds: IntArray,
        may_meet: npt.NDArray[np.bool_],
        *,
        difference: float,
        is_joining: bool,
        workers: int,
    ) -> None:
        self._sketches, self._numbers = sketches, numbers
        self._people, self._kinds, self._may_meet = people, kinds, may_meet
        self._difference = difference
        is_whole = len(numbers) == len(sketches)
        self._coarse = sketches.coarse if is_whole else sketches.coarse[numbers]
        self._parents = np.arange(len(numbers))  # of groups; nothing is joined unless asked
        self._is_joining = is_joining
        self._workers = workers
        self._found: dict[tuple[int, int, str], NearPair] = {}

    def pairs(self) -> list[NearPair]:
        """What was found, in order."""
        order = {variant: place for place, variant in enumerate(VARIANTS)}
        return sorted(self._found.values(), key=lambda p: (p.first, p.second, order[p.variant]))

    def whole(self, variant: str, distance: int) -> Iterator[tuple[int, IntArray, FloatArray]]:
        """Pairs of which the whole hashes are near, and how far the search is."""
        base = self._sketches.hashes[self._numbers, 0]
        others = self._sketches.hashes[self._numbers, VARIANTS.index(variant)]
        for block in near_pairs(
            base, distance, others=others, kinds=self._kinds, may_meet=self._may_meet
        ):
            yield int(block[-1, 0]), block, np.tile(WHOLE, (len(block), 1))

    def cut(self, variant: str) -> Iterator[tuple[IntArray, FloatArray]]:
        """Pairs of which one may show a part of the other."""
        if self._sketches.windows is None:
            return
        for block in cut_pairs(
            self._sketches.windows,
            self._numbers,
            is_mirrored=variant == "mirrored",
            kinds=self._kinds,
            may_meet=self._may_meet,
            roots=self._roots,
            workers=self._workers,
        ):
            yield block[:, :2].astype(np.int64), FRAMES.reshape(-1, 4)[block[:, 2]]

    def confirm(self, pairs: IntArray, frames: FloatArray, variant: str) -> None:
        """Compare candidates (source, copy) by their pixels, and keep the copies."""
        from fertools.duplicates.kernels import screen_pairs

        pairs, frames = self._apart(pairs, frames)
        is_mirrored = variant == "mirrored"
        kept = self._in_threads(
            lambda part: screen_pairs(
                self._coarse, pairs[part], frames[part], is_mirrored, _LEAST_CORRELATION
            ),
            len(pairs),
        )
        is_like = np.concatenate(kept)
        pairs, frames = pairs[is_like], frames[is_like]
        for start in range(0, len(pairs), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            self._compare(*self._apart(pairs[part], frames[part]), variant)

    def _compare(self, pairs: IntArray, frames: FloatArray, variant: str) -> None:
        """Compare some candidates by their thumbnails, and keep the copies."""
        from fertools.duplicates.fitting import fit_pairs

        if len(pairs) == 0:
            return
        members, where = np.unique(self._numbers[pairs], return_inverse=True)
        thumbnails = self._sketches.thumbnails[members]
        others = np.ascontiguousarray(altered(thumbnails, variant))
        where = where.reshape(-1, 2)
        who = self._people[pairs]
        is_one = (who[:, 0] >= 0) & (who[:, 0] == who[:, 1])
        limits = self._difference * np.where(is_one, ONE_PERSON, 1.0)
        fitted = self._in_threads(
            lambda part: fit_pairs(thumbnails, others, where[part], frames[part], limits[part]),
            len(pairs),
        )
        values, fits, gains = (np.concatenate(column) for column in zip(*fitted, strict=True))
        for k in np.flatnonzero(values <= limits).tolist():
            self._keep(pairs[k], float(values[k]), variant, fits[k], float(gains[k]))

    def _keep(
        self, pair: IntArray, value: float, variant: str, frame: FloatArray, gain: float
    ) -> None:
        """Note a pair of copies, unless both are known to be of one group."""
        from fertools.duplicates.kernels import root_of

        source, copy = pair.tolist()
        if self._is_joining:
            roots = root_of(self._parents, source), root_of(self._parents, copy)
            if roots[0] == roots[1]:
                return
            self._parents[max(roots)] = min(roots)
        hashes = self._sketches.hashes
        first, second = sorted((int(self._numbers[source]), int(self._numbers[copy])))
        known = self._found.get((first, second, variant))
        if known is None or value < known.difference:
            bits = int(hashes[first, 0] ^ hashes[second, VARIANTS.index(variant)]).bit_count()
            self._found[first, second, variant] = NearPair(
                first,
                second,
                bits,
                value,
                variant,
                tuple(frame.round(4).tolist()),
                gain if source < copy else 1 / gain,
            )

    def _roots(self) -> IntArray:
        """The first member of everyone's group."""
        from fertools.duplicates.kernels import roots_of

        return np.asarray(roots_of(self._parents), np.int64)

    def _apart(self, pairs: IntArray, frames: FloatArray) -> tuple[IntArray, FloatArray]:
        """The pairs of two groups."""
        roots = self._roots()
        are_apart = roots[pairs[:, 0]] != roots[pairs[:, 1]]
        return pairs[are_apart], frames[are_apart]

    def _in_threads(self, function: Callable[[slice], _Result], count: int) -> list[_Result]:
        """Apply a compiled function to parts of so many pairs at the same time."""
        if self._workers == 1 or count < 2 * self._workers:
            return [function(slice(None))]
        edges = np.linspace(0, count, self._workers + 1).astype(int).tolist()
        with ThreadPoolExecutor(self._workers) as pool:
            return list(pool.map(function, map(slice, edges[:-1], edges[1:])))


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
