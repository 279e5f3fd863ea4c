"""Tables in CSV and TSV that others wrote: read whole, checked cell by cell."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fertools.errors import DatasetError
from fertools.regular_files import open_regular

__all__ = ["CsvTable", "read_csv_table", "read_number"]

_MAX_BYTES = 1_000_000_000
_NUMBER = re.compile(
    r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]?(?:nan|inf|infinity)", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True)
class CsvTable:
    """A table.

    Attributes:
        path: Its file.
        header: Cells of the first line, without blanks around them.
        rows: Place (file and line) and cells of every other line that is not empty; as many cells
            as the header has.
        sha256: Of the file's bytes, hexadecimal.
    """

    path: Path
    header: list[str]
    rows: list[tuple[str, list[str]]]
    sha256: str


def read_csv_table(path: Path, *, expected: str) -> CsvTable:
    """Read a table; the header's first tab makes it a TSV.

    Args:
        path: The file.
        expected: What it should be, for messages: ``a CSV file of OpenFace``.

    Raises:
        DatasetError: If it is missing, larger than 1 GB, not UTF-8, no CSV, cut off in a line, or
            has two columns of one name.
    """
    data = _read(path, expected)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: is not UTF-8 text; expected {expected}") from error
    delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        header = [cell.strip() for cell in next(lines, [])]
        rows = list(_rows(path, lines, header))
    except csv.Error as error:
        raise DatasetError(f"{path}: line {lines.line_num}: is no CSV: {error}") from error
    doubled = next((name for name in header if name and header.count(name) > 1), None)
    if doubled is not None:
        raise DatasetError(f"{path}: has the column {doubled!r} twice; expected {expected}")
    return CsvTable(path, header, rows, hashlib.sha256(data).hexdigest())


def read_number(place: str, column: str, cell: str) -> float:
    """A number; NaN where the cell is empty or says so.

    Args:
        place: File and line.
        column: Its name.
        cell: What stands there.

    Raises:
        DatasetError: If it is no number, or not finite.
    """
    text = cell.strip()
    if text and _NUMBER.fullmatch(text) is None:  # Python reads 1_0 and digits of other scripts
        raise DatasetError(f"{place}: {text[:40]!r} in column {column!r} is no number")
    value = float(text) if text else math.nan
    if math.isinf(value):
        raise DatasetError(f"{place}: {text[:40]!r} in column {column!r} is no finite number")
    return value


def _read(path: Path, expected: str) -> bytes:
    """The bytes of a file."""
    try:
        with open_regular(path) as stream:
            if os.fstat(stream.fileno()).st_size > _MAX_BYTES:
                raise DatasetError(f"{path}: has more than 1 GB; expected {expected}")
            return stream.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DatasetError(f"{path}: cannot be read: {reason}; expected {expected}") from error


def _rows(
    path: Path, lines: Iterator[list[str]], header: list[str]
) -> Iterator[tuple[str, list[str]]]:
    """Place and cells of the lines after the header."""
    for cells in lines:
        if not cells:
            continue
        place = f"{path}: line {lines.line_num}"  # type: ignore[attr-defined]
        if len(cells) != len(header):
            raise DatasetError(
                f"{place}: has {len(cells)} cells, the header {len(header)}; the file is damaged "
                "or cut off"
            )
        yield place, cells
