"""What each level of the hierarchy adds: its share of the loss, and its rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from array_api_compat import array_namespace, device

from sightline.callbacks.base import Callback, Trainer, is_due
from sightline.callbacks.joint_embedding import JointEmbeddingOutput
from sightline.diagnostics import contributions, effective_rank


class HierarchyMonitor(Callback):
    """Logs the shares of the levels in the loss, and the effective rank of each level's targets.

    | tag | meaning |
    |---|---|
    | `loss/unweighted` | mean of the levels' losses |
    | `loss/contribution_h{l}` | weighted share of level l in percent; the shares add up to 100 |
    | `hierarchy/level{l}_effective_rank` | entropy rank of the target features of the middle cell |

    Args:
        weights: Weight of each level in the loss, the finest first.
        every_steps: Steps between readings.
    """

    def __init__(self, weights: Sequence[float], *, every_steps: int = 50) -> None:
        self.weights = tuple(weights)
        self.every_steps = every_steps

    def on_batch_end(self, trainer: Trainer, batch: Any, logs: Mapping[str, Any]) -> None:
        """Read and log, if it is due."""
        if not is_due(trainer.step, self.every_steps):
            return
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
