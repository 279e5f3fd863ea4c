"""What the paper says in two places, and what follows from its own figures elsewhere."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from fractions import Fraction

from fertools.published.declared import Declared, Deviation, Places, Share, Sum, Text
from fertools.published.exact import deviation_odds, written
from fertools.published.findings import Check, Verdict
from fertools.published.within import judge_share, signed

__all__ = ["check_declared"]


def check_declared(places: Places, declared: Declared) -> Iterator[Check]:
    """Every declared comparison.

    Raises:
        ConfigError: If a declared place is none of the tables'.
    """
    for first, *others in declared.repeats:
        for other in others:
            yield from _repeat_checks(places, first, other)
    for text in declared.text:
        yield from _text_checks(places, text)
    for share in declared.shares:
        yield _share_check(share)
    for deviation in declared.deviations:
        yield _deviation_check(places, deviation)
    for total in declared.sums:
        yield _sum_check(places, total)


def _repeat_checks(places: Places, first: str, other: str) -> Iterator[Check]:
    """Two rows or two cells that ought to print the same."""
    if places.is_row(first):
        here, there = places.row(first), places.row(other)
        pairs = [(here[column], there[column]) for column in here if column in there]
    else:
        pairs = [(places.cell(first), places.cell(other))]
    for one, two in pairs:
        verdict: Verdict = "fits" if one.value == two.value else "misfit"
        note = ""
        if verdict == "fits" and one.number != two.number:
            verdict, note = "rounding", "the same with another number of digits"
        found = f"{one.printed} at {one.place}"
        tables = (one.table, two.table)
        yield Check("repeat", tables, two.place, two.printed, found, verdict, note)


def _text_checks(places: Places, text: Text) -> Iterator[Check]:
    """A figure of the running text, and what is claimed of it."""
    cells = [places.cell(place) for place in text.place.split(" - ")]
    value = cells[0].value - sum((cell.value for cell in cells[1:]), Fraction(0))
    said = " less ".join(f"{cell.printed} ({cell.place})" for cell in cells)
    found = said if len(cells) == 1 else f"{signed(value, 2)} = {said}"
    tables = tuple(dict.fromkeys(cell.table for cell in cells))
    verdict: Verdict = "fits" if Fraction(text.figure) == value else "misfit"
    note = "" if verdict == "fits" else text.note
    place = f"Section {text.section}"
    yield Check("text", tables, place, text.figure, found, verdict, note)
    if text.claim is None:
        return
    views = places.tables[cells[0].table].views(cells[0].row)
    choose = min if text.claim == "least" else max
    extreme = choose(views, key=lambda cell: cell.value)
    found = f"called the {text.claim} of its row, which is {extreme.printed} ({extreme.column})"
    verdict = "fits" if extreme.value == cells[0].value else "misfit"
    yield Check("text", tables, f"{place}, {cells[0].place}", text.figure, found, verdict)


def _share_check(share: Share) -> Check:
    """A percentage of the running text as a count over pictures."""
    decimals = len(share.figure.partition(".")[2])
    verdict, found, note = judge_share(
        Fraction(share.figure), decimals, share.pictures, also=share.also
    )
    note = f"{share.because}{'; ' if note else ''}{note}"
    place = f"Section {share.section}, {share.of}"
    return Check("share", (), place, share.figure, found, verdict, note)


def _deviation_check(places: Places, deviation: Deviation) -> Check:
    """A standard deviation over folds: what it is not, and how rare it would be by chance."""
    number, _, row = deviation.row.partition(" | ")
    table = places.table(number)
    mean = table.cell(row, deviation.column)
    views = [float(cell.value) for cell in table.views(row)]
    sample, population = statistics.stdev(views), statistics.pstdev(views)
    decimals = len(deviation.figure.partition(".")[2])
    fits = deviation.figure in (f"{sample:.{decimals}f}", f"{population:.{decimals}f}")
    pictures = deviation.pictures // deviation.folds
    expected, odds = deviation_odds(float(deviation.figure), float(mean.value), pictures)
    return Check(
        "deviation",
        (table.number,),
        f"Section {deviation.section}, standard deviation of {row.split(' / ')[-1]}",
        deviation.figure,
        f"{sample:.2f} (sample) and {population:.2f} (population) over the {len(views)} views",
        "fits" if fits else "unchecked",
        f"it is said to be over {deviation.folds} folds, whose figures are not printed; folds of "
        f"{pictures:,} independent pictures at {mean.printed} % would have {expected:.2f}, and "
        f"one as small with probability {odds:.2g}",
    )


def _sum_check(places: Places, total: Sum) -> Check:
    """Whether parts less what they share make the whole; each printed figure may be rounded."""
    parts, whole = [places.cell(place) for place in total.parts], places.cell(total.whole)
    together = sum((cell.value for cell in parts), Fraction(0))
    value = together - Fraction(total.less)
    half = sum((Fraction(1, 2 * 10**cell.decimals) for cell in (*parts, whole)), Fraction(0))
    verdict: Verdict = "rounding" if abs(whole.value - value) <= half else "misfit"
    said = " + ".join(cell.printed for cell in parts)
    found = f"{said} - {written(Fraction(total.less), 2)} = {written(value, 2)}"
    note = (
        f"{total.because}; to give {whole.printed} the parts would have to share "
        f"{signed(together - whole.value, 2)}, give or take {signed(half, 2)}"
    )
    return Check("sum", (whole.table,), whole.place, whole.printed, found, verdict, note)
