"""``fertools make-pose-split``: the large-pose part of RAF-DB and AffectNet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.pose_commands import EstimatorFile, EstimatorSet, EstimatorSha, refuse_given
from cli.runner import EXIT_ERROR, EXIT_SKIPPED

if TYPE_CHECKING:
    from fertools.pose.split_job import SplitSummary

__all__ = ["make_pose_split"]

_RULE, _WHO = "What is large", "The estimator"
_LIST, _WORK = "Public lists", "The work"
_NUM_SHOWN = 10  # disagreements with a list
_OF_A_CUT = ("min_yaw", "min_pitch", "rule", "angle_convention", "min_confidence", "unsure")
_OF_A_POSE = ("estimator", "file", "sha256", "sets", "poses", "calibration", "images")


def make_pose_split(
    ctx: typer.Context,
    min_yaw: Annotated[
        float,
        typer.Option(
            help="Degrees; a pose is large strictly above it. Public lists exist for 30 and 45.",
            rich_help_panel=_RULE,
        ),
    ] = 30.0,
    min_pitch: Annotated[
        float | None,
        typer.Option(
            help="The same of pitch; else as --min-yaw, or 30 with --rule pitch.",
            rich_help_panel=_RULE,
        ),
    ] = None,
    rule: Annotated[
        Literal["any", "yaw", "pitch"],
        typer.Option(help="any: yaw or pitch is large.", rich_help_panel=_RULE),
    ] = "any",
    angle_convention: Annotated[
        str,
        typer.Option(
            help="Whose yaw and pitch are meant: openface, as in the public lists; fertools; …",
            rich_help_panel=_RULE,
        ),
    ] = "openface",
    dataset: Annotated[
        Literal["rafdb", "affectnet"] | None,
        typer.Option(help="Only this set; else every one that is found."),
    ] = None,
    classes: Annotated[
        Literal["7", "8"],
        typer.Option(help="AffectNet with contempt, as the public lists are (8), or without (7)."),
    ] = "8",
    estimator: Annotated[
        str | None,
        typer.Option(
            "--estimator",
            "-e",
            help="As in estimate-pose; else landmarks68 for AffectNet, landmarks5 on the original "
            "pictures for RAF-DB.",
            rich_help_panel=_WHO,
        ),
    ] = None,
    file: EstimatorFile = None,
    sha256: EstimatorSha = None,
    sets: EstimatorSet = None,
    poses: Annotated[
        Path | None,
        typer.Option(help="A pose.parquet to take instead.", rich_help_panel=_WHO),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            help="Correct the angles first; a file of 'fertools validate-pose --fit-calibration'.",
            rich_help_panel=_WHO,
        ),
    ] = None,
    images: Annotated[
        Literal["auto", "original", "aligned"],
        typer.Option(
            help="RAF-DB's pictures that are looked at. auto: the originals if there are any.",
            rich_help_panel=_WHO,
        ),
    ] = "auto",
    min_confidence: Annotated[
        float,
        typer.Option(help="0 to 1; a pose of less is not believed.", rich_help_panel=_WHO),
    ] = 0.5,
    unsure: Annotated[
        Literal["leave-out", "include"],
        typer.Option(
            help="Pictures without a pose, or of low confidence; unsure.csv lists them.",
            rich_help_panel=_WHO,
        ),
    ] = "leave-out",
    compare: Annotated[
        Path | None,
        typer.Option(help="Tell how the cut agrees with this list.", rich_help_panel=_LIST),
    ] = None,
    from_list: Annotated[
        Path | None,
        typer.Option(
            help="Import this list instead of cutting by pose: a file of RAN's, as you hold it.",
            rich_help_panel=_LIST,
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="The list's label file; must agree line by line.", rich_help_panel=_LIST),
    ] = None,
    duplicates: Annotated[
        Literal["drop", "keep"],
        typer.Option(help="Lines that name a picture again.", rich_help_panel=_LIST),
    ] = "drop",
    hash_order: Annotated[
        Path | None,
        typer.Option(
            help="RAN's val_affectnet8part_list.txt: gives the hashes of a list the numbers of "
            "AffectNet's newer release.",
            rich_help_panel=_LIST,
        ),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            help="The set's manifest, its folder or name; else derived/NAME, made if need be.",
            rich_help_panel=_WORK,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write; else derived/pose-NAME-30 and so on.", rich_help_panel=_WORK
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; else one a processor.", rich_help_panel=_WORK),
    ] = None,
    on_error: Annotated[
        Literal["stop", "skip"],
        typer.Option(
            help="At a damaged or missing picture: stop, or leave it out, list it and exit with 3.",
            rich_help_panel=_WORK,
        ),
    ] = "stop",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Make Pose-RAF-DB and Pose-AffectNet: the tested pictures whose yaw or pitch is large.

    What is missing is made first: the set is indexed and its poses are estimated; a second
    threshold finds both. Training pictures are not split. Writes the manifest, lists in the format
    of the public ones, all angles, counts a class, a figure, and a README that says how far to
    trust it. An estimated pose is not the OpenFace pose that the public lists were cut by: take
    those with --from-list, or see with --compare how yours agrees.

    Example: fertools make-pose-split --min-yaw 45 --dataset affectnet
    """
    from fertools.errors import FertoolsError
    from fertools.jobs.pool import default_workers
    from fertools.pose.registry import choose_options
    from fertools.pose.rules import PoseRule
    from fertools.pose.split_job import choose_sets
    from fertools.pose.split_job import make_pose_split as make
    from fertools.pose.split_options import SplitOptions

    if from_list is not None:
        refuse_given(ctx, (*_OF_A_CUT, *_OF_A_POSE), why="by --from-list; leave it out")
    elif compare is None:
        words = "without --from-list or --compare; leave it out"
        refuse_given(ctx, ("labels", "hash_order", "duplicates"), why=words)
    if rule == "pitch":
        refuse_given(ctx, ("min_yaw",), why="by --rule pitch; give --min-pitch")
    if estimator is None and (file or sha256 or sets):
        raise typer.BadParameter("belongs to --estimator", param_hint="--file, --sha256 or --set")
    options = SplitOptions(
        rule=PoseRule(min_yaw, min_pitch, rule, angle_convention),
        estimator=estimator,
        estimator_options=None
        if estimator is None
        else choose_options(estimator, file=file, sha256=sha256, sets=sets or ()),
        poses=poses,
        calibration=calibration,
        images=images,
        classes=8 if classes == "8" else 7,
        min_confidence=min_confidence,
        unsure=unsure,
        manifest=manifest,
        from_list=from_list,
        duplicates=duplicates,
        hash_order=hash_order,
        labels=labels,
        compare=compare,
        out=out,
        workers=workers or default_workers(),
        on_error=on_error,
    )

    def say(line: str) -> None:
        typer.echo(line, err=True)

    made: list[SplitSummary] = []
    names = choose_sets(dataset, options, say=say)
    for only, unused in (("affectnet", "images"), ("rafdb", "classes")):
        if names == [only]:
            refuse_given(ctx, (unused,), why=f"by {only}; leave it out")
    for name in names:
        try:
            made.append(make(name, options, say=say))
        except FertoolsError as error:
            if len(names) == 1:
                raise
            say(f"error: {name}: {' '.join(str(error).split())}")  # the other set goes on
    _tell(made, as_json)
    if len(made) < len(names):
        raise typer.Exit(EXIT_ERROR)
    if any(summary.skipped for summary in made):
        raise typer.Exit(EXIT_SKIPPED)


