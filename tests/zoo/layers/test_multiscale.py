"""The multi-scale units against a slow transcription of Eq. 1 to 3 in numpy, float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fertools.errors import ModelError
from zoo.layers import ConvNormAct, MultiScaleChain, MultiScaleUnit, SymmetricMultiScaleUnit


def randomise(module: nn.Module, seed: int = 0) -> nn.Module:
    """Random weights and statistics, float64, eval mode."""
    generator = torch.Generator().manual_seed(seed)
    module.double().eval()
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.dtype == torch.float64:
                values = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
                tensor.copy_(values.abs() + 0.5 if name.endswith("running_var") else values * 0.5)
    return module


def convolve(images: np.ndarray, weight: np.ndarray, *, stride: int = 1) -> np.ndarray:
    """A convolution written as its definition, padded to keep the size at stride 1."""
    out_channels, _, size, _ = weight.shape
    pad = size // 2
    padded = np.pad(images, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    height = (images.shape[2] + 2 * pad - size) // stride + 1
    width = (images.shape[3] + 2 * pad - size) // stride + 1
    out = np.zeros((len(images), out_channels, height, width))
    for n in range(len(images)):
        for o in range(out_channels):
            for y in range(height):
                for x in range(width):
                    window = padded[n, :, y * stride : y * stride + size, x * stride :][..., :size]
                    out[n, o, y, x] = (window * weight[o]).sum()
    return out


def conv_norm(images: np.ndarray, brick: ConvNormAct, *, act: bool) -> np.ndarray:
    """Convolution, batch normalisation and perhaps ReLU, by definition."""
    conv, norm = brick[0], brick[1]
    out = convolve(images, conv.weight.detach().numpy())
    mean, variance = norm.running_mean.numpy(), norm.running_var.numpy()
    scale, shift = norm.weight.detach().numpy(), norm.bias.detach().numpy()
    out = (out - mean[:, None, None]) / np.sqrt(variance + norm.eps)[:, None, None]
    out = out * scale[:, None, None] + shift[:, None, None]
    return np.maximum(out, 0) if act else out


def chain(images: np.ndarray, module: MultiScaleChain) -> np.ndarray:
    """Eq. 1 and 2 with the paper's own indices, from 1 to n."""
    n = module.groups
    size = images.shape[1] // n
    x = {i: images[:, (i - 1) * size : i * size] for i in range(1, n + 1)}
    v = {i: module.convs[i - 1] for i in range(1, n + 1)}
    out: dict[int, np.ndarray] = {}
    if not module.reverse:
        for i in range(1, n + 1):
            out[i] = conv_norm(x[i] if i == 1 else x[i] + out[i - 1], v[i], act=True)
    else:
        for i in range(n, 0, -1):
            out[i] = conv_norm(x[i] if i == n else x[i] + out[i + 1], v[i], act=True)
    return np.concatenate([out[i] for i in range(1, n + 1)], axis=1)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(2, 8, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("reverse", [False, True])
def test_a_chain_is_its_equation(images: torch.Tensor, reverse: bool) -> None:
    module = randomise(MultiScaleChain(8, groups=4, reverse=reverse))
    assert isinstance(module, MultiScaleChain)
    ours = module(images).detach().numpy()
    np.testing.assert_allclose(ours, chain(images.numpy(), module), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("join", ["concat", "sum"])
@pytest.mark.parametrize("tail", [False, True])
def test_the_symmetric_unit_is_its_equations(images: torch.Tensor, join: str, tail: bool) -> None:
    unit = randomise(SymmetricMultiScaleUnit(8, 12, groups=3, join=join, tail=tail))
    assert isinstance(unit, SymmetricMultiScaleUnit)
    reduced = conv_norm(images.numpy(), unit.reduce, act=True)
    positive = conv_norm(chain(reduced, unit.positive), unit.expand_positive, act=tail)
    negative = conv_norm(chain(reduced, unit.negative), unit.expand_negative, act=tail)
    joined = np.concatenate([positive, negative], axis=1) if join == "concat" else None
    joined = positive + negative if joined is None else joined
    if tail:
        joined = conv_norm(joined, unit.tail, act=False)
    expected = np.maximum(joined + images.numpy(), 0)
    np.testing.assert_allclose(unit(images).detach().numpy(), expected, rtol=1e-10, atol=1e-10)


def test_the_one_direction_unit_is_its_equation(images: torch.Tensor) -> None:
    unit = randomise(MultiScaleUnit(8, 8, groups=2))
    assert isinstance(unit, MultiScaleUnit)
    reduced = conv_norm(images.numpy(), unit.reduce, act=True)
    scaled = conv_norm(chain(reduced, unit.positive), unit.expand_positive, act=False)
    expected = np.maximum(scaled + images.numpy(), 0)
    np.testing.assert_allclose(unit(images).detach().numpy(), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_group_depends_on_the_groups_before_it_only(reverse: bool) -> None:
    module = randomise(MultiScaleChain(8, groups=4, reverse=reverse))
    images = torch.randn(1, 8, 5, 5, dtype=torch.float64).requires_grad_()
    for i in range(4):
        [gradient] = torch.autograd.grad(module(images)[:, 2 * i : 2 * i + 2].sum(), images)
        reached = [gradient[:, 2 * j : 2 * j + 2].abs().sum().item() > 0 for j in range(4)]
        assert reached == [(j >= i if reverse else j <= i) for j in range(4)]


def test_a_width_that_does_not_divide_is_refused() -> None:
    with pytest.raises(ModelError, match="10 channels cannot be split into 4"):
        MultiScaleChain(10, groups=4)


def test_an_unknown_join_is_refused() -> None:
    with pytest.raises(ModelError, match="'mean' is not known; expected 'concat' or 'sum'"):
        SymmetricMultiScaleUnit(8, 8, join="mean")  # type: ignore[arg-type]
