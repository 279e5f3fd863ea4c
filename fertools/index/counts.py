"""How many samples were found, against how many the authors say there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel

from fertools.formats.registry import Dataset, PublishedCount

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CountDifference", "compare_counts"]

_SHOWN = 5


@dataclass(frozen=True)
class CountDifference:
    """A number that is not the published one.

    Attributes:
        what: What was counted.
        found: How many there are.
        accepted: How many there should be.
        source: Who says so.
        missing: Names of samples that are missing, where the set's names are known; the first few.
        num_missing: How many are missing by name.
    """

    what: str
    found: int
    accepted: tuple[int, ...]
    source: str
    missing: tuple[str, ...] = ()
    num_missing: int = 0

    def __str__(self) -> str:
        wanted = " or ".join(f"{number:,}" for number in self.accepted)
        text = f"{self.what}: {self.found:,} found, {wanted} published ({self.source})"
        if self.missing:
            more = ", …" if self.num_missing > len(self.missing) else ""
            text += f"; {self.num_missing:,} missing: {', '.join(self.missing)}{more}"
        return text


def compare_counts(
    dataset: Dataset, options: BaseModel, frame: pd.DataFrame
) -> tuple[CountDifference, ...]:
    """Compare a table of samples with the published counts.

    Args:
        dataset: Whose counts.
        options: Which part of the set was read.
        frame: A manifest's rows.

    Returns:
        What differs; empty if nothing does.
    """
    differences = [
        CountDifference(count.what, found, count.accepted, count.source)
        for count in dataset.counts(options)
        if (found := _count(frame, count)) not in count.accepted
    ]
    if dataset.expected_ids is None:
        return tuple(differences)
    have = set(frame["sample_id"])
    wanted = list(dataset.expected_ids(options))
    missing = [sample_id for sample_id in wanted if sample_id not in have]
    if missing:
        source = f"the names of {dataset.title}"
        differences.append(
            CountDifference(
                "samples by name",
                len(wanted) - len(missing),
                (len(wanted),),
                source,
                tuple(missing[:_SHOWN]),
                len(missing),
            )
        )
    return tuple(differences)


def _count(frame: pd.DataFrame, count: PublishedCount) -> int:
    """How many rows, or different values, a published count is about."""
    chosen = frame
    for column, values in count.where.items():
        chosen = chosen[chosen[column].isin(values)]
    return int(chosen[count.distinct].nunique()) if count.distinct else len(chosen)