def _tell(made: list[SplitSummary], as_json: bool) -> None:
    """What became of each set, and the folders last."""
    import json

    for summary in made:
        for line in summary.skipped:
            typer.echo(f"skipped: {' '.join(line.split())}", err=True)
    if as_json:
        typer.echo(json.dumps([_facts(summary) for summary in made], indent=2))
        return
    for summary in made:
        for line in _lines(summary):
            typer.echo(line)
        typer.echo()
    for summary in made:
        typer.echo(summary.manifest.path.parent)


def _lines(summary: SplitSummary) -> list[str]:
    """A set's split for a reader."""
    from fertools.pose.split_files import public_counterpart, short_summary
    from fertools.pose.split_readme import text_table

    split, info = summary.split, summary.manifest.info
    head = f"{info.dataset}{' (synthetic)' if info.synthetic else ''}"
    num_in = int(split.table["selected"].sum())
    lines = [f"{num_in:,} of {len(split.table):,} pictures are in the split"]
    if split.cut is not None:
        counts = split.table["category"].value_counts()
        pictures = f" on the {split.cut.pictures}" if split.cut.pictures else ""
        head += f": {split.cut.rule.words} ({split.cut.rule.convention}), pose by "
        head += f"{split.cut.poses.estimator}{pictures}"
        done = "included" if split.cut.unsure == "include" else "left out"
        lines[0] += (
            f"; could not be decided and {done}: {int(counts.get('no pose', 0)):,} without a pose, "
            f"{int(counts.get('low confidence', 0)):,} of low confidence"
        )
    if split.listed is not None:
        head += f": imported from {split.listed.source.path}"
        lines += split.listed.notes
    public = public_counterpart(split)
    if public is not None:
        lines.append(
            f"the public list of the real set has {public.lines:,} lines, the paper says "
            f"{public.paper:,}"
        )
    if split.has_truth:
        agreement = split.agreement()
        mark = " (synthetic)" if info.synthetic else ""
        lines.append(
            f"against the true poses: precision {agreement.precision:.3f}, recall "
            f"{agreement.recall:.3f}{mark}"
        )
    lines += ["", *text_table(short_summary(split))]
    return [head, *lines, *_comparison_lines(summary)]


