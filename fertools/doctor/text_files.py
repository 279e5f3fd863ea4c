"""The dialect of a text file: how its lines and columns are written, not what they say."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fertools.doctor.masking import Masked, mask_cell

__all__ = ["Column", "TextDialect", "describe_text", "is_text"]

Encoding = Literal[
    "ASCII", "UTF-8", "UTF-8 with byte order mark", "UTF-16", "not UTF-8 (one byte a character?)"
]
Delimiter = Literal["comma", "semicolon", "tab", "blanks", "none"]
CellType = Literal["empty", "integer", "decimal", "list of numbers", "path", "file name", "text"]

_MAX_BYTES = 32_000_000
_MAX_DISTINCT = 1_000
_MAX_PATTERNS = 4
_MAX_COLUMNS = 20
_MAX_WIDTHS = 6
_NUMBER_OF_LINES_JUDGED = 500
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_FILE_NAME = re.compile(r"[^/\s]+\.[A-Za-z][A-Za-z0-9]{1,3}")


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        heading: Its cell of the heading, known words kept; None where there is no heading.
        types: What its cells are, the most frequent first.
        num_distinct: How many different values it has.
        has_more: Whether it has more than that.
        patterns: Of names of files and paths, a few patterns; never of other cells.
        list_lengths: Of lists of numbers, how many each has.
    """

    heading: Masked | None
    types: tuple[CellType, ...]
    num_distinct: int
    has_more: bool
    patterns: tuple[Masked, ...]
    list_lengths: tuple[int, ...]


@dataclass(frozen=True)
class TextDialect:
    r"""How a text file is written.

    Attributes:
        num_bytes: Its size.
        is_cut: Whether only the first 32 MB were looked at.
        encoding: Of its bytes.
        num_lines: Lines; the last one counts also without its newline.
        num_blank_lines: Lines without any character but blanks.
        line_ends: How many lines end in each way.
        ends_with_newline: Whether the last line does.
        delimiter: What parts the columns.
        shapes: Where blanks and tabs part numbers, how lines look: ``N`` a number, ``…`` another
            word, ``\t`` a tab; the most frequent first.
        has_quotes: Whether a cell is quoted.
        leading_blanks: Lines that begin with a blank or tab.
        widths: Number of columns to number of lines, the most frequent first.
        first_line_width: Columns of the first line.
        has_heading: Whether the first line looks like one.
        columns: Of the lines of the most frequent width; empty where there are very many.
    """

    num_bytes: int
    is_cut: bool
    encoding: Encoding
    num_lines: int
    num_blank_lines: int
    line_ends: dict[Literal["LF", "CRLF", "CR"], int]
    ends_with_newline: bool
    delimiter: Delimiter
    shapes: tuple[Masked, ...]
    has_quotes: bool
    leading_blanks: int
    widths: dict[int, int]
    first_line_width: int
    has_heading: bool
    columns: tuple[Column, ...]


def is_text(path: Path) -> bool:
    """Whether the first bytes of a file can be text.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as stream:
        start = stream.read(4096)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    return not any(byte < 9 or 13 < byte < 32 for byte in start)


def describe_text(path: Path) -> TextDialect:
    """Describe how a text file is written.

    Raises:
        OSError: If it cannot be read.
    """
    num_bytes = path.stat().st_size
    with path.open("rb") as stream:
        data = stream.read(_MAX_BYTES)
    is_cut = num_bytes > len(data)
    if is_cut:
        data = data[: data.rfind(b"\n") + 1] or data
    text, encoding = _decode(data)
    lines = re.split(r"\r\n|\n|\r", text)
    ends_with_newline = lines[-1] == "" and len(lines) > 1
    if ends_with_newline or text == "":
        lines.pop()
    full = [line for line in lines if line.strip()]
    delimiter = _find_delimiter(full[:_NUMBER_OF_LINES_JUDGED])
    widths: Counter[int] = Counter(len(cells) for cells in _rows(full, delimiter))
    first = next(_rows(full[:1], delimiter), [])
    usual = widths.most_common(1)[0][0] if widths else 0
    has_heading = _is_heading(first, next(_rows(full[1:2], delimiter), []))
    columns: tuple[Column, ...] = ()
    if 0 < usual <= _MAX_COLUMNS:
        body = full[1:] if has_heading or len(first) != usual else full
        headings = first if has_heading and len(first) == usual else None
        columns = _describe_columns(body, delimiter, usual, headings)
    return TextDialect(
        num_bytes=num_bytes,
        is_cut=is_cut,
        encoding=encoding,
        num_lines=len(lines),
        num_blank_lines=len(lines) - len(full),
        line_ends=_count_line_ends(text),
        ends_with_newline=ends_with_newline,
        delimiter=delimiter,
        shapes=_find_shapes(full[:_NUMBER_OF_LINES_JUDGED], delimiter),
        has_quotes=delimiter in ("comma", "semicolon") and '"' in text,
        leading_blanks=sum(line[0] in " \t" for line in full),
        widths=dict(widths.most_common(_MAX_WIDTHS)),
        first_line_width=len(first),
        has_heading=has_heading,
        columns=columns,
    )


def _decode(data: bytes) -> tuple[str, Encoding]:
    """Text of bytes in whatever encoding; what cannot be read becomes one sign a byte."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace"), "UTF-16"
    try:
        if data.startswith(codecs.BOM_UTF8):
            return data.decode("utf-8-sig"), "UTF-8 with byte order mark"
        return data.decode(), "ASCII" if data.isascii() else "UTF-8"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "not UTF-8 (one byte a character?)"


