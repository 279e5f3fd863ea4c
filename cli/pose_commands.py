"""``fertools estimate-pose``: head poses of a manifest's samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.runner import EXIT_SKIPPED

if TYPE_CHECKING:
    from fertools.pose.job import EstimateSummary

__all__ = ["EstimatorFile", "EstimatorSet", "EstimatorSha", "estimate_pose", "refuse_given"]

_WHO, _WORK = "The estimator", "The work"

EstimatorFile = Annotated[
    Path | None,
    typer.Option(
        help="What the estimator needs: facemesh its .tflite model, onnx the YAML that declares a "
        "network, openface and table the angles (a file, or OpenFace's folder).",
        rich_help_panel=_WHO,
    ),
]
EstimatorSha = Annotated[
    str | None,
    typer.Option(help="SHA-256 that facemesh's model file must have.", rich_help_panel=_WHO),
]
EstimatorSet = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Another option of it.", rich_help_panel=_WHO),
]


def refuse_given(ctx: typer.Context, names: Sequence[str], *, why: str) -> None:
    """Refuse options that were given and would do nothing.

    Args:
        ctx: Of the command.
        names: Of its parameters.
        why: As in ``is not used by --from-list; leave it out``.

    Raises:
        ConfigError: Naming the first of them that stands on the command line.
    """
    from fertools.errors import ConfigError

    for parameter in ctx.command.params:
        source = ctx.get_parameter_source(parameter.name or "")
        if parameter.name in names and source is not None and source.name == "COMMANDLINE":
            raise ConfigError(f"{parameter.opts[0]} is not used {why}")


def estimate_pose(
    ctx: typer.Context,
    manifest: Annotated[
        Path | None,
        typer.Argument(
            help="A manifest, the folder that holds it, or a name of 'fertools where'; else "
            "derived/bu3dfe-p1 in the data home."
        ),
    ] = None,
    estimator: Annotated[
        str,
        typer.Option(
            "--estimator",
            "-e",
            help="landmarks68, landmarks5: the set's own landmarks. mtcnn, facemesh, onnx: the "
            "pictures. openface, table: a file of angles. ground_truth: the manifest's own.",
            rich_help_panel=_WHO,
        ),
    ] = "landmarks68",
    file: EstimatorFile = None,
    sha256: EstimatorSha = None,
    sets: EstimatorSet = None,
    split: Annotated[
        Literal["train", "val", "test"] | None,
        typer.Option(help="Only this split of the set.", rich_help_panel=_WORK),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(help="Where the pictures are now, if they were moved.", rich_help_panel=_WORK),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for pose.parquet; else pose/ESTIMATOR beside the manifest.",
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
            help="Estimate only the I-th of N parts; when all are there, once more without it.",
            rich_help_panel=_WORK,
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Address of a Dask scheduler whose workers do it.", rich_help_panel=_WORK
        ),
    ] = None,
    on_error: Annotated[
        Literal["stop", "skip"],
        typer.Option(
            help="At a picture that cannot be read: stop, or give it no pose, list it and exit "
            "with 3.",
            rich_help_panel=_WORK,
        ),
    ] = "stop",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Estimate the head pose of every sample of a manifest.

    Writes pose.parquet: yaw, pitch and roll in degrees (nose to the image's right, up, clockwise
    are positive), the confidence, and the reason where there is no pose. Each row is kept with the
    SHA-256 of its picture: what is known is not estimated again, and an interrupted run goes on.

    Example: fertools estimate-pose affectnet --split val --estimator landmarks68
    """
    from fertools.home import derived_dir, find_derived
    from fertools.jobs import Shard
    from fertools.jobs.pool import default_workers
    from fertools.manifest import read_manifest
    from fertools.pose.job import estimate_pose as estimate
    from fertools.pose.registry import choose_options, get_estimator

    if get_estimator(estimator).reads == "records":
        refuse_given(ctx, ("root",), why=f"by --estimator {estimator}, which opens no picture")
    options = choose_options(estimator, file=file, sha256=sha256, sets=sets or ())
    read = read_manifest(find_derived(manifest or derived_dir("bu3dfe-p1")), root=root)
    folder = out or read.path.parent / "pose" / estimator
    summary = estimate(
        read,
        folder,
        estimator,
        options,
        where=None if split is None else read.frame["split"].eq(split).fillna(False).to_numpy(bool),
        workers=workers or default_workers(),
        shard=None if shard is None else Shard.parse(shard),
        scheduler=scheduler,
        on_error=on_error,
    )
    _tell(summary, folder, shard, as_json)
    if summary.skipped:
        raise typer.Exit(EXIT_SKIPPED)


def _tell(summary: EstimateSummary, folder: Path, shard: str | None, as_json: bool) -> None:
    """How many have a pose, why the others have none, and where the table is."""
    import json

    for name, reason in summary.skipped.items():
        typer.echo(f"skipped: {name}: {' '.join(reason.split())}", err=True)
    if summary.table is None:
        typer.echo(f"shard {shard} is done; when all are, the same command without --shard")
        typer.echo(folder)
        return
    frame, info = summary.table.frame, summary.table.info
    reasons = {str(k): int(n) for k, n in frame["reason"].value_counts().sort_index().items()}
    found = int(frame["reason"].isna().sum())
    if as_json:
        facts = {
            "dataset": info.dataset,
            "synthetic": info.synthetic,
            "estimator": info.estimator,
            "version": info.version,
            "num_samples": len(frame),
            "num_with_pose": found,
            "num_made_now": summary.num_made,
            "without_pose": reasons,
            "file": summary.note or None,
            "path": str(summary.table.path),
        }
        typer.echo(json.dumps(facts))
        return
    mark = " (synthetic)" if info.synthetic else ""
    typer.echo(
        f"{found:,} of {len(frame):,} samples of {info.dataset}{mark} have a pose by "
        f"{info.estimator}; {summary.num_made:,} estimated now"
    )
    if summary.note:
        typer.echo(summary.note)
    for reason, number in reasons.items():
        typer.echo(f"{number:,} without a pose: {reason}", err=True)
    typer.echo(summary.table.path)
