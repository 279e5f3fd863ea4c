"""``fertools report``: the page about a run, or about several side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...",
            help="Run folders, or folders or files of predictions.parquet; the first of several "
            "is the baseline.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The page; else report.html in RUN, or comparison.html here for several."
        ),
    ] = None,
    with_faces: Annotated[
        bool,
        typer.Option(
            "--with-faces", help="Show pictures of people too; those of stand-ins always are."
        ),
    ] = False,
    margin: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=100,
            help="Points of accuracy that do not matter: tests whether runs are equally good.",
        ),
    ] = None,
) -> None:
    """Write one HTML page about a run, or about several compared; it needs no network.

    The page shows accuracy, views, expressions, confusions, calibration and the facts of the run;
    of several, every paired difference with its interval and p. All numbers are computed from the
    predictions. Figures and tables lie beside it as SVG, PNG, CSV and LaTeX.

    Example: fertools report runs/bu3dfe-p1-5fold/gms_lpa_resnet50/paper-literal-seed0
    """
    from fertools.report import write_report

    part = None if margin is None else margin / 100
    typer.echo(write_report(runs, out=out, with_faces=with_faces, margin=part))
