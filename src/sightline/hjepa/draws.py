"""What chance gives the images of an optimizer step, however it is cut into micro-batches.

Shape legend: B images, L blocks of the encoder, or levels where cells are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from sightline.hjepa.augmentation import draw_affine
from sightline.hjepa.block import stochastic_depth
from sightline.hjepa.config import HJEPAConfig
from sightline.hjepa.hierarchy import whole_cells
from sightline.hjepa.masks import MultiBlockMasking
from sightline.hjepa.selection import Masks


class Draws(NamedTuple):
    """What was drawn for some images, on the host.

    Args:
        affine_B23: How each is moved; None for not at all.
        masks: What is hidden of each.
        gates_L2B: Which branches are left out for each; None for none.
    """

    affine_B23: Tensor | None
    masks: Masks
    gates_L2B: Tensor | None

    @classmethod
    def of_step(
        cls,
        num_images: int,
        config: HJEPAConfig,
        masking: MultiBlockMasking,
        random: Callable[[str], torch.Generator],
    ) -> Draws:
        """Draw for all images of an optimizer step.

        Args:
            num_images: All of them, B.
            config: The whole configuration.
            masking: Draws masks.
            random: A generator for each name of what is drawn.

        Returns:
            What was drawn.
        """
        model, augmentation = config.model, config.data.augmentation
        rate, random_depth = model.drop_path_rate, random("stochastic depth")
        return cls(
            draw_affine(num_images, augmentation, random("augmentation")),
            masking(num_images, random("masks")),
            stochastic_depth(model.depth, rate, num_images, random_depth),
        )

    def count_scored(self, strides: Sequence[tuple[int, int]]) -> Tensor:
        """Count the cells that are scored of all images.

        Args:
            strides: Rows and columns of patches that a cell of each level covers.

        Returns:
            Cells of each level, (L,), float32; at least 1, so that it can be divided by.
        """
        counts = [whole_cells(self.masks.target_BHW, stride).sum() for stride in strides]
        return torch.stack(counts).clamp(min=1).float()

    def split(self, sizes: Sequence[int]) -> list[Draws]:
        """Share out to micro-batches.

        Args:
            sizes: Images of each; together all.

        Returns:
            What each was given. Masks are packed anew, to the longest of the part.
        """
        if len(sizes) == 1:
            return [self]
        sizes = list(sizes)
        nothing: Sequence[Tensor | None] = [None] * len(sizes)
        affines = nothing if self.affine_B23 is None else self.affine_B23.split(sizes)
        gates = nothing if self.gates_L2B is None else self.gates_L2B.split(sizes, dim=2)
        masks = (self.masks.eligible_BHW.split(sizes), self.masks.blocks_BKHW.split(sizes))
        return [
            Draws(affine_B23, Masks.of(eligible_BHW, blocks_BKHW), gates_L2B)
            for affine_B23, eligible_BHW, blocks_BKHW, gates_L2B in zip(
                affines, *masks, gates, strict=True
            )
        ]
