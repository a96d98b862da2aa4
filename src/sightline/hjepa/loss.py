"""How far predictions are from targets, level by level.

Shape legend: B batch, H and W cells of a level's grid, D features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LossKind = Literal["smoothl1", "mse", "cosine"]
TargetNorm = Literal["feature", "token", "none"]


@dataclass(frozen=True, slots=True)
class LevelLosses:
    """The objective and its parts; level 0 is the finest.

    Args:
        total: Sum of weight times loss over the levels: what is differentiated. Shape ().
        levels: Unweighted loss of each level. Shape (levels,).
    """

    total: Tensor
    levels: Tensor


def normalize_targets(target_BHWD: Tensor, norm: TargetNorm) -> Tensor:
    """Bring target features to a common scale, without learned parameters.

    `token` gives every feature vector mean 0 and deviation 1 (a LayerNorm without affine, as in
    I-JEPA). `feature` gives every feature mean 0 and deviation 1 over the batch and the grid: what
    all images and places have in common is taken away. What differs from place to place alike in
    all images stays, so that position alone still predicts that part. The batch is the micro-batch:
    with `feature`, and with it alone, a step of several micro-batches is not that of one batch, nor
    that of several processes that of one: each standardises its own.

    Args:
        target_BHWD: Target features, float.
        norm: Over what to standardise.

    Returns:
        Targets of the same shape, detached.
    """
    target_BHWD = target_BHWD.detach()
    if norm == "token":
        return F.layer_norm(target_BHWD, target_BHWD.shape[-1:])
    if norm == "feature":
        variance_D, mean_D = torch.var_mean(target_BHWD, dim=(0, 1, 2), correction=0)
        return (target_BHWD - mean_D) * torch.rsqrt(variance_D + 1e-5)
    return target_BHWD


class HierarchicalLoss(nn.Module):
    r"""Weighted sum over levels of the mean distance between prediction and target.

    $$ L = \sum_l w_l \frac{1}{|S_l|} \sum_{i \in S_l} d(\hat y_{l,i}, y_{l,i}) $$

    S_l are the cells of level l that are predicted; no other cell is scored. d is the mean over the
    features of smooth L1 or squared error, or one minus the cosine. How to read it: a low value
    alone says little. With `token` targets it can fall to 0.01 while the encoder learns nothing but
    positions; look at the probes and at the effective rank beside it.

    The images may be part of a larger batch, as a micro-batch is of an optimizer step. The mean
    over the cells of the whole is not the mean of the parts' means, so the number of cells of the
    whole can be given; then the parts' losses and gradients average to those of the whole.

    Args:
        kind: Distance d.
        weights: Weight of each level, not negative, at least one positive.
        target_norm: Over what targets are standardised, see `normalize_targets`.

    Attributes:
        weights: Those in force; they may be set anew between steps.

    Raises:
        ValueError: If a weight is negative or all are zero, or a name is not a known one.

    Source: Assran et al. 2023, Self-Supervised Learning from Images with a Joint-Embedding
    Predictive Architecture (the loss of level 0).
    """

    def __init__(
        self,
        kind: LossKind = "smoothl1",
        *,
        weights: Sequence[float] = (1.0, 1.0, 1.0),
        target_norm: TargetNorm = "feature",
    ) -> None:
        super().__init__()
        for name, value, known in (
            ("kind", kind, get_args(LossKind)),
            ("target_norm", target_norm, get_args(TargetNorm)),
        ):
            if value not in known:
                raise ValueError(
                    f"expected {name} to be one of {', '.join(known)}, got {value!r}: "
                    f"use one of those"
                )
        if min(weights) < 0 or max(weights) == 0:
            raise ValueError(
                f"expected level weights that are not negative and not all zero, "
                f"got {list(weights)}: raise at least one of them above 0"
            )
        self.kind = kind
        self.weights: Sequence[float] = tuple(weights)
        self.target_norm = target_norm

    def forward(
        self,
        predictions: Sequence[Tensor],
        targets: Sequence[Tensor],
        scored: Sequence[Tensor],
        num_scored_L: Tensor | None = None,
    ) -> LevelLosses:
        """Score the predictions of every level.

        Args:
            predictions: One (B, H, W, D) tensor a level.
            targets: The same shapes; standardised here, never differentiated.
            scored: One (B, H, W) bool a level: the cells that count.
            num_scored_L: What the sum over the cells of a level is divided by, positive: the number
                of scored cells of the whole batch, times these images' share of its images; None
                for the number of scored cells here.

        Returns:
            Total and losses by level. A level without any scored cell in the batch counts 0.
        """
        losses = []
        levels = zip(predictions, targets, scored, strict=True)
        for level, (prediction, target, mask_BHW) in enumerate(levels):
            # Masked before and after: the gradient of a NaN that is not scored would be 0 * NaN.
            prediction = torch.where(mask_BHW[..., None], prediction, 0.0)
            distance_BHW = self._distance(prediction, self.normalize(target))
            counted = mask_BHW.sum().clamp(min=1)
            num_scored = counted if num_scored_L is None else num_scored_L[level]
            losses.append(torch.where(mask_BHW, distance_BHW, 0.0).sum() / num_scored)
        # The weights stay Python numbers: a tensor of them would be a wait for the device.
        weighted = [weight * loss for weight, loss in zip(self.weights, losses, strict=True)]
        return LevelLosses(torch.stack(weighted).sum(), torch.stack(losses))

    def normalize(self, target_BHWD: Tensor) -> Tensor:
        """Bring targets of one level to what predictions are compared with.

        Args:
            target_BHWD: Target features.

        Returns:
            Targets of the same shape, detached.
        """
        return normalize_targets(target_BHWD, self.target_norm)

    def _distance(self, prediction: Tensor, target: Tensor) -> Tensor:
        if self.kind == "cosine":
            return 1.0 - F.cosine_similarity(prediction, target, dim=-1)
        if self.kind == "mse":
            return F.mse_loss(prediction, target, reduction="none").mean(dim=-1)
        return F.smooth_l1_loss(prediction, target, reduction="none").mean(dim=-1)
