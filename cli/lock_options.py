"""What commands that take a lock have in common: its data, its protocol, and how it is opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fertools.protocols import Change, Exclusion, LeakReport, Lock, Pool

__all__ = [
    "LEAKS",
    "Data",
    "ExcludeLeaks",
    "Near",
    "ProtocolFile",
    "Strict",
    "Workers",
    "leaks_in_words",
    "open_lock",
]

Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="[ROLE=]MANIFEST",
        help="The manifest (train=…, test=… where there are two); else the protocol's own in the "
        "data home.",
    ),
]
ProtocolFile = Annotated[
    str | None,
    typer.Option(
        "--protocol", metavar="YAML", help="The protocol, if it is none that comes with fertools."
    ),
]

LEAKS = "Leaks"
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Refuse whatever leaks, also of an official split.",
        rich_help_panel=LEAKS,
    ),
]
Near = Annotated[
    bool,
    typer.Option(
        "--near/--no-near",
        help="Search altered copies too: mirrored, cropped, re-encoded, brighter, darker.",
        rich_help_panel=LEAKS,
    ),
]
ExcludeLeaks = Annotated[
    bool,
    typer.Option(
        "--exclude-leaks",
        help="Leave training samples that leak out of the folds; the lock says who.",
        rich_help_panel=LEAKS,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Processes and threads of --near; else one a processor."),
]


def open_lock(
    lock_path: Path,
    *,
    data: Sequence[str] | None,
    protocol: str | None,
    list_changes: Path | None = None,
) -> tuple[Lock, Pool]:
    """Read a lock and its samples, and compare them with its protocol and with each other.

    Args:
        lock_path: The lock.
        data: ``[ROLE=]MANIFEST``; else, where the protocol has one role, the manifest beside the
            lock, else the protocol's own in the data home.
        protocol: The YAML of a protocol of one's own.
        list_changes: A table for all samples that are missing or have another label or subject; it
            is written where there are any.

    Raises:
        LockError: If the lock is damaged, or not one of the protocol as it reads now, or the
            samples are not as locked.
        ProtocolError: If the protocol is not known, or the samples do not suit it.
        ManifestError: If there is no manifest, or it is damaged.
    """
    from fertools.errors import LockError, ProtocolError
    from fertools.protocols import (
        changed_members,
        check_folds,
        check_lock,
        list_protocols,
        load_protocol,
        parse_data,
        read_lock,
        read_pool,
        unlike_protocol,
    )

    lock = read_lock(lock_path)
    if protocol is None and lock.protocol not in list_protocols():
        raise ProtocolError(
            f"{lock_path}: is of the protocol {lock.protocol!r}, which does not come with "
            f"fertools; give its file with --protocol {lock.protocol}.yaml"
        )
    declared = load_protocol(protocol or lock.protocol)
    if (text := unlike_protocol(lock, declared)) is not None:
        raise LockError(f"{lock_path}: {text}; lock the protocol again")
    given = parse_data(declared, data or ())
    has_own = (lock_path.parent / "manifest.parquet").is_file()
    if not given and len(declared.selections) == 1 and has_own:
        given = dict.fromkeys(declared.selections, lock_path.parent)
    pool = read_pool(declared, given)
    try:
        check_lock(lock, pool)
    except LockError:
        if list_changes is not None and (changes := changed_members(lock, pool)):
            _write_changes(list_changes, changes)
        raise
    check_folds(lock, declared, pool)
    return lock, pool


def leaks_in_words(found: LeakReport, excluded: Sequence[Exclusion] = ()) -> Iterator[str]:
    """What the gate found, what became of it, and what it did not look for; a line each.

    Args:
        found: What leaks, before anything was left out.
        excluded: What was left out for that.
    """
    if found.leaks:
        words = ", ".join(f"{number:,} by {kind}" for kind, number in found.counts.items())
        what = "listed, not refused"
        if excluded:
            what = f"{len({one.sample for one in excluded}):,} training samples left out"
        yield f"leaks: {words}; {what}"
    else:
        kinds = ["no subject"] * found.has_subjects + ["no file"]
        kinds += ["no altered copy"] * (found.num_pairs is not None)
        yield f"leaks: {', '.join(kinds)} on both sides"
    if found.num_pairs is not None:
        yield f"pairs of pictures on both sides, searched for copies: {found.num_pairs:,}"
    for reason in found.not_checked:
        yield f"not checked: {reason}"


def _write_changes(path: Path, changes: Sequence[Change]) -> None:
    """All samples that are not as locked, as a table."""
    from fertools.jobs import csv_text, write_text

    rows = ((c.sample, c.what, c.now, c.locked) for c in changes)
    write_text(path, csv_text(["sample_id", "what", "now", "locked"], rows))
    typer.echo(f"{len(changes):,} samples are not as locked; they are listed in {path}", err=True)
