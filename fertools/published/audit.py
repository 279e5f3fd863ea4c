"""Whether the paper's figures fit each other.

Each comparison is a :class:`~fertools.published.findings.Check`, those that hold too, so that
totals can be given. A figure that fails is the paper's as printed: it is never mended, only
listed, so that nobody takes it for an exact target.
"""

from __future__ import annotations

from collections.abc import Mapping

from fertools.published.across import check_declared
from fertools.published.declared import Declared, Places, read_declared
from fertools.published.findings import KINDS, Audit
from fertools.published.reader import PublishedTable, published_tables
from fertools.published.within import check_table, sizes_of

__all__ = ["audit_published"]


def audit_published(
    tables: Mapping[int, PublishedTable] | None = None,
    declared: Declared | None = None,
    *,
    only: int | None = None,
) -> Audit:
    """Compare the printed figures with each other.

    Args:
        tables: By number; the paper's where it is None.
        declared: The declared comparisons; the package's where it is None.
        only: Keep what looks at this table.

    Raises:
        ConfigError: If ``only`` is no table of the data, or a declared place is none.
    """
    tables = published_tables() if tables is None else tables
    declared = read_declared() if declared is None else declared
    places = Places(tables, declared.cells)
    if only is not None:
        places.table(str(only))
    checks = [check for table in tables.values() for check in check_table(table)]
    checks += check_declared(places, declared)
    kept = [check for check in checks if only is None or only in check.tables]
    kept.sort(key=lambda check: KINDS.index(check.kind))
    sizes = [
        sizes_of(table, count)
        for table in tables.values()
        for count in table.counts
        if only in (None, table.number)
    ]
    return Audit(tuple(kept), tuple(sizes))
