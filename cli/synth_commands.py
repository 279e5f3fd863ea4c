"""``fertools synth``: open stand-ins in the layouts of the licensed sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.runner import new_app

app = new_app(
    "Make open stand-ins of the licensed sets, in their layouts, from a parametric head (CC0).\n\n"
    "They show nobody and are marked synthetic wherever they go."
)


@app.callback()
def synth() -> None:
    """Make open stand-ins of the licensed sets."""


@app.command("bu3dfe")
def synth_bu3dfe(
    subjects: Annotated[int, typer.Option(min=1, max=100, help="How many people.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds make other people.")] = 0,
    raw: Annotated[bool, typer.Option(help="Also write the whole heads (RAW).")] = True,
    f2d: Annotated[bool, typer.Option(help="Also write the frontal pictures (F2D).")] = True,
    density: Annotated[
        Literal["8k", "18k"], typer.Option(help="Vertices of an F3D mesh, about.")
    ] = "8k",
    texture_size: Annotated[
        int, typer.Option(min=64, max=4096, help="Width and height of a texture.")
    ] = 1024,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; else one a processor.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; else standin/bu3dfe in the data home.")
    ] = None,
) -> None:
    """Make textured 3D scans of people who do not exist, laid out as BU-3DFE is.

    25 scans a subject: neutral, and six expressions at four intensities. Started again after an
    interruption it goes on with the subjects that are missing.

    Example: fertools synth bu3dfe --subjects 20 --seed 3 --no-raw
    """
    from fertools.home import standin_dir
    from fertools.jobs.pool import default_workers
    from fertools.synth.bu3dfe import estimate_bytes, synthesise_bu3dfe

    folder = out or standin_dir("bu3dfe")
    need = estimate_bytes(
        subjects=subjects, raw=raw, f2d=f2d, density=density, texture_size=texture_size
    )
    typer.echo(f"{folder}: {subjects * 25} scans, about {need / 1e9:.2f} GB", err=True)
    synthesise_bu3dfe(
        folder,
        subjects=subjects,
        seed=seed,
        raw=raw,
        f2d=f2d,
        density=density,
        texture_size=texture_size,
        workers=workers or default_workers(),
    )
    typer.echo(folder)


@app.command("multipie")
def synth_multipie(
    subjects: Annotated[int, typer.Option(min=1, max=800, help="How many people.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Other seeds make other people.")] = 0,
    sessions: Annotated[str, typer.Option(help="Of 1 to 4, such as 1,3.")] = "all",
    cameras: Annotated[
        str, typer.Option(help="13 at the head's height, all 15, or names such as 05_1,05_0.")
    ] = "13",
    illuminations: Annotated[
        str, typer.Option(help="Of 0 to 19, such as 0,7, or all; 7 is the frontal flash.")
    ] = "7",
    level: Annotated[
        Literal["data", "none", "deeper", "repacked"],
        typer.Option(help="With data/, without, below Multi-Pie/data/, or JPEG by subject."),
    ] = "data",
    labels: Annotated[bool, typer.Option(help="Also write some landmark files.")] = True,
    plant: Annotated[
        str | None,
        typer.Option(help="Plant faults for a verifier to find: all, or kinds divided by commas."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; else one a processor.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; else standin/multipie in the data home.")
    ] = None,
) -> None:
    """Make pictures of people who do not exist, laid out as Multi-PIE is.

    Up to 11 recordings a subject in four sessions, each from all cameras at once. Started again
    after an interruption it goes on with the subjects that are missing. Faults that can be planted:
    duplicate, swapped-label, leaked-subject, corrupt, truncated, missing.

    Example: fertools synth multipie --subjects 20 --illuminations 0,7 --plant duplicate,corrupt
    """
    from fertools.home import standin_dir
    from fertools.jobs.pool import default_workers
    from fertools.synth.multipie import (
        choose_cameras,
        choose_numbers,
        estimate_bytes,
        synthesise_multipie,
    )
    from fertools.synth.plant import parse_kinds

    folder = out or standin_dir("multipie")
    kinds = parse_kinds(plant)
    chosen_sessions = choose_numbers(sessions, "sessions", range(1, 5))
    chosen_illuminations = choose_numbers(illuminations, "illuminations", range(20))
    chosen_cameras = choose_cameras(cameras)
    pictures, need = estimate_bytes(
        subjects=subjects,
        seed=seed,
        sessions=chosen_sessions,
        cameras=chosen_cameras,
        illuminations=chosen_illuminations,
        level=level,
    )
    typer.echo(f"{folder}: {pictures:,} pictures, about {need / 1e9:.2f} GB", err=True)
    synthesise_multipie(
        folder,
        subjects=subjects,
        seed=seed,
        sessions=chosen_sessions,
        cameras=chosen_cameras,
        illuminations=chosen_illuminations,
        level=level,
        with_labels=labels,
        plant=kinds,
        workers=workers or default_workers(),
    )
    tell_planted(folder)
    typer.echo(folder)


def tell_planted(folder: Path) -> None:
    """Say which faults a stand-in holds, since it is no sound one any more."""
    from fertools.synth.plant import PLANTED, read_planted

    if not (folder / PLANTED).is_file():
        return
    for fault in read_planted(folder):
        typer.echo(f"planted {fault.kind}: {', '.join(fault.sample_ids[:4])}", err=True)
    typer.echo(f"this folder now holds faults, as {folder / PLANTED} lists", err=True)
