"""What a model is made of, in numbers."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import timm
from torch import nn

from zoo.models.registry import ALIASES, create_model, resolve_model_name


@dataclass(frozen=True)
class ModelDescription:
    """Facts about a model.

    Attributes:
        name: Its name in timm's registry.
        aliases: Short names for the command line.
        summary: First line of its docstring.
        num_classes: Outputs of each classifier.
        num_parameters: All parameters.
        parts: Parameters of each direct part.
        branches: 'global' and 'local', or empty for one classifier.
        input_size: Channels, height and width that it was made for.
    """

    name: str
    aliases: tuple[str, ...]
    summary: str
    num_classes: int
    num_parameters: int
    parts: dict[str, int]
    branches: tuple[str, ...]
    input_size: tuple[int, int, int]


def count_parameters(module: nn.Module) -> int:
    """Number of parameters, each counted once."""
    return sum(parameter.numel() for parameter in module.parameters())


def describe_model(name: str, *, num_classes: int = 7, **arguments: Any) -> ModelDescription:
    """Make a model and count it.

    Raises:
        ModelError: If the model is unknown or does not take the arguments.
    """
    resolved = resolve_model_name(name)
    model = create_model(resolved, num_classes=num_classes, **arguments)
    parts = {part: count_parameters(child) for part, child in model.named_children()}
    entry = timm.model_entrypoint(resolved)
    default_cfg: Any = model.default_cfg
    return ModelDescription(
        name=resolved,
        aliases=tuple(alias for alias, target in ALIASES.items() if target == resolved),
        summary=(inspect.getdoc(entry) or "").split("\n")[0],
        num_classes=num_classes,
        num_parameters=count_parameters(model),
        parts={part: count for part, count in parts.items() if count},
        branches=tuple(getattr(model, "branch_names", ())),
        input_size=tuple(default_cfg["input_size"]),
    )
