"""``fertools protocols``: list, show, lock and check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.lock_options import (
    LEAKS,
    Data,
    ExcludeLeaks,
    Near,
    ProtocolFile,
    Strict,
    Workers,
    leaks_in_words,
    open_lock,
)
from cli.runner import new_app

if TYPE_CHECKING:
    from fertools.protocols import Checked, Fold, Lock

app = new_app(
    "Declared protocols: what is tested on what, locked so that everyone tests the same.\n\n"
    "A lock names every sample of every fold; training and evaluation refuse data that differ."
)

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
    data: Data = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The lock; else NAME.lock.json beside the manifest of who is tested."),
    ] = None,
    near: Near = False,
    strict: Strict = False,
    exclude_leaks: ExcludeLeaks = False,
    public: Annotated[
        bool,
        typer.Option(
            "--public",
            help="Write NAME.public.json too: the folds under hashed names, without labels; those "
            "who have the set can compare ('protocols agree').",
        ),
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a lock that is there and is another one.")
    ] = False,
    workers: Workers = None,
) -> None:
    """Make the folds on the data at hand, refuse leaks, and write them down by sample id.

    Whatever leaks is listed in NAME.leaks.csv beside the lock.

    Example: fertools protocols lock bu3dfe-p1-5fold
    """
    from fertools.jobs.pool import default_workers
    from fertools.protocols import (
        load_protocol,
        lock_protocol,
        parse_data,
        read_pool,
        run_gate,
        write_lock,
    )

    protocol = load_protocol(name)
    pool = read_pool(protocol, parse_data(protocol, data or ()))
    path = out or pool.main.path.parent / f"{protocol.name}.lock.json"
    made = lock_protocol(protocol, pool)
    if path.exists() and not replace:
        _keep_others(path, made)
    checked = run_gate(
        made,
        pool,
        path,
        near=near,
        strict=strict,
        exclude=exclude_leaks,
        is_written=True,
        workers=workers or default_workers(),
    )
    write_lock(path, checked.lock)
    for fold in checked.lock.folds:
        typer.echo(_in_words(checked.lock, fold))
    _tell_leaks(checked, path)
    if public:
        from fertools.protocols.public import public_path, write_public

        write_public(public_path(path), checked.lock, pool)
        typer.echo(public_path(path))
    typer.echo(f"digest {checked.lock.digest[:12]}{', synthetic' if pool.synthetic else ''}")
    typer.echo(path)


@app.command("check")
def check(
    lock_path: Annotated[Path, typer.Argument(metavar="LOCK", help="A lock.")],
    data: Data = None,
    protocol: ProtocolFile = None,
    near: Near = True,
    strict: Strict = False,
    exclude_leaks: ExcludeLeaks = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The lock that --exclude-leaks writes; else NAME.excluded.lock.json beside it.",
            rich_help_panel=LEAKS,
        ),
    ] = None,
    workers: Workers = None,
) -> None:
    """Compare a lock with its protocol and the data at hand, and look for leaks.

    Started again, only pictures that were written since are read, which is a matter of seconds.
    Whatever leaks is listed in NAME.leaks.csv beside the lock, and samples that are missing or have
    another label or subject than locked in NAME.differences.csv.

    Example: fertools protocols check data/derived/bu3dfe-p1/bu3dfe-p1-5fold.lock.json
    """
    from fertools.jobs.pool import default_workers
    from fertools.protocols import beside_lock, run_gate, write_leaks, write_lock

    found, pool = open_lock(
        lock_path,
        data=data,
        protocol=protocol,
        list_changes=beside_lock(lock_path, "differences.csv"),
    )
    checked = run_gate(
        found,
        pool,
        lock_path,
        near=near,
        strict=strict,
        exclude=exclude_leaks,
        is_written=True,
        workers=workers or default_workers(),
    )
    typer.echo(
        f"{lock_path}: fits {pool.main.path} ({len(found.labels):,} samples, {len(found.folds)} "
        f"{'folds' if len(found.folds) > 1 else 'fit'})"
    )
    path = _tell_leaks(checked, lock_path)
    if checked.excluded:
        path = out or beside_lock(lock_path, "excluded.lock.json")
        write_lock(path, checked.lock)
        write_leaks(path, checked.lock, pool, checked.report, checked.near)
    typer.echo(path)


def _keep_others(path: Path, made: Lock) -> None:
    """Refuse to replace a lock that runs may have been made under."""
    from fertools.errors import LockError
    from fertools.protocols import read_lock

    try:
        there = read_lock(path).digest[:12]
    except LockError as error:
        raise LockError(f"{path}: is there and cannot be read; --replace replaces it") from error
    if there != made.digest[:12]:
        raise LockError(
            f"{path}: there is another lock ({there}; this one would be {made.digest[:12]}), which "
            "runs may have been made under; give another --out, or --replace it"
        )


def _in_words(lock: Lock, fold: Fold) -> str:
    """How many are trained on and tested, and who."""
    tested = sorted({who for i in fold.test if (who := lock.subjects[i]) is not None})
    shown = ", ".join(tested[:4]) + (", …" if len(tested) > 4 else "")
    who = "person" if len(tested) == 1 else "people"
    people = f" of {len(tested)} other {who}: {shown}" if tested else ""
    chosen = f", {len(fold.val):,} to choose by" if fold.val else ""
    return f"{fold.name}: {len(fold.train):,} to train{chosen}, {len(fold.test):,} to test{people}"


def _tell_leaks(checked: Checked, lock_path: Path) -> Path:
    """What the gate found, and what it did not look for; gives the list of all leaks."""
    from fertools.protocols import leaks_path

    found, path = checked.found, leaks_path(lock_path)
    for leak in found.leaks[:_LISTED]:
        typer.echo(f"leak: {leak}", err=True)
    if len(found.leaks) > _LISTED:
        typer.echo(f"… {len(found.leaks) - _LISTED:,} more; all of them are in {path}", err=True)
    for text in leaks_in_words(found, checked.excluded):
        typer.echo(text)
    return path
