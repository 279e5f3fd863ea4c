"""``fertools render-bu3dfe`` and ``fertools merge``: 3D scans to multi-view sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.runner import EXIT_SKIPPED

if TYPE_CHECKING:
    from fertools.manifest import Manifest
    from fertools.render.records import Plan

_WHAT, _LOOK, _FILES, _WORK = "What is drawn", "How it looks", "Files", "The work"
_NOT_OPTIONS = {"root", "config", "workers", "shard", "engine", "scheduler", "on_error", "out"}
_NOT_OPTIONS |= {"max_scan_mb", "rotation_order", "yaw_sign", "views", "background", "layers"}


def render_bu3dfe(
    context: typer.Context,
    root: Annotated[
        Path | None,
        typer.Argument(help="BU-3DFE; else raw/bu3dfe, else standin/bu3dfe, in the data home."),
    ] = None,
    views: Annotated[
        str,
        typer.Option(
            metavar="p1|p2|FILE.yaml",
            help="p1: yaw 0 30 45 60 90, all intensities. p2: 7 pans x 5 tilts, strongest one. "
            "Or your own grid or random ranges.",
            rich_help_panel=_WHAT,
        ),
    ] = "p1",
    with_neutral: Annotated[
        bool,
        typer.Option(
            help="Also draw the neutral scans, outside the published counts.",
            rich_help_panel=_WHAT,
        ),
    ] = False,
    mesh: Annotated[
        Literal["F3D", "RAW"],
        typer.Option(help="F3D: the cropped face. RAW: the whole head.", rich_help_panel=_WHAT),
    ] = "F3D",
    frontalise: Annotated[
        bool,
        typer.Option(
            help="First turn each scan by its landmarks so that it looks ahead.",
            rich_help_panel=_WHAT,
        ),
    ] = False,
    rotation_order: Annotated[
        Literal["YXZ", "XYZ", "YZX", "ZYX", "XZY", "ZXY"],
        typer.Option(
            help="Product of the turns, pan is Y, tilt X, roll Z. YXZ tilts first, then pans.",
            rich_help_panel=_WHAT,
        ),
    ] = "YXZ",
    yaw_sign: Annotated[
        int,
        typer.Option(
            help="1: positive pan moves the nose to the image's right. -1: to its left.",
            rich_help_panel=_WHAT,
        ),
    ] = 1,
    image_size: Annotated[
        int,
        typer.Option(min=8, max=4096, help="Pixels of a picture's side.", rich_help_panel=_LOOK),
    ] = 224,
    window_mm: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=2000,
            help="Millimetres that a picture spans, the same for all; else 220, for RAW 330.",
            rich_help_panel=_LOOK,
        ),
    ] = None,
    fit_margin: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Instead fit the window to the face in every view, with this border (a fraction "
            "of the face), as in 0.05.",
            rich_help_panel=_LOOK,
        ),
    ] = None,
    projection: Annotated[
        Literal["orthographic", "perspective"], typer.Option(rich_help_panel=_LOOK)
    ] = "orthographic",
    distance_mm: Annotated[
        float | None,
        typer.Option(
            min=50,
            max=100_000,
            help="Perspective: from the eye to the middle of the face; else 1000.",
            rich_help_panel=_LOOK,
        ),
    ] = None,
    light: Annotated[
        Literal["unlit", "lambert"],
        typer.Option(
            help="unlit: the texture as it is. lambert: with a distant light.",
            rich_help_panel=_LOOK,
        ),
    ] = "unlit",
    light_yaw_deg: Annotated[
        float | None,
        typer.Option(
            min=-180,
            max=180,
            help="Lambert: from the image's right; else 0.",
            rich_help_panel=_LOOK,
        ),
    ] = None,
    light_pitch_deg: Annotated[
        float | None,
        typer.Option(min=-90, max=90, help="Lambert: from above; else 0.", rich_help_panel=_LOOK),
    ] = None,
    ambient: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Lambert: share of the light that falls everywhere; else 0.3.",
            rich_help_panel=_LOOK,
        ),
    ] = None,
    background: Annotated[
        str,
        typer.Option(metavar="R,G,B", help="Colour where there is no face.", rich_help_panel=_LOOK),
    ] = "0,0,0",
    supersample: Annotated[
        int,
        typer.Option(min=1, max=3, help="Samples a pixel along each axis.", rich_help_panel=_LOOK),
    ] = 2,
    missing_texture: Annotated[
        Literal["error", "grey"],
        typer.Option(
            help="A scan without a picture: an error, or a grey face.", rich_help_panel=_LOOK
        ),
    ] = "error",
    backend: Annotated[
        Literal["software", "pyrender"],
        typer.Option(
            help="Who draws: our renderer, or OpenGL (extra 'pyrender').", rich_help_panel=_LOOK
        ),
    ] = "software",
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.yaml",
            help="Take these options from the render.yaml of an earlier render; those given here "
            "take precedence. Says which input files differ.",
            rich_help_panel=_FILES,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write; else derived/bu3dfe-VIEWS in the data home.",
            rich_help_panel=_FILES,
        ),
    ] = None,
    image_format: Annotated[Literal["png", "jpeg"], typer.Option(rich_help_panel=_FILES)] = "png",
    jpeg_quality: Annotated[
        int | None, typer.Option(min=1, max=100, help="Else 95.", rich_help_panel=_FILES)
    ] = None,
    layers: Annotated[
        str,
        typer.Option(
            metavar="depth,normals,mask",
            help="Also write these of every view: depth in mm (TIFF), triangle normals, face mask.",
            rich_help_panel=_FILES,
        ),
    ] = "",
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; else one a processor.", rich_help_panel=_WORK),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Render only the I-th of N parts; 'fertools merge' then puts them together.",
            rich_help_panel=_WORK,
        ),
    ] = None,
    engine: Annotated[
        Literal["processes", "dask"],
        typer.Option(help="Where scans are rendered.", rich_help_panel=_WORK),
    ] = "processes",
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Dask's, as in tcp://10.0.0.1:8786.", rich_help_panel=_WORK
        ),
    ] = None,
    on_error: Annotated[
        Literal["stop", "skip"],
        typer.Option(
            help="At a file that cannot be used: stop, or leave the scan out, list it at the end "
            "and exit with 3.",
            rich_help_panel=_WORK,
        ),
    ] = "stop",
    max_scan_mb: Annotated[
        float,
        typer.Option(min=1, max=10_000, help="Refuse larger meshes unread.", rich_help_panel=_WORK),
    ] = 200.0,
) -> None:
    """Render BU-3DFE's scans from every view of P1, P2 or your own, with the exact rotation.

    Writes images/, manifest.parquet (one row a picture: subject, expression, intensity, yaw, pitch,
    roll), landmarks.parquet (the 83 points in pixels, visible or hidden) and render.yaml (options,
    and the digest of every file that was read). Started again after an interruption it renders only
    what is missing.

    Example: fertools render-bu3dfe --views p2 --image-size 112
    """
    from fertools.config import build_config
    from fertools.errors import ConfigError
    from fertools.home import derived_dir, find_dataset
    from fertools.jobs import Shard
    from fertools.jobs.pool import default_workers
    from fertools.render.job import render_bu3dfe as render
    from fertools.render.recipe import RenderConfig, read_recipe

    if (engine == "dask") != (scheduler is not None):
        raise ConfigError("--engine dask and --scheduler ADDRESS go together; give both or neither")
    options = _options(context, read_recipe(config) if config is not None else {})
    recipe = build_config(RenderConfig, options, source="render-bu3dfe")
    found = find_dataset("bu3dfe", root)
    if found.synthetic:
        typer.echo(f"{found.path}: a stand-in; everything made from it is synthetic", err=True)
    folder = out or derived_dir(f"bu3dfe-{recipe.views.name}")
    summary = render(
        found,
        folder,
        recipe,
        workers=workers or default_workers(),
        shard=Shard.parse(shard) if shard is not None else None,
        scheduler=scheduler,
        on_error=on_error,
        max_scan_mb=max_scan_mb,
    )
    now = f"{summary.num_rendered} of {summary.num_scans} scans rendered now"
    if config is not None and summary.manifest is not None:
        _compare(config, folder / "render.yaml")
    if summary.manifest is None:
        typer.echo(
            f"shard {shard} is done ({now}); when all are: fertools merge {folder} [and the "
            "folders of shards that were rendered elsewhere]"
        )
        typer.echo(folder)
    else:
        _tell(summary.plan, summary.manifest, now)
    _end(summary.skipped)


def merge(
    folder: Annotated[
        Path | None,
        typer.Argument(help="What shards of a render filled; else derived/bu3dfe-p1."),
    ] = None,
    parts: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders that other shards filled elsewhere; taken in."),
    ] = None,
) -> None:
    """Put the shards of a render together: check that all is there, write the manifest.

    Every picture is compared with its record. What shards rendered into other folders, on other
    machines, is linked or copied into the first one.

    Example: fertools merge data/derived/bu3dfe-p1 /mnt/other/bu3dfe-p1
    """
    from fertools.home import derived_dir
    from fertools.render.merge import merge_rendered

    merged = merge_rendered(folder or derived_dir("bu3dfe-p1"), parts or ())
    _tell(merged.plan, merged.manifest, f"{len(merged.plan.scans)} scans checked")
    _end(merged.skipped)


def _options(context: typer.Context, before: dict[str, Any]) -> dict[str, Any]:
    """The recipe's options: those of an earlier render, and over them the command line's."""
    from fertools.errors import ConfigError
    from fertools.render.recipe import DEPENDENT_OPTIONS
    from fertools.render.views import load_views

    given = {
        name: value
        for name, value in context.params.items()
        if context.get_parameter_source(name).name != "DEFAULT"  # type: ignore[union-attr]
    }
    stale = {name for parent in given for name in DEPENDENT_OPTIONS.get(parent, ())}
    options = {name: value for name, value in before.items() if name not in stale}
    options |= {name: value for name, value in given.items() if name not in _NOT_OPTIONS}
    if "views" in given:
        try:
            options["views"] = load_views(given["views"])
        except ConfigError as error:
            if given["views"].lower().endswith((".yaml", ".yml")):
                raise
            raise typer.BadParameter(str(error)) from error  # no file: a slip of the pen
    if turning := {k: given[k] for k in ("rotation_order", "yaw_sign") if k in given}:
        options["turning"] = {**before.get("turning", {}), **turning}
    if "background" in given:
        parts = given["background"].split(",")
        if len(parts) != 3 or not all(
            part.strip().isdecimal() and len(part.strip()) < 4 for part in parts
        ):
            raise ConfigError(
                f"--background {given['background']!r}: expected three numbers from 0 to 255, as "
                "in --background 255,255,255"
            )
        options["background"] = tuple(int(part) for part in parts)
    if "layers" in given:
        options["layers"] = [part.strip() for part in given["layers"].split(",") if part.strip()]
    return options


def _compare(before: Path, now: Path) -> None:
    """Say whether an earlier render was made from the same files."""
    from fertools.render.recipe import changed_inputs

    changed = changed_inputs(before, now)
    if changed:
        shown = ", ".join(changed[:5]) + (", …" if len(changed) > 5 else "")
        typer.echo(
            f"{before}: {len(changed)} input files differ from this render's: {shown}", err=True
        )
    elif changed is not None:
        typer.echo(f"{before}: made from the same input files", err=True)


def _tell(plan: Plan, manifest: Manifest, now: str) -> None:
    """How many pictures there are, how many there should be, and what is missing."""
    frame, views = manifest.frame, plan.parsed_config.views
    neutral = int((frame["expression"] == "neutral").sum())
    count, whole = len(frame) - neutral, views.expected_samples
    full = "complete" if count == whole else f"{count / whole:.1%} of it"
    more = f", and {neutral:,} neutral ones" if neutral else ""
    has = "has exactly" if views.name in ("p1", "p2") else "would have"
    typer.echo(
        f"{count:,} pictures of {frame['subject_id'].nunique()} subjects{more} ({now}); "
        f"{views.name} of 100 subjects {has} {whole:,}: {full}"
        + (" (synthetic)" if manifest.info.synthetic else "")
    )
    if grey := int((~frame["textured"].astype(bool)).sum()):
        typer.echo(f"{grey:,} pictures show a grey face for want of a texture", err=True)
    if absent := plan.absent_subjects:
        typer.echo(f"not in this set: {len(absent)} subjects, {_ranges(absent)}", err=True)
    if missing := plan.missing:
        shown = ", ".join(missing[:8]) + (", … (all in render.yaml)" if len(missing) > 8 else "")
        typer.echo(f"missing scans of the subjects here: {len(missing)}: {shown}", err=True)
    typer.echo(manifest.path)


def _ranges(subjects: tuple[str, ...]) -> str:
    """``F0001 to F0003, M0002`` of sorted subjects."""
    runs: list[list[str]] = []
    for subject in subjects:
        if runs and (subject[0], int(subject[1:]) - 1) == (runs[-1][-1][0], int(runs[-1][-1][1:])):
            runs[-1].append(subject)
        else:
            runs.append([subject])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


def _end(skipped: tuple[str, ...]) -> None:
    """List what was left out, if anything was, and say so in the exit status."""
    if not skipped:
        return
    for line in skipped:
        typer.echo(f"skipped: {' '.join(line.split())}", err=True)
    typer.echo(f"{len(skipped)} left out, as listed above and in render.yaml", err=True)
    raise typer.Exit(EXIT_SKIPPED)
