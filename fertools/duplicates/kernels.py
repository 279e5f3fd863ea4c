"""The compiled loops of the search for duplicates; arguments are checked by their callers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fertools.duplicates.compiled import compiled

__all__ = ["fill_buckets", "find_block", "find_cut", "root_of", "roots_of", "screen_pairs"]

HashArray = npt.NDArray[np.uint64]
IntArray = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]

_POINTS = 12  # a side, where coarse pictures are compared


@compiled("i8(u8)")
def _count_bits(word: np.uint64) -> np.int64:
    """Ones in 64 bits."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled(
    "UniTuple(i8, 2)(u8[::1], i8[::1], u8[:,::1], i4[:,::1], i4[:,::1],"
    "i8[:,::1], i8[::1], i8[::1], i8, i8[::1], b1[:,::1], i8, i8[:,::1])"
)
def find_block(
    hashes: HashArray,
    numbers: IntArray,
    sorted_others: HashArray,
    orders: npt.NDArray[np.int32],
    starts: npt.NDArray[np.int32],
    flips: IntArray,
    num_flips: IntArray,
    radii: IntArray,
    distance: int,
    kinds: IntArray,
    may_meet: npt.NDArray[np.bool_],
    begin: int,
    pairs: IntArray,
) -> tuple[int, int]:
    """Fill ``pairs`` with (i, j), i < j, from query ``begin`` on, until it is full.

    Args:
        hashes: Queries, shape ``(Q,)``.
        numbers: Shape ``(Q,)``: their numbers i.
        sorted_others: What is searched, shape ``(B, M)``, in the order of the bits in each band.
        orders: Shape ``(B, M)``: their numbers j.
        starts: Shape ``(B, 65537)``: where each value of a band begins in ``orders``.
        flips: Shape ``(B, F)``: the masks of up to ``radii[b]`` bits.
        num_flips: Shape ``(B,)``: how many of them.
        radii: Shape ``(B,)``.
        distance: The greatest number of bits that may differ.
        kinds: The kind of each number.
        may_meet: Shape ``(K, K)``: kinds whose pairs are looked for.
        begin: The first query.
        pairs: Shape ``(C, 2)``, C at least M.

    Returns:
        The query to go on with, and how many pairs there are.
    """
    count = 0
    bits = np.uint64(0xFFFF)
    for asking in range(begin, len(hashes)):
        first = count
        i, query = numbers[asking], hashes[asking]
        for band in range(len(radii)):
            key = np.int64((query >> np.uint64(16 * band)) & bits)
            for f in range(num_flips[band]):
                value = key ^ flips[band, f]
                for place in range(starts[band, value], starts[band, value + 1]):
                    differing = query ^ sorted_others[band, place]
                    if _count_bits(differing) > distance:
                        continue
                    j = orders[band, place]
                    if j <= i or not may_meet[kinds[i], kinds[j]]:
                        continue
                    is_new = True  # an earlier band has not given this pair already
                    for earlier in range(band):
                        part = (differing >> np.uint64(16 * earlier)) & bits
                        if _count_bits(part) <= radii[earlier]:
                            is_new = False
                            break
                    if is_new:
                        if count == len(pairs):
                            return asking, first
                        pairs[count, 0] = i
                        pairs[count, 1] = j
                        count += 1
    return len(hashes), count


@compiled("i8(i8[::1], i8)")
def root_of(parents: IntArray, member: int) -> int:
    """The first of a member's group; shortens the way there."""
    while parents[member] != member:
        parents[member] = parents[parents[member]]
        member = parents[member]
    return member


@compiled("i8[::1](i8[::1])")
def roots_of(parents: IntArray) -> IntArray:
    """The first member of everyone's group."""
    return np.array([root_of(parents, member) for member in range(len(parents))])


@compiled("Tuple((u8[::1], i4[::1]))(u8[::1], i8, i4[::1])")
def fill_buckets(
    words: HashArray, shift: int, starts: npt.NDArray[np.int32]
) -> tuple[HashArray, npt.NDArray[np.int32]]:
    """Sort words by their bits from ``shift`` on, and fill in where each value begins.

    Args:
        words: Shape ``(M,)``.
        shift: The lowest bit that counts.
        starts: Shape ``(V + 1,)``, zeros: V is a power of two.
    """
    mask = np.uint64(len(starts) - 2)
    for word in words:
        starts[np.int64((word >> np.uint64(shift)) & mask) + 1] += 1
    for value in range(1, len(starts)):
        starts[value] += starts[value - 1]
    free = starts[:-1].copy()
    ordered, numbers = np.empty_like(words), np.empty(len(words), np.int32)
    for number in range(len(words)):
        bucket = np.int64((words[number] >> np.uint64(shift)) & mask)
        ordered[free[bucket]] = words[number]
        numbers[free[bucket]] = number
        free[bucket] += 1
    return ordered, numbers


