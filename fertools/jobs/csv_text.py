"""Small tables as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

__all__ = ["csv_text"]


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    r"""Write a table as CSV: a line of headings, a line a row, line feeds alone.

    Example:
        >>> csv_text(["a", "b"], [(1, "x, y"), (None, 2.5)])
        'a,b\n1,"x, y"\n,2.5\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
