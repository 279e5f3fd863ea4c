"""The command ``zoo``: networks, their training and their tests."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import evaluate_commands, model_commands, train_commands
from cli.runner import new_app, run

app = new_app(
    "Networks for pose-invariant facial expression recognition: train and test them.\n\n"
    "Pictures and folds come from `fertools`: 'fertools render-bu3dfe' and 'fertools "
    "protocols lock bu3dfe-p1-5fold'. Then\n\n"
    "- zoo train gms_lpa --protocol bu3dfe-p1-5fold\n"
    "- zoo evaluate gms_lpa --protocol bu3dfe-p1-5fold\n\n"
    "Runs go to $FERTOOLS_RUNS (else ./runs), one folder a protocol, model and name."
)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Options before the command."""
    if version:
        from fertools import __version__

        typer.echo(f"zoo (fertools {__version__})")
        raise typer.Exit


app.command("list")(model_commands.list_command)
app.command("info")(model_commands.info)
app.command("train")(train_commands.train)
app.command("evaluate")(evaluate_commands.evaluate)


def main() -> None:
    """Entry point of the command ``zoo``."""
    run(app)


if __name__ == "__main__":
    main()
