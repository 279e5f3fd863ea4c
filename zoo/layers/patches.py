"""Cut a feature map into a grid of patches and lay the patches back (section 3.3 of Liu et al.)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fertools.errors import ModelError


def split_patches(features: Tensor, grid: int) -> list[Tensor]:
    """Cut features into ``grid`` x ``grid`` patches.

    A side that does not divide evenly gives its first rows (columns) of patches one more position
    than the last ones, so that sizes differ by one at most: 5 into 2 is 3 and 2.

    Args:
        features: Shape ``(N, C, H, W)``.
        grid: Patches along each side, m; the paper takes 2.

    Returns:
        ``grid * grid`` patches, row by row from the top left, each ``(N, C, about H / grid, about
        W / grid)``; views of ``features``, not copies.

    Raises:
        ModelError: If the map has fewer positions along a side than ``grid``.
    """
    height, width = features.shape[-2:]
    if grid < 1 or grid > min(height, width):
        raise ModelError(
            f"a {grid}x{grid} patch grid does not fit a feature map of {height}x{width} positions; "
            "expected a grid from 1 to the shorter side (choose a coarser grid or larger images)"
        )
    return [
        patch
        for row in features.tensor_split(grid, dim=-2)
        for patch in row.tensor_split(grid, dim=-1)
    ]


def merge_patches(patches: Sequence[Tensor], grid: int) -> Tensor:
    """Lay ``grid`` x ``grid`` patches back into one map; the reverse of :func:`split_patches`.

    Args:
        patches: Row by row from the top left; patches of one row share their height, patches of
            one column their width.
        grid: Patches along each side.

    Returns:
        Features ``(N, C, sum of heights, sum of widths)``.

    Raises:
        ValueError: If the number of patches is not ``grid * grid``.
    """
    if len(patches) != grid * grid:
        raise ValueError(
            f"expected {grid * grid} patches for a {grid}x{grid} grid; got {len(patches)}"
        )
    rows = [
        torch.cat(list(patches[start : start + grid]), dim=-1)
        for start in range(0, len(patches), grid)
    ]
    return torch.cat(rows, dim=-2)
