"""``zoo list`` and ``zoo info``: which networks there are and what they are made of."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def list_command(as_json: _Json = False) -> None:
    """List the networks.

    Example: zoo list
    """
    from zoo.models import ALIASES, describe_model, list_models

    names = list_models()
    if as_json:
        typer.echo(json.dumps({"models": names, "aliases": ALIASES}, indent=2))
        return
    for name in names:
        model = describe_model(name)
        alias = f" (short: {', '.join(model.aliases)})" if model.aliases else ""
        typer.echo(f"{name:<18} {model.num_parameters / 1e6:6.1f} M  {model.summary}{alias}")


def info(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="A name of 'zoo list'.")],
    classes: Annotated[int, typer.Option(min=1, help="Number of expressions.")] = 7,
    as_json: _Json = False,
) -> None:
    """Print a network's parameters, parts and branches.

    Example: zoo info gms_lpa --classes 6
    """
    from zoo.models import describe_model

    model = describe_model(name, num_classes=classes)
    if as_json:
        typer.echo(json.dumps(asdict(model), indent=2))
        return
    typer.echo(f"{model.name}: {model.summary}")
    typer.echo(f"parameters  {model.num_parameters:,} with {model.num_classes} classes")
    for part, count in model.parts.items():
        typer.echo(f"  {part:<15} {count:>12,}")
    branches = " and ".join(model.branches) if model.branches else "one classifier"
    typer.echo(f"branches    {branches}")
    typer.echo(f"made for    {model.input_size[1]} x {model.input_size[2]} px")
