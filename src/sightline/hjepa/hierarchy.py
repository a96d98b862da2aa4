"""Levels of detail: patches pooled on their 2-D grid, each level half as many as the one below.

Shape legend: B batch, H grid rows, W grid columns, D features.
"""

from __future__ import annotations

from torch import Tensor


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
