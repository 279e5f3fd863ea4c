"""Run folders: the settings that made them, the machine, and which folds are done."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import yaml

from fertools import __version__
from fertools.config import build_config, read_yaml
from fertools.errors import ConfigError, ModelError
from fertools.home import runs_home
from fertools.jobs import read_note, write_json, write_text
from fertools.protocols import Lock, Pool, pictures_digest, read_lock, write_lock
from zoo.checkpoints import WeightsInfo
from zoo.recipe import Recipe

CONFIG, ENVIRONMENT, LOCK = "config.yaml", "environment.json", "protocol.lock.json"
WEIGHTS, STATE, LOG, RECORD = "model.safetensors", "state.pt", "log.jsonl", "fold.json"
PREDICTIONS = "predictions.parquet"
_MAX_NOTE_BYTES = 10_000_000
_PACKAGES = ("torch", "timm", "numpy", "opencv-python-headless", "pandas", "safetensors")


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides the weights of a run.

    Attributes:
        model: Name in timm's registry.
        protocol: Name of the protocol.
        protocol_version: Its version.
        lock_digest: Digest of the lock.
        synthetic: Whether the pictures are stand-ins.
        seed: Of fresh weights, order and augmentation.
        device: 'cpu' or 'cuda'.
        recipe: The recipe with its settings; ``threads`` is resolved.
        mismatch: In what the samples were not as locked, where that was allowed.
    """

    model: str
    protocol: str
    protocol_version: int
    lock_digest: str
    synthetic: bool
    seed: int
    device: str
    recipe: Recipe
    mismatch: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values for YAML, in the order of the fields."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        recipe = self.recipe.model_dump(mode="json")
        return {**values, "recipe": recipe, "mismatch": list(self.mismatch)}


@dataclass(frozen=True)
class FoldRecord:
    """What ``fold.json`` says about a fold that is trained to its end.

    Attributes:
        fold: Its number.
        epochs: Epochs trained.
        num_train: Samples trained on.
        loss: Mean loss of the last epoch.
        train_accuracy: On changed training pictures, during the last epoch.
        seconds: Time in training, over all interruptions.
        weights_sha256: Of the weights file.
    """

    fold: int
    epochs: int
    num_train: int
    loss: float
    train_accuracy: float
    seconds: float
    weights_sha256: str


def run_path(protocol: str, model: str, name: str) -> Path:
    """The usual folder of a run."""
    return runs_home() / protocol / model / name


def fold_path(run_dir: Path, fold: int) -> Path:
    """The folder of a fold."""
    return run_dir / f"fold{fold}"


