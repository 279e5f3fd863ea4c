"""Test the trained folds of a run: predictions, results and the report.

Every sample of a fold's test side is predicted once, by the weights of that fold's last epoch. All
numbers come from the written ``predictions.parquet`` files.
"""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from fertools import __version__
from fertools.errors import ConfigError, ModelError
from fertools.jobs import progress, write_json, write_text
from fertools.metrics import (
    Predictions,
    PredictionsInfo,
    read_predictions,
    summarise,
    write_predictions,
)
from fertools.protocols import Lock, Pool, check_lock, find_leaks
from zoo.checkpoints import load_weights
from zoo.data import SampleSet, evaluation_batches
from zoo.layers import DualLogits, Fusion, fuse_scores
from zoo.models import create_model
from zoo.recipe import recipe_changes
from zoo.runs import (
    PREDICTIONS,
    WEIGHTS,
    RunConfig,
    expected_weights,
    fold_path,
    read_fold_record,
    read_run_config,
    read_run_lock,
    resolve_device,
    run_path,
)
from zoo.training import normalise, reproducible

_BATCH_SIZE = 64
_COPIED = ("subject_id", "view_id", "yaw_deg", "pitch_deg", "intensity")


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
    allow_mismatch: bool = False,
) -> EvaluationResult:
    """Predict the test side of every trained fold and write results and report.

    Args:
        run_dir: The run folder.
        pool: The samples; they must fit the run's lock.
        fusion: How the branches are mixed; both ways stand in the results.
        device: 'auto', 'cpu' or 'cuda'.
        model: What the run is expected to be of; None takes any.
        protocol: Likewise.
        allow_mismatch: Test samples that are not as locked; what differs stands in the results.

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
    mismatch = check_lock(lock, pool, allow_mismatch=allow_mismatch)
    records = {fold: read_fold_record(run_dir, fold) for fold in range(len(lock.folds))}
    missing = tuple(fold for fold, record in records.items() if record is None)
    if len(missing) == len(records):
        raise ModelError(
            f"{run_dir}: no fold is trained to its end; start its training again: "
            f"'zoo train {config.model} --protocol {config.protocol} --recipe "
            f"{config.recipe.name} --seed {config.seed} --run {run_dir}'"
        )
    tables = []
    for fold in [fold for fold in records if fold not in missing]:
        path = fold_path(run_dir, fold) / PREDICTIONS
        frame, has_branches = _predict_fold(run_dir, config, fold, pool, lock, fusion, device)
        info = PredictionsInfo(
            protocol=config.protocol,
            classes=lock.classes,
            lock_digest=lock.digest,
            synthetic=lock.synthetic,
            model=config.model,
            fusion=f"{fusion}, alpha {config.recipe.alpha}" if has_branches else "",
        )
        tables.append(read_predictions(write_predictions(path, frame, info)))
    for fold in missing:  # what a deleted training left must not be reported
        (fold_path(run_dir, fold) / PREDICTIONS).unlink(missing_ok=True)
    results = {
        **_results(run_dir, config, lock, pool, tables, missing),
        "lock_mismatch": list(mismatch),
        "leaks": _leaks(lock, pool),
    }
    write_json(run_dir / "results.json", results)
    write_text(run_dir / "results.csv", _as_csv(results))
    _write_report(run_dir)
    return EvaluationResult(results, run_dir / "results.json", missing)


def predict(model: nn.Module, images: Tensor) -> Tensor | DualLogits:
    """Logits of unchanged pictures ``(N, 3, S, S)``, 0 to 1; the model must be in eval mode."""
    with torch.inference_mode():
        output: Tensor | DualLogits = model(normalise(images, model))
    return output


def _predict_fold(
    run_dir: Path,
    config: RunConfig,
    fold: int,
    pool: Pool,
    lock: Lock,
    fusion: Fusion,
    device: str,
) -> tuple[pd.DataFrame, bool]:
    """The predictions of a fold's test side, and whether the model has two branches."""
    recipe, place = config.recipe, resolve_device(device)
    model = create_model(config.model, num_classes=len(lock.classes), **recipe.model)
    load_weights(
        fold_path(run_dir, fold) / WEIGHTS, model, expected=expected_weights(config, lock, fold)
    )
    model.to(place).eval()
    sample_ids = lock.folds[fold].test
    samples = SampleSet(pool, lock, sample_ids, input_size=recipe.data.input_size, cache_gb=0.0)
    fused: list[Tensor] = []
    branches: list[tuple[Tensor, Tensor]] = []
    description = f"fold {fold}: testing {config.model}"
    with (
        reproducible(recipe.threads, device=place),
        progress(description, len(samples), "pictures") as advance,
    ):
        for batch in evaluation_batches(samples, batch_size=_BATCH_SIZE):
            output = predict(model, batch.images.to(place))
            fused.append(fuse_scores(output, alpha=recipe.alpha, fusion=fusion).cpu())
            if isinstance(output, DualLogits):
                branches.append((output.global_logits.cpu(), output.local_logits.cpu()))
            advance(len(batch.rows))
    rows = pool.frame.loc[list(sample_ids)]
    frame = pd.DataFrame({"sample_id": list(sample_ids), "fold": fold})
    frame["label"] = samples.labels.numpy()
    frame["expression"] = [lock.classes[label] for label in frame["label"]]
    # of pictures that 'fertools align' cut: where no face was found the crop is the whole picture
    frame["found"] = rows["aligned"].to_numpy(bool) if "aligned" in rows else True
    for column in _COPIED:
        frame[column] = rows[column].array
    scores = {"": torch.cat(fused)}
    if branches:
        scores["_global"] = torch.cat([pair[0] for pair in branches])
        scores["_local"] = torch.cat([pair[1] for pair in branches])
    for suffix, values in scores.items():
        for label, name in enumerate(lock.classes):
            frame[f"score_{name}{suffix}"] = values[:, label].numpy()
    return frame, bool(branches)


