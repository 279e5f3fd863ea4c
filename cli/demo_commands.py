"""``fertools demo``: the whole way on open stand-ins, by ordinary commands that it prints."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

_MODEL = "gms_lpa_tiny"
_PROTOCOL = "bu3dfe-p1-5fold"


@dataclass(frozen=True)
class _Stage:
    """One command of the demo: what it is for, the program, its arguments."""

    purpose: str
    program: Literal["fertools", "zoo"]
    arguments: tuple[str, ...]

    @property
    def line(self) -> str:
        """The command as a user would type it."""
        return shlex.join([self.program, *self.arguments])


def demo(
    seed: Annotated[int, typer.Option(min=0, help="Of the people, and of the training.")] = 0,
    folds: Annotated[
        Literal["0", "all"], typer.Option(help="Train and test fold 0 only, or all five.")
    ] = "0",
    subjects: Annotated[int, typer.Option(min=5, max=100, help="How many people to make.")] = 10,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe, as in epochs=5."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; else one a processor.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for all of it; else demo/seed-SEED.")
    ] = None,
) -> None:
    """Go the whole way: make people, render them, lock folds, train, test, write the report.

    Nothing is downloaded and no licence is needed: the people do not exist. Every stage is an
    ordinary command, printed before it runs. Needs about 0.5 GB and, on two processors, some
    minutes; started again after an interruption it goes on.
    """
    home = out or Path("demo") / f"seed-{seed}"
    run = home / "runs" / _PROTOCOL / _MODEL / f"seed{seed}"
    stages = _stages(home, run, seed, folds, subjects, settings or [], workers)
    start = time.monotonic()
    for number, stage in enumerate(stages, start=1):
        typer.echo(f"\n[{number}/{len(stages)}] {stage.purpose}\n  $ {stage.line}", err=True)
        _call(stage)
    minutes, seconds = divmod(int(time.monotonic() - start), 60)
    _conclude(run, f"{minutes} min {seconds:02d} s")


def _stages(
    home: Path,
    run: Path,
    seed: int,
    folds: str,
    subjects: int,
    settings: list[str],
    workers: int | None,
) -> list[_Stage]:
    """The commands, in order."""
    standin = str(home / "data" / "standin" / "bu3dfe")
    rendered = str(home / "data" / "derived" / "bu3dfe-p1")
    manifest = f"{rendered}/manifest.parquet"
    processes = ("--workers", str(workers)) if workers else ()
    changes = tuple(part for setting in settings for part in ("--set", setting))
    return [
        _Stage(
            "make people who do not exist: textured 3D scans laid out as BU-3DFE is",
            "fertools",
            (
                *("synth", "bu3dfe", "--subjects", str(subjects), "--seed", str(seed)),
                *("--no-raw", "--no-f2d", "--texture-size", "512", *processes, "--out", standin),
            ),
        ),
        _Stage(
            "render every scan from five views, with exact head pose",
            "fertools",
            (
                *("render-bu3dfe", standin, "--views", "p1", "--image-size", "64"),
                *(*processes, "--out", rendered),
            ),
        ),
        _Stage(
            "check every picture and write the manifest: one row a picture",
            "fertools",
            ("index", "bu3dfe-rendered", rendered),
        ),
        _Stage(
            "split the people into five folds, nobody in both training and test, and lock them",
            "fertools",
            ("protocols", "lock", _PROTOCOL, "--data", manifest),
        ),
        _Stage(
            "train a small GMS-LPA, from scratch",
            "zoo",
            (
                *("train", _MODEL, "--protocol", _PROTOCOL, "--data", manifest, "--fold", folds),
                *("--recipe", "demo", "--seed", str(seed), *changes, "--run", str(run)),
            ),
        ),
        _Stage(
            "test it on the people it has never seen, and write the report",
            "zoo",
            ("evaluate", _MODEL, "--protocol", _PROTOCOL, "--data", manifest, "--run", str(run)),
        ),
    ]


def _call(stage: _Stage) -> None:
    """Run one command as a process of its own; its end is the demo's where it fails."""
    module = f"cli.{stage.program}_app"
    command = [sys.executable, "-P", "-m", module, *stage.arguments]
    process = subprocess.Popen(command)
    while True:
        try:
            status = process.wait()
            break
        except KeyboardInterrupt:  # the command was interrupted too, and says so itself
            continue
    if status:
        typer.echo(f"stopped in: {stage.line}\nthe same demo again goes on from there", err=True)
        raise typer.Exit(status if status > 0 else 128 - status)


def _conclude(run: Path, duration: str) -> None:
    """What came out, where to look, and what to do next."""
    import json

    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    accuracy, chance = results["accuracy"], results["chance"]
    typer.echo(
        f"\nDone in {duration}. SYNTHETIC stand-ins, trained from scratch.\n"
        f"accuracy  {accuracy:.1%} on {results['num_samples']} pictures of people it never saw\n"
        f"chance    {chance:.1%}\n"
        f"report    {run / 'report.html'}\n\n"
        "With a licence for BU-3DFE, put it (or a link) in data/raw/bu3dfe and try:\n"
        "  fertools render-bu3dfe\n"
        f"  fertools protocols lock {_PROTOCOL}\n"
        f"  zoo train gms_lpa --protocol {_PROTOCOL}"
    )
