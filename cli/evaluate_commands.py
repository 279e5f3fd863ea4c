"""``zoo evaluate``: test a trained network on people it has never seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.lock_options import Data

if TYPE_CHECKING:
    from fertools.metrics import Invariance


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A name of 'zoo list'.")],
    protocol: Annotated[str, typer.Option(help="A name of 'fertools protocols list', or a YAML.")],
    data: Data = None,
    lock: Annotated[
        Path | None,
        typer.Option(help="A lock that must be the run's; else the run's own is taken."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The run's name; not needed where there is one run.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="The run folder; else runs/PROTOCOL/MODEL/NAME.")
    ] = None,
    fusion: Annotated[
        Literal["softmax", "logits"],
        typer.Option(help="What of the two branches is mixed; both ways are reported."),
    ] = "softmax",
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option()] = "auto",
    allow_mismatch: Annotated[
        bool,
        typer.Option(
            "--allow-mismatch",
            help="Test samples that are not as locked; every output says what differs.",
        ),
    ] = False,
    invariance: Annotated[
        bool,
        typer.Option(
            "--check-invariance",
            help="Predict again one picture at a time and shuffled: scores must not depend on the "
            "other pictures of a batch. Ends with 1 if they do.",
        ),
    ] = False,
    public: Annotated[
        bool,
        typer.Option(
            "--public", help="Write RUN/public: predictions and lock without names and labels."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Test a run on the held-out people of each trained fold and write the report.

    Writes fold*/predictions.parquet, results.json, results.csv and report.html into the run folder.

    Example: zoo evaluate gms_lpa --protocol bu3dfe-p1-5fold

    Example: zoo evaluate gms_lpa_tiny --protocol bu3dfe-p1-5fold --name demo-seed0 --json
    """
    from fertools.errors import ConfigError
    from fertools.metrics import share_run
    from fertools.protocols import load_protocol
    from fertools.report import write_report
    from zoo.evaluation import check_run_invariance, evaluate_run, find_run
    from zoo.inputs import find_inputs
    from zoo.models import resolve_model_name
    from zoo.runs import LOCK, read_run_config

    resolved, declared = resolve_model_name(model), load_protocol(protocol)
    run_dir = run or find_run(declared.name, resolved, name=name)
    if not (run_dir / "config.yaml").is_file():
        raise ConfigError(
            f"{run_dir}: there is no run here; make it with 'zoo train {model} --protocol "
            f"{protocol} --run {run_dir}'"
        )
    inputs = find_inputs(
        protocol, data=data or (), lock_path=lock or run_dir / LOCK, allow_mismatch=allow_mismatch
    )
    trained_under = read_run_config(run_dir).lock_digest
    if trained_under != inputs.lock.digest:
        raise ConfigError(
            f"{run_dir}: was trained under another lock ({trained_under[:12]}) than "
            f"{lock or run_dir / LOCK} ({inputs.lock.digest[:12]}); leave --lock out to take the "
            "run's own"
        )
    outcome = evaluate_run(
        run_dir,
        pool=inputs.pool,
        fusion=fusion,
        device=device,
        model=resolved,
        protocol=inputs.lock.protocol,
        mismatch=inputs.mismatch,
    )
    page = write_report(run_dir)
    if public:
        share_run(run_dir, inputs.lock, inputs.pool, run_dir / "public")
    if as_json:
        typer.echo(json.dumps(outcome.results, indent=2, sort_keys=True))
        return
    _print_results(outcome.results)
    if outcome.missing_folds:
        typer.echo(f"not trained: fold {', '.join(map(str, outcome.missing_folds))}")
    if invariance:
        _tell_invariance(
            check_run_invariance(
                run_dir,
                pool=inputs.pool,
                fusion=fusion,
                device=device,
                mismatch=inputs.mismatch,
            )
        )
    typer.echo(page)
    typer.echo(outcome.results_path)


def _tell_invariance(found: Invariance) -> None:
    """Whether scores depend on the batch; an error if they do."""
    from fertools.errors import PredictionsError

    for way in found.variants:
        typer.echo(
            f"{way.name} against {found.reference}: {way.num_changed:,} of {found.num_samples:,} "
            f"labels differ, scores by {way.largest_difference:.1e} at most ({way.largest_at})"
        )
    if not found.is_invariant:
        raise PredictionsError(
            "the predictions depend on the other pictures of a batch; expected the same labels, "
            f"and scores within {found.tolerance:g}: does a layer normalise over the batch in "
            "evaluation?"
        )


def _print_results(results: dict[str, Any]) -> None:
    """The numbers as a table for people."""
    mark = ", SYNTHETIC stand-ins" if results["synthetic"] else ""
    typer.echo(f"{results['model']} under {results['protocol']}, from scratch, final epoch{mark}")
    for text in results["mismatch"]:
        typer.echo(f"NOT AS LOCKED: {text}")
    if results["pictures_differ"]:
        typer.echo("pictures: other bytes than those trained on, from the same source files")
    leaks = results["leaks"]
    for kind, number in leaks["counts"].items():
        typer.echo(f"LEAKS: {number:,} tested pictures are trained on, by {kind}")
    if leaks["num_excluded"]:
        typer.echo(
            f"NOT THE WHOLE PROTOCOL: {leaks['num_excluded']:,} times a training sample that leaks "
            "was left out of a fold"
        )
    people = f" of {results['num_subjects']} people" if results["num_subjects"] else ""
    apart = "" if leaks["counts"] else " never trained on"
    typer.echo(f"tested      {results['num_samples']:,} pictures{people}{apart}")
    typer.echo(f"accuracy    {results['accuracy']:6.1%}   (chance {results['chance']:.1%})")
    for key, title in (("uar", "UAR"), ("macro_f1", "macro-F1")):
        typer.echo(f"{title:<11} {results[key]:6.1%}")
    mean = results["accuracy_mean_over_views"]
    if mean is not None:
        typer.echo(f"mean view   {mean:6.1%}   (plain mean of {results['num_views']} views)")
    if results["num_not_found"]:
        typer.echo(f"no face     {results['num_not_found']:6,}   ({results['not_found']})")
    for rule, value in results["accuracy_by_rule"].items():
        typer.echo(f"  {rule:<15} {value:6.1%}")
    for key, label, value in (
        ("per_view", "view_id", "accuracy"),
        ("per_expression", "expression", "recall"),
        ("per_intensity", "intensity", "accuracy"),
    ):
        for row in results[key]:
            shown = "     –" if row[value] is None else f"{row[value]:6.1%}"
            typer.echo(f"{key[4:]:<11} {row[label]!s:<12} {shown}   {row['num_samples']:>6,}")
