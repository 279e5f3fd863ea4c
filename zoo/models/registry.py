"""The zoo's own names: what it adds to timm's registry, its baselines, and short aliases."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, TypeVar

import timm
from timm.models import register_model
from torch import nn

from fertools.errors import ModelError

ALIASES = {"gms_lpa": "gms_lpa_resnet50"}
"""Short names for the command line; they are not in timm's registry."""

BASELINES = ("resnet18", "resnet34", "resnet50")
"""timm's own networks that are trained by the same code."""

_registered: list[str] = []
_Entry = TypeVar("_Entry", bound=Callable[..., nn.Module])


def register(entry: _Entry) -> _Entry:
    """Register a model function under its own name, with timm's registry and the zoo's list.

    Use it as a decorator. The module's ``default_cfgs`` must be defined above.

    Raises:
        ModelError: If a model of that name is registered already, by the zoo or by timm.
    """
    name = entry.__name__
    if timm.is_model(name) or name in ALIASES:
        raise ModelError(
            f"a model named {name!r} is registered already; give the new one another name"
        )
    register_model(entry)
    _registered.append(name)
    return entry


def list_models() -> list[str]:
    """Names of the zoo's models and baselines, sorted; aliases are not in it."""
    return sorted([*_registered, *BASELINES])


def resolve_model_name(name: str) -> str:
    """Turn an alias or a name into a name of :func:`list_models`.

    Raises:
        ModelError: If there is no such model; the nearest names are offered.
    """
    known = list_models()
    resolved = ALIASES.get(name, name)
    if resolved in known:
        return resolved
    near = difflib.get_close_matches(name, [*known, *ALIASES], n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "'zoo list' shows all"
    raise ModelError(f"unknown model {name!r}; {hint}")


def create_model(name: str, *, num_classes: int, **arguments: Any) -> nn.Module:
    """Make a model with fresh weights.

    Args:
        name: One of :func:`list_models`, or an alias.
        num_classes: Number of expressions.
        **arguments: The model's own, such as ``patch_grid=3``.

    Raises:
        ModelError: If the model is unknown or does not take the arguments.
    """
    resolved = resolve_model_name(name)
    try:
        model: nn.Module = timm.create_model(
            resolved, pretrained=False, num_classes=num_classes, **arguments
        )
    except TypeError as error:
        raise ModelError(
            f"{resolved}: does not take the arguments {arguments!r} (recipe key 'model'): {error}"
        ) from error
    return model
