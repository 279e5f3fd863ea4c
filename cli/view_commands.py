"""``fertools view``: one scan from all views on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def view(
    scan: Annotated[
        str,
        typer.Argument(
            metavar="SCAN", help="Path of a .wrl, or a scan of the data home, as F0001_HA04."
        ),
    ],
    views: Annotated[
        list[str] | None,
        typer.Option(
            metavar="p1|p2|FILE.yaml", help="Views to draw, may be given twice; else p1 and p2."
        ),
    ] = None,
    mesh: Annotated[
        Literal["F3D", "RAW"], typer.Option(help="Which mesh, where SCAN is no path.")
    ] = "F3D",
    cell_size: Annotated[
        int, typer.Option(min=32, max=1024, help="Pixels of each picture's side.")
    ] = 224,
    window_mm: Annotated[
        float | None,
        typer.Option(min=1, max=2000, help="Millimetres a picture spans; else 220, for RAW 330."),
    ] = None,
    frontalise: Annotated[
        bool, typer.Option("--frontalise", help="First turn the scan by its landmarks.")
    ] = False,
    missing_texture: Annotated[
        Literal["error", "grey"],
        typer.Option(help="A scan without a picture: an error, or a grey face."),
    ] = "error",
    out: Annotated[
        Path | None, typer.Option(help="PNG to write; else SCAN_MESH_views.png here.")
    ] = None,
) -> None:
    """Draw one scan from all views on one page, landmarks green where seen, red where hidden.

    Example: fertools view F0001_HA04 --views p1
    """
    from fertools.errors import DatasetError
    from fertools.formats.bu3dfe import (
        find_scans,
        is_standin,
        read_landmarks,
        read_scan,
        scan_files,
    )
    from fertools.home import find_dataset
    from fertools.jobs import atomic_path
    from fertools.render.camera import Camera
    from fertools.render.frontal import frontal_rotation
    from fertools.render.recipe import WINDOWS_MM
    from fertools.render.sheet import scan_sheet
    from fertools.render.views import load_views

    if out is not None and out.suffix.lower() != ".png":
        raise typer.BadParameter(f"{out}: expected a name that ends in .png", param_hint="--out")
    if scan.lower().endswith(".wrl"):
        if not Path(scan).exists():
            raise DatasetError(
                f"{scan}: there is no such file; give the path of a .wrl, or a scan's name in the "
                "data home, as in F0001_HA04"
            )
        files = scan_files(Path(scan))
    else:
        root = find_dataset("bu3dfe")
        by_id = {found.scan_id: found for found in find_scans(root.path, mesh).scans}
        if scan.upper() not in by_id:
            raise DatasetError(
                f"{root.path}: has no scan {scan!r} as {mesh}; expected a path that ends in .wrl, "
                f"or a name such as {next(iter(by_id))}"
            )
        files = by_id[scan.upper()]
    face = read_scan(files, missing_texture=missing_texture)
    points = read_landmarks(files, face)
    mark = " (synthetic stand-in)" if is_standin(files) else ""
    page = scan_sheet(
        face,
        points,
        [load_views(name) for name in views or ("p1", "p2")],
        scan_id=files.scan_id,
        camera=Camera(cell_size, window_mm or WINDOWS_MM[files.mesh]),
        frontal=frontal_rotation(points, files.landmarks) if frontalise else None,
        title=f"{files.scan_id} {files.mesh}: {files.expression}{mark}",
    )
    path = out or Path(f"{files.scan_id}_{files.mesh}_views.png")
    with atomic_path(path) as temporary:
        page.save(temporary)
    typer.echo(path)
