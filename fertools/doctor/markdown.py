"""The report as Markdown that can be pasted into a bug report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from fertools.doctor.array_files import ArrayTally
from fertools.doctor.picture_files import BitmapHeader, PictureTally
from fertools.doctor.readers import Reading
from fertools.doctor.report import DoctorReport, GroupReport, Spread, TextReport
from fertools.doctor.scan_files import NumberBlock, ScanText
from fertools.doctor.text_files import Column

__all__ = ["to_markdown"]

_Name = TypeVar("_Name", bound=str)

_PROMISE = (
    "This report holds patterns, counts and sizes. It is made without pixels, labels, values, or "
    "the names of people, folders and files; please read it through before you send it."
)


def to_markdown(report: DoctorReport) -> str:
    """Write a report as Markdown: tables, lists, and patterns between backticks."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def _lines(report: DoctorReport) -> Iterator[str]:
    """All lines."""
    mark = ", stand-in (synthetic)" if report.is_standin else ""
    yield f"## fertools doctor: {report.dataset}{mark}"
    yield ""
    yield _PROMISE
    yield ""
    yield f"fertools {report.tool_version}, Python {report.python_version}, {report.platform}"
    yield ""
    share = report.num_expected / report.num_files if report.num_files else 0.0
    yield (
        f"{report.num_files:,} files in {report.num_folders:,} folders; {report.num_expected:,} "
        f"files ({share:.1%}) fit a pattern of this set."
    )
    yield from (f"- {oddity}" for oddity in report.oddities)
    yield ""
    yield "### Known kinds of files"
    yield ""
    yield from _table(
        ("kind", "files", "different values in the names"),
        (
            (kind.title, f"{kind.num_files:,}", _counts(kind.distinct, ": ") or "–")
            for kind in report.kinds
        ),
    )
    yield "### Folders"
    yield ""
    yield "Least / median / greatest number in each; not of files in folders of a class."
    yield ""
    yield from _table(
        ("pattern", "folders", "files in each", "folders in each"),
        (
            (
                f"`{level.pattern}`",
                f"{level.num_folders:,}",
                "none" if not level.has_files else _spread(level.files_each, hidden="some"),
                _spread(level.folders_each),
            )
            for level in report.levels
        ),
    )
    yield from _more(report.num_more_levels, "patterns of folders")
    yield "### Files"
    yield ""
    yield from _table(
        ("no.", "folder", "name", "files", "fit the set", "bytes"),
        (
            (
                str(number),
                f"`{group.folder}`",
                f"`{group.pattern}`",
                f"{group.num_files:,}",
                f"{group.num_expected:,}",
                _spread(group.num_bytes),
            )
            for number, group in enumerate(report.groups, start=1)
        ),
    )
    yield from _more(report.num_more_groups, "patterns of files")
    yield "### What is in them"
    yield ""
    for number, group in enumerate(report.groups, start=1):
        if group.is_probed:
            yield f"**{number}.** `{group.pattern}`: " + _headline(group)
            yield ""
            yield from _details(group)
    yield from _reading_lines(report.readings)


def _reading_lines(readings: Sequence[Reading]) -> Iterator[str]:
    """What our own readers say."""
    if readings:
        yield "### Our reader"
        yield ""
    for reading in readings:
        limit = " (of a part)" if reading.is_cut else ""
        yield (
            f"**{reading.what}**: {reading.num_read:,} read without a fault{limit}, "
            f"{reading.num_faults:,} faults"
        )
        lines = _findings(reading)
        yield ""
        yield from lines
        if lines:
            yield ""


def _findings(reading: Reading) -> list[str]:
    """Faults and what else was said in one way of reading."""
    said = [
        ("layout", reading.layout),
        ("cannot be read", reading.error),
        ("first fault", reading.first_fault),
    ]
    lines = [f"- {what}: {_code(text)}" for what, text in said if text is not None]
    lines += [f"- {count:,} times: {_code(reason)}" for reason, count in reading.faults]
    for reason, count in reading.notes:
        times = "" if count is None else f" {count:,} times"
        lines.append(f"- noted{times}: {_code(reason)}")
    return lines


