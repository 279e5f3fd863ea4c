"""Networks for pose-invariant facial expression recognition, registered with timm.

After ``import zoo``, ``timm.create_model("gms_lpa_resnet50", num_classes=7)`` works. The package
needs the extra ``zoo`` (torch, timm, ...).
"""

from fertools.errors import MissingExtraError

try:
    import safetensors
    import timm
    import torch
except ModuleNotFoundError as error:
    raise MissingExtraError(error.name or "torch", "zoo") from error

from zoo.models import create_model, list_models

__all__ = ["create_model", "list_models"]

del safetensors, timm, torch
