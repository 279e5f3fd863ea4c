"""Convolution, batch normalisation and activation: the brick that all blocks are laid from."""

from __future__ import annotations

from torch import nn


class ConvNormAct(nn.Sequential):
    """A convolution without bias, batch normalisation and, unless barred, a ReLU.

    Odd kernels are padded so that stride 1 keeps the spatial size.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Side of the square kernel; odd.
        stride: Step of the convolution.
        act: Whether a ReLU follows.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int = 1,
        stride: int = 1,
        act: bool = True,
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size,
                stride,
                padding=kernel_size // 2,
                bias=False,
            ),
            nn.BatchNorm2d(out_channels),
        ]
        if act:
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


def init_convolutions(module: nn.Module) -> None:
    """Give every convolution below ``module`` the start that timm gives its ResNets.

    Weights are normal with the variance of He et al. (fan out, ReLU), biases zero; batch
    normalisations start as the identity.
    """
    for child in module.modules():
        if isinstance(child, nn.Conv2d):
            nn.init.kaiming_normal_(child.weight, mode="fan_out", nonlinearity="relu")
            if child.bias is not None:
                nn.init.zeros_(child.bias)
        elif isinstance(child, nn.BatchNorm2d):
            nn.init.ones_(child.weight)
            nn.init.zeros_(child.bias)
