"""What an audit holds: each comparison, which sizes would fit, and the totals."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["KINDS", "SIZE_LIMIT", "Audit", "Check", "Sizes", "Verdict", "audit_json"]

Verdict = Literal["fits", "rounding", "misfit", "unchecked"]
"""It fits; only rounding or cutting off explains it; nothing does; or it cannot be checked."""

VERDICTS: tuple[Verdict, ...] = ("fits", "rounding", "misfit", "unchecked")

KINDS = ("count", "average", "repeat", "text", "share", "deviation", "sum", "remark")
"""What is compared, in the order of the report."""

SIZE_LIMIT = 1000
"""Up to this many pictures it is tried which number would make all cells of a group possible."""


@dataclass(frozen=True)
class Check:
    """One comparison.

    Attributes:
        kind: One of :data:`KINDS`.
        tables: Numbers of the tables it looks at; empty for the running text alone.
        place: Where the figure stands, for people.
        printed: The figure; empty for a remark.
        found: What it was compared with, or came nearest.
        verdict: What came of it.
        note: What helps to judge it.
    """

    kind: str
    tables: tuple[int, ...]
    place: str
    printed: str
    found: str
    verdict: Verdict
    note: str = ""

    @property
    def line(self) -> str:
        """The comparison on one line."""
        if self.kind == "remark":
            return f"{self.place}: {self.note}"
        note = f"; {self.note}" if self.note else ""
        return f"{self.place}: {self.printed} printed, {self.found}{note}"


@dataclass(frozen=True)
class Sizes:
    """Which numbers of pictures would make a group of cells possible.

    Attributes:
        table: Number of the table.
        of: Which of its cells.
        pictures: The stated number of pictures a cell.
        because: Where it comes from.
        num_cells: How many cells there are.
        num_possible: Cells that are a rounded share of ``pictures``.
        by_chance: How many would be, were the printed digits drawn at random.
        all_fit: Numbers up to :data:`SIZE_LIMIT` with which all are possible.
        best: The number up to there with which most are.
        num_best: How many that is.
        smallest: The smallest number at all with which all are possible.
        runs: The smallest number of runs whose average over ``pictures`` makes all possible.
    """

    table: int
    of: str
    pictures: int
    because: str
    num_cells: int
    num_possible: int
    by_chance: float
    all_fit: tuple[int, ...]
    best: int
    num_best: int
    smallest: int
    runs: int

    @property
    def would(self) -> str:
        """The numbers that would do, in words."""
        few = self.all_fit[:3]
        if few:
            more = ", …" if len(self.all_fit) > len(few) else ""
            return f"{', '.join(f'{size:,}' for size in few)}{more} would make all possible"
        return f"none would make all possible, {self.best:,} would make {self.num_best}"

    @property
    def line(self) -> str:
        """The same on one line."""
        return (
            f"Table {self.table}, {self.of}: {self.num_possible} of {self.num_cells} possible over "
            f"{self.pictures:,} pictures ({self.because}), {self.by_chance:.1f} by chance alone; "
            f"of the numbers up to {SIZE_LIMIT:,} {self.would}; the smallest that would is "
            f"{self.smallest:,}; averaged over runs, {self.runs:,} runs would"
        )


@dataclass(frozen=True)
class Audit:
    """All that was compared, and the sizes that would fit."""

    checks: tuple[Check, ...]
    sizes: tuple[Sizes, ...]

    @property
    def findings(self) -> tuple[Check, ...]:
        """The comparisons that do not simply hold."""
        return tuple(check for check in self.checks if check.verdict != "fits")

    @property
    def totals(self) -> dict[str, dict[str, int]]:
        """Kind to verdict to number of comparisons; kinds without any are left out."""
        totals: dict[str, dict[str, int]] = {}
        for kind in KINDS:
            verdicts = [check.verdict for check in self.checks if check.kind == kind]
            if verdicts:
                totals[kind] = {name: verdicts.count(name) for name in VERDICTS}
        return totals


def audit_json(audit: Audit) -> dict[str, Any]:
    """The same as JSON values: ``checks`` (those that fit too), ``sizes`` and ``totals``."""
    return {**asdict(audit), "totals": audit.totals}
