"""Which patches the context encoder sees and which the predictor must predict.

Shape legend: B batch, K blocks, H grid rows, W grid columns, N = H * W patches,
M the largest number of chosen patches of any image in the batch.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from sightline.hjepa.ragged import Ragged


class Selection(NamedTuple):
    """The patches chosen by a boolean mask, packed to the left of a rectangle.

    Images choose different numbers of patches; rows that choose fewer than M repeat patch 0 behind
    their last choice, and `valid_BM` is False there.

    Args:
        index_BM: Patch number of each slot, int64, in 0 .. N - 1.
        ragged: Which slots hold a chosen patch.
    """

    index_BM: Tensor
    ragged: Ragged

    @property
    def valid_BM(self) -> Tensor:
        """Whether a slot holds a chosen patch, bool."""
        return self.ragged.valid_BM

    @property
    def index_T(self) -> Tensor:
        """Patch number of each chosen patch of the batch, without the padding, int64."""
        return self.index_BM.flatten().index_select(0, self.ragged.slot_T)

    @classmethod
    def of(cls, mask_BN: Tensor) -> Selection:
        """Pack the chosen patches of each image.

        Args:
            mask_BN: True where a patch is chosen, bool. Keep it on the host: M is read from it.

        Returns:
            The chosen patch numbers in raster order, no chosen patch left out.
        """
        count_B1 = mask_BN.sum(dim=1, keepdim=True)
        longest = int(count_B1.max())
        order_BM = torch.argsort(mask_BN, dim=1, descending=True, stable=True)[:, :longest]
        valid_BM = torch.arange(longest, device=mask_BN.device) < count_B1
        return cls(order_BM * valid_BM, Ragged.of(valid_BM))

    def to(self, device: torch.device) -> Selection:
        """Move to a device without waiting for it.

        Args:
            device: Where to.

        Returns:
            The same selection there.
        """
        return Selection(self.index_BM.to(device, non_blocking=True), self.ragged.to(device))


class Masks(NamedTuple):
    """One batch of masks. No patch is context and target at once.

    Args:
        eligible_BHW: Inside the context block and outside every target block, bool. Where that is
            too little, anywhere outside the target block (see `MultiBlockMasking`).
        context: The patches that the context encoder sees: all the eligible ones.
        target_BHW: In at least one target block, bool.
        target: The patches that are predicted.
        blocks_BKHW: The target blocks one by one, bool; one that was given up is empty. They stay
            on the host, where their shapes are looked at.
    """

    eligible_BHW: Tensor
    context: Selection
    target_BHW: Tensor
    target: Selection
    blocks_BKHW: Tensor

    @classmethod
    def of(cls, eligible_BHW: Tensor, blocks_BKHW: Tensor) -> Masks:
        """Pack boolean masks.

        Args:
            eligible_BHW: Patches that the context encoder may see, bool.
            blocks_BKHW: Blocks of patches to predict, bool, disjoint from the former.

        Returns:
            The masks, with their selections.
        """
        target_BHW = blocks_BKHW.any(dim=1)
        return cls(
            eligible_BHW,
            Selection.of(eligible_BHW.flatten(1)),
            target_BHW,
            Selection.of(target_BHW.flatten(1)),
            blocks_BKHW,
        )

    @property
    def seen_BHW(self) -> Tensor:
        """Patches that the context encoder is really given, bool."""
        seen_BN = torch.zeros_like(self.eligible_BHW.flatten(1), dtype=torch.uint8)
        given = self.context.valid_BM.to(torch.uint8)
        seen_BN.scatter_reduce_(1, self.context.index_BM, given, reduce="amax")
        return seen_BN.bool().view_as(self.eligible_BHW)

    def to(self, device: torch.device) -> Masks:
        """Move to a device without waiting for it.

        Args:
            device: Where to.

        Returns:
            The same masks there.
        """
        return Masks(
            self.eligible_BHW.to(device, non_blocking=True),
            self.context.to(device),
            self.target_BHW.to(device, non_blocking=True),
            self.target.to(device),
            self.blocks_BKHW,
        )


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
