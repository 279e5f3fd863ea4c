"""GMS-LPA: a global multi-scale branch and a local patch-attention branch on one ResNet stem.

Liu et al., "Deep Global Multiple-Scale and Local Patches Attention Dual-Branch Network for
Pose-Invariant Facial Expression Recognition", CMES 139(1), 2024. The stem is the backbone up to
stage 2 (512 x 28 x 28 at 224 px with ResNet50). The global branch is stages 3 and 4 with their last
two residual units replaced by symmetrical multi-scale units. The local branch cuts the stem's map
into 2 x 2 patches, gives each a network of four patch-attention units with weights of its own, and
lays the four outputs back together. Each branch ends in average pooling and a classifier.

No code of the authors is public. Where the paper is silent this is one reading, chosen so that the
parameter counts come near its Table 15 (28.6, 41.2 and 66.4 million): the multi-scale width is
13/32 of the unit's channels, the two directions are concatenated, the step from 14 to 7 positions
stands in the last patch-attention unit. On basic-block backbones the multi-scale operation is
followed by one 3x3 convolution, as the paper says; the units of their patch networks are basic,
too.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import timm
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from timm.layers.classifier import create_classifier
from timm.models import build_model_with_cfg, generate_default_cfgs
from timm.models.resnet import BasicBlock, ResNet
from torch import Tensor, nn

from fertools.errors import ModelError
from zoo.layers import (
    DualLogits,
    Join,
    PatchAttentionUnit,
    SymmetricMultiScaleUnit,
    init_convolutions,
    merge_patches,
    split_patches,
)
from zoo.models.registry import register

__all__ = ["DualFeatures", "GmsLpa"]

_NUM_LOCAL_UNITS = 4
_NUM_REPLACED_UNITS = 2


class DualFeatures(NamedTuple):
    """Feature maps of the two branches; None for a branch that the model does not have."""

    global_features: Tensor | None
    local_features: Tensor | None


class GmsLpa(nn.Module):
    """The dual-branch network, or one of its branches alone.

    Args:
        backbone: Name of a timm ResNet (resnet18, resnet34, resnet50) or a ResNet.
        num_classes: Number of expressions; 0 leaves the pooled features.
        in_chans: Channels of the pictures.
        global_pool: timm's name of the pooling before the classifiers.
        drop_rate: Share of pooled features dropped in training.
        branches: 'both', or 'global' or 'local' alone.
        groups: Number n of channel groups of the multi-scale units.
        width_ratio: Width of the multi-scale units as a share of their channels; the width is
            rounded to a multiple of ``groups``.
        join: How the two directions are joined (Eq. 3): 'concat' or 'sum'.
        attention_join: How the pooled maps of the attention are joined (Eq. 4).
        patch_grid: Patches along each side, m.
        local_unit: Kind of the local units: 'bottleneck', 'basic', or None for the backbone's own.

    Raises:
        ModelError: If an argument does not fit.
    """

    def __init__(
        self,
        backbone: str | ResNet = "resnet50",
        *,
        num_classes: int = 7,
        in_chans: int = 3,
        global_pool: str = "avg",
        drop_rate: float = 0.0,
        branches: Literal["both", "global", "local"] = "both",
        groups: int = 4,
        width_ratio: float = 13 / 32,
        join: Join = "concat",
        attention_join: Join = "concat",
        patch_grid: int = 2,
        local_unit: Literal["bottleneck", "basic"] | None = None,
    ) -> None:
        super().__init__()
        if branches not in ("both", "global", "local"):
            raise ModelError(f"branches is {branches!r}; expected 'both', 'global' or 'local'")
        if groups < 1:
            raise ModelError(f"groups is {groups!r}; expected 1 or more")
        if patch_grid < 1:
            raise ModelError(f"patch_grid is {patch_grid!r}; expected 1 or more")
        source: Any = backbone
        if isinstance(backbone, str):
            source = timm.create_model(backbone, num_classes=0, in_chans=in_chans)
        is_basic = isinstance(source.layer3[-1], BasicBlock)
        stem_channels = _channels(source.layer2)
        mid_channels, self.num_features = _channels(source.layer3), _channels(source.layer4)
        self.num_classes = num_classes
        self.in_chans = in_chans
        self.patch_grid = patch_grid
        self.stem = nn.Sequential()
        for name in ("conv1", "bn1", "act1", "maxpool", "layer1", "layer2"):
            self.stem.add_module(name, getattr(source, name))
        self.global_branch: nn.Sequential | None = None
        if branches != "local":
            self.global_branch = nn.Sequential()
            for name in ("layer3", "layer4"):
                stage = getattr(source, name)
                _replace_units(stage, groups, width_ratio, join, tail=is_basic)
                self.global_branch.add_module(name, stage)
        self.local_branch: nn.ModuleList | None = None
        if branches != "global":
            unit = local_unit or ("basic" if is_basic else "bottleneck")
            channels = [stem_channels] + [mid_channels] * (_NUM_LOCAL_UNITS - 1)
            channels.append(self.num_features)
            self.local_branch = nn.ModuleList(
                nn.Sequential(
                    *(
                        PatchAttentionUnit(
                            channels[i],
                            channels[i + 1] // 4,
                            channels[i + 1],
                            stride=2 if i == _NUM_LOCAL_UNITS - 1 else 1,
                            unit=unit,
                            join=attention_join,
                        )
                        for i in range(_NUM_LOCAL_UNITS)
                    )
                )
                for _ in range(patch_grid * patch_grid)
            )
            init_convolutions(self.local_branch)
        self.head_drop = nn.Dropout(drop_rate)
        self.head_hidden_size = self.num_features
        self.global_pool: Any = None
        self.reset_classifier(num_classes, global_pool)

    @property
    def branch_names(self) -> tuple[str, ...]:
        """Names of the branches that the model has: 'global', 'local' or both."""
        has = {"global": self.global_branch, "local": self.local_branch}
        return tuple(name for name, branch in has.items() if branch is not None)

    def get_classifier(self) -> nn.ModuleDict:
        """The classifiers by branch name."""
        return self.heads

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Put fresh classifiers in; 0 classes leave the pooled features."""
        self.num_classes = num_classes
        pool_type = global_pool or self.global_pool.pool_type
        self.heads = nn.ModuleDict()
        for name in self.branch_names:
            self.global_pool, head = create_classifier(
                self.num_features, num_classes, pool_type=pool_type
            )
            self.heads[name] = head

    def forward_features(self, images: Tensor) -> DualFeatures:
        """Feature maps before pooling.

        Args:
            images: Shape ``(N, in_chans, H, W)``, normalised as ``default_cfg`` says.

        Returns:
            Global ``(N, C, H/32, W/32)`` and local features ``(N, C, H/16, W/16)``, rounded up
            patch by patch; at 224 px and ResNet50 2048x7x7 and 2048x14x14.

        Raises:
            ModelError: If the pictures have another number of channels, or the patch grid does
                not fit.
        """
        if images.ndim != 4 or images.shape[1] != self.in_chans:
            raise ModelError(
                f"pictures of shape {tuple(images.shape)}; expected (N, {self.in_chans}, H, W): "
                "repeat the one channel of gray pictures to three"
            )
        shared = self.stem(images)
        global_features = local_features = None
        if self.global_branch is not None:
            global_features = self.global_branch(shared)
        if self.local_branch is not None:
            patches = split_patches(shared, self.patch_grid)
            refined = [
                network(patch) for network, patch in zip(self.local_branch, patches, strict=True)
            ]
            local_features = merge_patches(refined, self.patch_grid)
        return DualFeatures(global_features, local_features)

    def forward_head(self, features: DualFeatures, pre_logits: bool = False) -> Tensor | DualLogits:
        """Pool and classify; with ``pre_logits`` only pool (the pair then holds vectors)."""
        outputs: list[Tensor] = []
        for name in self.branch_names:
            branch = features.global_features if name == "global" else features.local_features
            pooled = self.head_drop(self.global_pool(branch))  # (N, C)
            outputs.append(pooled if pre_logits else self.heads[name](pooled))
        return DualLogits(*outputs) if len(outputs) == 2 else outputs[0]

    def forward(self, images: Tensor) -> Tensor | DualLogits:
        """Map pictures ``(N, 3, H, W)`` to logits.

        Returns:
            :class:`DualLogits` of ``(N, classes)``, in training and in evaluation alike;
            ``zoo.layers.fuse_scores`` makes one score of them. A model of one branch gives its
            logits ``(N, classes)``.

        Raises:
            ModelError: See :meth:`forward_features`.
        """
        return self.forward_head(self.forward_features(images))


