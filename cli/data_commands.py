"""``fertools where`` and ``fertools index``: what is there, as tables of samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.runner import new_app

index_app = new_app("Write the manifest of a data set: one row a sample, checked.")


def where(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """List the data sets and rendered sets that were found, and where they were looked for."""
    from fertools.errors import FertoolsError
    from fertools.home import LICENCES, data_home, find_dataset
    from fertools.manifest import read_manifest

    rows: list[dict[str, str | None]] = []
    for name in LICENCES:
        try:
            root = find_dataset(name)
            kind = "stand-in (synthetic)" if root.synthetic else "taken as licensed"
            rows.append({"name": name, "path": str(root.path), "what": kind})
        except FertoolsError as error:
            rows.append({"name": name, "path": None, "what": str(error)})
    for path in sorted(data_home().glob("derived/*/manifest.parquet")):
        try:
            manifest = read_manifest(path)
            mark = ", synthetic" if manifest.info.synthetic else ""
            what = f"{len(manifest.frame):,} samples{mark}"
        except FertoolsError as error:
            what = str(error)
        rows.append({"name": path.parent.name, "path": str(path), "what": what})
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        typer.echo(f"{row['name']:<12} {row['path'] or 'not found'}\n{'':<12} {row['what']}")


@index_app.callback()
def index() -> None:
    """Write the manifest of a data set: one row a sample, checked."""


@index_app.command("bu3dfe-rendered")
def index_bu3dfe_rendered(
    folder: Annotated[
        Path | None,
        typer.Argument(help="What 'fertools render-bu3dfe' filled; else derived/bu3dfe-p1."),
    ] = None,
) -> None:
    """Compare every rendered picture with its record and write the manifest anew."""
    from fertools.home import derived_dir
    from fertools.render.merge import merge_rendered

    manifest = merge_rendered(folder or derived_dir("bu3dfe-p1")).manifest
    frame = manifest.frame
    mark = " (synthetic)" if manifest.info.synthetic else ""
    typer.echo(
        f"{len(frame):,} samples of {frame['subject_id'].nunique()} subjects, "
        f"{frame['view_id'].nunique()} views, {frame['expression'].nunique()} expressions{mark}"
    )
    typer.echo(manifest.path)
