"""Levels of detail: patches pooled on their 2-D grid, each level half as many as the one below.

Shape legend: B batch, H grid rows, W grid columns, N = H * W patches, M chosen
patches, D features, P the predictor's width.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from sightline.hjepa.selection import Selection

Fusion = Literal["mean", "fpn"]


def level_strides(num_levels: int) -> list[tuple[int, int]]:
    """Rows and columns of patches that one cell of each level covers.

    Columns are halved first, then rows, in turn: 14 x 14 -> 14 x 7 -> 7 x 7.

    Args:
        num_levels: Levels, at least 1; level 0 is the patches themselves.

    Returns:
        (rows, columns) for each level.

    Example:
        >>> level_strides(3)
        [(1, 1), (1, 2), (2, 2)]
    """
    return [(2 ** (level // 2), 2 ** ((level + 1) // 2)) for level in range(num_levels)]


def level_grids(grid_size: tuple[int, int], num_levels: int) -> list[tuple[int, int]]:
    """Grid size of each level.

    Args:
        grid_size: Patches (rows, columns).
        num_levels: Levels, at least 1.

    Returns:
        (rows, columns) for each level.

    Raises:
        ValueError: If a level does not divide the grid evenly.

    Example:
        >>> level_grids((14, 14), 3)
        [(14, 14), (14, 7), (7, 7)]
    """
    rows, columns = grid_size
    for down, across in level_strides(num_levels):
        if rows % down or columns % across:
            raise ValueError(
                f"expected a grid that {num_levels} levels divide evenly, got {rows} x {columns} "
                f"patches over cells of {down} x {across}: use fewer levels or another patch size"
            )
    return [(rows // down, columns // across) for down, across in level_strides(num_levels)]


def level_depths(depths: Sequence[int] | None, num_levels: int, deepest: int) -> list[int]:
    """After how many blocks of an encoder each level's features are taken.

    Args:
        depths: What was asked for, the finest level first; None for the end of the encoder.
        num_levels: Levels.
        deepest: Blocks of the encoder.

    Returns:
        A depth for each level.

    Raises:
        ValueError: If there is not one for each level, or one is none of the encoder's.

    Example:
        >>> level_depths(None, 3, 12)
        [12, 12, 12]
    """
    found = list(depths or [deepest] * num_levels)
    if len(found) != num_levels or not all(1 <= one <= deepest for one in found):
        raise ValueError(
            f"expected a depth from 1 to {deepest} for each of the {num_levels} levels, got "
            f"{found}; {deepest} is the end of the encoder"
        )
    return found


def on_grid(x_BMD: Tensor, chosen: Selection, grid_size: tuple[int, int]) -> Tensor:
    """Put patches at their places; zero elsewhere.

    Args:
        x_BMD: Features of some patches of each image.
        chosen: Which patches those are.
        grid_size: Patches (rows, columns).

    Returns:
        Features of shape (B, H, W, D).
    """
    B, _, D = x_BMD.shape
    rows, columns = grid_size
    x_TD = chosen.ragged.pack(x_BMD)
    grid_XD = x_TD.new_zeros(B * rows * columns, D).index_copy(0, chosen.place_T, x_TD)
    return grid_XD.view(B, rows, columns, D)


def pool(x_BHWD: Tensor, stride: tuple[int, int]) -> Tensor:
    """Mean of the patches in each cell.

    Args:
        x_BHWD: Features on the patch grid.
        stride: Rows and columns of a cell.

    Returns:
        Features of shape (B, H / rows, W / columns, D).
    """
    if stride == (1, 1):
        return x_BHWD
    down, across = stride
    B, H, W, D = x_BHWD.shape
    return x_BHWD.view(B, H // down, down, W // across, across, D).mean(dim=(2, 4))


def whole_cells(mask_BHW: Tensor, stride: tuple[int, int]) -> Tensor:
    """Cells all of whose patches are in a mask: what a level may be scored on.

    A cell that holds a patch the context encoder saw is not a prediction, and a cell that holds a
    patch in neither set was never predicted; neither is scored.

    Args:
        mask_BHW: Target patches, bool.
        stride: Rows and columns of a cell.

    Returns:
        Bool of shape (B, H / rows, W / columns).
    """
    down, across = stride
    B, H, W = mask_BHW.shape
    return mask_BHW.view(B, H // down, down, W // across, across).all(dim=4).all(dim=2)


class MeanFusion(nn.Module):
    """Each level is the mean of the patches in its cells, whatever the others say.

    Args:
        strides: Rows and columns of patches that a cell of each level covers.
    """

    def __init__(self, strides: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.strides = list(strides)

    def forward(self, predicted_BHWP: Tensor, target_BHW: Tensor) -> list[Tensor]:
        """What is predicted of each level.

        Args:
            predicted_BHWP: Predictions on the patch grid, zero where none was asked for.
            target_BHW: The patches that were asked for, bool.

        Returns:
            Features of shape (B, H / rows, W / columns, P), level by level.
        """
        return [pool(predicted_BHWP, stride) for stride in self.strides]


class PyramidFusion(nn.Module):
    """Each level is the mean of the patches in its cells, and what the coarser ones make of them.

    From the coarsest level down, a cell passes what it holds on to the finer cells that it covers,
    where it is added to a linear map of theirs. The means are over the patches that were asked for.

    Args:
        strides: Rows and columns of patches that a cell of each level covers.
        width: Width P of the predictor.

    Source: Lin et al. 2017, Feature Pyramid Networks for Object Detection (the top-down way).
    """

    def __init__(self, strides: Sequence[tuple[int, int]], width: int) -> None:
        super().__init__()
        self.strides = list(strides)
        self.lateral = nn.ModuleList(nn.Linear(width, width) for _ in strides)

    def forward(self, predicted_BHWP: Tensor, target_BHW: Tensor) -> list[Tensor]:
        """What is predicted of each level; arguments and result as of `MeanFusion`."""
        asked_BHW1 = target_BHW[..., None].to(predicted_BHWP.dtype)
        own = [
            # A cell without a patch that was asked for is zero over one.
            lateral(pool(predicted_BHWP, stride) / _or_one(pool(asked_BHW1, stride)))
            for lateral, stride in zip(self.lateral, self.strides, strict=True)
        ]
        fused = [own.pop()]
        for coarse, fine in pairwise(self.strides[::-1]):
            down, across = coarse[0] // fine[0], coarse[1] // fine[1]
            above = fused[0].repeat_interleave(down, dim=1).repeat_interleave(across, dim=2)
            fused.insert(0, own.pop() + above)
        return fused


def _or_one(share_BHW1: Tensor) -> Tensor:
    return share_BHW1 + (share_BHW1 == 0)