def _results(
    run_dir: Path,
    config: RunConfig,
    lock: Lock,
    pool: Pool,
    tables: list[Predictions],
    missing: tuple[int, ...],
) -> dict[str, Any]:
    """The numbers, and what is needed to believe them."""
    recipe = config.recipe
    return {
        **summarise(tables),
        "protocol_version": lock.protocol_version,
        "protocol_digest": lock.protocol_digest,
        "dataset": lock.dataset,
        "missing_folds": list(missing),
        "selection_rule": "final epoch",
        "pretraining": "from scratch",
        "recipe": recipe.name,
        "recipe_changes": recipe_changes(recipe),
        "epochs": recipe.epochs,
        "image_size": recipe.data.input_size,
        "alpha": recipe.alpha,
        "seed": config.seed,
        "manifest": os.path.relpath(pool.main.path, run_dir),
        "fertools_version": __version__,
        "accuracy_by_rule": _accuracy_by_rule(tables, recipe.alpha),
    }


def _leaks(lock: Lock, pool: Pool) -> dict[str, Any]:
    """What the leak gate finds: number of leaks by kind, and whether people could be checked."""
    report = find_leaks(lock, pool)
    return {"subjects": report.subjects_word, "counts": report.counts}


def _accuracy_by_rule(tables: list[Predictions], alpha: float) -> dict[str, float]:
    """Accuracy under either fusion and of each branch alone; empty for one classifier."""
    frame = pd.concat([table.frame for table in tables], ignore_index=True)
    classes = tables[0].info.classes
    if f"score_{classes[0]}_global" not in frame:
        return {}
    logits = {
        branch: torch.from_numpy(
            frame[[f"score_{name}_{branch}" for name in classes]].to_numpy(dtype=np.float32)
        )
        for branch in ("global", "local")
    }
    output = DualLogits(logits["global"], logits["local"])
    rules = {
        "fusion_softmax": fuse_scores(output, alpha=alpha, fusion="softmax"),
        "fusion_logits": fuse_scores(output, alpha=alpha, fusion="logits"),
        "global_branch": logits["global"],
        "local_branch": logits["local"],
    }
    labels = torch.from_numpy(frame["label"].to_numpy(dtype=np.int64, copy=True))
    return {
        rule: (scores.argmax(dim=1) == labels).double().mean().item()
        for rule, scores in rules.items()
    }


def _as_csv(results: dict[str, Any]) -> str:
    """One row a number: overall, folds, views, expressions, intensities, rules of fusion."""
    rows: list[tuple[str, str, int, float]] = [
        ("overall", "all", results["num_samples"], results["accuracy"]),
        ("overall", "uar", results["num_samples"], results["uar"]),
        ("overall", "macro_f1", results["num_samples"], results["macro_f1"]),
        ("overall", "chance", results["num_samples"], results["chance"]),
    ]
    for scope, name, value in (
        ("fold", "fold", "accuracy"),
        ("view", "view_id", "accuracy"),
        ("expression", "expression", "recall"),
        ("intensity", "intensity", "accuracy"),
    ):
        rows += [
            (scope, str(row[name]), row["num_samples"], row[value])
            for row in results[f"per_{scope}"]
            if row[value] is not None
        ]
    rows += [
        ("rule", rule, results["num_samples"], value)
        for rule, value in results["accuracy_by_rule"].items()
    ]
    facts = ("protocol", "model", "recipe", "seed", "synthetic", "lock_digest")
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["scope", "name", "num_samples", "value", *facts])
    for row in rows:
        writer.writerow([*row[:3], f"{row[3]:.6f}", *(results[fact] for fact in facts)])
    return buffer.getvalue()


def _write_report(run_dir: Path) -> None:
    """The page about the run (matplotlib is slow to import, so only now)."""
    from fertools.report import write_report

    write_report(run_dir)
