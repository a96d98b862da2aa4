"""Do predictions point where their targets point?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sightline.callbacks.base import Callback, Trainer, is_due
from sightline.callbacks.joint_embedding import Array, JointEmbeddingOutput
from sightline.diagnostics import cosine_similarity


class PredictionMonitor(Callback):
    """Logs the cosine between predicted and target features, where predictions are scored.

    | tag | meaning |
    |---|---|
    | `prediction/level{l}_cosine_sim_mean` | mean over the scored cells of the batch |
    | `prediction/level{l}_similarity` | histogram of the same cosines |

    Args:
        normalize: Brings the targets of a level, (B, H, W, D), to what the loss compares with.
        every_steps: Steps between readings.
    """

    def __init__(self, normalize: Callable[[Array], Array], *, every_steps: int = 50) -> None:
        self.normalize = normalize
        self.every_steps = every_steps

    def on_batch_end(self, trainer: Trainer, batch: Any, logs: Mapping[str, Any]) -> None:
        """Read and log, if it is due."""
        if not is_due(trainer.step, self.every_steps):
            return
        outputs: JointEmbeddingOutput = trainer.outputs
        means = {}
        levels = zip(outputs.predictions, outputs.targets, outputs.scored, strict=True)
        for level, (prediction, target, scored) in enumerate(levels):
            cosines = cosine_similarity(prediction[scored], self.normalize(target)[scored])
            means[f"prediction/level{level}_cosine_sim_mean"] = cosines.mean()
            trainer.logger.log_histogram(
                f"prediction/level{level}_similarity", cosines, step=trainer.step
            )
        trainer.logger.log_metrics(means, step=trainer.step)
