"""``fertools align``: faces found, turned upright and cut out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.runner import EXIT_SKIPPED

if TYPE_CHECKING:
    from fertools.align.job import AlignSummary

_FACE, _CROP, _WORK = "Finding the face", "The crop", "The work"
_OPTIONS = ("size", "margin", "image_format", "jpeg_quality", "source", "min_face_size", "choose")


def align(
    context: typer.Context,
    manifest: Annotated[
        Path | None,
        typer.Argument(
            help="A manifest, the folder that holds it, or any folder of pictures; else "
            "derived/bu3dfe-p1.",
        ),
    ] = None,
    source: Annotated[
        Literal["auto", "annotation", "mtcnn"],
        typer.Option(
            help="annotation: the set's own landmarks only. mtcnn: the detector only. auto: the "
            "set's own where a picture has them, else the detector.",
            rich_help_panel=_FACE,
        ),
    ] = "auto",
    min_face_size: Annotated[
        int | None,
        typer.Option(
            min=12,
            max=10_000,
            help="The smallest face that the detector looks for, pixels of the original; else a "
            "16th of the shorter side, at least 20. Twice as small takes several times as long.",
            rich_help_panel=_FACE,
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=0.999,
            help="Least probability of a face, after the detector's last network; else 0.7.",
            rich_help_panel=_FACE,
        ),
    ] = None,
    choose: Annotated[
        Literal["largest", "central", "most-probable"],
        typer.Option(
            help="Which of several faces is taken; those of probability 0.9 go before the others.",
            rich_help_panel=_FACE,
        ),
    ] = "largest",
    size: Annotated[
        int, typer.Option(min=16, max=2048, help="Side, pixels.", rich_help_panel=_CROP)
    ] = 224,
    margin: Annotated[
        float,
        typer.Option(
            min=0,
            max=2,
            help="Border on every side; 0 cuts from about the hair to the chin.",
            rich_help_panel=_CROP,
        ),
    ] = 0.1,
    image_format: Annotated[Literal["png", "jpeg"], typer.Option(rich_help_panel=_CROP)] = "png",
    jpeg_quality: Annotated[
        int | None, typer.Option(min=1, max=100, help="Else 95.", rich_help_panel=_CROP)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write; else NAME-aligned beside the manifest's folder.",
            rich_help_panel=_WORK,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; else one a processor.", rich_help_panel=_WORK),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Align only the I-th of N parts; when all are there, once more without it.",
            rich_help_panel=_WORK,
        ),
    ] = None,
    on_error: Annotated[
        Literal["stop", "skip"],
        typer.Option(
            help="At a damaged picture: stop, or leave it out, list it at the end and exit with 3.",
            rich_help_panel=_WORK,
        ),
    ] = "stop",
    draw: Annotated[
        bool,
        typer.Option(
            "--draw",
            help="Also write align.png: boxes and points on the originals, beside the crops.",
            rich_help_panel=_WORK,
        ),
    ] = False,
) -> None:
    """Find the faces, turn them upright by five points, and cut them out.

    Writes images/, manifest.parquet (the input's rows; aligned, align_reason, the face's box),
    align.parquet (the five points in the crop, and the matrix) and landmarks.parquet. A picture
    without a face keeps its row, with aligned = false and a reason. Of a folder of pictures without
    a manifest it writes align.csv instead. Started again after an interruption it aligns only what
    is missing.

    Example: fertools align data/derived/bu3dfe-p1 --margin 0.2 --draw
    """
    from fertools.align.recipe import AlignConfig
    from fertools.config import build_config
    from fertools.errors import ConfigError, DatasetError
    from fertools.home import derived_dir, find_derived
    from fertools.jobs import Shard
    from fertools.jobs.pool import default_workers

    values: dict[str, Any] = {name: context.params[name] for name in _OPTIONS}
    if threshold is not None:
        values["thresholds"] = (*AlignConfig().thresholds[:2], threshold)
    config = build_config(AlignConfig, values, source="align")
    given = find_derived(manifest or derived_dir("bu3dfe-p1"))
    if not given.exists():
        raise DatasetError(
            f"{given}: there is nothing here; expected a manifest, its folder, a name of 'fertools "
            "where', or a folder of pictures"
        )
    start = given if given.is_dir() else given.parent
    folder = out or start.resolve().with_name(f"{start.resolve().name}-aligned")
    processes = workers or default_workers()
    is_plain = given.is_dir() and not (given / "manifest.parquet").exists()
    if is_plain:
        from fertools.align.folder import align_folder

        if shard is not None:
            raise ConfigError(f"--shard: {given} has no manifest; parts are for sets that have one")
        summary = align_folder(given, folder, config, workers=processes, on_error=on_error)
        root = given
    else:
        from fertools.align.job import align_manifest
        from fertools.manifest import read_manifest

        read = read_manifest(given)
        root = read.root
        summary = align_manifest(
            read,
            folder,
            config,
            workers=processes,
            shard=Shard.parse(shard) if shard is not None else None,
            on_error=on_error,
        )
    if draw:
        from fertools.align.sheet import draw_sheet
        from fertools.jobs import atomic_path

        with atomic_path(folder / "align.png") as temporary:
            draw_sheet(summary.rows, root, folder, config, as_exif_says=is_plain).save(temporary)
        typer.echo(f"{folder / 'align.png'}: boxes and points beside the crops")
    _tell(summary, shard, given, folder)


def _tell(summary: AlignSummary, shard: str | None, given: Path, folder: Path) -> None:
    """How many faces were found and how, what was left out, and where the result is."""
    rows = summary.rows
    found = [row for row in rows if row["aligned"]]
    by = {
        name: sum(row["align_source"] == name for row in found) for name in ("annotation", "mtcnn")
    }
    how = ", ".join(f"{number:,} by {name}" for name, number in by.items() if number)
    typer.echo(
        f"{len(found):,} of {len(rows):,} pictures aligned{f' ({how})' if how else ''}; "
        f"{summary.num_made:,} made now"
    )
    if lost := [row for row in rows if not row["aligned"]]:
        shown = ", ".join(row["sample_id"] for row in lost[:5]) + (", …" if len(lost) > 5 else "")
        typer.echo(f"{len(lost):,} without a face, kept with a reason: {shown}", err=True)
    if fallen := [row for row in found if row["align_method"] == "box"]:
        typer.echo(f"{len(fallen):,} by their box alone, not turned", err=True)
    for name, reason in summary.skipped.items():
        typer.echo(f"skipped: {name}: {' '.join(reason.split())}", err=True)
    if summary.manifest is not None:
        typer.echo(summary.manifest.path)
    elif shard is not None:
        typer.echo(f"shard {shard} is done; when all are: fertools align {given} --out {folder}")
        typer.echo(folder)
    else:
        typer.echo(folder / "align.csv")
    if summary.skipped:
        typer.echo(f"{len(summary.skipped)} left out, as listed above", err=True)
        raise typer.Exit(EXIT_SKIPPED)