def _comparison_lines(summary: SplitSummary) -> list[str]:
    """How a cut agrees with a list."""
    from fertools.pose.compare import NEAR_DEGREES
    from fertools.pose.split_readme import text_table

    comparison = summary.comparison
    if comparison is None:
        return []
    shown = ["sample_id", "expression", "in", "yaw", "pitch", "margin", "category"]
    furthest = comparison.disagreements[shown].head(_NUM_SHOWN)
    return [
        "",
        f"beside {comparison.listed.source.path}: Jaccard index {comparison.jaccard:.3f}",
        *comparison.listed.notes,
        f"of the disagreements {comparison.num_near:,} lie within {NEAR_DEGREES:g} degrees of the "
        f"threshold, {comparison.num_far:,} further away, {comparison.num_unsure:,} could not be "
        "decided; compare.csv has them all",
        "",
        *text_table(comparison.classes),
        *(["", "the furthest of them:", *text_table(furthest)] if len(furthest) else []),
    ]


def _facts(summary: SplitSummary) -> dict[str, Any]:
    """A set's split for a program; what there is nothing to say of is null."""
    from fertools.pose.split_files import public_counterpart, summary_table

    split, info = summary.split, summary.manifest.info
    public, comparison = public_counterpart(split), summary.comparison
    agreement = split.agreement() if split.has_truth else None
    return {
        "dataset": info.dataset,
        "synthetic": info.synthetic,
        "num_evaluated": len(split.table),
        "num_in_split": int(split.table["selected"].sum()),
        "categories": {k: int(n) for k, n in split.table["category"].value_counts().items()},
        "classes": _records(summary_table(split)),
        "published": None if public is None else {"lines": public.lines, "paper": public.paper},
        "precision": None if agreement is None else _number(agreement.precision),
        "recall": None if agreement is None else _number(agreement.recall),
        "compare": None if comparison is None else _records(comparison.classes),
        "notes": [] if split.listed is None else list(split.listed.notes),
        "skipped": list(summary.skipped),
        "config": info.config,
        "path": str(summary.manifest.path.parent),
    }


def _records(table: Any) -> list[dict[str, Any]]:
    """A table's rows."""
    rows: list[dict[str, Any]] = table.to_dict("records")
    return [{key: _number(value) for key, value in row.items()} for row in rows]


def _number(value: Any) -> Any:
    """NaN as null, which JSON has."""
    return None if isinstance(value, float) and value != value else value
