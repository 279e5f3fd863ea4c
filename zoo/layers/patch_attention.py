"""Patch attention: a spatial weight map from channel pooling, inside a residual unit.

Equation 4, Fig. 3c and Fig. 5 of Liu et al., CMES 139(1), 2024.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.layers.conv import ConvNormAct
from zoo.layers.multiscale import Join, check_join


class PatchAttention(nn.Module):
    r"""Weigh every position of a feature map (Eq. 4, Fig. 5).

    .. math::
        S(X) = \sigma(f([\mathrm{avg}(X) \oplus \max(X)])), \qquad Y = S(X) \otimes X

    Average and maximum are taken over the channels; :math:`f` is the pooling-level convolution
    (3x3, stride 1) followed by the spatial-level convolution (3x3, stride 2, padding 1). The
    weight map is brought back to the input's size by nearest-neighbour repetition.

    The text concatenates the two pooled maps, the legend of Eq. 4 calls :math:`\oplus` a sum:
    ``join="concat"`` (default) or ``"sum"``. The padding of the pooling-level convolution is not
    printed; 1 keeps "the spatial dimension consistency" that the text asks for.

    Args:
        join: How the two pooled maps are brought together.
    """

    def __init__(self, *, join: Join = "concat") -> None:
        super().__init__()
        check_join(join)
        self.join = join
        pooled = 2 if join == "concat" else 1
        self.pooling_conv = nn.Conv2d(pooled, pooled, 3, stride=1, padding=1)
        self.spatial_conv = nn.Conv2d(pooled, 1, 3, stride=2, padding=1)

    def weights(self, features: Tensor) -> Tensor:
        """Map features ``(N, C, H, W)`` to weights ``(N, 1, H, W)`` in (0, 1)."""
        average = features.mean(dim=1, keepdim=True)
        maximum = features.amax(dim=1, keepdim=True)
        if self.join == "concat":
            pooled = torch.cat([average, maximum], dim=1)  # (N, 2, H, W)
        else:
            pooled = average + maximum  # (N, 1, H, W)
        spatial = self.spatial_conv(self.pooling_conv(pooled)).sigmoid()  # (N, 1, ceil H/2, ..)
        return functional.interpolate(spatial, size=features.shape[-2:], mode="nearest")

    def forward(self, features: Tensor) -> Tensor:
        """Map features ``(N, C, H, W)`` to weighted features of the same shape."""
        return features * self.weights(features)


class PatchAttentionUnit(nn.Module):
    """Residual unit with patch attention before the addition (Fig. 3c).

    Args:
        in_channels: Channels of the input.
        width: Channels inside a bottleneck; not used by ``unit="basic"``.
        out_channels: Channels of the output.
        stride: Step of the unit's 3x3 convolution (the first one of a basic unit).
        unit: 'bottleneck' (1x1, 3x3, 1x1: "three basic convolution operations", as in ResNet50) or
            'basic' (3x3, 3x3: as in ResNet18 and ResNet34).
        attention: Whether attention is applied; without it this is the plain unit of LP (Table 1).
        join: See :class:`PatchAttention`.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        out_channels: int,
        *,
        stride: int = 1,
        unit: Literal["bottleneck", "basic"] = "bottleneck",
        attention: bool = True,
        join: Join = "concat",
    ) -> None:
        super().__init__()
        if unit == "bottleneck":
            self.convs = nn.Sequential(
                ConvNormAct(in_channels, width),
                ConvNormAct(width, width, kernel_size=3, stride=stride),
                ConvNormAct(width, out_channels, act=False),
            )
        else:
            self.convs = nn.Sequential(
                ConvNormAct(in_channels, out_channels, kernel_size=3, stride=stride),
                ConvNormAct(out_channels, out_channels, kernel_size=3, act=False),
            )
        self.attention: nn.Module = PatchAttention(join=join) if attention else nn.Identity()
        self.shortcut: nn.Module = (
            ConvNormAct(in_channels, out_channels, stride=stride, act=False)
            if stride != 1 or in_channels != out_channels
            else nn.Identity()
        )
        self.act = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """Map features ``(N, in, H, W)`` to ``(N, out, ceil(H / stride), ceil(W / stride))``."""
        weighted = self.attention(self.convs(features))
        out: Tensor = self.act(weighted + self.shortcut(features))
        return out
