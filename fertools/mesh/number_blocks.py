"""The lists of numbers in a scan's file, straight from its bytes to arrays.

A compiled loop reads them in one pass. Where the digits make a whole number of at most 2**53 and
the power of ten is at most 22, both are exact as floats, so that one multiplication or division
rounds correctly; every other number is left to ``float``. The slower way, for machines without
numba, gives the same bits and stops at the same token.

Reference:
    Clinger, "How to read floating point numbers accurately", PLDI 1990, doi:10.1145/93542.93557.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["find_token", "is_compiled", "read_floats", "read_whole_numbers"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]
ByteArray = npt.NDArray[np.uint8]

_TOKEN = re.compile(rb"[^\s,]++")
_FLOAT = re.compile(rb"[+-]?(?:\d++\.?+\d*+|\.\d++)(?:[eE][+-]?\d++)?")  # none goes back
_WHOLE_NUMBER = re.compile(rb"[+-]?\d++")
_SEPARATOR = re.compile(rb"[\s,]")
_IS_SEPARATOR = np.isin(np.arange(256), list(b" ,\t\n\v\f\r"))
_CHUNK = 1 << 20  # bytes at once where a pass would otherwise take several times the file's room
_INT_MAX = 2**31 - 1
_EXACT = 2**53
_MAX_DIGITS = 18  # as many always fit in 64 bits
_MAX_POWER = 22
_POWERS = 10.0 ** np.arange(_MAX_POWER + 1)
_HARD_AT_ONCE = 4096


def read_floats(
    text: bytes | bytearray, start: int, stop: int, *, compiled: bool | None = None
) -> tuple[FloatArray, bool]:
    """Read the numbers of a list.

    Tokens are parted by blanks and commas and have the form ``-12.5e-3``; words, ``nan`` and
    ``inf`` among them, are none.

    Args:
        text: The file, without comments.
        start: Where the list begins.
        stop: Where its closing bracket stands; there must be a byte.
        compiled: Which way to read it; None takes the compiled one if there is one.

    Returns:
        The numbers before the first token that is none, each as ``float`` rounds it; and whether
        that is all of them.
    """
    _check_bounds(text, start, stop)
    if not _choose(compiled):
        return _read_with(_FLOAT, text, start, stop)
    data = _as_array(text)
    values = np.empty((stop - start) // 2 + 1, np.float64)
    hard = np.empty((_HARD_AT_ONCE, 3), np.int64)
    position, count, num_hard = start, 0, 0
    while True:
        position, count, num_hard, is_whole = _kernel(_scan_floats)(
            data, position, stop, values, count, hard, _POWERS
        )
        if num_hard:
            rows = hard[:num_hard]
            values[rows[:, 0]] = _read_hard(text, rows)
        if num_hard < len(hard):
            values.resize(count, refcheck=False)  # in place: a copy would take the room twice
            return values, is_whole


def read_whole_numbers(
    text: bytes | bytearray, start: int, stop: int, *, compiled: bool | None = None
) -> tuple[IntArray, bool]:
    """Read the whole numbers of a list; those beyond 32 bits become the nearest that fits.

    Args:
        text: The file, without comments.
        start: Where the list begins.
        stop: Where its closing bracket stands; there must be a byte.
        compiled: Which way to read it; None takes the compiled one if there is one.

    Returns:
        The numbers before the first token that is none; and whether that is all of them.
    """
    _check_bounds(text, start, stop)
    if not _choose(compiled):
        numbers, is_whole = _read_with(_WHOLE_NUMBER, text, start, stop)
        return numbers.clip(-_INT_MAX, _INT_MAX, out=numbers).astype(np.int32), is_whole
    values = np.empty((stop - start) // 2 + 1, np.int32)
    count, is_whole = _kernel(_scan_whole_numbers)(_as_array(text), start, stop, values)
    values.resize(count, refcheck=False)
    return values, is_whole


def find_token(text: bytes | bytearray, start: int, stop: int, number: int) -> tuple[int, bytes]:
    """Where a token of a list stands, counted from 0, and the token.

    Raises:
        IndexError: If the list has fewer.
    """
    data, is_behind_separator = _as_array(text), True
    for first in range(start, stop, _CHUNK):
        separates = _IS_SEPARATOR[data[first : min(first + _CHUNK, stop)]]
        begins = ~separates
        begins[1:] &= separates[:-1]
        begins[0] &= is_behind_separator
        is_behind_separator = bool(separates[-1])
        count = int(np.count_nonzero(begins))
        if number < count:
            place = first + int(np.flatnonzero(begins)[number])
            match = _TOKEN.match(text, place, stop)
            return place, bytes(match[0]) if match else b""
        number -= count
    raise IndexError("the list has fewer tokens")


def _read_hard(text: bytes | bytearray, rows: npt.NDArray[np.int64]) -> list[float]:
    """What ``float`` makes of some tokens, by their first and end bytes."""
    start = int(rows[0, 1])
    piece = bytes(text[start : int(rows[-1, 2])])
    return [float(piece[first:end]) for first, end in (rows[:, 1:] - start).tolist()]


@lru_cache(maxsize=1)
def is_compiled() -> bool:
    """Whether numba can be imported, so that there is a compiled way."""
    try:
        import numba  # noqa: F401
    except ImportError:
        return False
    return True


def _check_bounds(text: bytes | bytearray, start: int, stop: int) -> None:
    """Compiled code would read on behind the end without a word."""
    if not 0 <= start <= stop < len(text):
        raise ValueError(f"no list of numbers from byte {start} to {stop} of {len(text)}")


def _choose(compiled: bool | None) -> bool:
    """The way that was asked for, or the best there is."""
    return is_compiled() if compiled is None else compiled


@lru_cache(maxsize=2)
def _kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function compiled; when first used, since importing numba takes a while."""
    from numba import njit

    compiled: Callable[..., Any] = njit(cache=True, nogil=True)(function)
    return compiled


