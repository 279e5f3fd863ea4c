"""The networks; importing this package registers those of every module in it with timm."""

import importlib
import pkgutil

from zoo.models.description import ModelDescription, describe_model
from zoo.models.registry import (
    ALIASES,
    BASELINES,
    create_model,
    list_models,
    register,
    resolve_model_name,
)

__all__ = [
    "ALIASES",
    "BASELINES",
    "ModelDescription",
    "create_model",
    "describe_model",
    "list_models",
    "register",
    "resolve_model_name",
]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