def _count_line_ends(text: str) -> dict[Literal["LF", "CRLF", "CR"], int]:
    """How many lines end in each way; ways that do not occur are left out."""
    both = text.count("\r\n")
    counts: dict[Literal["LF", "CRLF", "CR"], int] = {
        "LF": text.count("\n") - both,
        "CRLF": both,
        "CR": text.count("\r") - both,
    }
    return {end: count for end, count in counts.items() if count}


def _rows(lines: list[str], delimiter: Delimiter) -> Iterator[list[str]]:
    """The cells of each line."""
    if delimiter == "blanks":
        return (line.split() for line in lines)
    if delimiter == "none":
        return ([line.strip()] for line in lines)
    sign = {"comma": ",", "semicolon": ";", "tab": "\t"}[delimiter]
    if delimiter == "tab":
        return (line.split(sign) for line in lines)
    return (_cells(line, sign) for line in lines)


def _cells(line: str, sign: str) -> list[str]:
    """The cells of one line that may hold quotes."""
    if '"' not in line:
        return line.split(sign)
    try:
        return next(csv.reader([line], delimiter=sign))
    except (csv.Error, StopIteration):
        return line.split(sign)


def _find_delimiter(lines: list[str]) -> Delimiter:
    """What parts the lines into the same number of columns, at least nearly always."""
    candidates: tuple[Delimiter, ...] = ("comma", "blanks", "tab", "semicolon")
    for needed in (0.98, 0.6):
        for delimiter in candidates:
            widths = Counter(len(cells) for cells in _rows(lines, delimiter))
            if not widths:
                return "none"
            width, count = widths.most_common(1)[0]
            if width > 1 and count >= needed * len(lines):
                return delimiter
    return "none"


def _find_shapes(lines: list[str], delimiter: Delimiter) -> tuple[Masked, ...]:
    """How lines look whose columns are parted by blanks and tabs."""
    if delimiter != "blanks":
        return ()
    shapes = Counter(_shape_of_line(line) for line in lines if len(line) < 200)
    return tuple(Masked(shape) for shape, _ in shapes.most_common(3))


def _shape_of_line(line: str) -> str:
    """The blanks and tabs of a line, its words as signs."""
    words = ("N" if _DECIMAL.fullmatch(word) else "…" for word in re.findall(r"\S+", line))
    pieces = re.split(r"\S+", line)
    shape = pieces[0] + "".join(f"{w}{p}" for w, p in zip(words, pieces[1:], strict=True))
    return re.sub(r"[^\S \t]", "?", shape).replace("\t", "\\t")[:80]


def _is_heading(first: list[str], second: list[str]) -> bool:
    """Whether the first line has no number, but the second one has."""
    types = {_type_of(cell) for cell in first}
    numbers = {"integer", "decimal", "list of numbers"}
    if not first or types & (numbers | {"path", "file name"}):
        return False
    return any(_type_of(cell) in numbers for cell in second)


def _type_of(cell: str) -> CellType:
    """What a cell is."""
    cell = cell.strip()
    if not cell:
        return "empty"
    if _INTEGER.fullmatch(cell):
        return "integer"
    if _DECIMAL.fullmatch(cell) or cell.lower() in ("nan", "inf", "-inf"):
        return "decimal"
    if ";" in cell and all(_DECIMAL.fullmatch(part.strip()) for part in cell.split(";")):
        return "list of numbers"
    if "/" in cell or "\\" in cell:
        return "path"
    return "file name" if _FILE_NAME.fullmatch(cell) else "text"


def _describe_columns(
    lines: list[str], delimiter: Delimiter, width: int, headings: list[str] | None
) -> tuple[Column, ...]:
    """Types and numbers of values of the columns, of the lines that have so many."""
    types: list[Counter[CellType]] = [Counter() for _ in range(width)]
    values: list[set[str]] = [set() for _ in range(width)]
    patterns: list[Counter[Masked]] = [Counter() for _ in range(width)]
    lengths: list[Counter[int]] = [Counter() for _ in range(width)]
    for cells in _rows(lines, delimiter):
        if len(cells) != width:
            continue
        for i, cell in enumerate(cells):
            kind = _type_of(cell)
            types[i][kind] += 1
            if len(values[i]) <= _MAX_DISTINCT:
                values[i].add(cell.strip())
            if kind in ("path", "file name") and len(patterns[i]) < 100:
                patterns[i][mask_cell(cell.strip())] += 1
            elif kind == "list of numbers":
                lengths[i][cell.count(";") + 1] += 1
    return tuple(
        Column(
            heading=None if headings is None else mask_cell(headings[i]),
            types=tuple(kind for kind, _ in types[i].most_common()),
            num_distinct=min(len(values[i]), _MAX_DISTINCT),
            has_more=len(values[i]) > _MAX_DISTINCT,
            patterns=tuple(name for name, _ in patterns[i].most_common(_MAX_PATTERNS)),
            list_lengths=tuple(sorted(length for length, _ in lengths[i].most_common(4))),
        )
        for i in range(width)
    )
