"""Predict samples with a trained network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from fertools.jobs import progress
from fertools.metrics import PredictionsInfo
from fertools.protocols import Lock, Pool
from zoo.checkpoints import load_weights
from zoo.data import SampleSet, evaluation_batches
from zoo.layers import DualLogits, Fusion, fuse_scores
from zoo.models import create_model
from zoo.runs import WEIGHTS, RunConfig, expected_weights, fold_path, resolve_device
from zoo.training import normalise, reproducible

BATCH_SIZE = 64
_COPIED = ("subject_id", "view_id", "yaw_deg", "pitch_deg", "intensity")


def predict(model: nn.Module, images: Tensor) -> Tensor | DualLogits:
    """Logits of unchanged pictures ``(N, 3, S, S)``, 0 to 1; the model must be in eval mode."""
    with torch.inference_mode():
        output: Tensor | DualLogits = model(normalise(images, model))
    return output


def predict_fold(
    run_dir: Path,
    config: RunConfig,
    fold: int,
    pool: Pool,
    lock: Lock,
    *,
    fusion: Fusion = "softmax",
    device: str = "auto",
    batch_size: int = BATCH_SIZE,
    order_seed: int | None = None,
) -> tuple[pd.DataFrame, PredictionsInfo]:
    """Predict the test side of a trained fold.

    Args:
        run_dir: The run folder.
        config: Its settings.
        fold: Which fold.
        pool: The samples.
        lock: The folds.
        fusion: How the branches are mixed.
        device: 'auto', 'cpu' or 'cuda'.
        batch_size: Samples at once.
        order_seed: Of a shuffle of the samples before they are put into batches; None sorts them.

    Returns:
        Rows and facts for :func:`fertools.metrics.write_predictions`.

    Raises:
        ModelError: If weights are missing or damaged.
        DatasetError: If a picture is missing, damaged or another than the manifest's.
    """
    recipe, place = config.recipe, resolve_device(device)
    model = create_model(config.model, num_classes=len(lock.classes), **recipe.model)
    load_weights(
        fold_path(run_dir, fold) / WEIGHTS, model, expected=expected_weights(config, lock, fold)
    )
    model.to(place).eval()
    sample_ids = list(lock.folds[fold].test)
    if order_seed is not None:
        np.random.default_rng(order_seed).shuffle(sample_ids)
    samples = SampleSet(pool, lock, sample_ids, input_size=recipe.data.input_size, cache_gb=0.0)
    fused: list[Tensor] = []
    branches: list[tuple[Tensor, Tensor]] = []
    description = f"fold {fold}: testing {config.model}"
    with (
        reproducible(recipe.threads, device=place),
        progress(description, len(samples), "pictures") as advance,
    ):
        for batch in evaluation_batches(samples, batch_size=batch_size):
            output = predict(model, batch.images.to(place))
            fused.append(fuse_scores(output, alpha=recipe.alpha, fusion=fusion).cpu())
            if isinstance(output, DualLogits):
                branches.append((output.global_logits.cpu(), output.local_logits.cpu()))
            advance(len(batch.rows))
    rows = pool.frame.loc[sample_ids]
    frame = pd.DataFrame({"sample_id": sample_ids, "fold": fold})
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
    info = PredictionsInfo(
        protocol=config.protocol,
        classes=lock.classes,
        lock_digest=lock.digest,
        synthetic=lock.synthetic,
        model=config.model,
        fusion=f"{fusion}, alpha {recipe.alpha}" if branches else "",
    )
    return frame, info
