"""``fertools protocols share``, ``agree`` and ``restore``: what may leave the house, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.lock_options import Data, ProtocolFile, open_lock

_Lock = Annotated[Path, typer.Argument(metavar="LOCK", help="Your own lock of the protocol.")]


def share(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN", help="A run folder, or a folder or file of predictions.parquet."
        ),
    ],
    data: Data = None,
    lock: Annotated[
        Path | None, typer.Option(help="The lock it was made under; else that of the run folder.")
    ] = None,
    protocol: ProtocolFile = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the two files; else RUN/public.")
    ] = None,
) -> None:
    """Write a run's lock and predictions so that they may be shared: no names, labels, pictures.

    Samples get keyed hashes that only those can make who hold the same set; they compare the folds
    with 'protocols agree' and make every figure of the predictions again with 'protocols restore'.

    Example: fertools protocols share runs/rafdb/gms_lpa_resnet50/tuned-seed0
    """
    from fertools.metrics import share_run

    folder = run if run.is_dir() else run.parent
    opened, pool = open_lock(lock or folder / "protocol.lock.json", data=data, protocol=protocol)
    for path in share_run(run, opened, pool, out or folder / "public"):
        typer.echo(path)


def agree(
    shared: Annotated[Path, typer.Argument(metavar="SHARED", help="Their shared lock.")],
    lock: _Lock,
    data: Data = None,
    protocol: ProtocolFile = None,
) -> None:
    """Compare a shared lock with one's own: the same samples in the same folds, the same labels?

    Ends with 1 and lists what differs if they do not agree.

    Example: fertools protocols agree lock.public.json data/derived/rafdb/rafdb.lock.json
    """
    from fertools.errors import LockError
    from fertools.protocols.public import compare_public, read_public

    theirs = read_public(shared)
    opened, pool = open_lock(lock, data=data, protocol=protocol)
    if differences := compare_public(theirs, opened, pool):
        for text in differences:
            typer.echo(text)
        raise LockError(
            f"{shared}: does not agree with {lock} in {len(differences)} respects; results under "
            "the two cannot be compared"
        )
    typer.echo(
        f"agrees: {len(opened.labels):,} samples, {len(opened.folds)} "
        f"{'folds' if len(opened.folds) > 1 else 'fit'}, all labels"
    )


def restore(
    shared: Annotated[Path, typer.Argument(metavar="SHARED", help="Their shared predictions.")],
    lock: _Lock,
    out: Annotated[Path, typer.Option(help="Folder to write; 'fertools report' reads it.")],
    data: Data = None,
    protocol: ProtocolFile = None,
) -> None:
    """Give shared predictions their names, labels, views and people again, from one's own set.

    Example: fertools protocols restore predictions.public.parquet rafdb.lock.json --out theirs
    """
    from fertools.metrics import restore_predictions

    opened, pool = open_lock(lock, data=data, protocol=protocol)
    typer.echo(restore_predictions(out, shared, opened, pool))
