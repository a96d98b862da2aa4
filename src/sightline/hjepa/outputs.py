"""What an H-JEPA model makes of a batch.

Shape legend: B batch, C channels, H and W grid cells, M context patches, D width.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from sightline.hjepa.selection import Masks


class HJEPAOutput(NamedTuple):
    """What one forward pass produces; lists hold one entry a level, level 0 the finest.

    Args:
        images_BCHW: The images, as they were given.
        context_BMD: Features of the context patches, with gradient; padded as `masks.context` says.
        predictions: (B, H, W, D) each, with gradient; meaningless where not scored.
        targets: (B, H, W, D) each, of the target encoder; with gradient where that is shared.
        scored: (B, H, W) bool each: the cells that are predicted.
        masks: The masks that were used.
        projections: (B, D) each, what a regulariser looks at: the mean feature of each view whose
            encoder is trained, through the projector, if there is one.
    """

    images_BCHW: Tensor
    context_BMD: Tensor
    predictions: list[Tensor]
    targets: list[Tensor]
    scored: list[Tensor]
    masks: Masks
    projections: list[Tensor]

    @property
    def context_features_BD(self) -> Tensor:
        """Mean context feature of each image."""
        valid_BM = self.masks.context.valid_BM
        return (self.context_BMD * valid_BM[..., None]).sum(1) / valid_BM.sum(1)[:, None]

    @property
    def target_features_BD(self) -> Tensor:
        """Mean target feature of each image."""
        return self.targets[0].mean((1, 2))


class View(NamedTuple):
    """What is predicted of images under one choice of masks; lists hold one entry a level.

    Args:
        predictions: (B, H, W, D) each, without gradient; meaningless where not scored.
        scored: (B, H, W) bool each: the cells that are predicted.
    """

    predictions: list[Tensor]
    scored: list[Tensor]
