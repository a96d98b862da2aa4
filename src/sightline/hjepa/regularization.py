"""What keeps the features of different images apart, beside the prediction.

The features of a batch are looked at as a cloud: it shall have spread, and no favourite direction.
No image is compared with another one, and no two images are asked to be alike.

Shape legend: B batch, D width, K directions.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from sightline.diagnostics import sigreg_loss

RegularizationKind = Literal["vicreg", "sigreg"]
# The weights of Bardes et al. are 25 for the variance and 1 for the covariance.
COVARIANCE_SHARE = 1 / 25


def vicreg_loss(features_BD: Tensor) -> Tensor:
    """The variance and the covariance term of VICReg, of one view of each image.

        1/D sum_d max(0, 1 - sqrt(var_d + 1e-4)) + 1/25 1/D sum_{i != j} C_ij^2

    The third term of VICReg, the invariance of two views, is what the prediction is for here.

    Args:
        features_BD: Features, one row an image; at least two.

    Returns:
        0-d tensor, float32 or better, at least 0.

    Raises:
        ValueError: If there are fewer than two images.

    Example:
        >>> float(vicreg_loss(torch.tensor([[3.0, 0.0], [-3.0, 0.0]])))  # (0 + 1 - 0.01) / 2
        0.4950000047683716

    Source: A. Bardes, J. Ponce and Y. LeCun, "VICReg: variance-invariance-covariance
    regularization for self-supervised learning", ICLR 2022.
    """
    num_images, width = features_BD.shape
    if num_images < 2:
        raise ValueError(
            f"expected at least 2 images to regularise over, got {num_images}; raise the batch size"
        )
    with torch.autocast(features_BD.device.type, enabled=False):
        x_BD = features_BD if features_BD.dtype == torch.float64 else features_BD.float()
        x_BD = x_BD - x_BD.mean(dim=0)
        covariance_DD = x_BD.T @ x_BD / (num_images - 1)
        variance_D = covariance_DD.diagonal()
        spread = torch.relu(1 - (variance_D + 1e-4).sqrt()).mean()
        redundancy = (covariance_DD.square().sum() - variance_D.square().sum()) / width
        return spread + COVARIANCE_SHARE * redundancy


class Regularizer(nn.Module):
    """Pushes the mean context feature of each image towards a cloud that has not collapsed.

    Args:
        kind: `vicreg`: a deviation of at least 1 in each dimension, and no covariances; `sigreg`: a
            standard normal, seen from random directions.
        num_directions: Directions K that sigreg draws anew each step.

    Source: Bardes et al. 2022 (`vicreg`); R. Balestriero and Y. LeCun, "LeJEPA: provable and
    scalable self-supervised learning without the heuristics", 2025 (`sigreg`).
    """

    def __init__(self, kind: RegularizationKind, *, num_directions: int = 256) -> None:
        super().__init__()
        self.kind = kind
        self.num_directions = num_directions

    def forward(self, features_BD: Tensor, random: torch.Generator) -> Tensor:
        """Measure a batch.

        Args:
            features_BD: Features with gradient, one row an image.
            random: Directions are drawn from it, on the CPU.

        Returns:
            0-d tensor, at least 0, float32 or better.
        """
        if self.kind == "vicreg":
            return vicreg_loss(features_BD)
        directions_DK = torch.randn(features_BD.shape[1], self.num_directions, generator=random)
        moved = directions_DK.to(features_BD.device, features_BD.dtype, non_blocking=True)
        # By image, so that its weight means the same at every batch size.
        loss: Tensor = sigreg_loss(features_BD, moved) / len(features_BD)
        return loss