def _channels(stage: nn.Sequential) -> int:
    """Output channels of a stage of timm's ResNets."""
    unit = stage[-1]
    normalisation: Any = unit.bn2 if isinstance(unit, BasicBlock) else unit.bn3
    return int(normalisation.num_features)


def _replace_units(
    stage: nn.Sequential, groups: int, width_ratio: float, join: Join, *, tail: bool
) -> None:
    """Put symmetric multi-scale units in the place of a stage's last two units.

    The first unit always stays: it changes size and channels. So two-unit stages lose one.
    """
    channels = _channels(stage)
    width = max(1, round(channels * width_ratio / groups)) * groups
    for index in range(max(1, len(stage) - _NUM_REPLACED_UNITS), len(stage)):
        unit = SymmetricMultiScaleUnit(channels, width, groups=groups, join=join, tail=tail)
        init_convolutions(unit)
        stage[index] = unit


def _cfg(**changes: Any) -> dict[str, Any]:
    """A default configuration in timm's form; there are no pretrained weights."""
    return {
        "url": "",
        "num_classes": 7,
        "input_size": (3, 224, 224),
        "pool_size": (7, 7),
        "crop_pct": 1.0,
        "interpolation": "bilinear",
        "mean": IMAGENET_DEFAULT_MEAN,
        "std": IMAGENET_DEFAULT_STD,
        "first_conv": "stem.conv1",
        "classifier": ("heads.global", "heads.local"),
        "paper_name": "GMS-LPA, CMES 139(1), 2024",
        **changes,
    }