def _headline(group: GroupReport) -> str:
    """What a group is, in a few words."""
    if group.pictures is not None:
        return f"pictures, {group.pictures.num_opened} opened"
    if group.arrays is not None:
        return f"arrays, {group.arrays.num_opened} opened"
    if group.scan is not None:
        return "scan, 1 opened"
    if group.text is not None:
        return f"text, {group.text.num_opened} opened"
    if group.content is not None:
        return group.content
    return f"{group.num_unreadable} cannot be opened"


def _details(group: GroupReport) -> Iterator[str]:
    """What was seen in a group's files."""
    lines: list[str] = []
    if group.pictures is not None:
        lines += _picture_lines(group.pictures)
    if group.bitmap is not None:
        lines.append(_bitmap_line(group.bitmap))
    if group.arrays is not None:
        lines += _array_lines(group.arrays)
    if group.scan is not None:
        lines += _scan_lines(group.scan)
    if group.text is not None:
        lines += _text_lines(group.text)
    yield from lines
    if lines:
        yield ""


def _picture_lines(tally: PictureTally) -> Iterator[str]:
    """Formats, modes and sizes."""
    if tally.formats:
        yield f"- format: {_counts(tally.formats)}; mode: {_counts(tally.modes)}"
    if tally.sizes:
        others = f", {tally.num_other_sizes} of other sizes" if tally.num_other_sizes else ""
        yield f"- size: {_counts(tally.sizes)}{others}"
    if tally.smallest is not None and tally.largest is not None and len(tally.sizes) > 1:
        yield (
            f"- width {tally.smallest[0]} to {tally.largest[0]}, height {tally.smallest[1]} to "
            f"{tally.largest[1]}"
        )
    found = [
        (tally.num_with_exif, "with EXIF"),
        (tally.num_turned, "that EXIF asks to turn"),
        (tally.num_animated, "of several frames"),
        (tally.num_misnamed, "with the ending of another format"),
        (tally.num_unreadable, "without a header that can be read"),
    ]
    yield "- " + (", ".join(f"{count} {what}" for count, what in found if count) or "no EXIF")


def _bitmap_line(head: BitmapHeader) -> str:
    """The header of a BMP."""
    left = "" if head.num_left is None else f", {head.num_left} bytes behind the pixels"
    return (
        f"- BMP: header of {head.header_size}, {head.width} x {head.height}, {head.bits} bits, "
        f"compression {head.compression}, palette of {head.num_colours}, pixels at "
        f"{head.pixel_offset}, says {head.says_bytes} bytes, has {head.num_bytes}{left}"
    )


def _array_lines(tally: ArrayTally) -> Iterator[str]:
    """Headers of arrays."""
    yield from (f"- {count} times {_code(head)}" for head, count in tally.headers.items())
    if tally.num_unreadable:
        yield f"- {tally.num_unreadable} without a header that can be read"


def _text_lines(text: TextReport) -> Iterator[str]:
    """The dialect of a text file."""
    first = text.first
    if text.num_opened > 1:
        yield (
            f"- all: lines {_spread(text.num_lines)}; columns a line "
            f"{', '.join(map(str, text.widths))}; {_counts(text.encodings)}; line ends "
            f"{_counts(text.line_ends)}"
        )
    cut = " (first 32 MB)" if first.is_cut else ""
    end = "with" if first.ends_with_newline else "without"
    yield (
        f"- one of {first.num_bytes:,} bytes{cut}: {first.encoding}, {first.num_lines:,} lines, "
        f"{first.num_blank_lines} blank, {first.leading_blanks} begin with a blank; line ends "
        f"{_counts(first.line_ends) or 'none'}, {end} a newline at the end"
    )
    quotes = ", with quotes" if first.has_quotes else ""
    widths = ", ".join(f"{width}: {count:,}" for width, count in first.widths.items())
    heading = "with a heading" if first.has_heading else "no heading"
    yield (
        f"- columns by {first.delimiter}{quotes}; columns to lines: {widths or '–'}; "
        f"first line {first.first_line_width}, {heading}"
    )
    if first.shapes:
        yield "- lines look like " + ", ".join(map(_code, first.shapes))
    for number, column in enumerate(first.columns, start=1):
        yield f"  {number}. {_column(column)}"