@compiled(
    "UniTuple(i8, 2)(u8[:,:,::1], u8[:,::1], i8[::1], u8[:,:,::1], i8[::1],"
    "Tuple((u8[:,::1], i4[:,::1], i4[:,::1])), i8[::1], i8[::1], i8[::1], b1[:,::1],"
    "UniTuple(i8, 2), i8, i4[::1], i4[:,::1])"
)
def find_cut(
    outer: HashArray,
    unsure: HashArray,
    copies: IntArray,
    inner: HashArray,
    sources: IntArray,
    buckets: tuple[HashArray, npt.NDArray[np.int32], npt.NDArray[np.int32]],
    shifts: IntArray,
    roots: IntArray,
    kinds: IntArray,
    may_meet: npt.NDArray[np.bool_],
    most_bits: tuple[int, int],
    begin: int,
    best: npt.NDArray[np.int32],
    found: npt.NDArray[np.int32],
) -> tuple[int, int]:
    """Fill ``found`` with (source, copy, windows) from copy ``begin`` on, until it is full.

    Args:
        outer: Copies' words, shape ``(M, W, 2)``.
        unsure: Shape ``(M, W)``: bits of their first words that may be turned.
        copies: Shape ``(M,)``: their numbers.
        inner: Sources' words, shape ``(S, W, 2)``.
        sources: Shape ``(S,)``: their numbers.
        buckets: Of the sources' first words, for each table: the words in order and their places,
            shape ``(T, S * W)``, and where each value of the table's bits begins, ``(T, V + 1)``.
        shifts: Shape ``(T,)``: the lowest bit of each table.
        roots: Of each number; pictures of one root need not be found.
        kinds: Of each number.
        may_meet: Shape ``(K, K)``: kinds whose pairs are looked for.
        most_bits: How many bits may differ in the first words, and in both.
        begin: The first copy.
        best: Shape ``(S,)``, -1: scratch.
        found: Shape ``(C, 3)``, C at least S. A pair stands there once, with the windows that are
            nearest: ``W * inner + outer``.

    Returns:
        The copy to go on with, and how many pairs there are.
    """
    ordered, places, starts = buckets
    num_windows, num_tables = outer.shape[1], len(starts)
    mask = starts.shape[1] - 2
    touched, doubts = np.empty(len(best), np.int64), np.empty(64, np.int64)
    count = 0
    for asking in range(begin, len(outer)):
        copy, num_touched = copies[asking], 0
        for window in range(num_windows):
            word, second = outer[asking, window, 0], outer[asking, window, 1]
            for table in range(num_tables):
                shift = np.uint64(shifts[table])
                key = int(word >> shift) & mask
                doubtful = int(unsure[asking, window] >> shift) & mask
                num_doubts = 1
                doubts[0] = 0  # first no bit is turned, then one
                while doubtful:
                    doubts[num_doubts] = doubtful & -doubtful
                    doubtful &= doubtful - 1
                    num_doubts += 1
                for doubt in range(num_doubts):
                    value = key ^ doubts[doubt]
                    for k in range(starts[table, value], starts[table, value + 1]):
                        bits = _count_bits(word ^ ordered[table, k])
                        if bits > most_bits[0]:
                            continue
                        place, part = divmod(places[table, k], num_windows)
                        source = sources[place]
                        if roots[source] == roots[copy]:
                            continue
                        if not may_meet[kinds[source], kinds[copy]]:
                            continue
                        bits += _count_bits(second ^ inner[place, part, 1])
                        if bits > most_bits[1]:
                            continue
                        rank = np.int32(bits * num_windows**2 + num_windows * part + window)
                        if best[place] < 0:
                            touched[num_touched] = place
                            num_touched += 1
                            best[place] = rank
                        elif rank < best[place]:
                            best[place] = rank
        is_full = count + num_touched > len(found)
        for k in range(num_touched):
            place = touched[k]
            if not is_full:
                found[count, 0], found[count, 1] = sources[place], copy
                found[count, 2] = best[place] % num_windows**2
                count += 1
            best[place] = -1
        if is_full:
            return asking, count
    return len(outer), count


@compiled("f8(u1[:,::1], f8, f8)")
def _level(picture: Pixels, y: float, x: float) -> float:
    """The level between four pixels, at shares of the height and width."""
    last = len(picture) - 1.001
    y, x = y * len(picture) - 0.5, x * len(picture) - 0.5
    y, x = min(max(y, 0.0), last), min(max(x, 0.0), last)
    r, c = int(y), int(x)
    y, x = y - r, x - c
    above = (1.0 - x) * picture[r, c] + x * picture[r, c + 1]
    below = (1.0 - x) * picture[r + 1, c] + x * picture[r + 1, c + 1]
    return float((1.0 - y) * above + y * below)


@compiled("b1[::1](u1[:,:,::1], i8[:,::1], f8[:,::1], b1, f8)")
def screen_pairs(
    pictures: Pixels, pairs: IntArray, frames: FloatArray, is_mirrored: bool, least: float
) -> npt.NDArray[np.bool_]:
    """Which pairs of coarse pictures correlate, up to their sign.

    Args:
        pictures: Shape ``(N, S, S)``.
        pairs: Shape ``(K, 2)``: numbers of the first and of the second.
        frames: Shape ``(K, 4)``.
        is_mirrored: Whether the second is to be mirrored.
        least: The least squared correlation.
    """
    kept = np.zeros(len(pairs), np.bool_)
    for k in range(len(pairs)):
        one, other, frame = pictures[pairs[k, 0]], pictures[pairs[k, 1]], frames[k]
        sx, sy, sxx, syy, sxy = 0.0, 0.0, 0.0, 0.0, 0.0
        for row in range(_POINTS):
            r = (row + 0.5) / _POINTS
            for column in range(_POINTS):
                c = (column + 0.5) / _POINTS
                x = _level(one, frame[2] + frame[3] * r, frame[0] + frame[1] * c)
                y = _level(other, r, 1.0 - c if is_mirrored else c)
                sx, sy = sx + x, sy + y
                sxx, syy, sxy = sxx + x * x, syy + y * y, sxy + x * y
        n = _POINTS**2
        both = sxy - sx * sy / n
        kept[k] = both * both > least * (sxx - sx * sx / n) * (syy - sy * sy / n)
    return kept
