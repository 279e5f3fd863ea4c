"""``fertools report``: the page about a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN", help="A run folder, or a folder or file of predictions.parquet."
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="The page; else report.html in RUN.")] = None,
    with_faces: Annotated[
        bool,
        typer.Option(
            "--with-faces", help="Show pictures of people too; those of stand-ins always are."
        ),
    ] = False,
) -> None:
    """Write one HTML page about a run; it opens without a server and needs no network.

    The page shows accuracy, views, expressions, confusions and the facts of the run. All numbers
    are computed from its predictions.

    Example: fertools report runs/bu3dfe-p1-5fold/gms_lpa_resnet50/paper-literal-seed0
    """
    from fertools.report import write_report

    typer.echo(write_report(run, out=out, with_faces=with_faces))
