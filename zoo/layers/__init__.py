"""Blocks of the networks: multi-scale units, patch attention, patches, fusion."""

from zoo.layers.conv import ConvNormAct, init_convolutions
from zoo.layers.fusion import (
    ALPHA,
    DualLogits,
    Fusion,
    LossParts,
    check_alpha,
    classification_loss,
    fuse_scores,
)
from zoo.layers.multiscale import (
    Join,
    MultiScaleChain,
    MultiScaleUnit,
    SymmetricMultiScaleUnit,
)
from zoo.layers.patch_attention import PatchAttention, PatchAttentionUnit
from zoo.layers.patches import merge_patches, split_patches

__all__ = [
    "ALPHA",
    "ConvNormAct",
    "DualLogits",
    "Fusion",
    "Join",
    "LossParts",
    "MultiScaleChain",
    "MultiScaleUnit",
    "PatchAttention",
    "PatchAttentionUnit",
    "SymmetricMultiScaleUnit",
    "check_alpha",
    "classification_loss",
    "fuse_scores",
    "init_convolutions",
    "merge_patches",
    "split_patches",
]
