"""The audit as a page of the documentation: the words of ``page.md``, filled with findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from fertools.published.findings import SIZE_LIMIT, Audit, Check

__all__ = ["KIND_WORDS", "VERDICT_WORDS", "audit_markdown"]

KIND_WORDS = {
    "count": "cells as counts over pictures",
    "average": "averages of cells",
    "repeat": "the same result in two tables",
    "text": "running text beside a table",
    "share": "shares that only the text has",
    "deviation": "standard deviations",
    "sum": "parameters",
    "remark": "remarks on the print",
}
"""Kind to what it is, for people."""

VERDICT_WORDS = {
    "fits": "fit",
    "rounding": "only rounding or cutting off explains",
    "misfit": "do not fit",
    "unchecked": "cannot be checked",
}
"""Verdict to words that follow a number."""


def audit_markdown(audit: Audit) -> str:
    """The page: what each kind of finding means, and the findings."""
    kinds = {kind: [c for c in audit.findings if c.kind == kind] for kind in KIND_WORDS}
    averages = [check for check in kinds["average"] if check.verdict == "rounding"]
    page = (Path(__file__).parent / "page.md").read_text(encoding="utf-8")
    return page.format(
        **{kind: _findings(checks) for kind, checks in kinds.items() if kind != "remark"},
        remark="".join(f"- {check.line}\n" for check in kinds["remark"]),
        totals=_totals(audit),
        cut=sum(check.note.endswith("cut off") for check in averages),
        rounding=len(averages),
        sizes=_sizes(audit),
        limit=f"{SIZE_LIMIT:,}",
        counts=_counts(kinds["count"]),
    )


def _totals(audit: Audit) -> str:
    """What was compared, and with what end."""
    rows = [
        (KIND_WORDS[kind], str(sum(ends.values())), *map(str, ends.values()))
        for kind, ends in audit.totals.items()
        if kind != "remark"
    ]
    return _table(("what", "compared", *VERDICT_WORDS.values()), rows)


def _findings(checks: Sequence[Check], *, drop: str = "") -> str:
    """Findings as a table; ``drop`` is left out at the beginning of each place."""
    rows = [
        (c.place.removeprefix(drop), c.printed, "; ".join(filter(None, (c.found, c.note))))
        for c in checks
    ]
    return _table(("where", "printed", "compared with"), rows) if rows else "None.\n"


def _sizes(audit: Audit) -> str:
    """Which numbers of pictures would make cells possible."""
    rows = [
        (
            str(group.table),
            group.of,
            f"{group.pictures:,}: {group.because}",
            f"{group.num_possible} of {group.num_cells}",
            f"{group.by_chance:.1f}",
            group.would,
            f"{group.smallest:,}",
            f"{group.runs:,}",
        )
        for group in audit.sizes
    ]
    limit = f"up to {SIZE_LIMIT:,}"
    head = ("table", "cells", "pictures", "possible", "by chance", limit, "smallest", "runs")
    return _table(head, rows)


def _counts(checks: Sequence[Check]) -> str:
    """Cells that are no counts, table by table."""
    parts = []
    for number in dict.fromkeys(check.tables[0] for check in checks):
        listed = [check for check in checks if check.tables[0] == number]
        parts.append(f"### Table {number}\n\n{_findings(listed, drop=f'Table {number}, ')}")
    return "\n".join(parts).rstrip("\n")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = (head, ["---"] * len(head), *rows)
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )
