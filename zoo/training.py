"""Train the folds of a run: from scratch, repeatable bit for bit on a CPU, and resumable.

Every epoch ends with its whole state in ``state.pt``; nothing random outlives an epoch, so a killed
run goes on to the same final weights as one that was never interrupted.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import pickle
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fertools.errors import ConfigError, FertoolsError, ModelError
from fertools.jobs import progress, write_bytes, write_json, write_text
from fertools.jobs.progress import Advance
from fertools.protocols import Lock, Pool
from zoo.checkpoints import save_weights
from zoo.data import SampleSet, training_batches
from zoo.layers import classification_loss, fuse_scores
from zoo.models import create_model
from zoo.recipe import OptimizerOptions, ScheduleOptions
from zoo.runs import (
    LOG,
    RECORD,
    STATE,
    WEIGHTS,
    FoldRecord,
    RunConfig,
    expected_weights,
    file_digest,
    fold_path,
    open_run,
    read_fold_record,
)

_DIGEST_BYTES = 32  # SHA-256 at the end of a state file


@dataclass
class _State:
    """A training on its way."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    epoch: int = 0  # epochs done
    history: list[dict[str, float]] = field(default_factory=list)  # one row an epoch


def train_run(
    run_dir: Path,
    config: RunConfig,
    *,
    pool: Pool,
    lock: Lock,
    folds: Sequence[int] | None = None,
) -> list[FoldRecord]:
    """Train folds of a run; finished ones are kept, begun ones go on where they stopped.

    Args:
        run_dir: The run folder.
        config: Its settings.
        pool: The samples, checked against the lock.
        lock: The folds.
        folds: Which ones; None takes all.

    Returns:
        A record of each fold, in the given order.

    Raises:
        ConfigError: If a fold does not exist, or the folder was made with other settings.
        FertoolsError: See :func:`train_fold`.
    """
    chosen = list(range(len(lock.folds))) if folds is None else list(folds)
    for fold in chosen:
        if not 0 <= fold < len(lock.folds):
            raise ConfigError(
                f"fold {fold} does not exist; {lock.protocol} has the folds 0 to "
                f"{len(lock.folds) - 1}"
            )
    # a model that cannot be made must not leave a run folder with its settings behind
    create_model(config.model, num_classes=len(lock.classes), **config.recipe.model)
    config = open_run(run_dir, config, lock, pool=pool)
    return [train_fold(run_dir, config, fold, pool=pool, lock=lock) for fold in chosen]


def train_fold(
    run_dir: Path, config: RunConfig, fold: int, *, pool: Pool, lock: Lock
) -> FoldRecord:
    """Train one fold to its end, or return its record if it is trained.

    Args:
        run_dir: The run folder.
        config: Its settings, with a number of threads.
        fold: Its number.
        pool: The samples.
        lock: The folds.

    Raises:
        ConfigError: If the training side is empty or lacks a class.
        DatasetError: If a picture is missing or damaged.
        ModelError: If the loss is no number any more, or saved files are damaged.
        OutputError: If a file cannot be written; the last state stays good.
    """
    record = read_fold_record(run_dir, fold)
    if record is not None:
        return record
    recipe, folder = config.recipe, fold_path(run_dir, fold)
    sample_ids = lock.folds[fold].train
    absent = set(range(len(lock.classes))) - {lock.labels[name] for name in sample_ids}
    if absent:
        raise ConfigError(
            f"{lock.protocol}: the training side of fold {fold} ({len(sample_ids)} samples) has no "
            f"picture of {', '.join(lock.classes[label] for label in sorted(absent))}"
        )
    samples = SampleSet(
        pool,
        lock,
        sample_ids,
        input_size=recipe.data.input_size,
        cache_gb=recipe.data.cache_gb,
    )
    with reproducible(recipe.threads, device=config.device):
        torch.manual_seed(_seed(config.seed, fold, 0))
        model = create_model(config.model, num_classes=len(lock.classes), **recipe.model)
        model.to(config.device).to(memory_format=_memory_format(config))
        state = _State(model, make_optimizer(model, recipe.optimizer))
        if (folder / STATE).exists():
            _load_state(folder / STATE, state, config, fold)
        description = f"fold {fold}: training {config.model}"
        total = (recipe.epochs - state.epoch) * len(samples)
        with progress(description, total, "pictures") as advance:
            while state.epoch < recipe.epochs:
                _train_epoch(state, samples, config, fold, advance)
                _save_state(folder, state, config, fold)
    weights = save_weights(folder / WEIGHTS, model, expected_weights(config, lock, fold))
    record = FoldRecord(
        fold=fold,
        epochs=state.epoch,
        num_train=len(samples),
        loss=state.history[-1]["loss"],
        train_accuracy=state.history[-1]["accuracy"],
        seconds=round(sum(row["seconds"] for row in state.history), 1),
        weights_sha256=file_digest(weights),
    )
    write_json(folder / RECORD, asdict(record))
    (folder / STATE).unlink(missing_ok=True)
    return record


