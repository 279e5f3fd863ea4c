"""Pictures that stand in a set more than once, and what that breaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from fertools.duplicates import (
    NearPair,
    find_near_duplicates,
    group_pairs,
)
from fertools.verify.findings import Finding, Link
from fertools.verify.stored import ReadFiles

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["find_copies", "find_near_copies"]

_ASPECTS = {  # column to the kind's ending and the words for its values
    "split": ("-across-splits", "splits"),
    "subject_id": ("-across-subjects", "subjects"),
    "expression": ("-labels", "expressions"),
}
_SHOWN = 5


def find_copies(frame: pd.DataFrame, files: ReadFiles) -> Iterator[Finding]:
    """Files with the same bytes.

    Args:
        frame: A manifest's rows.
        files: What is on the disk, in the same order.
    """
    digests = files.table.column("sha256").to_pandas()
    same = digests[digests.notna() & digests.duplicated(keep=False)]
    for _, members in same.groupby(same, sort=False):
        rows = frame.iloc[members.index.to_numpy()]
        num_files = rows["image"].nunique()
        if num_files == 1:
            what = f"one file under {len(rows)} sample ids"
        else:
            what = f"{num_files} files with the same bytes"
        yield from _findings("duplicate", rows, what, ())


def find_near_copies(
    frame: pd.DataFrame, files: ReadFiles, *, distance: int, difference: float, workers: int = 1
) -> Iterator[Finding]:
    """Pictures that are the same but for tones, encoding, size, cut sides and mirroring.

    Args:
        frame: A manifest's rows.
        files: What is on the disk, in the same order.
        distance: See :func:`fertools.duplicates.find_near_duplicates`.
        difference: See there.
        workers: Threads.
    """
    digests = files.table.column("sha256").to_pandas()
    is_whole = files.table.column("error").to_pandas().isna()
    numbers = np.flatnonzero((is_whole & ~digests.duplicated()).to_numpy())
    people, _ = frame["subject_id"].factorize()  # -1 where nobody knows
    pairs = find_near_duplicates(
        files.sketches(numbers),
        distance=distance,
        difference=difference,
        people=people[numbers],
        workers=workers,
    )
    if not pairs:
        return
    copies = digests[is_whole].groupby(digests[is_whole]).groups
    of_first: dict[int, list[NearPair]] = {}
    for pair in pairs:
        of_first.setdefault(pair.first, []).append(pair)
    ids = frame["sample_id"].tolist()
    for group in group_pairs((pair.first, pair.second) for pair in pairs):
        links = tuple(
            Link(
                ids[numbers[pair.first]],
                ids[numbers[pair.second]],
                pair.distance,
                round(pair.difference, 4),
                pair.shape,
            )
            for member in group
            for pair in of_first.get(member, ())
        )
        members = sorted(
            row for member in group for row in copies[digests.iloc[numbers[member]]].tolist()
        )
        yield from _findings("near-duplicate", frame.iloc[members], _of_links(links), links)


def _findings(
    base: str, rows: pd.DataFrame, what: str, links: tuple[Link, ...]
) -> Iterator[Finding]:
    """A finding for each thing that a group of copies breaks; one if it breaks none."""
    ids, images = tuple(rows["sample_id"]), tuple(rows["image"])
    is_harmless = True
    for column, (ending, words) in _ASPECTS.items():
        values = sorted(rows[column].dropna().unique().tolist())
        if len(values) > 1:
            shown = ", ".join(values[:_SHOWN]) + (", …" if len(values) > _SHOWN else "")
            yield Finding(base + ending, ids, images, f"{what}: {words} {shown}", links=links)
            is_harmless = False
    if is_harmless:
        yield Finding(base, ids, images, what, links=links)


def _of_links(links: tuple[Link, ...]) -> str:
    """In words how much the pictures of a group differ."""
    worst = max(link.difference for link in links)
    bits = max(link.distance for link in links)
    shapes = sorted({word for link in links for word in link.variant.split(", ")} - {"same"})
    altered = "".join(f", {word}" for word in shapes)
    return (
        f"{len(links) + 1} pictures that are copies of each other{altered} "
        f"(differences up to {worst:.3f}, {bits} of 64 bits)"
    )
