"""``fertools validate-pose``: how far estimators of head pose err."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.pose_commands import refuse_given

if TYPE_CHECKING:
    from fertools.pose.validation.estimates import Chosen
    from fertools.pose.validation.outcome import Outcome
    from fertools.pose.validation.truth import Truth

__all__ = ["validate_pose"]

_NOT_OF_A_FIT = ("renders", "quick", "noise", "angle_convention", "like", "calibration", "out")
_WHO, _TRUTH, _HOW, _WORK = "The estimators", "The samples", "The figures", "The work"


def validate_pose(
    ctx: typer.Context,
    manifest: Annotated[
        Path | None,
        typer.Argument(
            help="A set whose poses are known: stand-ins, renders, Multi-PIE (its cameras' yaw). "
            "Left out: renders of stand-in heads, made for it."
        ),
    ] = None,
    estimators: Annotated[
        list[str] | None,
        typer.Option(
            "--estimator",
            "-e",
            help="May be repeated; else all that look at landmarks or pictures and have what they "
            "need. The others are listed with the reason.",
            rich_help_panel=_WHO,
        ),
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Option(
            "--file",
            metavar="NAME=PATH",
            help="The file that an estimator needs; with one --estimator the path is enough.",
            rich_help_panel=_WHO,
        ),
    ] = None,
    sha256s: Annotated[
        list[str] | None,
        typer.Option(
            "--sha256",
            metavar="NAME=HEX",
            help="SHA-256 that this file must have.",
            rich_help_panel=_WHO,
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME.KEY=VALUE",
            help="Another option of an estimator.",
            rich_help_panel=_WHO,
        ),
    ] = None,
    renders: Annotated[
        int,
        typer.Option(
            min=100,
            max=1_000_000,
            help="Renders of continuous pose; those of an earlier run are kept.",
            rich_help_panel=_TRUTH,
        ),
    ] = 2000,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="300 of them and an eighth of the grid: a first look.",
            rich_help_panel=_TRUTH,
        ),
    ] = False,
    renders_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the renders; else derived/pose-validation in the data home, or "
            "derived/pose-calibration for a fit.",
            rich_help_panel=_TRUTH,
        ),
    ] = None,
    split: Annotated[
        Literal["train", "val", "test"] | None,
        typer.Option(help="Only this split of the manifest.", rich_help_panel=_TRUTH),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(
            help="Where the manifest's pictures are now, if they were moved.",
            rich_help_panel=_TRUTH,
        ),
    ] = None,
    noise: Annotated[
        list[float] | None,
        typer.Option(
            min=0.0,
            max=50.0,
            help="Noise of landmarks, percent of the eye distance; may be repeated. Else 0, 1, 2, "
            "3 and 5.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    angle_convention: Annotated[
        str,
        typer.Option(
            help="Whose yaw and pitch the decisions >30 and >45 are about.", rich_help_panel=_HOW
        ),
    ] = "openface",
    min_confidence: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            help="A pose of less is unknown to decisions, and no sample of a fit.",
            rich_help_panel=_HOW,
        ),
    ] = 0.5,
    like: Annotated[
        Path | None,
        typer.Option(
            help="A pose table or manifest of yours: precision and recall also for poses "
            "distributed like that.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            help="A calibration: its estimator is shown without and with it.", rich_help_panel=_HOW
        ),
    ] = None,
    fit_calibration: Annotated[
        Path | None,
        typer.Option(
            help="Fit a calibration of the one --estimator, write it to this JSON file, and end.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the report; else pose/validation beside the manifest.",
            rich_help_panel=_WORK,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; else one a processor.", rich_help_panel=_WORK),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Of renders, noise and intervals.", rich_help_panel=_WORK)
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Compare estimated head poses with true ones: errors, and what they do to decisions.

    Without a manifest stand-in heads are rendered in exact poses, which takes some minutes once
    (the extra 'synth'). Writes report.md, validation.json, validation.csv and figures.

    Example: fertools validate-pose --quick --estimator landmarks68 --estimator mtcnn
    """
    from fertools.jobs.pool import default_workers
    from fertools.pose.calibration import read_calibration
    from fertools.pose.conventions import get_convention
    from fertools.pose.validation.estimates import NOISES, choose
    from fertools.pose.validation.report import check_folder
    from fertools.pose.validation.run import validate

    if manifest is not None:
        refuse_given(ctx, ("renders", "quick", "renders_dir"), why="with a manifest; leave it out")
    else:
        refuse_given(ctx, ("split", "root"), why="without a manifest; leave it out")
    if fit_calibration is not None:
        refuse_given(ctx, _NOT_OF_A_FIT, why="by --fit-calibration; leave it out")
    if out is not None:
        check_folder(out)  # before minutes of estimating
    names = estimators or []
    processes = workers or default_workers()
    get_convention(angle_convention)
    chosen, not_run = choose(
        names,
        files={name: Path(path) for name, path in _by_name("--file", files, names).items()},
        sha256s=_by_name("--sha256", sha256s, names),
        sets=_sets(sets),
    )
    correct = None if calibration is None else read_calibration(calibration)
    if fit_calibration is not None and len(chosen) != 1:
        raise typer.BadParameter("--fit-calibration needs exactly one --estimator")
    truth = _truth(
        manifest,
        split=split,
        root=root,
        folder=renders_dir,
        for_calibration=fit_calibration is not None,
        renders=renders,
        quick=quick,
        seed=seed,
        workers=processes,
    )
    if fit_calibration is not None:
        _fit(truth, chosen[0], fit_calibration, min_confidence, processes)
        return
    outcome = validate(
        truth,
        chosen,
        noises=sorted(set(noise or NOISES)),
        convention=angle_convention,
        min_confidence=min_confidence,
        like=None if like is None else _found(like),
        calibration=correct,
        not_run=not_run,
        seed=seed,
        workers=processes,
    )
    _tell(outcome, out or truth.manifest.path.parent / "pose" / "validation", as_json)


