"""Which samples of a manifest a public list names.

RAN's lists of AffectNet name pictures by hash, the newer release by number. A number is the row in
``validation.csv``, counted from 0 where the first row is taken for a head, and codes 8 to 10 are
left out. So RAN's list of the whole validation part, without its first line, is in the order of the
numbers. That is believed only where every label agrees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fertools.errors import ConfigError, DatasetError
from fertools.formats.ran_lists import (
    PUBLISHED_LISTS,
    RanEntry,
    RanList,
    find_published,
    read_labels,
    read_ran_list,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Duplicates", "ListedSamples", "find_listed"]

Duplicates = Literal["drop", "keep"]


@dataclass(frozen=True)
class ListedSamples:
    """A list as samples.

    Attributes:
        source: What was read.
        sample_ids: In the list's order; a repeated one stands again where such lines are kept.
        missing: Names that no evaluated picture of the set has; left out.
        notes: What is to be said, a sentence each.
    """

    source: RanList
    sample_ids: tuple[str, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def find_listed(
    path: Path,
    frame: pd.DataFrame,
    dataset: str,
    *,
    num_classes: int = 8,
    duplicates: Duplicates = "drop",
    hash_order: Path | None = None,
    labels: Path | None = None,
    on_error: Literal["stop", "skip"] = "stop",
) -> ListedSamples:
    """Read a public list and find its pictures in a set.

    Args:
        path: The list.
        frame: Rows of the part that is evaluated, of all classes.
        dataset: ``rafdb`` or ``affectnet``.
        num_classes: 7 leaves out AffectNet's contempt.
        duplicates: What is done with a picture that is named again.
        hash_order: RAN's list of the validation part, for hashes in AffectNet's newer release.
        labels: A label file that must agree line by line.
        on_error: ``stop`` where pictures are missing, or ``skip``, which leaves them out.

    Raises:
        DatasetError: If the list cannot be read, is of another set, names a picture that the set
            lacks (with ``stop``), or gives one another class than the set does.
        ConfigError: If ``hash_order`` is needed and not given, or the other way round.
    """
    ran = read_ran_list(path)
    if ran.dataset != dataset:
        raise DatasetError(f"{path}: is a list of {ran.dataset} ({ran.kind}), not of {dataset}")
    if labels is not None:
        _compare_labels(ran, labels)
    names = _names(ran, frame, hash_order)
    rows = {e: names[e.key] for e in ran.entries if e.key in names}
    missing = tuple(dict.fromkeys(e.key for e in ran.entries if e not in rows))
    if missing and (on_error == "stop" or not rows):
        raise DatasetError(
            f"{path}: {len(missing):,} of its {len({e.key for e in ran.entries}):,} pictures, "
            f"{missing[0]!r} the first, are not among the {len(frame):,} of {dataset} that are "
            "evaluated; index the whole set, or leave them out with --on-error skip"
        )
    expressions = dict(zip(frame["sample_id"].tolist(), frame["expression"].tolist(), strict=True))
    _compare_classes(ran, rows, expressions)
    notes = _notes(ran)
    kept = [rows[entry] for entry in ran.entries if entry in rows]
    if num_classes == 7 and dataset == "affectnet":
        seven = [name for name in kept if expressions[name] != "contempt"]
        notes.append(f"{len(kept) - len(seven):,} lines of contempt left out: seven classes")
        kept = seven
    if ran.repeated:
        again = Counter(entry.key for entry in ran.repeated)
        what = ", ".join(f"{key[:12]} (line {_line(ran, key)})" for key in again)
        done = "dropped" if duplicates == "drop" else "kept in the list"
        notes.append(f"{len(ran.repeated)} lines name a picture again, {done}: {what}")
    if duplicates == "drop":
        kept = list(dict.fromkeys(kept))
    return ListedSamples(ran, tuple(kept), missing, tuple(notes))


def _names(ran: RanList, frame: pd.DataFrame, hash_order: Path | None) -> dict[str, str]:
    """What the list calls a picture to its sample id."""
    own = frame["sample_id"].str.rpartition("/")[2]
    is_numbered = ran.dataset == "affectnet" and bool(own.str.fullmatch(r"\d{1,7}").all())
    if hash_order is not None and not (ran.keys == "hash" and is_numbered):
        raise ConfigError(
            f"{hash_order}: --hash-order is for a list of hashes and AffectNet's newer release; "
            f"{ran.path} has lines of {ran.kind}, and the set's are as {own.iloc[0][:12]!r}"
        )
    if ran.keys == "number" and not is_numbered:
        raise DatasetError(
            f"{ran.path}: names numbers of AffectNet's newer release, the set at hand is that of "
            "2017; give a list of hashes"
        )
    if ran.keys == "hash" and is_numbered:
        if hash_order is None:
            raise ConfigError(
                f"{ran.path}: names hashes, the set at hand is AffectNet's newer release, whose "
                "pictures have numbers; give RAN's list of the whole validation part, "
                "val_affectnet8part_list.txt, with --hash-order"
            )
        return _names_by_order(hash_order, frame, own)
    named = {entry.key for entry in ran.entries}
    unclear = [name for name in own[own.duplicated()].tolist() if name in named]
    if unclear:
        raise DatasetError(
            f"{ran.path}: names {unclear[0]!r}, as two pictures of the set are called"
        )
    return dict(zip(own.tolist(), frame["sample_id"].tolist(), strict=True))


def _names_by_order(path: Path, frame: pd.DataFrame, own: pd.Series[str]) -> dict[str, str]:
    """Hash to sample id, by the order of the numbers; see the module."""
    order = read_ran_list(path)
    if order.keys != "hash":
        raise DatasetError(f"{path}: has lines of {order.kind}; expected hashes of AffectNet")
    in_order = frame.iloc[own.astype("int64").argsort(kind="stable")]
    entries = order.entries[1:]  # the first is the row that was taken for a head
    refusal = (
        "the two are not the same validation part in the same order, so no hash is given a number"
    )
    if len(entries) != len(in_order):
        raise DatasetError(
            f"{path}: has {len(entries):,} lines after its first, the set has {len(in_order):,} "
            f"pictures; {refusal}"
        )
    wanted = [order.coding[entry.code] for entry in entries]
    found = in_order["expression"].tolist()
    differ = [n for n, pair in enumerate(zip(wanted, found, strict=True)) if pair[0] != pair[1]]
    if differ:
        first = differ[0]
        raise DatasetError(
            f"{path}: line {entries[first].line} is {wanted[first]}, the set's picture "
            f"{in_order['sample_id'].iloc[first]} is {found[first]} (and {len(differ) - 1:,} more "
            f"differ); {refusal}"
        )
    return {entry.key: name for entry, name in zip(entries, in_order["sample_id"], strict=True)}


def _compare_classes(
    ran: RanList, rows: Mapping[RanEntry, str], expressions: Mapping[str, str]
) -> None:
    """Raise at the first line whose class is not the set's."""
    wrong = [e for e, name in rows.items() if ran.coding[e.code] != expressions[name]]
    if wrong:
        first = wrong[0]
        codes = {name: code for code, name in ran.coding.items()}
        is_label = all(e.code == codes[expressions[name]] + 1 for e, name in rows.items())
        why = "so this is no list of this set"
        if ran.dataset == "rafdb" and is_label:
            why = "all of them are RAF-DB's labels, 1 to 7; a list has the label minus 1, 0 to 6"
        raise DatasetError(
            f"{ran.path}: line {first.line} gives {first.key!r} the class {first.code} "
            f"({ran.coding[first.code]}), the set says {expressions[rows[first]]}, which is "
            f"{codes[expressions[rows[first]]]}; {len(wrong):,} of {len(rows):,} lines disagree, "
            f"{why}"
        )


