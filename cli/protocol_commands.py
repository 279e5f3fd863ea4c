"""``fertools protocols``: list, show, lock and check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.runner import new_app

if TYPE_CHECKING:
    from fertools.protocols import Fold, LeakReport, Lock

app = new_app(
    "Declared protocols: what is tested on what, locked so that everyone tests the same.\n\n"
    "A lock names every sample of every fold; training and evaluation refuse data that differ."
)

_Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="[ROLE=]MANIFEST",
        help="The manifest (train=…, test=… where there are two); else the protocol's own in the "
        "data home.",
    ),
]
_Strict = Annotated[
    bool,
    typer.Option("--strict", help="Refuse whatever leaks, also of an official split."),
]
_LISTED = 20


@app.callback()
def protocols() -> None:
    """Declared protocols: what is tested on what."""


@app.command("list")
def list_command() -> None:
    """List the protocols with their titles."""
    from fertools.protocols import list_protocols, load_protocol

    names = list_protocols()
    width = max(map(len, names))
    for name in names:
        typer.echo(f"{name:<{width}}  {load_protocol(name).title}")


@app.command("show")
def show(name: Annotated[str, typer.Argument(help="A protocol's name, or a YAML file.")]) -> None:
    """Print a protocol as it is read: source, classes, who takes part, folds and counts."""
    import yaml

    from fertools.protocols import load_protocol

    values = load_protocol(name).model_dump(mode="json", exclude_defaults=True)
    typer.echo(yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100).rstrip())


@app.command("lock")
def lock(
    name: Annotated[str, typer.Argument(help="A protocol's name, or a YAML file.")],
    data: _Data = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The lock; else NAME.lock.json beside the manifest of who is tested."),
    ] = None,
    strict: _Strict = False,
) -> None:
    """Make the folds on the data at hand, refuse leaks, and write them down by sample id.

    Example: fertools protocols lock bu3dfe-p1-5fold
    """
    from fertools.protocols import (
        find_leaks,
        load_protocol,
        lock_protocol,
        parse_data,
        read_pool,
        refuse_leaks,
        write_lock,
    )

    protocol = load_protocol(name)
    pool = read_pool(protocol, parse_data(protocol, data or ()))
    made = lock_protocol(protocol, pool)
    report = find_leaks(made, pool)
    refuse_leaks(report, protocol=protocol.name, strict=strict)
    path = out or pool.main.path.parent / f"{protocol.name}.lock.json"
    write_lock(path, made)
    for fold in made.folds:
        typer.echo(_in_words(made, fold))
    _tell_leaks(report)
    typer.echo(f"digest {made.digest[:12]}{', synthetic' if made.synthetic else ''}")
    typer.echo(path)


@app.command("check")
def check(
    lock_path: Annotated[Path, typer.Argument(metavar="LOCK", help="A lock.")],
    data: _Data = None,
    strict: _Strict = False,
) -> None:
    """Compare a lock with the data at hand, and look for leaks.

    Example: fertools protocols check data/derived/bu3dfe-p1/bu3dfe-p1-5fold.lock.json
    """
    from fertools.protocols import (
        check_lock,
        find_leaks,
        load_protocol,
        parse_data,
        read_lock,
        read_pool,
        refuse_leaks,
    )

    found = read_lock(lock_path)
    protocol = load_protocol(found.protocol)
    given = parse_data(protocol, data or ())
    if not given and len(protocol.selections) == 1:
        given = dict.fromkeys(protocol.selections, lock_path.parent)
    pool = read_pool(protocol, given)
    check_lock(found, pool)
    report = find_leaks(found, pool)
    refuse_leaks(report, protocol=protocol.name, strict=strict)
    typer.echo(
        f"{lock_path}: fits {pool.main.path} ({len(found.labels):,} samples, {len(found.folds)} "
        f"{'folds' if len(found.folds) > 1 else 'fit'})"
    )
    _tell_leaks(report)


def _in_words(lock: Lock, fold: Fold) -> str:
    """How many are trained on and tested, and who."""
    tested = sorted({who for i in fold.test if (who := lock.subjects[i]) is not None})
    shown = ", ".join(tested[:4]) + (", …" if len(tested) > 4 else "")
    people = f" of {len(tested)} people outside it: {shown}" if tested else ""
    chosen = f", {len(fold.val):,} to choose by" if fold.val else ""
    return f"{fold.name}: {len(fold.train):,} to train{chosen}, {len(fold.test):,} to test{people}"


def _tell_leaks(report: LeakReport) -> None:
    """What the gate found, and what it could not check."""
    if not report.has_subjects:
        typer.echo("subjects: not checkable, the set has none")
    for leak in report.leaks[:_LISTED]:
        typer.echo(f"leak: {leak}", err=True)
    if report.leaks:
        words = ", ".join(f"{number:,} by {kind}" for kind, number in report.counts.items())
        typer.echo(f"leaks of the official split, listed and not refused: {words}")
    else:
        what = "no subject and no picture" if report.has_subjects else "no picture"
        typer.echo(f"{what} on both sides")
