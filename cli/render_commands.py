"""``fertools render-bu3dfe``: 3D scans to the multi-view sets P1 and P2."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def render_bu3dfe(
    root: Annotated[
        Path | None,
        typer.Argument(help="BU-3DFE; else raw/bu3dfe, else standin/bu3dfe, in the data home."),
    ] = None,
    views: Annotated[
        Literal["p1", "p2"],
        typer.Option(
            help="p1: yaw 0 30 45 60 90, all intensities. p2: 7 pans x 5 tilts, strongest one."
        ),
    ] = "p1",
    mesh: Annotated[
        Literal["F3D", "RAW"], typer.Option(help="F3D: the cropped face. RAW: the whole head.")
    ] = "F3D",
    image_size: Annotated[
        int, typer.Option(min=8, max=4096, help="Pixels of a picture's side.")
    ] = 224,
    window_mm: Annotated[
        float, typer.Option(min=1, max=2000, help="Millimetres that a picture spans.")
    ] = 220.0,
    supersample: Annotated[
        int, typer.Option(min=1, max=3, help="Samples a pixel along each axis.")
    ] = 2,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; else one a processor.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write; else derived/bu3dfe-VIEWS in the data home."),
    ] = None,
) -> None:
    """Render BU-3DFE's scans from every view of P1 or P2, with exact head pose.

    Writes images/, manifest.parquet (one row a picture: subject, expression, intensity, yaw, pitch,
    roll) and landmarks.parquet (the 83 points in pixels). Started again after an interruption it
    renders only what is missing.

    Example: fertools render-bu3dfe --views p2 --image-size 112
    """
    from fertools.home import derived_dir, find_dataset
    from fertools.jobs.pool import default_workers
    from fertools.render.job import RenderConfig
    from fertools.render.job import render_bu3dfe as render

    found = find_dataset("bu3dfe", root)
    if found.synthetic:
        typer.echo(f"{found.path}: a stand-in; everything made from it is synthetic", err=True)
    config = RenderConfig(
        views=views,
        mesh=mesh,
        image_size=image_size,
        window_mm=window_mm,
        supersample=supersample,
    )
    summary = render(
        found, out or derived_dir(f"bu3dfe-{views}"), config, workers=workers or default_workers()
    )
    frame = summary.manifest.frame
    typer.echo(
        f"{len(frame):,} pictures of {frame['subject_id'].nunique()} subjects; the full set of 100 "
        f"has {summary.expected_samples:,} ({summary.num_rendered} of {summary.num_scans} scans "
        "rendered now)"
    )
    if summary.missing_scans:
        shown = ", ".join(summary.missing_scans[:10])
        typer.echo(f"{len(summary.missing_scans)} scans are missing: {shown} …", err=True)
    typer.echo(summary.manifest.path)
