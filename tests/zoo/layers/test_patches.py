"""Cutting into patches and laying them back."""

from __future__ import annotations

import pytest
import torch

from fertools.errors import ModelError
from zoo.layers import merge_patches, split_patches


@pytest.mark.parametrize("grid", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(28, 28), (4, 4), (7, 5), (5, 11)])
def test_merging_undoes_splitting(grid: int, size: tuple[int, int]) -> None:
    features = torch.randn(2, 3, *size)
    patches = split_patches(features, grid)
    assert len(patches) == grid * grid
    assert torch.equal(merge_patches(patches, grid), features)


def test_patches_stand_row_by_row_and_sizes_differ_by_one() -> None:
    features = torch.arange(15.0).reshape(1, 1, 3, 5)
    patches = split_patches(features, 2)
    assert [tuple(patch.shape[2:]) for patch in patches] == [(2, 3), (2, 2), (1, 3), (1, 2)]
    assert patches[1].flatten().tolist() == [3.0, 4.0, 8.0, 9.0]
    assert patches[2].flatten().tolist() == [10.0, 11.0, 12.0]


def test_a_grid_finer_than_the_map_is_refused() -> None:
    with pytest.raises(ModelError, match=r"4x4 patch grid does not fit .* 3x8 positions"):
        split_patches(torch.zeros(1, 1, 3, 8), 4)


def test_a_wrong_number_of_patches_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 4 patches for a 2x2 grid; got 3"):
        merge_patches([torch.zeros(1, 1, 2, 2)] * 3, 2)
