"""A table of the report as CSV for programs and as LaTeX for papers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fertools.report.wording import NONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fertools.report.tables import Cell, Table

__all__ = ["as_csv", "as_latex"]

_COLUMNS = 4  # of a table that fits into one of two columns of a page
_NUMBER = r"-?\d+(?:\.\d+)?"
_SINGLE = re.compile(_NUMBER)
_INTERVAL = re.compile(rf"({_NUMBER}) – ({_NUMBER})")
_SPREAD = re.compile(rf"({_NUMBER}) ± ({_NUMBER})")

_LATEX = str.maketrans(
    {
        **{character: f"\\{character}" for character in "&%$#_{}"},
        # after \\ a row that begins with [ or * would be read as an option of the line break
        **{character: f"{{{character}}}" for character in "[*"},
        **{character: f"${character}$" for character in "<>|"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\u202f": r"\,",
        "\u00a0": "~",
        "–": "--",
        "‘": "`",
        "’": "'",
        "“": "``",
        "”": "''",
        "−": "$-$",
        "±": r"$\pm$",
        "×": r"$\times$",
        "°": r"$^\circ$",
        "Δ": r"$\Delta$",
        "≤": r"$\leq$",
        "≥": r"$\geq$",
        "→": r"$\rightarrow$",
        "↓": r"$\downarrow$",
    }
)


def as_csv(table: Table) -> str:
    """Write a table as CSV: numbers as numbers, in the table's unit and with its decimals.

    An interval becomes two columns, ``… low`` and ``… high``; so does a mean with its SD. What
    stands small below a cell becomes columns of its own; ``… detail`` where it is no interval. A
    column of several units has another that names them. A missing number is an empty field. The
    rows of averages come last. Where the table must be marked, such as synthetic, the last column
    ``mark`` says so in each row.

    Args:
        table: Any table of the report.

    Returns:
        Text for a UTF-8 file; lines end with a line feed alone.

    Example:
        >>> from fertools.report.tables import Cell, Table
        >>> rows = ((Cell("0°"), Cell("61.5"), Cell("50.0 – 70.2")),)
        >>> columns, units = ("View", "Accuracy", "95 % interval"), ("", "%", "%")
        >>> table = Table("views", "By view", columns, rows, mark="synthetic", units=units)
        >>> print(as_csv(table), end="")
        View,Accuracy (%),95 % interval low (%),95 % interval high (%),mark
        0°,61.5,50.0,70.2,synthetic
    """
    import pandas as pd

    rows = [*table.rows, *table.foot]
    columns: list[tuple[str, list[str]]] = []
    for number, heading in enumerate(table.columns):
        unit = f" ({table.units[number]})" if table.units and table.units[number] else ""
        columns += _plain_columns(heading, unit, [row[number] for row in rows])
    if table.mark:
        columns.append(("mark", [table.mark] * len(rows)))
    frame = pd.DataFrame(list(zip(*(values for _, values in columns), strict=True)))
    return str(frame.to_csv(index=False, header=[name for name, _ in columns], lineterminator="\n"))


def as_latex(table: Table, *, of: str = "") -> str:
    """Write a table as LaTeX with the rules of the package booktabs.

    Every character that LaTeX reads as a command is escaped. Letters outside Latin, as a class
    name may have them, need XeLaTeX or LuaLaTeX.

    Args:
        table: Any table of the report.
        of: What it is about, such as ``gms_lpa_tiny on rafdb``: ends the caption and begins the
            label, so that the tables of two runs go into one paper.

    Returns:
        A ``table`` environment in small type with caption and label ``tab:OF-KEY``, over both
        columns of a page where the table is wide; the caption begins with the table's mark in
        capitals, such as SYNTHETIC.
    """
    cells = [*table.rows, *table.foot]
    rows = [_latex_row([_latex_cell(cell) for cell in row]) for row in cells]
    sides = [
        "r" if any(_is_number(_plain(cell.text)) for cell in column) else "l"
        for column in zip(*cells, strict=True)
    ]
    mark = f"{table.mark.upper()}. " if table.mark else ""
    body = rows[: len(table.rows)]
    foot = [r"\midrule", *rows[len(table.rows) :]] if table.foot else []
    label = re.sub("[^A-Za-z0-9-]+", "-", f"{of}-{table.key}" if of else table.key)
    kind = "table*" if len(table.columns) > _COLUMNS else "table"
    about = f". {of}" if of else ""
    lines = [
        r"% needs \usepackage{booktabs}",
        rf"\begin{{{kind}}}",
        r"\centering\small",
        rf"\caption{{{_latex(f'{mark}{table.caption}{about}')}}}",
        rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{{''.join(['l', *sides[1:]])}}}",
        r"\toprule",
        _latex_row([_latex(heading) for heading in table.columns]),
        r"\midrule",
        *body,
        *foot,
        r"\bottomrule",
        r"\end{tabular}",
        rf"\end{{{kind}}}",
        "",
    ]
    return "\n".join(lines)


def _plain_columns(heading: str, unit: str, cells: Sequence[Cell]) -> list[tuple[str, list[str]]]:
    """The columns of a CSV file that one column of the table becomes: headings and fields."""
    columns = _split(heading, unit, [_plain(cell.text) for cell in cells])
    signs = ["%" if cell.text.endswith("%") else "" for cell in cells]
    if any(signs) and not unit:
        columns.append((f"{heading} unit", signs))
    details = [_plain(cell.detail) for cell in cells]
    if any(_INTERVAL.fullmatch(detail) for detail in details):
        columns += _split(heading, unit, details)
    elif any(details):
        columns.append((f"{heading} detail", details))
    return columns


def _split(heading: str, unit: str, texts: list[str]) -> list[tuple[str, list[str]]]:
    """One column, or two where every text is an interval, or a mean with its SD, or nothing."""
    mean, sd = (heading.replace("mean ± SD", word) for word in ("mean", "SD"))
    pairs = {
        _INTERVAL: (f"{heading} low", f"{heading} high"),
        _SPREAD: (mean, sd if sd != heading else f"{heading} SD"),
    }
    for pattern, names in pairs.items():
        matches = [pattern.fullmatch(text) for text in texts if text]
        if matches and all(matches):
            ends = [pattern.fullmatch(text) for text in texts]
            return [
                (f"{name}{unit}", [end[part] if end else "" for end in ends])
                for part, name in enumerate(names, 1)
            ]
    return [(f"{heading}{unit}", texts)]


def _plain(text: str) -> str:
    """A number as programs read it, nothing for a dash, any other text as it is."""
    if text == NONE:
        return ""
    plain = text.replace("\u202f", "").replace("−", "-").replace("+", "").removesuffix("%")
    return plain if _is_number(plain) else text


def _is_number(plain: str) -> bool:
    """Whether a text is a number, an interval, or a mean with its SD."""
    return any(pattern.fullmatch(plain) for pattern in (_SINGLE, _INTERVAL, _SPREAD))


def _latex_cell(cell: Cell) -> str:
    """A cell in one line: its text, and what stands below it in brackets."""
    return _latex(f"{cell.text} ({cell.detail})" if cell.detail else cell.text)


def _latex_row(cells: Sequence[str]) -> str:
    """Cells that are LaTeX already, as a row."""
    return " & ".join(cells) + r" \\"


def _latex(text: str) -> str:
    """Text without line breaks and control characters, with all that LaTeX obeys escaped."""
    printable = "".join(c if c.isprintable() or c in "\u202f\u00a0" else " " for c in text)
    return printable.strip(" ").translate(_LATEX)
