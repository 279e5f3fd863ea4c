"""``fertools verify``: whether a set is as its manifest says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.runner import EXIT_ERROR

if TYPE_CHECKING:
    from fertools.verify import Finding, Verification

_COPIES = "Near duplicates"

_LISTED = 20


def verify(
    manifest: Annotated[
        Path | None,
        typer.Argument(help="A manifest, or its folder; else derived/bu3dfe-p1 in the data home."),
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="Where the pictures are now, if they were moved.")
    ] = None,
    near: Annotated[
        bool,
        typer.Option("--near/--no-near", help="Look for altered copies.", rich_help_panel=_COPIES),
    ] = True,
    distance: Annotated[
        int,
        typer.Option(
            min=0,
            max=16,
            help="Bits of 64 in which the perceptual hashes of two pictures may differ to be "
            "compared by their pixels.",
            rich_help_panel=_COPIES,
        ),
    ] = 8,
    difference: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="How much their pixels may differ at the worst place, in units of mean detail.",
            rich_help_panel=_COPIES,
        ),
    ] = 0.6,
    sheet: Annotated[
        bool,
        typer.Option(
            "--sheet",
            help="Also draw the copies, two and two, into duplicates.png.",
            rich_help_panel=_COPIES,
        ),
    ] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="A kind of fault that shall be a note; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The file to write; else verify.json beside the manifest.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that read; else one a processor.")
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Read all files anew, not only those that look changed."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print verify.json for programs.")
    ] = False,
) -> None:
    """Check a set: every file whole and unchanged, no copies, nothing missing.

    Every picture is decoded to its last byte and compared with the manifest. Copies, also altered
    and mirrored ones, are found within and across splits and subjects. Exit status 1 if there is a
    fault; docs/verifying.md lists the kinds. Started again after an interruption it goes on.

    Example: fertools verify data/derived/rafdb --allow near-duplicate-labels --sheet
    """
    from fertools.home import derived_dir, find_derived
    from fertools.jobs.pool import default_workers
    from fertools.manifest import read_manifest
    from fertools.verify import verify_manifest

    opened = read_manifest(find_derived(manifest or derived_dir("bu3dfe-p1")), root=root)
    found = verify_manifest(
        opened,
        out=out,
        near=near,
        distance=distance,
        difference=difference,
        allow=allow or (),
        workers=workers or default_workers(),
        fresh=fresh,
    )
    if found.num_kept:
        typer.echo(
            f"{found.num_kept:,} of {found.num_files:,} files were read by an earlier run and look "
            "unchanged; --fresh reads them again",
            err=True,
        )
    if sheet:
        from fertools.verify import copies_sheet

        page = copies_sheet(opened, found.findings)
        drawn = found.path.with_name("duplicates.png")
        if page is None:
            drawn.unlink(missing_ok=True)
            typer.echo("no copies to draw", err=True)
        else:
            page.save(drawn)
            typer.echo(drawn, err=True)
    if as_json:
        typer.echo(found.path.read_text(encoding="utf-8"), nl=False)
    else:
        _print(found, synthetic=opened.info.synthetic)
    if found.num_faults:
        raise typer.Exit(EXIT_ERROR)


def _whom(finding: Finding) -> str:
    """Which samples, or which subject, and what of them."""
    ids = ", ".join(finding.sample_ids[:4]) + (", …" if len(finding.sample_ids) > 4 else "")
    return f"{ids}: {finding.reason}" if ids else finding.reason


def _print(found: Verification, *, synthetic: bool) -> None:
    """The table of kinds, what was not checked, and the path of the JSON last."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from fertools.verify import KINDS, severity_of

    console = Console(highlight=False)
    if found.findings:
        table = Table(box=None, pad_edge=False)
        for name in ("kind", "count", "", "meaning"):
            table.add_column(name, overflow="fold")
        for kind, count in found.counts().items():
            severity = severity_of(kind, found.allowed)
            style = "bold red" if severity == "fault" else ""
            table.add_row(kind, f"{count:,}", severity, KINDS[kind].meaning, style=style)
        console.print(table)
        for finding in found.findings[:_LISTED]:
            console.print(Text(f"{finding.kind}: {_whom(finding)}"), soft_wrap=True)
        if len(found.findings) > _LISTED:
            typer.echo(f"… {len(found.findings) - _LISTED:,} more; all of them are in the JSON")
    mark = " (synthetic)" if synthetic else ""
    notes = len(found.findings) - found.num_faults
    typer.echo(f"{found.num_files:,} files, {found.num_faults:,} faults, {notes:,} notes{mark}")
    for reason in found.not_checked:
        typer.echo(f"not checked: {reason}")
    typer.echo(found.path)
