"""What each level of the hierarchy adds: its share of the loss, and its rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from array_api_compat import array_namespace, device

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.joint_embedding import JointEmbeddingOutput
from sightline.callbacks.monitor import Monitor
from sightline.diagnostics import contributions, effective_rank


class HierarchyMonitor(Monitor):
    """Logs the shares of the levels in the loss, and the effective rank of each level's targets.

    | tag | meaning |
    |---|---|
    | `loss/unweighted` | mean of the levels' losses |
    | `loss/contribution_h{l}` | weighted share of level l in percent; the shares add up to 100 |
    | `hierarchy/level{l}_effective_rank` | entropy rank of the target features of the middle cell |

    Args:
        weights: Weight of each level in the loss, the finest first.
        every: Steps between readings, or a cadence.
    """

    def __init__(self, weights: Sequence[float], *, every: int | Cadence = 50) -> None:
        super().__init__(every=every)
        self.weights = tuple(weights)

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log shares and ranks."""
        outputs: JointEmbeddingOutput = trainer.outputs
        losses = [logs[f"loss/h{level}"] for level in range(len(self.weights))]
        xp = array_namespace(*losses)
        losses_L = xp.stack(losses)
        weights_L = xp.asarray(self.weights, dtype=losses_L.dtype, device=device(losses_L))
        shares_L = contributions(losses_L, weights_L)
        readings = {"loss/unweighted": xp.mean(losses_L)}
        for level, target_BHWD in enumerate(outputs.targets):
            _, rows, columns, _ = target_BHWD.shape
            middle_BD = target_BHWD[:, rows // 2, columns // 2]
            readings[f"loss/contribution_h{level}"] = shares_L[level]
            readings[f"hierarchy/level{level}_effective_rank"] = effective_rank(middle_BD)
        trainer.logger.log_metrics(readings, step=trainer.step)
