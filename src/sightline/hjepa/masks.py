"""Which patches the context encoder sees and which the predictor must predict.

Shape legend: B batch, K blocks, H grid rows, W grid columns.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sightline.hjepa.selection import Masks


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
        height, width = self._block_sizes(torch.tensor(context_scale[0]), torch.ones(()))
        smallest_window = int(height * width)
        if smallest_window < self.min_context:
            raise ValueError(
                f"expected a context block of at least min_context={self.min_context} patches, got "
                f"one of {smallest_window}: raise context_scale or lower min_context"
            )

    def __call__(self, batch_size: int, generator: torch.Generator) -> Masks:
        """Draw the masks of one batch, on the host.

        Args:
            batch_size: Images, B.
            generator: Source of randomness, on the CPU; the masks are a function of its state
                alone.

        Returns:
            Masks for B images on the CPU; move them with `.to(device)`.
        """
        scale_BK = self._uniform(self.mask_scale, (batch_size, self.num_masks), generator)
        # Uniform in the logarithm: a block is as likely to be 3:2 as 2:3.
        low, high = (math.log(edge) for edge in self.aspect_ratio)
        aspect_BK = self._uniform((low, high), (batch_size, self.num_masks), generator).exp()
        blocks_BKHW = self._place(*self._block_sizes(scale_BK, aspect_BK), generator)

        scale_B1 = self._uniform(self.context_scale, (batch_size, 1), generator)
        window_sizes = self._block_sizes(scale_B1, torch.ones_like(scale_B1))
        window_BHW = self._place(*window_sizes, generator)[:, 0]

        for num_kept in range(self.num_masks - 1, 0, -1):
            eligible_BHW = window_BHW & ~blocks_BKHW.any(dim=1)
            crowded_B = eligible_BHW.sum(dim=(1, 2)) < self.min_context
            blocks_BKHW[:, num_kept] &= ~crowded_B[:, None, None]
        target_BHW = blocks_BKHW.any(dim=1)
        eligible_BHW = window_BHW & ~target_BHW
        # One block is left and the window lies on it: the image's context is then all the rest.
        crowded_B = eligible_BHW.sum(dim=(1, 2)) < self.min_context
        eligible_BHW |= ~target_BHW & crowded_B[:, None, None]
        return Masks.of(eligible_BHW, blocks_BKHW)

    @property
    def mask_ratio_range(self) -> tuple[float, float]:
        """Smallest and largest share of the grid that the targets of an image can cover."""
        num_patches = self.grid_size[0] * self.grid_size[1]
        most = min(self.num_masks * self._largest_block(), num_patches - self.min_context)
        return self._smallest_block() / num_patches, most / num_patches

    @staticmethod
    def _uniform(
        edges: tuple[float, float], shape: tuple[int, ...], generator: torch.Generator
    ) -> Tensor:
        low, high = edges
        return low + (high - low) * torch.rand(shape, generator=generator)

    def _block_sizes(self, scale: Tensor, aspect: Tensor) -> tuple[Tensor, Tensor]:
        """Whole rows and columns nearest to an area and a shape; the columns make up the area."""
        rows, columns = self.grid_size
        area = scale * rows * columns
        # A block that would be wider than the grid grows in height instead.
        height = (area * aspect).sqrt().maximum(area / columns).round().clamp(1, rows)
        width = (area / height).round().clamp(1, columns)
        return height.long(), width.long()

    def _largest_block(self) -> int:
        """A bound on the patches of a target block, over all heights that it can round to."""
        return int(self._areas(self.mask_scale[1]).max())

    def _smallest_block(self) -> int:
        """The same from below."""
        return int(self._areas(self.mask_scale[0]).min())

    def _areas(self, scale: float) -> Tensor:
        heights, _ = self._block_sizes(
            torch.tensor(self.mask_scale), torch.tensor(self.aspect_ratio)
        )
        height = torch.arange(int(heights[0]), int(heights[1]) + 1)
        rows, columns = self.grid_size
        return height * (scale * rows * columns / height).round().clamp(1, columns)

    def _place(self, height_BK: Tensor, width_BK: Tensor, generator: torch.Generator) -> Tensor:
        """Put each block somewhere it fits, every such place equally likely, the edges included."""
        rows, columns = self.grid_size

        def inside(size_BK: Tensor, length: int) -> Tensor:
            places_BK = length - size_BK + 1
            start_BK = (torch.rand(size_BK.shape, generator=generator) * places_BK).long()
            position = torch.arange(length)
            return (position >= start_BK[..., None]) & (position < (start_BK + size_BK)[..., None])

        row_BKH, column_BKW = inside(height_BK, rows), inside(width_BK, columns)
        return row_BKH[..., :, None] & column_BKW[..., None, :]
