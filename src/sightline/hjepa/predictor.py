"""The narrow transformer that predicts target features from context features.

Shape legend: B batch, M context patches, K target patches, D encoder width, P predictor width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sightline.hjepa.encoder import Block, init_weights, sincos_positions, take
from sightline.hjepa.masks import Masks


class Predictor(nn.Module):
    """One joint pass over all context patches and a query for every target patch.

    A query is a learned mask token plus the position embedding of the patch to predict. All target
    blocks are answered together: one pass, however many blocks there are.

    Args:
        grid_size: Patches (rows, columns).
        encoder_width: Width D of the context features.
        width: Width P of the predictor, smaller than D as a rule.
        depth: Transformer blocks.
        num_heads: Attention heads; they divide P.
        mlp_ratio: Hidden over embedding size of the perceptrons.

    Source: Assran et al. 2023, Self-Supervised Learning from Images with a Joint-Embedding
    Predictive Architecture.
    """

    pos_embed_1NP: Tensor

    def __init__(
        self,
        *,
        grid_size: tuple[int, int],
        encoder_width: int,
        width: int,
        depth: int,
        num_heads: int,
        mlp_ratio: float = 4.0,
    ) -> None:
        super().__init__()
        self.width = width
        self.embed = nn.Linear(encoder_width, width)
        self.mask_token = nn.Parameter(torch.randn(width) * 0.02)
        self.register_buffer(
            "pos_embed_1NP", sincos_positions(grid_size, width)[None], persistent=False
        )
        self.blocks = nn.ModuleList(Block(width, num_heads, mlp_ratio) for _ in range(depth))
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
        seen_BMP = self.embed(context_BMD) + take(self.pos_embed_1NP, context.index_BM)
        asked_BKP = self.mask_token + take(self.pos_embed_1NP, target.index_BM)
        x_TP = torch.cat([context.ragged.pack(seen_BMP), target.ragged.pack(asked_BKP)])
        both = context.ragged.beside(target.ragged)
        for block in self.blocks:
            x_TP = block(x_TP, both)
        num_seen = len(context.ragged.slot_T)
        return target.ragged.pad(self.norm(x_TP[num_seen:]))
