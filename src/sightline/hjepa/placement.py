"""Which blocks of patches can be drawn on a grid, and how likely each one is.

Shape legend: B batch, K blocks of an image, S sizes of a block, G blocks that can be drawn, H grid
rows, W grid columns, N = H * W patches, R and C first row and column of a block.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from sightline.hjepa.positions import Grid

NUM_STEPS = 64  # of the scale and of the aspect ratio, from the smallest to the largest
NUM_ROUNDS, STEP = 30, 3.0  # in which places are weighed, and how far each goes
LEAST_CHANCE = 0.1  # of a place, over what it is where all places are equally likely


class Sizes(NamedTuple):
    """The sizes that a block can have, and how likely each one is.

    Args:
        height_S: Rows, int64.
        width_S: Columns, int64.
        chance_S: Chances, float64, of sum 1.
    """

    height_S: Tensor
    width_S: Tensor
    chance_S: Tensor

    @classmethod
    def of(cls, grid: Grid, scale: tuple[float, float], aspect: tuple[float, float]) -> Sizes:
        """The sizes of a block whose area and shape are drawn each on its own.

        The scale is uniform in its range and the aspect ratio in its logarithm: a block is as
        likely to be 3:2 as 2:3. Both take 64 values, at the middle of as many equal steps.

        Args:
            grid: Rows and columns of the grid.
            scale: Smallest and largest area of a block, as a share of the grid.
            aspect: Smallest and largest height over width of a block.

        Returns:
            The sizes, in whole rows and columns, each once.
        """
        step = (torch.arange(NUM_STEPS, dtype=torch.float64) + 0.5) / NUM_STEPS
        low, high = (math.log(edge) for edge in aspect)
        scales = scale[0] + (scale[1] - scale[0]) * step
        drawn = block_sizes(grid, scales[:, None], (low + (high - low) * step).exp())
        size_S2, times_S = torch.unique(
            torch.stack(drawn, dim=-1).flatten(0, 1), dim=0, return_counts=True
        )
        return cls(size_S2[:, 0], size_S2[:, 1], times_S.double() / times_S.sum())


def block_sizes(grid: Grid, scale: Tensor, aspect: Tensor) -> tuple[Tensor, Tensor]:
    """Whole rows and columns nearest to an area and a shape; the columns make up the area.

    Args:
        grid: Rows and columns of the grid.
        scale: Area of a block as a share of the grid.
        aspect: Height over width of a block.

    Returns:
        Rows and columns, int64, from 1 to those of the grid.
    """
    rows, columns = grid
    area = scale * rows * columns
    # A block that would be wider than the grid grows in height instead.
    height = (area * aspect).sqrt().maximum(area / columns).round().clamp(1, rows)
    width = (area / height).round().clamp(1, columns)
    return height.long(), width.long()


class Placement:
    """Draws blocks: every size at every place where it fits inside of the grid.

    All places of a size are equally likely until `even_out` weighs them.

    Args:
        grid: Rows and columns of the grid.
        sizes: Sizes of the blocks.
    """

    def __init__(self, grid: Grid, sizes: Sizes) -> None:
        rows, columns = grid
        row_spans, column_spans = _spans(rows), _spans(columns)
        top_SR = torch.arange(rows) <= rows - sizes.height_S[:, None]
        left_SC = torch.arange(columns) <= columns - sizes.width_S[:, None]
        self._fits_SRC = top_SR[:, :, None] & left_SC[:, None, :]
        # From patches to blocks and back: one matrix for each side.
        self._rows_SRH = row_spans[sizes.height_S - 1].double()
        self._columns_SCW = column_spans[sizes.width_S - 1].double()
        # A block is a span of rows and one of columns, both laid out on the whole grid.
        size_G, top_G, left_G = self._fits_SRC.nonzero(as_tuple=True)
        self._rows_G = (sizes.height_S[size_G] - 1) * rows + top_G
        self._columns_G = (sizes.width_S[size_G] - 1) * columns + left_G
        self._rows_IN = row_spans.flatten(0, 1).repeat_interleave(columns, dim=1)
        self._columns_IN = column_spans.flatten(0, 1).repeat(1, rows)
        self._size_S11 = sizes.chance_S[:, None, None]
        self._weigh(torch.zeros(grid, dtype=torch.float64))

    @property
    def coverage_HW(self) -> Tensor:
        """Chance of each patch to be in a block, float64."""
        return (self._rows_SRH.mT @ self.chance_SRC @ self._columns_SCW).sum(0)

    def even_out(self, free_HW: Tensor, num_blocks: int) -> None:
        r"""Weigh places so that all patches are left over about equally often.

        Blocks that lie anywhere with equal chance lie over the middle of a grid many times as often
        as over its corners. Here each patch has a potential, and a place is as likely as the
        exponential of the sum over the patches of its block; patches that are left over too often
        raise their potential, round after round:

        $$ \log p_{block} = \sum_{i \in block} \phi_i + const,  \quad
        \Delta \phi_i = \frac{3}{area} (\log u_i - \overline{\log u}),  \quad
        u_i = f_i (1 - c_i)^K $$

        No place becomes less likely than a tenth of what it was. Of the distributions that give a
        coverage, this form has the most entropy. Blocks wider than a third of the grid cannot be
        placed quite evenly: those 3 wide on a grid 8 wide cover either the third column or the
        sixth, wherever they lie.

        Args:
            free_HW: Chance f of each patch to be left over if there were no blocks.
            num_blocks: Blocks K of an image.

        Source of the form: Jaynes 1957, Information Theory and Statistical Mechanics.
        """
        area = self.coverage_HW.sum()
        potential_HW = torch.zeros_like(free_HW)
        for _ in range(NUM_ROUNDS):
            missed_HW = (1 - self.coverage_HW).clamp(min=1e-3)
            left_HW = free_HW.log() + num_blocks * missed_HW.log()
            potential_HW += (left_HW - left_HW.mean()) * (STEP / area)
            self._weigh(potential_HW)

    def draw(self, num_images: int, num_blocks: int, generator: torch.Generator) -> Tensor:
        """Draw blocks, each on its own.

        Args:
            num_images: Images B.
            num_blocks: Blocks K of an image.
            generator: Source of randomness, on the CPU.

        Returns:
            The blocks, of shape (B, K, N), bool, N in raster order.
        """
        drawn = torch.rand(num_images * num_blocks, generator=generator, dtype=torch.float64)
        # Without the last, which is 1 but for rounding.
        block = torch.searchsorted(self._cumulative_G[:-1], drawn, right=True)
        blocks_XN = self._rows_IN.index_select(0, self._rows_G[block])
        blocks_XN &= self._columns_IN.index_select(0, self._columns_G[block])
        return blocks_XN.view(num_images, num_blocks, -1)

    def _weigh(self, potential_HW: Tensor) -> None:
        sum_SRC = self._rows_SRH @ potential_HW @ self._columns_SCW.mT
        drawn_SG = sum_SRC.masked_fill(~self._fits_SRC, -math.inf).flatten(1).softmax(dim=1)
        place_SRC = drawn_SG.view_as(sum_SRC) * (1 - LEAST_CHANCE)
        place_SRC += self._fits_SRC * (LEAST_CHANCE / self._fits_SRC.sum((1, 2), keepdim=True))
        self.chance_SRC = place_SRC * self._size_S11
        self._cumulative_G = self.chance_SRC[self._fits_SRC].cumsum(0)


def _spans(length: int) -> Tensor:
    """Patches of each span of a row or column, by its size less 1 and its start, bool."""
    place = torch.arange(length)
    start, size = place[:, None], place[:, None, None] + 1
    return (start <= place) & (place < start + size)
