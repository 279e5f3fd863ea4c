"""``fertools synth rafdb`` and ``fertools synth affectnet``: stand-ins of the sets in the wild."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.synth_commands import tell_planted

__all__ = ["synth_affectnet", "synth_rafdb"]


def synth_rafdb(
    train: Annotated[int, typer.Option(min=7, max=99_999, help="Pictures to train on.")] = 400,
    test: Annotated[int, typer.Option(min=7, max=9_999, help="Pictures to test on.")] = 120,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds make other people.")] = 0,
    images: Annotated[
        Literal["both", "aligned"],
        typer.Option(help="'aligned' leaves out the originals and the annotations in them."),
    ] = "both",
    layout: Annotated[
        Literal["authors", "kaggle"],
        typer.Option(help="Folders as the authors ship them, or by label as on Kaggle."),
    ] = "authors",
    plant: Annotated[
        str | None,
        typer.Option(help="Plant faults for a verifier to find: all, or kinds divided by commas."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; else one a processor.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; else standin/rafdb in the data home.")
    ] = None,
) -> None:
    """Make photographs of people who do not exist, laid out as RAF-DB's basic set is.

    Poses, light, backgrounds and what hides faces are drawn at random; what is true about every
    picture stands in ground_truth.parquet. Started again after an interruption it goes on. Faults
    that can be planted: duplicate, swapped-label, leaked-subject, corrupt, truncated, missing.

    Example: fertools synth rafdb --train 1000 --test 300 --seed 3
    """
    from fertools.home import standin_dir
    from fertools.jobs.pool import default_workers
    from fertools.synth.plant import parse_kinds
    from fertools.synth.rafdb import synthesise_rafdb

    folder = out or standin_dir("rafdb")
    synthesise_rafdb(
        folder,
        train=train,
        test=test,
        seed=seed,
        images=images,
        layout=layout,
        plant=parse_kinds(plant),
        workers=workers or default_workers(),
    )
    tell_planted(folder)
    typer.echo(folder)


def synth_affectnet(
    release: Annotated[
        Literal["2017", "new"],
        typer.Option(help="Whole pictures and lists, or crops of 224 pixels and arrays."),
    ] = "2017",
    train: Annotated[int, typer.Option(min=11, help="Rows of the training list.")] = 400,
    val: Annotated[int, typer.Option(min=12, help="Rows of the validation list.")] = 105,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds make other people.")] = 0,
    header_in_validation: Annotated[
        bool, typer.Option(help="Start validation.csv with the columns' names, as some copies do.")
    ] = False,
    plant: Annotated[
        str | None,
        typer.Option(help="Plant faults for a verifier to find: all, or kinds divided by commas."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; else one a processor.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; else standin/affectnet in the data home.")
    ] = None,
) -> None:
    """Make photographs of people who do not exist, laid out as AffectNet is.

    Both releases of one seed show the same pictures; the new one leaves out the codes 8 to 10 and
    numbers the others by their rows. Started again after an interruption it goes on.

    Example: fertools synth affectnet --release new --train 1000 --val 220
    """
    from fertools.home import standin_dir
    from fertools.jobs.pool import default_workers
    from fertools.synth.affectnet import synthesise_affectnet
    from fertools.synth.plant import parse_kinds

    folder = out or standin_dir("affectnet")
    synthesise_affectnet(
        folder,
        release=release,
        train=train,
        val=val,
        seed=seed,
        header_in_validation=header_in_validation,
        plant=parse_kinds(plant),
        workers=workers or default_workers(),
    )
    tell_planted(folder)
    typer.echo(folder)