def resolve_device(device: str) -> str:
    """Turn 'auto' into 'cuda' where there is one, else 'cpu'.

    Raises:
        ConfigError: If 'cuda' is asked for and there is none, or the name is not known.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"device {device!r} is not known; expected auto, cpu or cuda")
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise ConfigError("device 'cuda' was asked for, but no usable GPU was found; use cpu")
    return "cuda" if has_cuda and device == "auto" else "cpu" if device == "auto" else device


def open_run(run_dir: Path, config: RunConfig, lock: Lock, *, pool: Pool) -> RunConfig:
    """Begin a run folder, or go on with one that was made with the same settings.

    Args:
        run_dir: The folder; made if need be.
        config: What is asked for; ``recipe.threads`` 0 takes the folder's number, or in a new
            folder the number of processors at hand.
        lock: Copied into the folder.
        pool: Its manifest's path, relative to the folder, and the digest of its pictures go into
            environment.json.

    Returns:
        The settings with their number of threads.

    Raises:
        ConfigError: If the folder was made with other settings; what differs is listed.
        OutputError: If the folder cannot be written.
    """
    path = run_dir / CONFIG
    before = read_run_config(run_dir) if path.exists() else None
    threads = config.recipe.threads or (before.recipe.threads if before else _num_processors())
    config = replace(config, recipe=config.recipe.model_copy(update={"threads": threads}))
    if before is not None:
        differing = [
            f"{key} is {old!r} there and {new!r} now"
            for key, old, new in _differences(before.as_dict(), config.as_dict())
        ]
        if differing:
            shown = "; ".join(differing[:4])
            more = f"; and {len(differing) - 4} more" if len(differing) > 4 else ""
            raise ConfigError(
                f"{run_dir}: this run was begun with other settings: {shown}{more}. Choose another "
                "--name (or --run), or delete the folder"
            )
    write_lock(run_dir / LOCK, lock)
    write_json(run_dir / ENVIRONMENT, describe_environment(run_dir, config, lock, pool))
    if before is None:  # last: a folder with config.yaml is a begun run
        write_text(path, yaml.safe_dump(config.as_dict(), sort_keys=False, width=100))
    return config


def read_run_config(run_dir: Path) -> RunConfig:
    """Read the settings of a run.

    Raises:
        ConfigError: If config.yaml is missing, damaged or of another version of the tool.
    """
    path = run_dir / CONFIG
    values = read_yaml(path)
    names = set(RunConfig.__dataclass_fields__)
    if set(values) != names or not isinstance(values["recipe"], dict):
        raise ConfigError(
            f"{path}: expected the keys {', '.join(sorted(names))}; this is no run of this version "
            "of the zoo"
        )
    recipe = build_config(Recipe, values["recipe"], source=str(path))
    return RunConfig(**{**values, "recipe": recipe, "mismatch": tuple(values["mismatch"] or ())})


def read_run_lock(run_dir: Path) -> Lock:
    """Read the lock that a run was trained under; raises LockError."""
    return read_lock(run_dir / LOCK)


def read_fold_record(run_dir: Path, fold: int) -> FoldRecord | None:
    """What is known about a finished fold, or None if it is not finished.

    Raises:
        ModelError: If the record is damaged, or the weights are not those it names.
    """
    path = fold_path(run_dir, fold) / RECORD
    if not path.is_file():
        return None
    remedy = f"delete {path.parent} and train the fold again"
    try:
        record = FoldRecord(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: is damaged; {remedy}") from error
    weights = path.parent / WEIGHTS
    if not weights.is_file() or file_digest(weights) != record.weights_sha256:
        raise ModelError(f"{weights}: missing, cut short or changed since training; {remedy}")
    return record


def expected_weights(config: RunConfig, lock: Lock, fold: int) -> WeightsInfo:
    """What the weights of a finished fold say about themselves."""
    return WeightsInfo(
        model=config.model,
        model_arguments=dict(config.recipe.model),
        classes=lock.classes,
        protocol=config.protocol,
        lock_digest=config.lock_digest,
        fold=fold,
        epoch=config.recipe.epochs,
        pretrained=False,
        synthetic=config.synthetic,
    )


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def describe_environment(
    run_dir: Path, config: RunConfig, lock: Lock, pool: Pool
) -> dict[str, Any]:
    """Versions and hardware; no names of users or machines."""
    return {
        "fertools": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_name(),
        "processors": _num_processors(),
        "threads": config.recipe.threads,
        "device": torch.cuda.get_device_name() if config.device == "cuda" else "cpu",
        "packages": {name: version(name) for name in _PACKAGES},
        "manifest": os.path.relpath(pool.main.path, run_dir),
        "pictures_digest": pictures_digest(lock, pool),
    }


def read_environment(run_dir: Path) -> dict[str, Any]:
    """What ``environment.json`` of a run says; nothing where there is none.

    Raises:
        ManifestError: If it is damaged.
    """
    path = run_dir / ENVIRONMENT
    if not path.is_file():
        return {}
    return read_note(path, max_bytes=_MAX_NOTE_BYTES, remedy="start the training again")


def _num_processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def _cpu_name() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _differences(old: Any, new: Any, prefix: str = "") -> list[tuple[str, Any, Any]]:
    """Dotted keys whose values differ between nested mappings."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for key in dict.fromkeys([*old, *new]):
            name = f"{prefix}.{key}" if prefix else str(key)
            found += _differences(old.get(key), new.get(key), name)
        return found
    return [] if old == new else [(prefix, old, new)]
