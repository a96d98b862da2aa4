"""Context encoder, target encoder and predictor, put together.

Shape legend: B batch, C channels, H and W grid cells, M context patches, D width, P the
predictor's width, L blocks.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import torch
from torch import Tensor, nn

from sightline.hjepa.encoder import VisionTransformer
from sightline.hjepa.export import PixelType, export_encoder
from sightline.hjepa.hierarchy import (
    Fusion,
    MeanFusion,
    PyramidFusion,
    level_depths,
    level_grids,
    level_strides,
    on_grid,
    pool,
    whole_cells,
)
from sightline.hjepa.outputs import HJEPAOutput, View
from sightline.hjepa.predictor import Predictor
from sightline.hjepa.projector import Projector
from sightline.hjepa.selection import Masks

TargetEncoder = Literal["ema", "shared"]


class HJEPAModel(nn.Module):
    """Hierarchical joint-embedding predictive architecture.

    The context encoder sees some patches of an image; from their features the predictor predicts
    those that the target encoder finds in the hidden patches, as they are and pooled to coarser
    levels. The target encoder is a moving average of the context encoder, or it is the context
    encoder itself, on the whole image. Nothing is reconstructed in pixels.

    Args:
        encoder: The context encoder.
        predictor: Predictor for the same grid.
        num_levels: Levels of the hierarchy, which must divide the grid evenly.
        fusion: What a level is predicted from: `mean`, the patches in each of its cells, or `fpn`,
            those and the coarser levels.
        target_depths: After how many blocks the target encoder's features are taken for each
            level, the finest first; None for the end of it for all.
        target_encoder: `ema`: a copy of the encoder, which is not trained but averaged; `shared`:
            the encoder itself, so that targets have gradients, too, and there is no second copy.
            Then nothing but a regulariser keeps all features from becoming one.
        projector: Head between mean features and `HJEPAOutput.projections`; None for none.

    Raises:
        ValueError: If the levels do not divide the grid, or depths are not one a level, or too
            deep.

    Source: Assran et al. 2023, Self-Supervised Learning from Images with a Joint-Embedding
    Predictive Architecture; levels by pooling on the grid are this project's. R. Balestriero and Y.
    LeCun 2025, LeJEPA (training without a second encoder).
    """

    def __init__(
        self,
        encoder: VisionTransformer,
        predictor: Predictor,
        *,
        num_levels: int = 3,
        fusion: Fusion = "mean",
        target_depths: Sequence[int] | None = None,
        target_encoder: TargetEncoder = "ema",
        projector: Projector | None = None,
    ) -> None:
        super().__init__()
        self.target_depths = level_depths(target_depths, num_levels, len(encoder.blocks))
        self.level_grids = level_grids(encoder.grid_size, num_levels)
        self.level_strides = level_strides(num_levels)
        self.context_encoder = encoder
        self.shares_encoder = target_encoder == "shared"
        self.target_encoder = (
            encoder if self.shares_encoder else copy.deepcopy(encoder).requires_grad_(False)
        )
        self.predictor = predictor
        strides, width = self.level_strides, predictor.width
        self.fusion = MeanFusion(strides) if fusion == "mean" else PyramidFusion(strides, width)
        self.heads = nn.ModuleList(
            nn.Linear(predictor.width, encoder.width) for _ in range(num_levels)
        )
        self.projector = projector

    @property
    def grid_size(self) -> tuple[int, int]:
        """Patches (rows, columns) of level 0."""
        return self.context_encoder.grid_size

    def forward(
        self, images_BCHW: Tensor, masks: Masks, gates_L2B: Tensor | None = None
    ) -> HJEPAOutput:
        """Predict the target features of the hidden patches.

        Args:
            images_BCHW: Images, uint8, or float in 0 .. 1, of the size that the model is made for.
            masks: Masks for these images, on their device.
            gates_L2B: Factors of the context encoder's branches, as `stochastic_depth` draws them;
                None for 1. The target encoder is always whole.

        Returns:
            Predictions, targets and what was scored, level by level.
        """
        context_BMD = self.context_encoder(images_BCHW, masks.context, gates_L2B)
        output = HJEPAOutput(
            images_BCHW=images_BCHW,
            context_BMD=context_BMD,
            predictions=self._predict(context_BMD, masks),
            targets=self.encode_targets(images_BCHW),
            scored=self._scored(masks),
            masks=masks,
            projections=[],
        )
        views = [output.context_features_BD]
        if self.shares_encoder:
            views.append(output.target_features_BD)
        return output._replace(
            projections=[view if self.projector is None else self.projector(view) for view in views]
        )

    @torch.no_grad()
    def view(self, images_BCHW: Tensor, masks: Masks) -> View:
        """Predict as `forward` does, without targets and without gradient.

        Args:
            images_BCHW: Images, uint8, or float in 0 .. 1.
            masks: Masks for these images, on their device.

        Returns:
            Predictions and what is scored, level by level.
        """
        context_BMD = self.context_encoder(images_BCHW, masks.context)
        return View(self._predict(context_BMD, masks), self._scored(masks))

    def encode_targets(self, images_BCHW: Tensor) -> list[Tensor]:
        """Features of the target encoder, level by level.

        Args:
            images_BCHW: Images, uint8, or float in 0 .. 1.

        Returns:
            Features of shape (B, rows, columns, D) for each level; without gradient, unless the
            encoder is shared.
        """
        encoder = self.target_encoder
        grid = encoder.grid_of(*images_BCHW.shape[-2:])
        with torch.set_grad_enabled(self.shares_encoder and torch.is_grad_enabled()):
            ends = encoder(images_BCHW, depths=self.target_depths)
            return [
                pool(features_BND.unflatten(1, grid), stride)
                for features_BND, stride in zip(ends, self.level_strides, strict=True)
            ]

    @torch.no_grad()
    def extract_features(
        self,
        images_BCHW: Tensor,
        *,
        level: int | None = None,
        use_target_encoder: bool = True,
    ) -> Tensor:
        """Frozen features: one vector an image, or one for each cell of a level.

        Args:
            images_BCHW: Images, uint8, or float in 0 .. 1, of any size that patches tile.
            level: The level whose cells are asked for, 0 the patches themselves; None for the mean
                over the image, which is the same for all levels.
            use_target_encoder: Of the target encoder (the usual choice), or of the context encoder.

        Returns:
            Features of shape (B, D), or (B, rows, columns, D) of a level.

        Raises:
            ValueError: If there is no such level, or it does not divide the grid of these images.
        """
        encoder = self.target_encoder if use_target_encoder else self.context_encoder
        grid = encoder.grid_of(*images_BCHW.shape[-2:])
        if level is None:
            return encoder(images_BCHW).mean(dim=1)
        if not 0 <= level < len(self.level_strides):
            raise ValueError(
                f"expected a level from 0 to {len(self.level_strides) - 1}, got {level}; "
                "level 0 is the finest"
            )
        level_grids(grid, level + 1)
        return pool(encoder(images_BCHW).unflatten(1, grid), self.level_strides[level])

    def export(self, path: str | Path, *, pixels: PixelType = "float32") -> None:
        """Write the target encoder to a file, for use elsewhere; `export_encoder` says more.

        Args:
            path: A file that ends in `.pt2`, `.onnx` or `.safetensors`.
            pixels: What a graph is fed with: `float32` in 0 .. 1, or `uint8`.

        Raises:
            ValueError: If the ending is not a known one.
            ModuleNotFoundError: If `.onnx` is asked for without the packages that it takes.
            FileNotFoundError: If there is no folder to write it to.
        """  # noqa: DOC502  the function that it calls raises them
        export_encoder(self.target_encoder, path, pixels=pixels)

    @classmethod
    def from_pretrained(
        cls, run_dir: str | Path, which: Literal["best", "latest"] = "best"
    ) -> Self:
        """The model of a training run, for use.

        Args:
            run_dir: Folder of the run, its folder of checkpoints, or one checkpoint.
            which: The checkpoint of the highest kNN accuracy, or the last one.

        Returns:
            The model with its weights, on the CPU, in evaluation mode.

        Raises:
            FileNotFoundError: If there is no checkpoint.
            ValueError: If it is none of H-JEPA, is damaged, or was altered.

        Example:
            >>> model = HJEPAModel.from_pretrained("runs/hjepa_digits")  # doctest: +SKIP
            >>> model.extract_features(images).shape                     # doctest: +SKIP
            torch.Size([2, 64])
        """  # noqa: DOC502  the function that it calls raises them
        from sightline.hjepa.pretrained import load_pretrained

        model = load_pretrained(run_dir, which)
        assert isinstance(model, cls)
        return model

    def _predict(self, context_BMD: Tensor, masks: Masks) -> list[Tensor]:
        predicted_BHWP = on_grid(self.predictor(context_BMD, masks), masks.target, self.grid_size)
        fused = self.fusion(predicted_BHWP, masks.target_BHW)
        return [head(level_BHWP) for head, level_BHWP in zip(self.heads, fused, strict=True)]

    def _scored(self, masks: Masks) -> list[Tensor]:
        return [whole_cells(masks.target_BHW, stride) for stride in self.level_strides]
