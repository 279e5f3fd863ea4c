"""Patch attention against a slow transcription of Eq. 4 in numpy, float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo.layers import PatchAttention, PatchAttentionUnit


def literal_weights(features: np.ndarray, module: PatchAttention) -> np.ndarray:
    """Eq. 4, one position after another."""

    def convolve(maps: np.ndarray, conv: torch.nn.Conv2d, stride: int) -> np.ndarray:
        weight, bias = conv.weight.detach().numpy(), conv.bias.detach().numpy()  # type: ignore[union-attr]
        height, width = maps.shape[1:]
        padded = np.pad(maps, ((0, 0), (1, 1), (1, 1)))
        rows, columns = range(0, height, stride), range(0, width, stride)
        return np.array(
            [
                [[(padded[:, y : y + 3, x : x + 3] * w).sum() + b for x in columns] for y in rows]
                for w, b in zip(weight, bias, strict=True)
            ]
        )

    out = np.empty((len(features), 1, *features.shape[2:]))
    for n, sample in enumerate(features):
        average, maximum = sample.mean(axis=0), sample.max(axis=0)
        pooled = np.stack([average, maximum])
        if module.join == "sum":
            pooled = (average + maximum)[None]
        spatial = convolve(convolve(pooled, module.pooling_conv, 1), module.spatial_conv, 2)[0]
        spatial = 1 / (1 + np.exp(-spatial))
        height, width = sample.shape[1:]
        for y in range(height):
            for x in range(width):
                source = y * spatial.shape[0] // height, x * spatial.shape[1] // width
                out[n, 0, y, x] = spatial[source]
    return out


@pytest.mark.parametrize("join", ["concat", "sum"])
@pytest.mark.parametrize("size", [(6, 6), (7, 5), (1, 1)])
def test_attention_is_its_equation(join: str, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    module = PatchAttention(join=join).double()  # type: ignore[arg-type]
    features = torch.randn(2, 6, *size, dtype=torch.float64)
    expected = literal_weights(features.numpy(), module)
    ours = module.weights(features).detach().numpy()
    np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(
        module(features).detach().numpy(), features.numpy() * expected, rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("unit", ["bottleneck", "basic"])
def test_a_unit_weighs_before_it_adds(unit: str) -> None:
    torch.manual_seed(0)
    module = PatchAttentionUnit(6, 4, 10, stride=2, unit=unit).double().eval()  # type: ignore[arg-type]
    features = torch.randn(2, 6, 7, 5, dtype=torch.float64)
    convolved = module.convs(features)
    weighted = convolved * module.attention.weights(convolved)  # type: ignore[operator]
    expected = (weighted + module.shortcut(features)).clamp(min=0)
    ours = module(features)
    assert ours.shape == (2, 10, 4, 3)
    torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)


def test_without_attention_the_unit_is_a_plain_residual_one() -> None:
    module = PatchAttentionUnit(6, 4, 6, attention=False).eval()
    features = torch.randn(1, 6, 4, 4)
    torch.testing.assert_close(module(features), (module.convs(features) + features).relu())
