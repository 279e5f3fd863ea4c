"""The results of a run: its numbers from the predictions, and the facts to believe them by."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from fertools import __version__
from fertools.jobs import csv_text
from fertools.metrics import Predictions, summarise
from fertools.protocols import Lock, Pool, find_leaks, pictures_digest, read_near
from zoo.layers import DualLogits, fuse_scores
from zoo.recipe import recipe_changes
from zoo.runs import LOCK, RunConfig, read_environment


def collect_results(
    run_dir: Path,
    config: RunConfig,
    lock: Lock,
    pool: Pool,
    tables: list[Predictions],
    missing: tuple[int, ...],
) -> dict[str, Any]:
    """The numbers of a run, and what is needed to believe them.

    Args:
        run_dir: The run folder.
        config: Its settings.
        lock: The folds.
        pool: The samples.
        tables: The predictions of the tested folds.
        missing: Folds that are not trained.

    Returns:
        Plain JSON values: those of :func:`fertools.metrics.summarise` and the run's facts.

    Raises:
        PredictionsError: If the tables do not belong together.
    """
    recipe, pictures = config.recipe, pictures_digest(lock, pool)
    return {
        **summarise(tables, not_found=lock.not_found),
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
        "leaks": _leaks(run_dir, lock, pool),
        "pictures_digest": pictures,
        "pictures_differ": pictures != read_environment(run_dir).get("pictures_digest", pictures),
    }


def _leaks(run_dir: Path, lock: Lock, pool: Pool) -> dict[str, Any]:
    """What the leak gate finds, by kind, what it did not look for, and who was left out."""
    report = find_leaks(lock, pool, read_near(run_dir / LOCK, lock, pool))
    return {
        "subjects": report.subjects_word,
        "counts": report.counts,
        "not_checked": list(report.not_checked),
        "num_excluded": len(lock.excluded),
    }


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


def as_csv(results: dict[str, Any]) -> str:
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
    said = [results[fact] for fact in facts]
    return csv_text(
        ["scope", "name", "num_samples", "value", *facts],
        ([*row[:3], f"{row[3]:.6f}", *said] for row in rows),
    )