def _as_array(text: bytes | bytearray) -> ByteArray:
    """The same bytes as an array; read-only whatever they come from: one type to compile for."""
    data = np.frombuffer(text, np.uint8)
    data.flags.writeable = False
    return data


def _read_with(
    form: re.Pattern[bytes], text: bytes | bytearray, start: int, stop: int
) -> tuple[FloatArray, bool]:
    """The slower way: split, check, convert."""
    pieces: list[FloatArray] = []
    is_whole = True
    while start < stop and is_whole:
        gap = _SEPARATOR.search(text, min(start + _CHUNK, stop), stop)
        end = gap.end() if gap else stop
        tokens = bytes(text[start:end]).replace(b",", b" ").split()
        good = next((i for i, t in enumerate(tokens) if not form.fullmatch(t)), len(tokens))
        # one by one: an array of strings would take the longest token's room for each of them
        pieces.append(np.fromiter(map(float, tokens[:good]), np.float64, good))
        start, is_whole = end, good == len(tokens)
    return np.concatenate(pieces) if pieces else np.empty(0), is_whole


def _scan_floats(
    data: ByteArray,
    position: int,
    stop: int,
    values: FloatArray,
    count: int,
    hard: npt.NDArray[np.int64],
    powers: FloatArray,
) -> tuple[int, int, int, bool]:
    """Read floats until the end, a token that is none, or ``hard`` is full.

    The byte at ``stop`` is a bracket, so that no loop needs to ask for the end.

    Returns:
        Where it stopped, how many numbers there are now, the rows of ``hard`` in use (ordinal,
        first and end byte of numbers to be read otherwise), and False at a token that is none.
    """
    num_hard = 0
    while num_hard < hard.shape[0]:
        byte = data[position]
        while byte == 32 or byte == 44 or 9 <= byte <= 13:
            position += 1
            byte = data[position]
        if position >= stop:
            return position, count, num_hard, True
        first = position
        is_negative = byte == 45
        if byte == 45 or byte == 43:
            position += 1
        mantissa = np.int64(0)
        begin = position
        digit = np.int64(data[position]) - 48
        while 0 <= digit <= 9:
            mantissa = mantissa * 10 + digit
            position += 1
            digit = np.int64(data[position]) - 48
        num_digits = position - begin
        power = 0
        if data[position] == 46:
            position += 1
            begin = position
            digit = np.int64(data[position]) - 48
            while 0 <= digit <= 9:
                mantissa = mantissa * 10 + digit
                position += 1
                digit = np.int64(data[position]) - 48
            num_digits += position - begin
            power = begin - position
        if num_digits == 0:
            return first, count, num_hard, False
        if data[position] == 101 or data[position] == 69:
            position += 1
            is_small = data[position] == 45
            if data[position] == 45 or data[position] == 43:
                position += 1
            begin = position
            exponent = np.int64(0)
            digit = np.int64(data[position]) - 48
            while 0 <= digit <= 9:
                exponent = min(exponent * 10 + digit, np.int64(100_000))
                position += 1
                digit = np.int64(data[position]) - 48
            if position == begin:
                return first, count, num_hard, False
            power += -int(exponent) if is_small else int(exponent)
        byte = data[position]
        if not (byte == 32 or byte == 44 or 9 <= byte <= 13 or position == stop):
            return first, count, num_hard, False
        if num_digits > _MAX_DIGITS or mantissa > _EXACT or not -_MAX_POWER <= power <= _MAX_POWER:
            hard[num_hard, 0] = count
            hard[num_hard, 1] = first
            hard[num_hard, 2] = position
            num_hard += 1
        else:
            value = np.float64(mantissa)
            value = value * powers[power] if power > 0 else value / powers[-power]
            values[count] = -value if is_negative else value
        count += 1
    return position, count, num_hard, True


def _scan_whole_numbers(
    data: ByteArray, position: int, stop: int, values: IntArray
) -> tuple[int, bool]:
    """Read whole numbers until the end or a token that is none; how many, and whether all."""
    count = 0
    while True:
        byte = data[position]
        while byte == 32 or byte == 44 or 9 <= byte <= 13:
            position += 1
            byte = data[position]
        if position >= stop:
            return count, True
        is_negative = byte == 45
        if byte == 45 or byte == 43:
            position += 1
        begin = position
        value = np.int64(0)
        digit = np.int64(data[position]) - 48
        while 0 <= digit <= 9:
            value = min(value * 10 + digit, np.int64(_INT_MAX))
            position += 1
            digit = np.int64(data[position]) - 48
        byte = data[position]
        is_end = byte == 32 or byte == 44 or 9 <= byte <= 13 or position == stop
        if position == begin or not is_end:
            return count, False
        values[count] = -value if is_negative else value
        count += 1