def _compare_labels(ran: RanList, path: Path) -> None:
    """Raise where a label file says something else than the list's folders."""
    labels = read_labels(path)
    codes = [entry.code for entry in ran.entries]
    if len(labels) != len(codes):
        raise DatasetError(
            f"{path}: has {len(labels):,} labels, {ran.path} has {len(codes):,} lines; they do not "
            "belong together"
        )
    for entry, label in zip(ran.entries, labels, strict=True):
        if entry.code != label:
            raise DatasetError(
                f"{path}: says {label} where line {entry.line} of {ran.path} says {entry.code}"
            )


def _notes(ran: RanList) -> list[str]:
    """Whether it is a public list as it was published."""
    public = find_published(ran.entries, ran.dataset)
    if public is None:
        known = ", ".join(
            f">{p.threshold} has {p.lines:,}" for p in PUBLISHED_LISTS if p.dataset == ran.dataset
        )
        return [
            "this list is NOT one of the public lists by pose, as its lines in each class tell: it "
            f"has {len(ran.entries):,} in all, {known}"
        ]
    note = (
        f"this list has as many lines ({public.lines:,}), and as many in every class, as the "
        f"public >{public.threshold} list"
    )
    if public.paper != public.lines:
        note += f"; the paper says {public.paper:,}"
    return [note]


def _line(ran: RanList, key: str) -> int:
    """The last line that names a picture."""
    return next(entry.line for entry in reversed(ran.entries) if entry.key == key)
