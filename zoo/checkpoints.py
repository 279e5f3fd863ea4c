"""Weights in safetensors files that say what they are; nothing is ever unpickled."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from fertools.errors import ModelError
from fertools.jobs import write_bytes

_KEY = "fertools.weights"


@dataclass(frozen=True)
class WeightsInfo:
    """What a weights file says about itself.

    Attributes:
        model: Name of the model in timm's registry.
        model_arguments: Arguments that it was made with, beyond the number of classes.
        classes: Expression names; index = label.
        protocol: Protocol it was trained under.
        lock_digest: Digest of the lock it was trained under.
        fold: Fold whose training side it saw.
        epoch: Number of epochs trained.
        pretrained: Whether training began from weights of another task.
        synthetic: Whether the training pictures were stand-ins.
    """

    model: str
    model_arguments: dict[str, object]
    classes: tuple[str, ...]
    protocol: str
    lock_digest: str
    fold: int
    epoch: int
    pretrained: bool
    synthetic: bool


def save_weights(path: Path, model: nn.Module, info: WeightsInfo) -> Path:
    """Write a model's weights and buffers, whole or not at all.

    Raises:
        OutputError: If the file cannot be written.
    """
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()
    }
    metadata = {_KEY: json.dumps(asdict(info), sort_keys=True)}
    write_bytes(path, save(tensors, metadata=metadata))
    return path


def read_weights_info(path: Path) -> WeightsInfo:
    """Read what a weights file says about itself, without its tensors.

    Raises:
        ModelError: If the file is missing, cut short, a pickle, or not one of the zoo's.
    """
    return _open(path)[0]


def load_weights(
    path: Path, model: nn.Module, *, expected: WeightsInfo | None = None
) -> WeightsInfo:
    """Load weights into a model of the same make.

    Args:
        path: The safetensors file.
        model: Receives the weights.
        expected: Model, classes, arguments and lock that the file must name; epoch and fold are
            compared too.

    Returns:
        What the file says about itself.

    Raises:
        ModelError: If the file is missing, damaged, or of another model, class list or training;
            what differs is listed.
    """
    info, names = _open(path)
    if expected is not None and info != expected:
        have, want = asdict(info), asdict(expected)
        differing = [
            f"{key} is {have[key]!r}, expected {want[key]!r}"
            for key in have
            if have[key] != want[key]
        ]
        raise ModelError(f"{path}: weights of another training: {'; '.join(differing)}")
    state = model.state_dict()
    missing, unknown = sorted(set(state) - set(names)), sorted(set(names) - set(state))
    shapes = [
        f"{name} is {tuple(names[name])}, expected {tuple(state[name].shape)}"
        for name in sorted(set(state) & set(names))
        if tuple(names[name]) != tuple(state[name].shape)
    ]
    if missing or unknown or shapes:
        parts = [f"without {missing[0]} ({len(missing)} such)"] if missing else []
        parts += [f"with the unknown {unknown[0]} ({len(unknown)} such)"] if unknown else []
        parts += [f"{shapes[0]} ({len(shapes)} such)"] if shapes else []
        raise ModelError(
            f"{path}: weights of {info.model} with {len(info.classes)} classes do not fit this "
            f"model: {'; '.join(parts)}"
        )
    try:
        with safe_open(path, framework="pt") as handle:
            model.load_state_dict({name: handle.get_tensor(name) for name in names})
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error
    return info


def _open(path: Path) -> tuple[WeightsInfo, dict[str, list[int]]]:
    """The file's description, and the shape of each tensor by name."""
    if not path.is_file():
        raise ModelError(f"{path}: there are no weights here; 'zoo train' makes them")
    try:
        with safe_open(path, framework="pt") as handle:
            metadata = handle.metadata() or {}
            shapes = {name: handle.get_slice(name).get_shape() for name in handle.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, error) from error
    try:
        values = json.loads(metadata[_KEY])
        info = WeightsInfo(**{**values, "classes": tuple(values["classes"])})
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path}: does not say which model it is of; expected weights written by 'zoo train'"
        ) from error
    return info, shapes


def _damaged(path: Path, error: Exception) -> ModelError:
    """The error for a file that is not whole."""
    reason = " ".join(str(error).split())
    return ModelError(
        f"{path}: is not a whole safetensors file ({reason}); delete its folder and train the fold "
        "again"
    )
