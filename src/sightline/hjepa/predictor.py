"""The narrow transformer that predicts target features from context features.

Shape legend: B batch, M context patches, K target patches, T packed tokens, D encoder width,
P predictor width, L blocks.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sightline.hjepa.block import Block, init_weights, run_blocks
from sightline.hjepa.positions import Grid, PatchPositions, Positions
from sightline.hjepa.selection import Masks


class Predictor(nn.Module):
    """One joint pass over all context patches and a query for every target patch.

    A query is a learned mask token that is told the place of the patch to predict. All target
    blocks are answered together: one pass, however many blocks there are.

    Args:
        grid_size: Patches (rows, columns).
        encoder_width: Width D of the context features.
        width: Width P of the predictor, smaller than D as a rule.
        depth: Transformer blocks.
        num_heads: Attention heads; they divide P.
        mlp_ratio: Hidden over embedding size of the perceptrons.
        positions: How tokens are told where they lie: `sincos` or `rope`.
        layer_scale: What the factors of the residual branches start from; None for none.
        is_checkpointed: Compute the blocks' insides again in the backward pass instead of keeping
            them.

    Source: Assran et al. 2023, Self-Supervised Learning from Images with a Joint-Embedding
    Predictive Architecture.
    """

    def __init__(
        self,
        *,
        grid_size: Grid,
        encoder_width: int,
        width: int,
        depth: int,
        num_heads: int,
        mlp_ratio: float = 4.0,
        positions: Positions = "sincos",
        layer_scale: float | None = None,
        is_checkpointed: bool = False,
    ) -> None:
        super().__init__()
        self.width = width
        self.embed = nn.Linear(encoder_width, width)
        self.mask_token = nn.Parameter(torch.randn(width) * 0.02)
        self.is_checkpointed = is_checkpointed
        self.blocks = nn.ModuleList(
            Block(width, num_heads, mlp_ratio, layer_scale) for _ in range(depth)
        )
        self.positions = PatchPositions(positions, grid_size, width, num_heads)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        init_weights(self)

    def forward(self, context_BMD: Tensor, masks: Masks) -> Tensor:
        """Predict a feature for every target patch.

        Args:
            context_BMD: Features of the context patches.
            masks: Which patches those are, and which to predict.

        Returns:
            Features of shape (B, K, P), in the order of `masks.target`; zero in the slots past an
            image's last target.
        """
        context, target = masks.context, masks.target
        seen_TP = context.ragged.pack(self.embed(context_BMD))
        asked_TP = self.mask_token.expand(len(target.index_T), -1)
        x_TP = torch.cat([seen_TP, asked_TP])
        index_T = torch.cat([context.index_T, target.index_T])
        embedding_NP, rotary = self.positions()
        if embedding_NP is not None:
            x_TP = x_TP + embedding_NP[index_T]
        x_TP = run_blocks(
            self.blocks,
            x_TP,
            context.ragged.beside(target.ragged, masks.longest),
            None if rotary is None else rotary.take(index_T),
            is_checkpointed=self.is_checkpointed,
        )
        return target.ragged.pad(self.norm(x_TP[len(seen_TP) :]))
