"""Multi-scale units: channel groups chained by 3x3 convolutions in one or both directions.

Equations 1 to 3 of Liu et al., "Deep Global Multiple-Scale and Local Patches Attention
Dual-Branch Network for Pose-Invariant Facial Expression Recognition", CMES 139(1), 2024.
The printed Eq. 2 chains ``X_i`` to the group ``i - 1``; its text ("all the semantic features from
the latter subsets") and its first case ``i = n`` mean ``i + 1``, which is what stands here.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from fertools.errors import ModelError
from zoo.layers.conv import ConvNormAct

Join = Literal["concat", "sum"]
"""How two maps are brought together: side by side along the channels, or added."""


def check_join(join: str) -> None:
    """Refuse a way of joining that does not exist.

    Raises:
        ModelError: If ``join`` is neither 'concat' nor 'sum'.
    """
    if join not in get_args(Join):
        raise ModelError(f"join {join!r} is not known; expected 'concat' or 'sum'")


def check_groups(width: int, groups: int) -> None:
    """Refuse a width that cannot be cut into equal groups.

    Raises:
        ModelError: If ``width`` is no multiple of ``groups``, or one of them is below 1.
    """
    if groups < 1 or width < groups or width % groups:
        raise ModelError(
            f"a multi-scale width of {width} channels cannot be split into {groups} equal groups; "
            "expected a multiple"
        )


class MultiScaleChain(nn.Module):
    r"""One direction of the multi-scale operation (Eq. 1, or Eq. 2 when ``reverse``).

    .. math::
        \tilde X_i = v_i(X_i + \tilde X_{i-1}), \qquad \tilde X_1 = v_1(X_1)

    and with ``reverse`` the same from the last group to the first. Each :math:`v_i` is a 3x3
    convolution, batch normalisation and ReLU with weights of its own.

    Args:
        width: Channels of input and output; divisible by ``groups``.
        groups: Number n of channel groups; the paper takes 4.
        reverse: Whether the chain runs from the last group to the first (Eq. 2).

    Raises:
        ModelError: If ``width`` cannot be split into ``groups`` equal groups.
    """

    def __init__(self, width: int, *, groups: int = 4, reverse: bool = False) -> None:
        super().__init__()
        check_groups(width, groups)
        self.groups = groups
        self.reverse = reverse
        self.convs = nn.ModuleList(
            ConvNormAct(width // groups, width // groups, kernel_size=3) for _ in range(groups)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map features ``(N, width, H, W)`` to features of the same shape."""
        subsets = features.chunk(self.groups, dim=1)  # n times (N, width / n, H, W)
        order = range(self.groups)
        outputs: dict[int, Tensor] = {}
        previous: Tensor | None = None
        for i in reversed(order) if self.reverse else order:
            subset = subsets[i] if previous is None else subsets[i] + previous
            previous = outputs[i] = self.convs[i](subset)
        return torch.cat([outputs[i] for i in order], dim=1)


class SymmetricMultiScaleUnit(nn.Module):
    r"""Symmetric multi-scale residual unit, SMS (Fig. 3b, Eq. 1 to 3).

    A 1x1 convolution to ``width`` channels, both chains on its output, a 1x1 convolution after each
    chain, the two outputs joined, the input added, ReLU.

    The text joins "along the channel axis", Eq. 3 prints a sum. With ``join="concat"`` (default;
    the reading whose parameter counts agree with Table 15) each 1x1 convolution gives half of the
    channels; with ``join="sum"`` each gives all of them and the two are added.

    Args:
        channels: Channels of input and output; even for ``join="concat"``.
        width: Channels inside; divisible by ``groups``.
        groups: Number n of channel groups; the paper takes 4.
        join: How the two directions are brought together.
        tail: Whether a 3x3 convolution follows the join, as the paper has it for the basic
            residual units of ResNet18 and ResNet34.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        *,
        groups: int = 4,
        join: Join = "concat",
        tail: bool = False,
    ) -> None:
        super().__init__()
        check_join(join)
        check_groups(width, groups)
        if join == "concat" and channels % 2:
            raise ModelError(f"join 'concat' needs an even number of channels; got {channels}")
        self.join = join
        each = channels // 2 if join == "concat" else channels
        self.reduce = ConvNormAct(channels, width)
        self.positive = MultiScaleChain(width, groups=groups)
        self.negative = MultiScaleChain(width, groups=groups, reverse=True)
        self.expand_positive = ConvNormAct(width, each, act=tail)
        self.expand_negative = ConvNormAct(width, each, act=tail)
        self.tail: nn.Module = (
            ConvNormAct(channels, channels, kernel_size=3, act=False) if tail else nn.Identity()
        )
        self.act = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """Map features ``(N, C, H, W)`` to features of the same shape."""
        reduced = self.reduce(features)  # (N, width, H, W)
        positive = self.expand_positive(self.positive(reduced))
        negative = self.expand_negative(self.negative(reduced))
        if self.join == "concat":
            joined = torch.cat([positive, negative], dim=1)  # (N, C/2 + C/2, H, W)
        else:
            joined = positive + negative
        out: Tensor = self.act(self.tail(joined) + features)
        return out


class MultiScaleUnit(nn.Module):
    """One-direction multi-scale residual unit, MS (Eq. 1 alone), the rival of SMS in Table 1.

    Args:
        channels: Channels of input and output.
        width: Channels inside; divisible by ``groups``.
        groups: Number n of channel groups.
        tail: Whether a 3x3 convolution follows, as in :class:`SymmetricMultiScaleUnit`.
    """

    def __init__(self, channels: int, width: int, *, groups: int = 4, tail: bool = False) -> None:
        super().__init__()
        check_groups(width, groups)
        self.reduce = ConvNormAct(channels, width)
        self.positive = MultiScaleChain(width, groups=groups)
        self.expand_positive = ConvNormAct(width, channels, act=tail)
        self.tail: nn.Module = (
            ConvNormAct(channels, channels, kernel_size=3, act=False) if tail else nn.Identity()
        )
        self.act = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """Map features ``(N, C, H, W)`` to features of the same shape."""
        scaled = self.expand_positive(self.positive(self.reduce(features)))
        out: Tensor = self.act(self.tail(scaled) + features)
        return out
