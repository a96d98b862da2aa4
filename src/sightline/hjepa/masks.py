"""Which patches the context encoder sees and which the predictor must predict.

Shape legend: B batch, K blocks, H grid rows, W grid columns.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from sightline.hjepa.placement import Placement, Sizes, block_sizes
from sightline.hjepa.selection import Masks, count, union

PlacementKind = Literal["even", "uniform"]


class MultiBlockMasking:
    """Several target blocks to predict from what is left of one large context block.

    Every image draws its own blocks, every block its own scale, aspect ratio and place, and a block
    may touch every edge, so that each position of the grid can be context and can be target. Where
    the blocks of an image would leave fewer than `min_context` patches, its last blocks are given
    up until enough are left; where even the first leaves too few of the context block, all patches
    outside it are context. Context and targets never overlap.

    Args:
        grid_size: Patches (rows, columns), each at least 2.
        num_masks: Target blocks an image.
        mask_scale: Smallest and largest area of a target block, as a share of the grid, in (0, 1).
        aspect_ratio: Smallest and largest height over width of a target block, positive.
        context_scale: Smallest and largest area of the square context block, in (0, 1].
        placement: Where target blocks lie. `even` weighs their places so that all positions are
            context about equally often, see `Placement.even_out`; with `uniform`, all places are
            equally likely, as in I-JEPA, so that on a grid of 14 x 14 some positions are context
            seven times as often as others.
        min_context: Fewest context patches an image keeps; default an eighth of the grid.

    Raises:
        ValueError: If a range is empty or outside its bounds, or no room for the context is left.

    Example:
        >>> masking = MultiBlockMasking((14, 14))
        >>> masks = masking(64, torch.Generator().manual_seed(0))
        >>> bool((masks.eligible_BHW & masks.target_BHW).any())
        False

    Source: Assran et al. 2023, Self-Supervised Learning from Images with a Joint-Embedding
    Predictive Architecture (section 3).
    """

    def __init__(
        self,
        grid_size: tuple[int, int],
        *,
        num_masks: int = 4,
        mask_scale: tuple[float, float] = (0.15, 0.2),
        aspect_ratio: tuple[float, float] = (0.75, 1.5),
        context_scale: tuple[float, float] = (0.85, 1.0),
        placement: PlacementKind = "even",
        min_context: int | None = None,
    ) -> None:
        rows, columns = grid_size
        if min(rows, columns) < 2 or num_masks < 1:
            raise ValueError(
                f"expected a grid of at least 2 x 2 patches and one target block, got a grid of "
                f"{rows} x {columns} and {num_masks} blocks: use smaller patches or more blocks"
            )
        for name, (low, high), most in (
            ("mask_scale", mask_scale, 1.0),
            ("context_scale", context_scale, 1.0),
            ("aspect_ratio", aspect_ratio, math.inf),
        ):
            if not 0 < low <= high <= most:
                raise ValueError(
                    f"expected 0 < low <= high <= {most:g} for {name}, got ({low}, {high}): "
                    f"give the smaller number first"
                )
        self.grid_size = (rows, columns)
        self.num_masks = num_masks
        self.mask_scale = mask_scale
        self.aspect_ratio = aspect_ratio
        self.context_scale = context_scale
        self.min_context = max(1, rows * columns // 8) if min_context is None else min_context
        largest_block = self._largest_block()
        if not 1 <= self.min_context <= rows * columns - largest_block:
            raise ValueError(
                f"expected room for min_context={self.min_context} patches beside the largest "
                f"target block of {largest_block} of {rows * columns} patches: "
                f"lower mask_scale or min_context"
            )
        height, width = block_sizes(grid_size, torch.tensor(context_scale[0]), torch.ones(()))
        smallest_window = int(height * width)
        if smallest_window < self.min_context:
            raise ValueError(
                f"expected a context block of at least min_context={self.min_context} patches, got "
                f"one of {smallest_window}: raise context_scale or lower min_context"
            )

        self.windows = Placement(grid_size, Sizes.of(grid_size, context_scale, (1.0, 1.0)))
        self.blocks = Placement(grid_size, Sizes.of(grid_size, mask_scale, aspect_ratio))
        if placement == "even":
            self.blocks.even_out(self.windows.coverage_HW, num_masks)

    def __call__(self, batch_size: int, generator: torch.Generator) -> Masks:
        """Draw the masks of one batch, on the host.

        Args:
            batch_size: Images, B.
            generator: Source of randomness, on the CPU; the masks are a function of its state
                alone.

        Returns:
            Masks for B images on the CPU; move them with `.to(device)`.
        """
        windows_BN = self.windows.draw(batch_size, 1, generator)[:, 0]
        blocks_BKN = self.blocks.draw(batch_size, self.num_masks, generator)
        target_BN = union(blocks_BKN)
        eligible_BN = windows_BN & ~target_BN
        for last in range(self.num_masks - 1, -1, -1):
            crowded_B = count(eligible_BN) < self.min_context
            if not crowded_B.any():
                break
            if last:
                blocks_BKN[crowded_B, last] = False
                target_BN[crowded_B] = union(blocks_BKN[crowded_B])
                eligible_BN[crowded_B] = windows_BN[crowded_B] & ~target_BN[crowded_B]
            else:  # the window lies on the one block that is left: all the rest is context
                eligible_BN[crowded_B] = ~target_BN[crowded_B]
        return Masks.of(
            eligible_BN.unflatten(1, self.grid_size), blocks_BKN.unflatten(2, self.grid_size)
        )

    @property
    def mask_ratio_range(self) -> tuple[float, float]:
        """Smallest and largest share of the grid that the targets of an image can cover."""
        num_patches = self.grid_size[0] * self.grid_size[1]
        most = min(self.num_masks * self._largest_block(), num_patches - self.min_context)
        return self._smallest_block() / num_patches, most / num_patches

    def _largest_block(self) -> int:
        """A bound on the patches of a target block, over all heights that it can round to."""
        return int(self._areas(self.mask_scale[1]).max())

    def _smallest_block(self) -> int:
        """The same from below."""
        return int(self._areas(self.mask_scale[0]).min())

    def _areas(self, scale: float) -> Tensor:
        heights, _ = block_sizes(
            self.grid_size,
            torch.tensor(self.mask_scale, dtype=torch.float64),
            torch.tensor(self.aspect_ratio, dtype=torch.float64),
        )
        height = torch.arange(int(heights[0]), int(heights[1]) + 1)
        rows, columns = self.grid_size
        return height * (scale * rows * columns / height).round().clamp(1, columns)
