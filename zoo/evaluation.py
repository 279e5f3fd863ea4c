"""Test the trained folds of a run: predictions and results.

Every sample of a fold's test side is predicted once, by the weights of that fold's last epoch. All
numbers come from the written ``predictions.parquet`` files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from fertools.errors import ConfigError, ModelError
from fertools.jobs import write_json, write_text
from fertools.metrics import (
    Invariance,
    Predictions,
    check_invariance,
    make_predictions,
    read_predictions,
    write_predictions,
)
from fertools.protocols import Lock, Pool, check_lock
from zoo.layers import Fusion
from zoo.prediction import BATCH_SIZE, predict_fold
from zoo.results import as_csv, collect_results
from zoo.runs import (
    PREDICTIONS,
    RunConfig,
    fold_path,
    read_fold_record,
    read_run_config,
    read_run_lock,
    run_path,
)


@dataclass(frozen=True)
class EvaluationResult:
    """What an evaluation gave.

    Attributes:
        results: The content of results.json.
        results_path: Where it stands.
        missing_folds: Folds of the protocol that are not trained.
    """

    results: dict[str, Any]
    results_path: Path
    missing_folds: tuple[int, ...]


def find_run(protocol: str, model: str, *, name: str | None = None) -> Path:
    """Find the run of a model under a protocol in the folder of runs.

    Args:
        protocol: Name of the protocol.
        model: Name in timm's registry.
        name: The run's name; may be left out where there is only one.

    Raises:
        ModelError: If there is none (the error names the command that trains one), or several.
    """
    train = f"zoo train {model} --protocol {protocol}"
    if name is not None:
        path = run_path(protocol, model, name)
        if not (path / "config.yaml").is_file():
            raise ModelError(
                f"{path}: there is no run here; make it with '{train} --name {name}' "
                "and the --data and --recipe that you want"
            )
        return path
    folder = run_path(protocol, model, "")
    found = sorted(path.parent.name for path in folder.glob("*/config.yaml"))
    if not found:
        raise ModelError(
            f"{folder}: no trained run of {model} under {protocol}; make it: '{train}'"
        )
    if len(found) > 1:
        raise ModelError(f"{folder}: {len(found)} runs; choose with --name: {', '.join(found)}")
    return folder / found[0]


def evaluate_run(
    run_dir: Path,
    *,
    pool: Pool,
    fusion: Fusion = "softmax",
    device: str = "auto",
    model: str | None = None,
    protocol: str | None = None,
    mismatch: tuple[str, ...] = (),
) -> EvaluationResult:
    """Predict the test side of every trained fold and write predictions and results.

    Args:
        run_dir: The run folder.
        pool: The samples; they must fit the run's lock.
        fusion: How the branches are mixed; both ways stand in the results.
        device: 'auto', 'cpu' or 'cuda'.
        model: What the run is expected to be of; None takes any.
        protocol: Likewise.
        mismatch: In what the samples are known not to be as locked; it stands in every output.
            Where it is empty they must be as locked.

    Raises:
        ConfigError: If the run is of another model or protocol.
        ModelError: If no fold is trained, or weights are damaged.
        LockError: If the samples are not what the run was trained under.
        OutputError: If a file cannot be written.
    """
    if fusion not in get_args(Fusion):
        raise ConfigError(f"fusion {fusion!r} is not known; expected 'softmax' or 'logits'")
    config, lock = read_run_config(run_dir), read_run_lock(run_dir)
    for what, expected, found in (
        ("model", model, config.model),
        ("protocol", protocol, config.protocol),
        ("lock digest", lock.digest, config.lock_digest),
    ):
        if expected is not None and expected != found:
            raise ConfigError(f"{run_dir}: its {what} is {found!r}, expected {expected!r}")
    check_lock(lock, pool, allow_mismatch=bool(mismatch))
    said = tuple(dict.fromkeys((*config.mismatch, *mismatch)))
    trained, missing = _trained_folds(run_dir, config, lock)
    tables = []
    for fold in trained:
        path = fold_path(run_dir, fold) / PREDICTIONS
        frame, info = predict_fold(run_dir, config, fold, pool, lock, fusion=fusion, device=device)
        info = replace(info, mismatch=said)
        tables.append(read_predictions(write_predictions(path, frame, info)))
    for fold in missing:  # what a deleted training left must not be reported
        (fold_path(run_dir, fold) / PREDICTIONS).unlink(missing_ok=True)
    results = collect_results(run_dir, config, lock, pool, tables, missing)
    write_json(run_dir / "results.json", results)
    write_text(run_dir / "results.csv", as_csv(results))
    return EvaluationResult(results, run_dir / "results.json", missing)


def check_run_invariance(
    run_dir: Path,
    *,
    pool: Pool,
    fusion: Fusion = "softmax",
    device: str = "auto",
    mismatch: tuple[str, ...] = (),
) -> Invariance:
    """Predict every trained fold in sorted, shuffled and single-sample batches and compare.

    Args:
        run_dir: The run folder.
        pool: The samples; they must fit the run's lock.
        fusion: How the branches are mixed.
        device: 'auto', 'cpu' or 'cuda'.
        mismatch: See :func:`evaluate_run`.

    Raises:
        ModelError: If no fold is trained, or weights are damaged.
        LockError: If the samples are not what the run was trained under.
    """
    config, lock = read_run_config(run_dir), read_run_lock(run_dir)
    check_lock(lock, pool, allow_mismatch=bool(mismatch))
    trained, _ = _trained_folds(run_dir, config, lock)
    ways: dict[str, dict[str, Any]] = {
        f"sorted, {BATCH_SIZE} at once": {},
        f"shuffled, {BATCH_SIZE} at once": {"order_seed": 0},
        "one at a time": {"batch_size": 1},
    }
    tables: dict[str, list[Predictions]] = {}
    for way, options in ways.items():
        tables[way] = []
        for fold in trained:
            frame, info = predict_fold(
                run_dir, config, fold, pool, lock, fusion=fusion, device=device, **options
            )
            path = fold_path(run_dir, fold) / PREDICTIONS
            tables[way].append(make_predictions(frame, info, path))
    return check_invariance(tables)


def _trained_folds(
    run_dir: Path, config: RunConfig, lock: Lock
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Folds that are trained to their end, and those that are not; an error if none is."""
    records = {fold: read_fold_record(run_dir, fold) for fold in range(len(lock.folds))}
    missing = tuple(fold for fold, record in records.items() if record is None)
    if len(missing) == len(records):
        raise ModelError(
            f"{run_dir}: no fold is trained to its end; start its training again: "
            f"'zoo train {config.model} --protocol {config.protocol} --recipe "
            f"{config.recipe.name} --seed {config.seed} --run {run_dir}'"
        )
    return tuple(fold for fold in records if fold not in missing), missing
