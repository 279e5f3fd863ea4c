"""Recipes: everything about training that changes a number, as YAML checked by pydantic."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fertools.config import apply_sets, build_config, read_yaml
from fertools.errors import ConfigError


class _Strict(BaseModel):
    """Unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Augmentation(_Strict):
    """Random changes of a training picture; each range is symmetric around no change.

    Attributes:
        rotation_deg: Largest turn in the picture, degrees.
        shift: Largest shift along each axis, as a share of the side.
        scale: Largest change of size, as a share: 0.1 is 0.9 to 1.1.
        flip: Whether half of the pictures are mirrored; bar it where the side matters.
        brightness: Largest change of brightness, as a share of the full range.
        contrast: Largest change of contrast, as a share.
        fill: What comes in at the border: black ('zeros') or the border's pixels ('border').
    """

    rotation_deg: float = Field(default=0.0, ge=0, le=180)
    shift: float = Field(default=0.0, ge=0, lt=1)
    scale: float = Field(default=0.0, ge=0, lt=1)
    flip: bool = False
    brightness: float = Field(default=0.0, ge=0, lt=1)
    contrast: float = Field(default=0.0, ge=0, lt=1)
    fill: Literal["zeros", "border"] = "border"


class DataOptions(_Strict):
    """How pictures come to the network.

    Attributes:
        input_size: Side in pixels that pictures are resized to.
        augmentation: Applied in training only.
        cache_gb: Decoded pictures up to this many GB stay in memory; above, each epoch decodes.
    """

    input_size: int = Field(default=224, ge=16, le=1024)
    augmentation: Augmentation = Augmentation()
    cache_gb: float = Field(default=4.0, ge=0)


class OptimizerOptions(_Strict):
    """The optimizer; ``momentum`` is not used by adamw. Weight decay spares biases and norms."""

    name: Literal["sgd", "adamw"] = "sgd"
    lr: float = Field(gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    decay_all: bool = True
    clip_norm: float | None = Field(default=None, gt=0)


class ScheduleOptions(_Strict):
    """How the learning rate goes, step by step.

    Attributes:
        name: 'constant', 'cosine' (to ``final_share``) or 'step' (times ``factor`` at each of
            ``milestones``).
        warmup_epochs: Linear rise at the start; may be a fraction.
        milestones: Shares of the epochs, for 'step'.
        factor: For 'step'.
        final_share: Share of the learning rate at the end, for 'cosine'.
    """

    name: Literal["constant", "cosine", "step"] = "cosine"
    warmup_epochs: float = Field(default=0.0, ge=0)
    milestones: tuple[float, ...] = ()
    factor: float = Field(default=0.1, gt=0, lt=1)
    final_share: float = Field(default=0.0, ge=0, le=1)


class Recipe(_Strict):
    """One training recipe.

    Attributes:
        name: Stands in every result.
        description: Where the values come from.
        model: Arguments of the model, such as ``patch_grid``.
        data: How pictures come to the network.
        optimizer: The optimizer.
        schedule: The learning rate over time.
        epochs: Passes over the training side.
        batch_size: Pictures a step, at most: an epoch is cut into equal batches.
        alpha: Weight of the local branch in the loss and in the fused scores.
        label_smoothing: Share of the target spread over the classes.
        channels_last: Memory layout; faster on most processors.
        threads: Threads on the CPU; 0 takes what the process may use. Part of what makes weights
            equal bit for bit.
    """

    name: str
    description: str
    model: dict[str, Any] = {}
    data: DataOptions = DataOptions()
    optimizer: OptimizerOptions
    schedule: ScheduleOptions = ScheduleOptions()
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=2)
    alpha: float = Field(default=0.6, ge=0, le=1)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    channels_last: bool = False
    threads: int = Field(default=0, ge=0, le=256)


def recipe_changes(recipe: Recipe) -> list[str]:
    """The ``--set`` settings that make a recipe of the one it was read from.

    Args:
        recipe: As it was used; a number of threads that the machine decided does not count.

    Returns:
        ``a.b=value`` texts; none for a recipe of the user's own file.
    """
    if recipe.name not in list_recipes():
        return []
    base = load_recipe(recipe.name)
    before, after = _leaves(base.model_dump(mode="json")), _leaves(recipe.model_dump(mode="json"))
    return [
        f"{key}={json.dumps(value)}"
        for key, value in after.items()
        if before.get(key) != value and not (key == "threads" and base.threads == 0)
    ]


def _leaves(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by their dotted names."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found |= _leaves(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def list_recipes() -> list[str]:
    """Names of the recipes that come with the zoo, sorted."""
    folder = files("zoo") / "recipes"
    return sorted(
        item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")
    )


def load_recipe(name: str, *, sets: Sequence[str] = ()) -> Recipe:
    """Read a recipe by name, or from a path that ends in ``.yaml``.

    Args:
        name: A name of :func:`list_recipes`, or a file.
        sets: ``a.b=c`` settings laid over it.

    Raises:
        ConfigError: If there is none of that name, or a key is unknown or its value wrong.
    """
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
    else:
        if name not in list_recipes():
            near = difflib.get_close_matches(name, list_recipes(), n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(list_recipes())}"
            raise ConfigError(f"unknown recipe {name!r}; {hint} (a file's name ends in .yaml)")
        path = Path(str(files("zoo") / "recipes" / f"{name}.yaml"))
    values = apply_sets(read_yaml(path), sets)
    source = f"{path} with --set {' '.join(sets)}" if sets else str(path)
    recipe = build_config(Recipe, values, source=source)
    if recipe.name != path.stem:
        raise ConfigError(
            f"{source}: 'name' is {recipe.name!r}; expected the file's own {path.stem!r}"
        )
    return recipe
