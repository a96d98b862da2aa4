"""Are the features of different images still different?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.joint_embedding import Array, FeatureOutput
from sightline.callbacks.monitor import Monitor
from sightline.diagnostics import (
    covariance_off_diagonal,
    dead_dimensions,
    effective_rank,
    feature_statistics,
    feature_std,
    mean_std,
    min_std,
    pairwise_cosines,
    pairwise_similarity,
)


class CollapseMonitor(Monitor):
    """Logs how spread out the features of a batch are.

    For every model with features. Those of a joint-embedding model are its target features, an
    image's being the mean over its patches; what is logged of the context encoder is left out for
    models with one encoder. Of a step without outputs nothing is logged.

    | tag | meaning |
    |---|---|
    | `train/context_std` | deviation of the context features over the batch |
    | `train/target_std` | deviation of the target features over the batch |
    | `train/context_norm` | mean length of the context features |
    | `train/target_norm` | mean length of the target features |
    | `train/context_rank` | effective rank of the context features |
    | `train/target_rank` | effective rank of the target features |
    | `collapse/mean_std_per_dim` | mean deviation a dimension, features on the unit sphere |
    | `collapse/min_std_per_dim` | smallest of them |
    | `collapse/dead_dimensions` | share of the dimensions that hardly vary |
    | `collapse/covariance_off_diagonal` | how much the dimensions say the same |
    | `collapse/effective_rank` | entropy rank of the target features |
    | `collapse/mean_similarity` | mean cosine between different images |
    | `collapse/max_similarity` | largest cosine between different images |
    | `collapse/similarity` | histogram of the cosines between different images |

    Args:
        every: Steps between readings, or a cadence.
    """

    def __init__(self, *, every: int | Cadence = 50) -> None:
        super().__init__(every=every)

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log the spread of this batch's features."""
        outputs: FeatureOutput | None = trainer.outputs
        if outputs is None:
            return
        target_BD, context_BD = outputs.target_features_BD, outputs.context_features_BD
        rank = effective_rank(target_BD)
        similarity = pairwise_similarity(target_BD)
        readings = {
            **_spread("target", target_BD, rank),
            "collapse/mean_std_per_dim": mean_std(target_BD),
            "collapse/min_std_per_dim": min_std(target_BD),
            "collapse/dead_dimensions": dead_dimensions(target_BD),
            "collapse/covariance_off_diagonal": covariance_off_diagonal(target_BD),
            "collapse/effective_rank": rank,
            "collapse/mean_similarity": similarity.mean,
            "collapse/max_similarity": similarity.max,
        }
        if context_BD is not None:
            readings |= _spread("context", context_BD, effective_rank(context_BD))
        num_samples, width = target_BD.shape
        self.log(trainer, readings, num_samples=num_samples, width=width)
        trainer.logger.log_histogram(
            "collapse/similarity", pairwise_cosines(target_BD), step=trainer.step
        )


def _spread(name: str, features_BD: Array, rank: Array) -> dict[str, Array]:
    return {
        f"train/{name}_std": feature_std(features_BD),
        f"train/{name}_norm": feature_statistics(features_BD).norm,
        f"train/{name}_rank": rank,
    }
