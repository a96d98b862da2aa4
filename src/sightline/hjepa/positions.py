"""Where a patch lies in its image, told to a transformer by addition or by rotation.

A place is counted in patches of the grid that the model was made for. On a finer or coarser grid
the places are spread over the same range, so that a patch is told where in the image it lies, and
not how many patches lie before it.

Shape legend: H grid rows, W grid columns, N = H * W patches, D width, E half of a head's width.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

Positions = Literal["sincos", "rope"]
Grid = tuple[int, int]


def places(grid_size: Grid, trained_grid: Grid | None = None) -> Tensor:
    """Row and column of the middle of each patch, in patches of the trained grid.

    Args:
        grid_size: Patches (rows, columns).
        trained_grid: The grid that the model was made for; None for this one.

    Returns:
        Places of shape (rows * columns, 2), float64, in raster order.

    Example:
        >>> places((1, 4), (1, 2))[:, 1].tolist()
        [-0.25, 0.25, 0.75, 1.25]
    """

    def along(length: int, trained: int) -> Tensor:
        middles = torch.arange(length, dtype=torch.float64) + 0.5
        return middles * (trained / length) - 0.5

    axes = map(along, grid_size, trained_grid or grid_size)
    return torch.cartesian_prod(*axes)


def sincos_positions(grid_size: Grid, width: int, trained_grid: Grid | None = None) -> Tensor:
    """Fixed position embeddings: sines and cosines of the row and of the column.

    Half of the width encodes the row and half the column, each at width / 4 frequencies that fall
    geometrically from 1 to 1/10,000.

    Args:
        grid_size: Patches (rows, columns).
        width: Embedding size D, a multiple of 4.
        trained_grid: The grid that the model was made for; None for this one.

    Returns:
        Embeddings of shape (rows * columns, D), float32, in [-1, 1], patches in raster order.

    Raises:
        ValueError: If the width is not a multiple of 4.

    Example:
        >>> sincos_positions((2, 2), 4)[0].tolist()  # row 0, column 0: sin 0, cos 0, twice
        [0.0, 1.0, 0.0, 1.0]

    Source: Vaswani et al. 2017, Attention Is All You Need (section 3.5), in two dimensions.
    """
    if width % 4:
        raise ValueError(
            f"expected a width that is a multiple of 4 for 2-D positions, got {width}: "
            f"use {width + -width % 4}"
        )
    angle_N2F = places(grid_size, trained_grid)[..., None] * _frequencies(width // 4, 10_000.0)
    return torch.cat([angle_N2F.sin(), angle_N2F.cos()], dim=2).flatten(1).float()


class Rotary(NamedTuple):
    """Rotations of queries and keys, one angle for each pair of their entries.

    Args:
        cos: Cosines of shape (..., E), for tokens of any leading shape.
        sin: Sines, likewise.
    """

    cos: Tensor
    sin: Tensor

    def take(self, index: Tensor) -> Rotary:
        """Pick tokens by number.

        Args:
            index: Token numbers of any shape, int64.

        Returns:
            Rotations of shape (*index.shape, E).
        """
        return Rotary(self.cos[index], self.sin[index])

    def rotate(self, x: Tensor) -> Tensor:
        """Turn the pairs of entries of each head.

        Args:
            x: Queries or keys of shape (..., A, 2E): A heads of each token.

        Returns:
            The same, turned; lengths and the product of two tokens at one place are unchanged.
        """
        first, second = x.chunk(2, dim=-1)
        cos, sin = self.cos[..., None, :].to(x.dtype), self.sin[..., None, :].to(x.dtype)
        return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def rotary_positions(grid_size: Grid, head_width: int, trained_grid: Grid | None = None) -> Rotary:
    """Rotations by the row and by the column, so that attention knows how far apart patches lie.

    Half of the pairs turn with the row and half with the column, each at head_width / 4 speeds that
    fall geometrically from 1 to 1/100 radian a patch: the slowest turns by little across an image.

    Args:
        grid_size: Patches (rows, columns).
        head_width: Width of an attention head 2E, a multiple of 4.
        trained_grid: The grid that the model was made for; None for this one.

    Returns:
        Cosines and sines of shape (rows * columns, E), float32, patches in raster order.

    Raises:
        ValueError: If the width is not a multiple of 4.

    Example:
        >>> rotary_positions((1, 3), 4).cos[:, 1].tolist()[0]  # column 0 is not turned
        1.0

    Source: Su et al. 2021, RoFormer: Enhanced Transformer with Rotary Position Embedding; on two
    axes and with this range of speeds Heo et al. 2024, Rotary Position Embedding for Vision
    Transformer.
    """
    if head_width % 4:
        raise ValueError(
            f"expected heads whose width is a multiple of 4 for 2-D rotations, got {head_width}: "
            f"use a width of {head_width + -head_width % 4} a head"
        )
    angle_NE = (
        places(grid_size, trained_grid)[..., None] * _frequencies(head_width // 4, 100.0)
    ).flatten(1)
    return Rotary(angle_NE.cos().float(), angle_NE.sin().float())


class PatchPositions(nn.Module):
    """What a transformer is told about places, of one of two kinds, ready for its own grid.

    Args:
        kind: `sincos`: embeddings are added to the tokens; `rope`: queries and keys are turned.
        grid_size: Patches (rows, columns) that the model is made for.
        width: Embedding size D.
        num_heads: Attention heads; they divide D.

    Raises:
        ValueError: If the width of the model, or that of a head, is not a multiple of 4.
    """

    def __init__(self, kind: Positions, grid_size: Grid, width: int, num_heads: int) -> None:
        super().__init__()
        self.kind = kind
        self.grid_size = grid_size
        self.width = width
        self.head_width = width // num_heads
        for number, table in enumerate(self._tables(grid_size)):
            self.register_buffer(f"table{number}", table, persistent=False)

    def forward(self, grid_size: Grid | None = None) -> tuple[Tensor | None, Rotary | None]:
        """The positions of a grid.

        Args:
            grid_size: Patches (rows, columns); None for those that the model is made for.

        Returns:
            Embeddings to be added, (N, D), or None; rotations of N tokens, or None.
        """
        if grid_size in {None, self.grid_size}:
            tables = tuple(self.buffers())
        else:
            device = next(self.buffers()).device
            tables = tuple(table.to(device) for table in self._tables(grid_size))
        return (tables[0], None) if self.kind == "sincos" else (None, Rotary(*tables))

    def _tables(self, grid_size: Grid) -> tuple[Tensor, ...]:
        if self.kind == "sincos":
            return (sincos_positions(grid_size, self.width, self.grid_size),)
        return rotary_positions(grid_size, self.head_width, self.grid_size)


def _frequencies(num: int, ratio: float) -> Tensor:
    """From 1 down towards 1 / ratio, which is left out."""
    return ratio ** -(torch.arange(num, dtype=torch.float64) / num)
