"""Subjects without pictures that most subjects have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fertools.verify.findings import Finding

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CELL_COLUMNS", "find_missing_cells"]

CELL_COLUMNS = ("expression", "intensity", "view_id", "session", "recording", "illumination")
"""What tells the pictures of one subject apart; those of them that a manifest fills."""

_SHOWN = 5


def find_missing_cells(frame: pd.DataFrame) -> Iterator[Finding]:
    """Compare each subject with the grid that at least half of the subjects have.

    Where a set has sessions, only those who came to a session are compared in it: that a person
    stayed away from one is told, and is no gap.

    Args:
        frame: A manifest's rows; those without a subject are left out.

    Yields:
        ``missing-cells`` for each subject that lacks some, ``absent-session`` for each who stayed
        away from some, and, in sets without sessions, ``row-count`` for each whose number of rows
        is not the most frequent one. None if there are fewer than two subjects.
    """
    rows = frame[frame["subject_id"].notna()]
    if rows["subject_id"].nunique() < 2:
        return
    columns = [name for name in CELL_COLUMNS if name in rows and rows[name].notna().any()]
    cells = rows[columns].astype("string").fillna("-").agg(" ".join, axis=1)
    has_sessions = "session" in columns
    sessions = rows["session"].astype("string") if has_sessions else cells.map(lambda _: "")
    grids = {
        str(session): _grid(cells[sessions == session], rows["subject_id"])
        for session in sessions.dropna().unique()
    }
    for subject, its_cells in cells.groupby(rows["subject_id"]):
        came = {str(session) for session in sessions[its_cells.index].dropna().unique()}
        grid = set[str]().union(*(grids[session] for session in came))
        missing = sorted(grid - set(its_cells))
        if missing:
            shown = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
            reason = f"{subject}: {len(missing)} of {len(grid)} pictures are missing: {shown}"
            yield Finding("missing-cells", (), (), reason, str(subject))
        if away := sorted(set(grids) - came):
            reason = f"{subject}: is in no picture of session {', '.join(away)}"
            yield Finding("absent-session", (), (), reason, str(subject))
    if has_sessions:
        return
    counts = rows["subject_id"].value_counts().sort_index()
    most = int(counts.mode().iloc[-1])
    for subject, count in counts[counts != most].items():
        reason = f"{subject}: {count} rows, most subjects have {most}"
        yield Finding("row-count", (), (), reason, str(subject))


def _grid(cells: pd.Series[str], subjects: pd.Series[str]) -> set[str]:
    """The cells that at least half of the subjects who have any of them have."""
    mine = subjects[cells.index]
    have = mine.groupby(cells).nunique()
    return set(have.index[2 * have >= mine.nunique()])
