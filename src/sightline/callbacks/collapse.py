"""Are the features of different images still different?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.joint_embedding import Array, JointEmbeddingOutput
from sightline.callbacks.monitor import Monitor
from sightline.diagnostics import (
    effective_rank,
    feature_std,
    mean_std,
    min_std,
    pairwise_similarity,
)


class CollapseMonitor(Monitor):
    """Logs how spread out the image features of a joint-embedding model are.

    An image's feature is the mean over its patches. All numbers are of the batch of the step.

    | tag | meaning |
    |---|---|
    | `train/context_std` | deviation of the context features over the batch |
    | `train/target_std` | deviation of the target features over the batch |
    | `collapse/mean_std_per_dim` | mean deviation a dimension, features on the unit sphere |
    | `collapse/min_std_per_dim` | smallest of them |
    | `collapse/effective_rank` | entropy rank of the target features |
    | `collapse/mean_similarity` | mean cosine between different images |

    Args:
        every: Steps between readings, or a cadence.
    """

    def __init__(self, *, every: int | Cadence = 50) -> None:
        super().__init__(every=every)

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log the spread of this batch's features."""
        outputs: JointEmbeddingOutput = trainer.outputs
        context_BD = _image_features(outputs.context_BMD, outputs.masks.context.valid_BM)
        target_BD = outputs.targets[0].mean((1, 2))
        trainer.logger.log_metrics(
            {
                "train/context_std": feature_std(context_BD),
                "train/target_std": feature_std(target_BD),
                "collapse/mean_std_per_dim": mean_std(target_BD),
                "collapse/min_std_per_dim": min_std(target_BD),
                "collapse/effective_rank": effective_rank(target_BD),
                "collapse/mean_similarity": pairwise_similarity(target_BD).mean,
            },
            step=trainer.step,
        )


def _image_features(x_BMD: Array, valid_BM: Array) -> Array:
    """Mean over the patches that are there."""
    return (x_BMD * valid_BM[..., None]).sum(1) / valid_BM.sum(1)[:, None]