def _column(column: Column) -> str:
    """One column in a line."""
    name = "" if column.heading is None else f"{_code(column.heading)}: "
    more = "more than " if column.has_more else ""
    text = f"{name}{', '.join(column.types) or 'nothing'}; {more}{column.num_distinct:,} different"
    if column.list_lengths:
        text += f"; {', '.join(map(str, column.list_lengths))} numbers each"
    if column.patterns:
        text += "; such as " + ", ".join(map(_code, column.patterns))
    return text


def _scan_lines(scan: ScanText) -> Iterator[str]:
    """How a VRML file is written."""
    cut = " (first 64 MB)" if scan.is_cut else ""
    closed = "all brackets closed" if scan.ends_closed else "BRACKETS NOT CLOSED"
    yield (
        f"- one of {scan.num_bytes:,} bytes{cut}: line ends {scan.line_ends}; first list in line "
        f"{scan.first_list_line or '–'}; {scan.num_comments} comments, {scan.num_strings} strings, "
        f"{closed}"
    )
    yield f"- nodes: {_code(scan.nodes)}"
    yield from (f"- list {_block(block)}" for block in scan.blocks)
    if scan.has_own_texture_numbers is not None:
        word = "differs from" if scan.has_own_texture_numbers else "equals"
        yield f"- texCoordIndex {word} coordIndex"
    yield "- header:"
    yield ""
    yield "  ```"
    yield from (f"  {line}".rstrip() for line in scan.header)
    yield "  ```"


def _block(block: NumberBlock) -> str:
    """One list of numbers in a line."""
    parts = [
        f"{_code(block.name)}: {block.num_numbers:,} numbers in {block.num_lines:,} lines",
        "numbers to lines " + ", ".join(f"{n}: {c:,}" for n, c in block.numbers_a_line.items()),
        "commas" if block.has_commas else "no commas",
        f"decimals {block.decimals[0]} to {block.decimals[1]}",
        f"begins on {'the line of' if block.begins_on_line_of_bracket else 'a line after'} the "
        f"bracket, {block.closing} blanks before the closing one",
    ]
    if block.has_exponents:
        parts.append("with exponents")
    if block.polygons:
        polygons = ", ".join(f"{n}: {c:,}" for n, c in block.polygons.items())
        parts.append(f"corners to polygons {polygons}; lowest number {block.lowest}")
    return "; ".join(parts)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A table and an empty line."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    yield from ("| " + " | ".join(row) + " |" for row in rows)
    yield ""


def _more(count: int, what: str) -> Iterator[str]:
    """A line about what is left out."""
    if count:
        yield f"And {count:,} more {what}."
        yield ""


def _spread(values: Spread | None, *, hidden: str = "") -> str:
    """Three numbers, or one where they are equal; a word where they are not told."""
    if values is None:
        return hidden
    if values.low == values.high:
        return f"{values.low:,}"
    return f"{values.low:,} / {values.median:,} / {values.high:,}"


def _counts(counts: Mapping[_Name, int], sign: str = ": ") -> str:
    """Names and counts."""
    return ", ".join(f"{name}{sign}{count:,}" for name, count in counts.items())


def _code(text: str) -> str:
    """Text between backticks; those in it become apostrophes."""
    return f"`{text.replace('`', chr(39))}`"
