"""``zoo train``: train a network on the folds of a protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.lock_options import Data, ExcludeLeaks, Near, Strict, leaks_in_words


def train(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A name of 'zoo list'.")],
    protocol: Annotated[str, typer.Option(help="A name of 'fertools protocols list', or a YAML.")],
    data: Data = None,
    lock: Annotated[
        Path | None, typer.Option(help="The lock; else PROTOCOL.lock.json beside the manifest.")
    ] = None,
    fold: Annotated[str, typer.Option(metavar="K|all", help="Which fold to train.")] = "all",
    recipe: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="paper-literal, demo, or a file NAME.yaml.")
    ] = "paper-literal",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe, as in epochs=5."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and augmentation.")] = 0,
    name: Annotated[str | None, typer.Option(help="The run's name; else RECIPE-seedSEED.")] = None,
    run: Annotated[
        Path | None,
        typer.Option("--run", "--out", help="The run folder; else runs/PROTOCOL/MODEL/NAME."),
    ] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option()] = "auto",
    near: Near = True,
    strict: Strict = False,
    exclude_leaks: ExcludeLeaks = False,
    allow_mismatch: Annotated[
        bool,
        typer.Option(
            "--allow-mismatch",
            help="Train on samples that are not as locked; every output says what differs.",
        ),
    ] = False,
) -> None:
    """Train a network from scratch; started again after an interruption it goes on.

    Finished folds are kept. On a CPU an interrupted training ends with the same weights, bit for
    bit, as one that was never interrupted.

    Example: zoo train gms_lpa --protocol bu3dfe-p1-5fold

    Example: zoo train gms_lpa_tiny --protocol bu3dfe-p1-5fold --recipe demo --fold 0
    """
    from fertools.errors import ConfigError
    from fertools.jobs.pool import default_workers
    from fertools.protocols import write_leaks
    from zoo.inputs import find_inputs, keep_declaration
    from zoo.models import resolve_model_name
    from zoo.recipe import load_recipe
    from zoo.runs import LOCK, RunConfig, resolve_device, run_path
    from zoo.training import train_run

    if fold != "all" and not fold.isdecimal():
        raise ConfigError(f"--fold {fold!r}: expected a number from 0, or 'all'")
    chosen = load_recipe(recipe, sets=settings or [])
    resolved = resolve_model_name(model)
    inputs = find_inputs(
        protocol,
        data=data or (),
        lock_path=lock,
        search=near,
        strict=strict,
        exclude_leaks=exclude_leaks,
        allow_mismatch=allow_mismatch,
        workers=default_workers(),
    )
    for text in (*inputs.mismatch, *leaks_in_words(inputs.found, inputs.excluded)):
        typer.echo(text, err=True)
    config = RunConfig(
        model=resolved,
        protocol=inputs.lock.protocol,
        protocol_version=inputs.lock.protocol_version,
        lock_digest=inputs.lock.digest,
        synthetic=inputs.lock.synthetic,
        seed=seed,
        device=resolve_device(device),
        recipe=chosen,
        mismatch=inputs.mismatch,
    )
    run_dir = run or run_path(inputs.lock.protocol, resolved, name or f"{chosen.name}-seed{seed}")
    mark = " on SYNTHETIC stand-ins" if inputs.lock.synthetic else ""
    typer.echo(f"{resolved}, recipe {chosen.name}, from scratch{mark}: {run_dir}", err=True)
    records = train_run(
        run_dir,
        config,
        pool=inputs.pool,
        lock=inputs.lock,
        folds=None if fold == "all" else [int(fold)],
    )
    keep_declaration(protocol, run_dir)
    write_leaks(run_dir / LOCK, inputs.lock, inputs.pool, inputs.leaks, inputs.near)
    for record in records:
        typer.echo(
            f"fold {record.fold}: {record.epochs} epochs of {record.num_train:,} pictures, "
            f"{record.seconds:.0f} s, last loss {record.loss:.3f}, {record.train_accuracy:.1%} "
            "right in training"
        )
    typer.echo(run_dir)
