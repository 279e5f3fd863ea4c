"""``fertools stats`` and ``fertools doctor``: what a manifest or a licensed folder holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from fertools.stats import ClassRow, Stats


def stats(
    manifest: Annotated[
        Path, typer.Argument(metavar="MANIFEST", help="A manifest.parquet, or its folder.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for stats.png, stats.csv and stats.json.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a line a cell.")] = False,
) -> None:
    """Count a manifest's samples by expression, split and head pose.

    The bins are of the absolute angle; a bin holds its lower edge. What the manifest does not say
    is counted as 'unknown'.

    Example: fertools stats data/derived/bu3dfe-p1 --out stats
    """
    from fertools.home import find_derived
    from fertools.manifest import read_manifest
    from fertools.stats import compute_stats, stats_csv, stats_json

    if as_json and as_csv:
        raise typer.BadParameter("choose one of --json and --csv", param_hint="--csv")
    table = read_manifest(find_derived(manifest))
    counted = compute_stats(table)
    if as_json:
        typer.echo(json.dumps(stats_json(counted), indent=2))
    elif as_csv:
        typer.echo(stats_csv(counted), nl=False)
    else:
        _print_stats(counted)
    if out is not None:
        from fertools.report.stats_figure import write_stats

        typer.echo(write_stats(table, counted, out), err=as_json or as_csv)


def doctor(
    dataset: Annotated[
        str | None,
        typer.Argument(
            metavar="[SET]",
            help="bu3dfe, multipie, rafdb or affectnet; else each one of the data home.",
        ),
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="The set's folder, where it is not in the data home.")
    ] = None,
    scans: Annotated[int, typer.Option(min=0, help="Scans of BU-3DFE to read of each mesh.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    out: Annotated[Path | None, typer.Option(help="File to write instead of printing.")] = None,
) -> None:
    """Describe a licensed folder so that the report can be pasted into a bug report.

    It holds patterns of names, counts, sizes and the dialects of files, and the first fault that
    our reader meets: no pixel, no label, no value, no name of a person, folder or file. Read it
    through before you send it all the same.

    Example: fertools doctor rafdb --root /path/to/basic --out report.md
    """
    from fertools.doctor import SETS, examine, locate_sets, to_markdown
    from fertools.jobs import write_text

    if dataset is not None and dataset not in SETS:
        raise typer.BadParameter(
            f"{dataset!r} is no set; expected one of {', '.join(SETS)}", param_hint="SET"
        )
    if root is not None and dataset is None:
        raise typer.BadParameter(
            f"needs the name of a set: one of {', '.join(SETS)}", param_hint="--root"
        )
    found = locate_sets(dataset, root)
    reports = []
    for name, place in found:
        typer.echo(f"looking through {name}", err=True)  # no path: terminals are pasted whole
        reports.append(examine(name, place, max_scans=scans))
    if as_json:
        text = json.dumps([report.as_json() for report in reports], indent=2, ensure_ascii=False)
    else:
        text = "\n".join(map(to_markdown, reports)).rstrip()
    if out is None:
        typer.echo(text)
        return
    write_text(out, text + "\n")
    typer.echo(out)


def _print_stats(counted: Stats) -> None:
    """Tables and facts for people."""
    from rich.console import Console

    from fertools.stats import UNKNOWN

    mark = " (SYNTHETIC stand-in)" if counted.synthetic else ""
    people = "no subject ids" if counted.num_subjects is None else f"{counted.num_subjects} people"
    views = "no views" if counted.num_views is None else f"{counted.num_views} views"
    typer.echo(f"{counted.dataset}{mark}: {counted.num_samples:,} samples, {people}, {views}")
    console = Console(highlight=False, markup=False)
    for part in ("split", "|yaw|", "|pitch|"):
        if part == "split" or set(_by(counted.sum, part)) != {UNKNOWN}:
            typer.echo()
            console.print(_table(counted, part))
    typer.echo()
    facts = {"pose from": counted.pose_sources}
    if set(counted.sum.by_intensity) != {UNKNOWN}:
        facts["intensity"] = counted.sum.by_intensity
    for what, counts in facts.items():
        said = ", ".join(f"{_printable(key)}: {n:,}" for key, n in counts.items())
        typer.echo(f"{what:<14}{said}")
    for side, (low, median, high) in counted.sizes.items():
        said = f"{low}" if low == high else f"{low} to {high}, median {median:g}"
        typer.echo(f"{side:<14}{said} pixels")
    for name, found in counted.own_columns.items():
        null = f", {found['null']:,} unknown" if found["null"] else ""
        typer.echo(f"{_printable(name):<14}different values: {found['distinct']:,}{null}")


def _table(counted: Stats, part: str) -> Table:
    """Expressions by split, or by the bins of an angle in degrees."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    unit = "" if part == "split" else " (degrees)"
    table.add_column(f"{part}{unit}", no_wrap=True, min_width=17)
    for key in ("all", *_by(counted.sum, part)):
        table.add_column(key, justify="right", no_wrap=True)
    for row in (*counted.classes, counted.sum):
        counts = (row.total, *_by(row, part).values())
        table.add_row(row.expression, *(f"{count:,}" for count in counts))
    return table


def _printable(text: str) -> str:
    """Text of a manifest for a terminal: what could steer it is escaped."""
    return text if text.isprintable() else ascii(text)


def _by(row: ClassRow, part: str) -> dict[str, int]:
    """A row's counts by split, yaw or pitch."""
    return {"split": row.by_split, "|yaw|": row.by_yaw, "|pitch|": row.by_pitch}[part]