@contextmanager
def reproducible(threads: int, *, device: str = "cpu") -> Iterator[None]:
    """Deterministic algorithms, a fixed number of threads; everything is put back at the end.

    On a CPU an operation without a deterministic form is an error; on a GPU only a warning, since
    some of timm's layers have none there.
    """
    before_threads = torch.get_num_threads()
    before = torch.are_deterministic_algorithms_enabled()
    before_warn = torch.is_deterministic_algorithms_warn_only_enabled()
    random_state = torch.get_rng_state()
    torch.set_num_threads(threads or before_threads)
    torch.use_deterministic_algorithms(True, warn_only=device != "cpu")
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=before_warn)
        torch.set_num_threads(before_threads)
        torch.set_rng_state(random_state)


def make_optimizer(model: nn.Module, options: OptimizerOptions) -> torch.optim.Optimizer:
    """The optimizer of a recipe; unless ``decay_all``, vectors (biases, norms) do not decay."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if options.decay_all:
        groups: list[dict[str, Any]] = [{"params": parameters}]
    else:
        groups = [
            {"params": [p for p in parameters if p.ndim > 1]},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
    if options.name == "adamw":
        return torch.optim.AdamW(groups, lr=options.lr, weight_decay=options.weight_decay)
    return torch.optim.SGD(
        groups, lr=options.lr, momentum=options.momentum, weight_decay=options.weight_decay
    )


def learning_rate_share(progress_epochs: float, epochs: int, options: ScheduleOptions) -> float:
    """Share of the recipe's learning rate at a moment.

    Args:
        progress_epochs: Epochs done, with the fraction of the one on its way.
        epochs: Epochs in all.
        options: The schedule.

    Returns:
        A factor in [0, 1].
    """
    if progress_epochs < options.warmup_epochs:
        return (progress_epochs + 1e-3) / (options.warmup_epochs + 1e-3)
    if options.name == "constant":
        return 1.0
    if options.name == "step":
        passed = sum(progress_epochs >= share * epochs for share in options.milestones)
        return float(options.factor**passed)
    done = (progress_epochs - options.warmup_epochs) / max(epochs - options.warmup_epochs, 1e-9)
    cosine = 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))
    return options.final_share + (1.0 - options.final_share) * cosine


def normalise(images: Tensor, model: nn.Module) -> Tensor:
    """Take the mean off and divide by the deviation that the model's ``default_cfg`` names.

    Args:
        images: Shape ``(N, 3, H, W)``, 0 to 1.
        model: A model of timm's make.
    """
    config: Any = model.default_cfg
    mean = torch.tensor(config["mean"], device=images.device)[:, None, None]
    deviation = torch.tensor(config["std"], device=images.device)[:, None, None]
    return (images - mean) / deviation


def _train_epoch(
    state: _State, samples: SampleSet, config: RunConfig, fold: int, advance: Advance
) -> None:
    """Go through the training side once."""
    recipe, start = config.recipe, time.monotonic()
    seed = _seed(config.seed, fold, state.epoch + 1)
    torch.manual_seed(seed)
    state.model.train()
    num_batches = -(-len(samples) // recipe.batch_size)
    sums = {"loss": 0.0, "loss_global": 0.0, "loss_local": 0.0, "accuracy": 0.0}
    num_seen = 0
    batches = training_batches(
        samples,
        batch_size=recipe.batch_size,
        augmentation=recipe.data.augmentation,
        seed=seed,
        epoch=state.epoch,
    )
    for index, batch in enumerate(batches):
        share = learning_rate_share(
            state.epoch + index / num_batches, recipe.epochs, recipe.schedule
        )
        for group in state.optimizer.param_groups:
            group["lr"] = recipe.optimizer.lr * share
        images = normalise(batch.images.to(config.device), state.model)
        images = images.contiguous(memory_format=_memory_format(config))
        labels = batch.labels.to(config.device)
        output = state.model(images)
        loss = classification_loss(
            output, labels, alpha=recipe.alpha, label_smoothing=recipe.label_smoothing
        )
        value = loss.total.item()
        if not math.isfinite(value):
            names = ", ".join(samples.sample_ids[row] for row in batch.rows[:3])
            raise ModelError(
                f"fold {fold}, epoch {state.epoch}: the loss became {value} on a batch with "
                f"{names}, …; lower it with --set optimizer.lr=… under another --name"
            )
        state.optimizer.zero_grad()
        loss.total.backward()  # type: ignore[no-untyped-call]
        if recipe.optimizer.clip_norm is not None:
            nn.utils.clip_grad_norm_(state.model.parameters(), recipe.optimizer.clip_norm)
        state.optimizer.step()
        scores = fuse_scores(output, alpha=recipe.alpha)
        count = len(batch.rows)
        num_seen += count
        sums["loss"] += value * count
        sums["accuracy"] += (scores.argmax(dim=1) == labels).sum().item()
        if loss.global_part is not None and loss.local_part is not None:
            sums["loss_global"] += loss.global_part.item() * count
            sums["loss_local"] += loss.local_part.item() * count
        rate = num_seen / max(time.monotonic() - start, 1e-9)
        note = f"epoch {state.epoch + 1} of {recipe.epochs}, loss {sums['loss'] / num_seen:.3f}"
        advance(count, note=f"{note}, {rate:.0f} pictures/s")
    row = {name: value / num_seen for name, value in sums.items()}
    row["seconds"] = round(time.monotonic() - start, 3)
    state.history.append({"epoch": state.epoch, "lr": recipe.optimizer.lr * share, **row})
    state.epoch += 1


def _save_state(folder: Path, state: _State, config: RunConfig, fold: int) -> None:
    """Write the state, and the log that belongs to it."""
    values = {
        "model": state.model.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "epoch": state.epoch,
        "history": state.history,
        "settings": _settings(config, fold),
    }
    buffer = io.BytesIO()  # torch's own writer reports a full disk as a bug of its own
    torch.save(values, buffer)
    data = buffer.getvalue()
    write_bytes(folder / STATE, data + hashlib.sha256(data).digest())  # torch misses damage
    lines = [json.dumps(row) for row in state.history]
    write_text(folder / LOG, "\n".join(lines) + "\n")


def _load_state(path: Path, state: _State, config: RunConfig, fold: int) -> None:
    """Go on from a saved state; raises ModelError if it is damaged or of another training."""
    remedy = f"delete {path} to begin the fold anew"
    try:
        content = path.read_bytes()
        data, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
        if hashlib.sha256(data).digest() != digest:
            raise ModelError(f"{path}: is not a whole training state; {remedy}")
        values = torch.load(io.BytesIO(data), map_location=config.device, weights_only=True)
        if values["settings"] != _settings(config, fold):
            raise ModelError(f"{path}: is the state of another training; {remedy}")
        state.model.load_state_dict(values["model"])
        state.optimizer.load_state_dict(values["optimizer"])
        state.epoch, state.history = int(values["epoch"]), list(values["history"])
    except FertoolsError:
        raise
    except (
        OSError,
        EOFError,
        RuntimeError,
        ValueError,
        KeyError,
        TypeError,
        pickle.UnpicklingError,
    ) as error:
        raise ModelError(f"{path}: is not a whole training state; {remedy}") from error


def _settings(config: RunConfig, fold: int) -> str:
    """The settings as one string, to recognise a state."""
    return json.dumps({**config.as_dict(), "fold": fold}, sort_keys=True)


def _memory_format(config: RunConfig) -> torch.memory_format:
    """Layout of pictures and weights in memory."""
    return torch.channels_last if config.recipe.channels_last else torch.contiguous_format


def _seed(*numbers: int) -> int:
    """One seed from several numbers, well spread."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
