"""What training and test share, and what was left out for that: in words and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fertools.report.tables import Table, texts
from fertools.report.wording import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fertools.protocols import Exclusion
    from fertools.report.collect import Run

__all__ = ["leak_notices", "leak_table", "num_left_out"]

_KINDS = {
    "subject": ("The person is trained on too", "subjects", "a person"),
    "file": ("The same file is trained on", "files", "a file"),
    "near-duplicate": ("An altered copy is trained on", "near duplicates", "an altered copy"),
}
"""Kind of leak to its heading, to what :attr:`LeakReport.not_checked` calls it, and to what is
shared in a sentence."""


def num_left_out(run: Run) -> int | None:
    """How many training samples were left out since they leak; None where nobody recorded it."""
    if run.lock is not None:
        return len({one.sample for one in run.lock.excluded})
    return _number(_leaks(run.results).get("num_excluded"))


def leak_notices(run: Run) -> list[str]:
    """What a reader must know of leaks before he reads a number."""
    found = []
    if left_out := num_left_out(run):
        found.append(
            f"Trained without {count(left_out)} sample{'s' * (left_out > 1)} that "
            f"{'leak' if left_out > 1 else 'leaks'}: not the whole protocol. Compare it only with "
            "what was trained without the same."
        )
    counts = _counts(_leaks(run.results))
    parts = [
        f"{count(number)} {'tested pictures share ' if not place else ''}{_KINDS[kind][2]}"
        for place, (kind, number) in enumerate(counts.items())
    ]
    if parts:
        parts[0] += " with the training side"
        found.append(
            f"Leaks: {', '.join(parts)}. The network may know these pictures already; ‘The run’ "
            "below says what was looked for."
        )
    return found


def leak_table(results: Mapping[str, Any], excluded: Sequence[Exclusion] = ()) -> Table | None:
    """What the leak gate counted of each kind, or did not look for, and what was left out.

    Args:
        results: Of the run.
        excluded: Training samples that the lock leaves out.

    Returns:
        None where the results say nothing of leaks.
    """
    leaks = _leaks(results)
    if not isinstance(leaks.get("counts"), dict):
        return None
    counts, reasons = _counts(leaks), _reasons(leaks)
    rows = []
    for kind, (title, name, _) in _KINDS.items():
        reason = next((text for start, text in reasons.items() if start.startswith(name)), None)
        found = count(counts.get(kind, 0))
        if reason is not None:
            found = f"not checked ({reason})" if reason else f"{found}; some could not be read"
        left_out = len({one.sample for one in excluded if one.kind == kind})
        rows.append(texts(title, found, *([count(left_out)] if excluded else [])))
    caption = "What the leak gate found between training and test: tested pictures of each kind"
    columns = ["Kind", "Found"]
    if excluded:
        caption += ", after training samples were left out"
        columns.append("Left out of training")
        every = count(len({one.sample for one in excluded}))
        rows.append(texts("Any of these", "", every))
    elif number := _number(leaks.get("num_excluded")):
        caption += f", after {count(number)} training samples were left out"
    return Table("leaks", caption, tuple(columns), tuple(rows))


def _leaks(results: Mapping[str, Any]) -> Mapping[str, Any]:
    """What results.json says of leaks, or nothing."""
    leaks = results.get("leaks")
    return leaks if isinstance(leaks, dict) else {}


def _counts(leaks: Mapping[str, Any]) -> dict[str, int]:
    """Kind to the number of tested pictures, of the kinds that were found."""
    counts = leaks.get("counts")
    known = counts if isinstance(counts, dict) else {}
    numbers = {kind: _number(known.get(kind)) for kind in _KINDS}
    return {kind: number for kind, number in numbers.items() if number}


def _reasons(leaks: Mapping[str, Any]) -> dict[str, str]:
    """What was not looked for, or not everywhere, and why."""
    lines = leaks.get("not_checked")
    reasons = dict(
        str(line).partition(": ")[::2] for line in (lines if isinstance(lines, list) else [])
    )
    if leaks.get("subjects") == "not checkable":
        reasons.setdefault("subjects", "not checkable")
    return reasons


def _number(value: object) -> int | None:
    """A number of samples, or None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
