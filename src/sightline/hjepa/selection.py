"""Patches chosen of each image, packed for the model.

Shape legend: B batch, K blocks, H grid rows, W grid columns, N = H * W patches,
M the largest number of chosen patches of any image in the batch.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sightline.hjepa.ragged import Ragged, true_places


class Selection(NamedTuple):
    """The patches chosen by a boolean mask, packed to the left of a rectangle.

    Images choose different numbers of patches; the slots of a row behind its last choice are empty.

    Args:
        place_T: Place of each chosen patch among all patches of the batch, int64, in 0 .. B N - 1.
        ragged: Which slots hold a chosen patch.
        num_patches: Patches N of an image.
    """

    place_T: Tensor
    ragged: Ragged
    num_patches: int

    @property
    def valid_BM(self) -> Tensor:
        """Whether a slot holds a chosen patch, bool."""
        return self.ragged.valid_BM

    @property
    def index_T(self) -> Tensor:
        """Patch number of each chosen patch in its image, int64."""
        return self.place_T % self.num_patches

    @property
    def index_BM(self) -> Tensor:
        """Patch number of each slot, int64; 0 in empty ones."""
        return self.ragged.pad(self.index_T[:, None])[..., 0]

    @classmethod
    def of(cls, mask_BN: Tensor, length_B: Tensor | None = None) -> Selection:
        """Pack the chosen patches of each image.

        Args:
            mask_BN: True where a patch is chosen, bool. Keep it on the host: M is read from it.
            length_B: How many those are, where it has been counted.

        Returns:
            The chosen patch numbers in raster order, no chosen patch left out.
        """
        length_B = count(mask_BN) if length_B is None else length_B
        return cls(true_places(mask_BN), Ragged.of_lengths(length_B), mask_BN.shape[1])

    def to(self, device: torch.device) -> Selection:
        """Move to a device without waiting for it.

        Args:
            device: Where to.

        Returns:
            The same selection there.
        """
        place_T = self.place_T.to(device, non_blocking=True)
        return Selection(place_T, self.ragged.to(device), self.num_patches)


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
        longest: Most patches that an image has as context and as target together.
    """

    eligible_BHW: Tensor
    context: Selection
    target_BHW: Tensor
    target: Selection
    blocks_BKHW: Tensor
    longest: int

    @classmethod
    def of(cls, eligible_BHW: Tensor, blocks_BKHW: Tensor) -> Masks:
        """Pack boolean masks.

        Args:
            eligible_BHW: Patches that the context encoder may see, bool.
            blocks_BKHW: Blocks of patches to predict, bool, disjoint from the former.

        Returns:
            The masks, with their selections.
        """
        target_BHW = union(blocks_BKHW)
        eligible_BN, target_BN = eligible_BHW.flatten(1), target_BHW.flatten(1)
        seen_B, asked_B = count(eligible_BN), count(target_BN)
        return cls(
            eligible_BHW,
            Selection.of(eligible_BN, seen_B),
            target_BHW,
            Selection.of(target_BN, asked_B),
            blocks_BKHW,
            longest=int((seen_B + asked_B).max()),
        )

    @property
    def seen_BHW(self) -> Tensor:
        """Patches that the context encoder is really given, bool."""
        seen_P = torch.zeros_like(self.eligible_BHW).flatten()
        return seen_P.index_fill(0, self.context.place_T, True).view_as(self.eligible_BHW)

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
            self.longest,
        )


def union(blocks_BK: Tensor) -> Tensor:
    """Patches in any block of an image.

    Args:
        blocks_BK: Blocks of each image, (B, K, ...), bool.

    Returns:
        The patches, (B, ...), bool.
    """
    # One block after the other is ten times as fast as `any`.
    first, *others = blocks_BK.unbind(1)
    found = first.clone()
    for other in others:
        found |= other
    return found


def count(mask_BN: Tensor) -> Tensor:
    """Number of chosen patches of each image.

    Args:
        mask_BN: True where a patch is chosen, bool.

    Returns:
        The numbers, (B,), int32.
    """
    return mask_BN.view(torch.uint8).sum(dim=1, dtype=torch.int32)
