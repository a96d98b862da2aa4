"""Patches chosen of each image, packed for the model.

Shape legend: B batch, K blocks, H grid rows, W grid columns, N = H * W patches,
M the largest number of chosen patches of any image in the batch.
"""

from __future__ import annotations

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
