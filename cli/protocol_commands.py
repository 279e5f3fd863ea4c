"""``fertools protocols``: list, show, lock and check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.runner import new_app

app = new_app(
    "Declared protocols: what is tested on what, locked so that everyone tests the same.\n\n"
    "A lock names every sample of every fold; training and evaluation refuse data that differ."
)

_Data = Annotated[
    Path | None,
    typer.Option("--data", help="The manifest; else the protocol's own in the data home."),
]


@app.callback()
def protocols() -> None:
    """Declared protocols: what is tested on what."""


@app.command("list")
def list_command() -> None:
    """List the protocols with their titles."""
    from fertools.protocols import list_protocols, load_protocol

    for name in list_protocols():
        typer.echo(f"{name:<20} {load_protocol(name).title}")


@app.command("show")
def show(name: Annotated[str, typer.Argument(help="A protocol's name, or a YAML file.")]) -> None:
    """Print a protocol: source, classes, views, folds and counts."""
    from fertools.protocols import load_protocol

    protocol = load_protocol(name)
    for key, value in protocol.model_dump(mode="json").items():
        typer.echo(f"{key:<15} {value}")


@app.command("lock")
def lock(
    name: Annotated[str, typer.Argument(help="A protocol's name, or a YAML file.")],
    data: _Data = None,
    out: Annotated[
        Path | None, typer.Option(help="The lock; else NAME.lock.json beside the manifest.")
    ] = None,
) -> None:
    """Make the folds on the data at hand, refuse leaks, and write them down by sample id.

    Example: fertools protocols lock bu3dfe-p1-5fold
    """
    from fertools.home import derived_dir
    from fertools.manifest import read_manifest
    from fertools.protocols import load_protocol, lock_protocol, write_lock

    protocol = load_protocol(name)
    manifest = read_manifest(data or derived_dir(protocol.derived))
    made = lock_protocol(protocol, manifest)
    path = out or manifest.path.parent / f"{protocol.name}.lock.json"
    write_lock(path, made)
    for number, fold in enumerate(made.folds):
        tested = sorted({made.subjects[i] for i in fold.test})
        shown = ", ".join(tested[:4]) + (", …" if len(tested) > 4 else "")
        typer.echo(
            f"fold {number}: {len(fold.train):,} to train, {len(fold.test):,} to test "
            f"of people outside it: {shown} ({len(tested)})"
        )
    mark = ", synthetic" if made.synthetic else ""
    typer.echo(f"no subject and no picture on both sides; digest {made.digest[:12]}{mark}")
    typer.echo(path)


@app.command("check")
def check(
    lock_path: Annotated[Path, typer.Argument(metavar="LOCK", help="A lock.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="The manifest; else the one beside the lock.")
    ] = None,
) -> None:
    """Compare a lock with the data at hand, and look for leaks."""
    from fertools.manifest import read_manifest
    from fertools.protocols import check_lock, read_lock

    found = read_lock(lock_path)
    manifest = read_manifest(data or lock_path.parent)
    check_lock(found, manifest)
    typer.echo(
        f"{lock_path}: fits {manifest.path} ({len(found.labels):,} samples, {len(found.folds)} "
        "folds); no subject and no picture on both sides"
    )
