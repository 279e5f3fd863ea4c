from __future__ import annotations

import struct
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fertools.mesh import number_blocks
from fertools.mesh.number_blocks import find_token, read_floats, read_whole_numbers

BOTH_WAYS = pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "numpy"])
fixed = settings(derandomize=True, deadline=None, max_examples=300, database=None)

digits = st.text("0123456789", min_size=1, max_size=25)
signs = st.sampled_from(["", "", "-", "+"])
exponents = st.one_of(
    st.just(""),
    st.builds(lambda e, s, n: f"{e}{s}{n}", st.sampled_from("eE"), signs, st.integers(0, 400)),
)
mantissas = st.one_of(
    digits,
    digits.map(lambda text: text + "."),
    digits.map(lambda text: "." + text),
    st.builds(lambda whole, part: f"{whole}.{part}", digits, digits),
)
spelled = st.builds(lambda *parts: "".join(parts), signs, mantissas, exponents)
printed = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(-200, 200).map(lambda value: f"{value:.3f}"),
    st.floats(-1e9, 1e9).map(lambda value: f"{value:.17g}"),
    st.integers(2**53 - 3, 2**53 + 3).map(str),
)
numbers = st.one_of(spelled, printed)
gaps = st.text(" ,\t\n\r\v\f", min_size=1, max_size=3)
words = st.sampled_from(
    ["nan", "inf", "-inf", "e5", ".", "+", "-", "1e", "1e+", "--1", "1.2.3", "1_0", "0x1", "1d5",
     "x", "}", "1-", "ä", "\x00", "\xa0", "1e5.", "1f", "infinity", "\x1c"]
)  # fmt: skip


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


def block(tokens: list[str], gap: str) -> tuple[bytes, int, int]:
    """A list within a text, and where it begins and ends."""
    inner = gap.join(["", *tokens, ""]).encode()
    return b"[" + inner + b"] 7", 1, len(inner) + 1


@BOTH_WAYS
@fixed
@given(tokens=st.lists(numbers, max_size=12), gap=gaps)
def test_floats_are_those_of_python_bit_for_bit(
    compiled: bool, tokens: list[str], gap: str
) -> None:
    text, start, stop = block(tokens, gap)
    values, is_whole = read_floats(text, start, stop, compiled=compiled)
    assert is_whole
    assert values.dtype == np.float64
    assert values.tobytes() == b"".join(bits(float(token)) for token in tokens)


@BOTH_WAYS
@fixed
@given(tokens=st.lists(st.builds(lambda s, d: s + d, signs, digits), max_size=12), gap=gaps)
def test_whole_numbers_are_those_of_python_within_32_bits(
    compiled: bool, tokens: list[str], gap: str
) -> None:
    text, start, stop = block(tokens, gap)
    values, is_whole = read_whole_numbers(text, start, stop, compiled=compiled)
    assert is_whole
    assert values.dtype == np.int32
    assert values.tolist() == [min(max(int(t), -(2**31 - 1)), 2**31 - 1) for t in tokens]


@fixed
@given(
    before=st.lists(numbers, max_size=5),
    word=words,
    after=st.lists(numbers, max_size=3),
    gap=gaps,
)
def test_both_ways_stop_at_the_same_token(
    before: list[str], word: str, after: list[str], gap: str
) -> None:
    text, start, stop = block([*before, word, *after], gap)
    expected = b"".join(bits(float(token)) for token in before)
    for compiled in (True, False):
        values, is_whole = read_floats(text, start, stop, compiled=compiled)
        assert (values.tobytes(), is_whole) == (expected, False)
    place, token = find_token(text, start, stop, len(before))
    assert text[place : place + len(token)] == token == word.encode()


@fixed
@given(text=st.binary(max_size=40), is_float=st.booleans())
def test_both_ways_agree_on_any_bytes(text: bytes, is_float: bool) -> None:
    read = read_floats if is_float else read_whole_numbers
    results = [read(text + b"]", 0, len(text), compiled=compiled) for compiled in (True, False)]
    assert len({(values.tobytes(), is_whole) for values, is_whole in results}) == 1


@BOTH_WAYS
def test_a_fraction_is_no_whole_number(compiled: bool) -> None:
    values, is_whole = read_whole_numbers(b"3 -1 4.0 5]", 0, 10, compiled=compiled)
    assert (values.tolist(), is_whole) == ([3, -1], False)


@BOTH_WAYS
def test_more_hard_numbers_than_are_kept_at_once(compiled: bool) -> None:
    tokens = [f"{i}.12345678901234567e{i % 9}" for i in range(5000)]
    text, start, stop = block(tokens, " ")
    values, is_whole = read_floats(text, start, stop, compiled=compiled)
    assert is_whole
    assert values.tolist() == [float(token) for token in tokens]


@BOTH_WAYS
def test_lists_longer_than_a_chunk_are_read_whole(
    compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number_blocks, "_CHUNK", 7)
    tokens = [str(i) for i in range(2000)]
    text, start, stop = block(tokens, ",\n")
    assert read_floats(text, start, stop, compiled=compiled)[0].tolist() == list(range(2000))
    for number in (0, 1, 999, 1999):
        place, token = find_token(text, start, stop, number)
        assert (text[place : place + len(token)], token) == (str(number).encode(),) * 2
    with pytest.raises(IndexError):
        find_token(text, start, stop, 2000)


def test_a_token_longer_than_a_chunk_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(number_blocks, "_CHUNK", 7)
    text, start, stop = block(["1" * 30, "2" * 7, "x" * 20], "  ")
    assert find_token(text, start, stop, 1)[1] == b"2" * 7
    assert find_token(text, start, stop, 2)[1] == b"x" * 20
    assert len(read_floats(text, start, stop, compiled=False)[0]) == 2


@BOTH_WAYS
@pytest.mark.parametrize("stop", [3, 4])
def test_a_list_without_a_byte_behind_it_is_refused(compiled: bool, stop: int) -> None:
    for read in (read_floats, read_whole_numbers):
        with pytest.raises(ValueError, match="no list of numbers"):
            read(b"1 2", 0, stop, compiled=compiled)


@BOTH_WAYS
def test_a_bytearray_reads_as_bytes_do(compiled: bool) -> None:
    values, is_whole = read_floats(bytearray(b"1 .5]"), 0, 4, compiled=compiled)
    assert (values.tolist(), is_whole) == ([1.0, 0.5], True)


@pytest.mark.parametrize("is_there", [True, False])
def test_without_numba_the_slower_way_is_taken(
    is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_there:
        monkeypatch.setitem(sys.modules, "numba", None)
    number_blocks.is_compiled.cache_clear()
    try:
        assert number_blocks.is_compiled() == is_there
        assert read_floats(b"1 2]", 0, 3)[0].tolist() == [1.0, 2.0]
    finally:
        number_blocks.is_compiled.cache_clear()
