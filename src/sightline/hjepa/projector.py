"""The head between features and what their regulariser looks at.

Shape legend: B batch, D the encoder's width, H hidden width, P width of the projections.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from sightline.hjepa.block import init_weights


class Projector(nn.Module):
    """A perceptron of linear maps, with a LayerNorm and a GELU after each but the last.

    Features are made for use, projections for the regulariser: what it asks for, such as a normal
    cloud, need not be what serves a probe, and the head takes up the difference. It is trained with
    the rest and left behind afterwards. Nothing follows the last map: projections that are
    standardised look the same to a regulariser whatever their scale, and may shrink to nothing.
    Each image is normalised by itself, unlike in a batch norm, so that micro-batches of any size
    give the same.

    Args:
        width: Width D of the features.
        dim: Width P of the projections.
        hidden_dim: Width H between the maps.
        depth: Linear maps; with 1 the head is linear.

    Source: Bardes et al. 2022, VICReg (the expander); R. Balestriero and Y. LeCun 2025, LeJEPA (the
    projector of three maps).
    """

    def __init__(self, width: int, *, dim: int, hidden_dim: int, depth: int = 3) -> None:
        super().__init__()
        widths = [width, *[hidden_dim] * (depth - 1)]
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(nn.Linear(before, after), nn.LayerNorm(after), nn.GELU())
                for before, after in pairwise(widths)
            )
        )
        self.last = nn.Linear(widths[-1], dim)
        init_weights(self)

    def forward(self, features_BD: Tensor) -> Tensor:
        """Project features.

        Args:
            features_BD: One row an image.

        Returns:
            Projections of shape (B, P).
        """
        return self.last(self.blocks(features_BD))