default_cfgs = generate_default_cfgs(
    {
        "gms_lpa_resnet18": _cfg(),
        "gms_lpa_resnet34": _cfg(),
        "gms_lpa_resnet50": _cfg(),
        "gms_lpa_tiny": _cfg(
            input_size=(3, 64, 64),
            pool_size=(2, 2),
            mean=(0.5, 0.5, 0.5),
            std=(0.25, 0.25, 0.25),
            first_conv="stem.conv1.0",
        ),
    }
)


def _create(variant: str, pretrained: bool, **kwargs: Any) -> GmsLpa:
    """Make a variant through timm's builder, which fills in ``default_cfg``."""
    if pretrained:
        raise ModelError(
            f"{variant}: there are no pretrained weights; use pretrained=False and train it"
        )
    model: GmsLpa = build_model_with_cfg(GmsLpa, variant, pretrained, **kwargs)
    return model


@register
def gms_lpa_resnet18(pretrained: bool = False, **kwargs: Any) -> GmsLpa:
    """GMS-LPA on ResNet18."""
    return _create("gms_lpa_resnet18", pretrained, backbone="resnet18", **kwargs)


@register
def gms_lpa_resnet34(pretrained: bool = False, **kwargs: Any) -> GmsLpa:
    """GMS-LPA on ResNet34."""
    return _create("gms_lpa_resnet34", pretrained, backbone="resnet34", **kwargs)


@register
def gms_lpa_resnet50(pretrained: bool = False, **kwargs: Any) -> GmsLpa:
    """GMS-LPA on ResNet50, the paper's network."""
    return _create("gms_lpa_resnet50", pretrained, backbone="resnet50", **kwargs)


@register
def gms_lpa_tiny(pretrained: bool = False, **kwargs: Any) -> GmsLpa:
    """GMS-LPA on a small ResNet for pictures of 64 px; for tests and the demo."""
    backbone = ResNet(
        BasicBlock,  # type: ignore[arg-type] # timm's annotation lacks type[...]
        layers=(1, 1, 2, 2),
        channels=(24, 48, 96, 160),
        stem_type="deep",
        stem_width=12,
        in_chans=kwargs.get("in_chans", 3),
        num_classes=0,
    )
    arguments = {"width_ratio": 0.5, "local_unit": "bottleneck", **kwargs}
    return _create("gms_lpa_tiny", pretrained, backbone=backbone, **arguments)
