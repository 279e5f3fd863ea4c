"""What a table says of itself: cells as counts over pictures, and averages of cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from fertools.published.exact import (
    CUTS,
    ROUNDINGS,
    could_be_count,
    count_behind,
    neighbours,
    sizes_for_all,
    smallest_runs,
    written,
)
from fertools.published.findings import SIZE_LIMIT, Check, Sizes, Verdict
from fertools.published.reader import Count, PublishedCell, PublishedTable

__all__ = ["check_table", "judge_share", "signed", "sizes_of"]

_WHOLE = 100
"""What all pictures are, in percent."""


def check_table(table: PublishedTable) -> Iterator[Check]:
    """Counts and averages of a table, and the remarks on its print."""
    for count in table.counts:
        for cell in table.counted(count):
            verdict, found, note = judge_share(
                cell.value, cell.decimals, count.pictures, also=count.also
            )
            yield Check("count", (cell.table,), cell.place, cell.printed, found, verdict, note)
    if table.means is not None:
        yield from _average_checks(table, table.means.into, table.means.row)
    for remark in table.remarks:
        yield Check("remark", (table.number,), f"Table {table.number}", "", "", "misfit", remark)


def judge_share(
    value: Fraction, decimals: int, pictures: int, *, also: Mapping[int, str]
) -> tuple[Verdict, str, str]:
    """Whether a percentage can be a share of so many pictures.

    Args:
        value: Percent.
        decimals: Digits printed behind the point.
        pictures: The stated number.
        also: Other numbers that it may have been, each with its reason.

    Returns:
        The verdict, the count or the two nearest, and which of the other numbers would do.
    """
    others = [
        f"{hit[0]:,} of {size:,} ({why}) would be"
        for size, why in also.items()
        if (hit := count_behind(value, decimals, size)) and hit[1] in ROUNDINGS
    ]
    note = "; ".join(others)
    behind = count_behind(value, decimals, pictures)
    if behind is None:
        near = " and ".join(
            f"{written(Fraction(_WHOLE * hits, pictures), decimals)} ({hits:,})"
            for hits in neighbours(value, pictures)
        )
        return "misfit", f"no count over {pictures:,} pictures, nearest are {near}", note
    hits, how = behind
    found = f"{hits:,} of {pictures:,} pictures"
    if how in CUTS:
        return "rounding", f"{found} only if {how}", note
    return "fits", found, note


def sizes_of(table: PublishedTable, count: Count) -> Sizes:
    """How many cells of a group are possible, and which numbers of pictures would do."""
    cells = table.counted(count)
    units = [(int(cell.value * 10**cell.decimals), _WHOLE * 10**cell.decimals) for cell in cells]
    all_fit, best, num_best, smallest = sizes_for_all(units, SIZE_LIMIT)
    return Sizes(
        table=table.number,
        of=count.of,
        pictures=count.pictures,
        because=count.because,
        num_cells=len(cells),
        num_possible=sum(could_be_count(*unit, count.pictures) for unit in units),
        by_chance=sum(min(1.0, count.pictures / scale) for _, scale in units),
        all_fit=tuple(all_fit),
        best=best,
        num_best=num_best,
        smallest=smallest,
        runs=smallest_runs(units, count.pictures),
    )


def signed(value: Fraction, decimals: int) -> str:
    """A value that may be negative, rounded.

    Example:
        >>> signed(Fraction(-1, 3), 4)
        '-0.3333'
    """
    return f"{'-' if value < 0 else ''}{written(abs(value), decimals)}"


def _average_checks(table: PublishedTable, into: str, row: str | None) -> Iterator[Check]:
    """Averages of rows, of columns, and of all cells."""
    for name in table.rows:
        views = table.views(name)
        if views and (name, into) in table.cells:
            yield _average_check(table.cell(name, into), views, f"its row's {len(views)}")
    if row is None:
        return
    others = [name for name in table.rows if name != row]
    for column in table.columns:
        cells = [table.cell(name, column) for name in others]
        yield _average_check(table.cell(row, column), cells, f"its column's {len(cells)}")
    inner = [cell for name in others for cell in table.views(name)]
    yield _average_check(table.cell(row, into), inner, f"all {len(inner)} cells")


def _average_check(mean: PublishedCell, cells: Sequence[PublishedCell], of: str) -> Check:
    """Whether an average is that of the cells, and whether rounding can explain it if not.

    Where all figures of a row end in 0 that digit is taken for padding: the last one that is not
    0 throughout counts.
    """
    decimals = max(len(cell.number.partition(".")[2].rstrip("0")) for cell in (mean, *cells))
    exact = sum((cell.value for cell in cells), Fraction(0)) / len(cells)
    found = f"{written(exact, 4)} from {of}"
    scaled, wanted = exact * 10**decimals, mean.value * 10**decimals
    off = mean.value - exact
    verdict: Verdict = "fits"
    note = ""
    if all(how(scaled) != wanted for how in ROUNDINGS.values()):
        digit = Fraction(1, 10**decimals)  # half of it for the cells, half for the average itself
        verdict = "rounding" if abs(off) < digit else "misfit"
        note = f"differs by {signed(off, 4)}, "
        if verdict == "misfit":
            note += f"rounding explains less than {signed(digit, decimals)}"
        else:
            note += "which rounding can explain"
            note += "".join(
                f"; it is {name}" for name, how in CUTS.items() if how(scaled) == wanted
            )
    return Check("average", (mean.table,), mean.place, mean.printed, found, verdict, note)
