"""Do predictions point where their targets point?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.joint_embedding import Array, JointEmbeddingOutput
from sightline.callbacks.monitor import Monitor
from sightline.diagnostics import cosine_similarity


class PredictionMonitor(Monitor):
    """Logs the cosine between predicted and target features, where predictions are scored.

    | tag | meaning |
    |---|---|
    | `prediction/level{l}_cosine_sim_mean` | mean over the scored cells of the batch |
    | `prediction/level{l}_similarity` | histogram of the same cosines |

    Args:
        normalize: Brings the targets of a level, (B, H, W, D), to what the loss compares with.
        every: Steps between readings, or a cadence.
    """

    def __init__(self, normalize: Callable[[Array], Array], *, every: int | Cadence = 50) -> None:
        super().__init__(every=every)
        self.normalize = normalize

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log how well predictions and targets agree."""
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