def _truth(
    manifest: Path | None,
    *,
    split: str | None,
    root: Path | None,
    folder: Path | None,
    for_calibration: bool,
    renders: int,
    quick: bool,
    seed: int,
    workers: int,
) -> Truth:
    """The samples: a set's, or renders."""
    from fertools.manifest import read_manifest
    from fertools.pose.validation import run

    if manifest is not None:
        return run.truth_of_manifest(read_manifest(_found(manifest), root=root), split=split)
    place = folder or run.renders_dir(for_calibration=for_calibration)
    if for_calibration:
        return run.truth_of_calibration(place, seed=seed, workers=workers)
    return run.truth_of_renders(place, renders=renders, quick=quick, seed=seed, workers=workers)


def _found(path: Path) -> Path:
    """A path, or the name of a derived set."""
    from fertools.home import find_derived

    return find_derived(path)


def _fit(truth: Truth, chosen: Chosen, path: Path, min_confidence: float, workers: int) -> None:
    """Fit, write, and say how to see what it is good for."""
    from fertools.pose.calibration import write_calibration
    from fertools.pose.validation.run import fit_on

    fitted = fit_on(truth, chosen, min_confidence=min_confidence, workers=workers)
    write_calibration(path, fitted)
    mark = " (synthetic)" if fitted.synthetic else ""
    typer.echo(f"fitted on {fitted.num_samples:,} samples of {fitted.dataset}{mark}")
    for name, line in (("yaw", fitted.yaw), ("pitch", fitted.pitch)):
        pairs = zip(line.knots, line.values, strict=True)
        typer.echo(f"{name}: " + ", ".join(f"{knot:g} -> {value:.1f}" for knot, value in pairs))
    typer.echo(
        "its effect on other people: fertools validate-pose --estimator "
        f"{fitted.estimator} --calibration {path}"
    )
    typer.echo(path)


def _tell(outcome: Outcome, folder: Path, as_json: bool) -> None:
    """The tables, and where the report is."""
    from fertools.pose.validation.report import as_json as to_json
    from fertools.pose.validation.report import write_report
    from fertools.pose.validation.tables import decision_table, error_table, short_answers

    page = write_report(outcome, folder)
    if as_json:
        typer.echo(json.dumps({**to_json(outcome), "path": str(page)}))
        return
    truth = outcome.truth
    mark = " (synthetic)" if outcome.is_synthetic else ""
    typer.echo(f"{len(truth):,} samples of {truth.manifest.info.dataset}{mark}")
    typer.echo(f"poses: {outcome.distribution}; truth {outcome.truth_note}\n")
    for line in short_answers(outcome):
        typer.echo(line)
    typer.echo(f"\nErrors in degrees, part {outcome.part}{mark}\n")
    typer.echo(error_table(outcome))
    typer.echo(f"\nDecisions, part {outcome.part}{mark}\n")
    typer.echo(decision_table(outcome, is_brief=True))
    if outcome.like is not None:
        like = outcome.like
        typer.echo(
            f"\nDecisions on poses distributed as in {like.source}: {like.num:,} poses, "
            f"{like.covered:.1%} where there are renders; worth {like.effective:,.0f} renders\n"
        )
        typer.echo(decision_table(outcome, is_like=True, is_brief=True))
    typer.echo("")
    for name, reason in outcome.not_run.items():
        typer.echo(f"not validated: {name}: {reason}", err=True)
    typer.echo(page)


def _by_name(option: str, values: Sequence[str] | None, names: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE`` pairs; the one estimator's name may be left out."""
    found: dict[str, str] = {}
    for text in values or ():
        name, equals, value = text.partition("=")
        if not equals or "/" in name:
            if len(names) != 1:
                raise typer.BadParameter(f"{option} {text!r}: expected NAME=VALUE")
            name, value = names[0], text
        if name in found:
            raise typer.BadParameter(f"{option}: {name} is given twice")
        found[name] = value
    return found


def _sets(values: Sequence[str] | None) -> dict[str, list[str]]:
    """``NAME.KEY=VALUE`` settings by estimator."""
    found: dict[str, list[str]] = {}
    for text in values or ():
        name, point, rest = text.partition(".")
        if not point or "=" in name:
            raise typer.BadParameter(f"--set {text!r}: expected NAME.KEY=VALUE")
        found.setdefault(name, []).append(rest)
    return found
