"""``fertools where``: what is there."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer


def where(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """List the data sets and rendered sets that were found, and where they were looked for."""
    from fertools.inventory import list_found

    rows = list(list_found())
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    for row in rows:
        typer.echo(f"{row.name:<16} {row.path or 'not found'}\n{'':<16} {row.what}")
