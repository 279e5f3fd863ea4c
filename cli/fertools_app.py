"""The command ``fertools``: data sets, rendering, protocols and reports."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import (
    align_commands,
    check_commands,
    data_commands,
    demo_commands,
    index_commands,
    inspect_commands,
    pose_commands,
    pose_split_commands,
    pose_validation_commands,
    protocol_commands,
    published_commands,
    render_commands,
    report_commands,
    share_commands,
    synth_commands,
    synth_wild_commands,
    view_commands,
)
from cli.runner import new_app, run

app = new_app(
    "Data sets, protocols and measures for pose-invariant facial expression recognition.\n\n"
    "New here? `fertools demo` runs the whole way on open stand-ins and prints each "
    "command it uses. Models are trained and tested with `zoo`.\n\n"
    "Data sets are looked for in $FERTOOLS_DATA (else ./data): raw/NAME, else standin/NAME."
)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Options before the command."""
    if version:
        from fertools import __version__

        typer.echo(f"fertools {__version__}")
        raise typer.Exit


app.command("demo")(demo_commands.demo)
app.command("where")(data_commands.where)
synth_commands.app.command("rafdb")(synth_wild_commands.synth_rafdb)
synth_commands.app.command("affectnet")(synth_wild_commands.synth_affectnet)
app.add_typer(synth_commands.app, name="synth")
app.command("render-bu3dfe")(render_commands.render_bu3dfe)
app.command("merge")(render_commands.merge)
app.command("view")(view_commands.view)
app.add_typer(index_commands.app, name="index")
app.command("verify")(check_commands.verify)
app.command("align")(align_commands.align)
app.command("estimate-pose")(pose_commands.estimate_pose)
app.command("make-pose-split")(pose_split_commands.make_pose_split)
app.command("validate-pose")(pose_validation_commands.validate_pose)
app.command("stats")(inspect_commands.stats)
app.command("doctor")(inspect_commands.doctor)
protocol_commands.app.command("share")(share_commands.share)
protocol_commands.app.command("agree")(share_commands.agree)
protocol_commands.app.command("restore")(share_commands.restore)
app.add_typer(protocol_commands.app, name="protocols")
app.command("check-published")(published_commands.check_published)
app.command("report")(report_commands.report)


def main() -> None:
    """Entry point of the command ``fertools``."""
    run(app)


if __name__ == "__main__":
    main()
