"""How good are the features, as far as that can be told without labels?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace, device

from sightline.callbacks.base import Need, Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.joint_embedding import (
    Array,
    JointEmbeddingOutput,
    PredictedView,
    middle_cell,
)
from sightline.callbacks.monitor import Monitor
from sightline.diagnostics import (
    alignment,
    cluster_learnability,
    intrinsic_dimension,
    lidar,
    sigreg,
    spectral_quality,
    uniformity,
)

NUM_DIRECTIONS = 64
ON_HOST = {
    "cluster_learnability": cluster_learnability,
    "intrinsic_dimension": intrinsic_dimension,
}


class QualityMonitor(Monitor):
    """Logs measures that were proposed to stand in for a probe where there are no labels.

    The features of a level are those of the cell in the middle of its grid. LiDAR and alignment are
    of the same images under several masks: for each image and mask, the mean of the predictions of
    the level. No single one of them can be trusted; look at several.

    | tag | meaning |
    |---|---|
    | `quality/rank_me_level{l}` | RankMe |
    | `quality/participation_ratio_level{l}` | participation ratio of the eigenvalues |
    | `quality/stable_rank_level{l}` | stable rank |
    | `quality/alpha_req_level{l}` | decay of the eigenvalues, alpha-ReQ |
    | `quality/uniformity_level{l}` | uniformity on the sphere |
    | `quality/sigreg_level{l}` | distance from an isotropic Gaussian, SIGReg |
    | `quality/cluster_learnability_level{l}` | how well clusters can be told apart, of CLID |
    | `quality/intrinsic_dimension_level{l}` | dimension of the surface they lie on, of CLID |
    | `quality/lidar_level{l}` | LiDAR, the masks of an image being its class |
    | `quality/alignment_level{l}` | squared distance of an image under two masks |

    Args:
        every: Steps between readings, or a cadence. Each makes several forward passes.
    """

    reading_needs: ClassVar[Need] = Need.VIEWS

    def __init__(self, *, every: int | Cadence = 500) -> None:
        super().__init__(every=every)

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log the measures of each level."""
        outputs: JointEmbeddingOutput = trainer.outputs
        readings: dict[str, Any] = {}
        for level, target_BHWD in enumerate(outputs.targets):
            measures = _of_features(middle_cell(target_BHWD))
            if trainer.views:
                measures |= _of_views(trainer.views, level)
            readings |= {f"quality/{name}_level{level}": value for name, value in measures.items()}
            for name, measure in ON_HOST.items():
                trainer.logger.log_computed(
                    f"quality/{name}_level{level}",
                    measure,
                    middle_cell(target_BHWD),
                    step=trainer.step,
                )
        self.log(trainer, readings)


def _of_features(features_ND: Array) -> dict[str, Any]:
    spectrum = spectral_quality(features_ND)._asdict()
    del spectrum["effective_rank"]  # hierarchy/level{l}_effective_rank
    xp, width = array_namespace(features_ND), features_ND.shape[1]
    directions = np.random.default_rng(0).standard_normal((width, NUM_DIRECTIONS), np.float32)
    directions_DK = xp.asarray(directions, device=device(features_ND))
    return {
        **spectrum,
        "uniformity": uniformity(features_ND),
        "sigreg": sigreg(features_ND, directions_DK),
    }


def _of_views(views: Sequence[PredictedView], level: int) -> dict[str, Any]:
    means = [_mean_prediction(view, level) for view in views]
    views_CVD = array_namespace(*means).stack(means, 1)
    return {
        "lidar": lidar(views_CVD),
        "alignment": alignment(views_CVD[:, 0], views_CVD[:, 1]),
    }


def _mean_prediction(view: PredictedView, level: int) -> Array:
    """Mean over the scored cells of each image, (B, D); zero where there is none."""
    weight_BHW1 = view.scored[level][..., None]
    total_BD = (view.predictions[level] * weight_BHW1).sum((1, 2))
    count_B1 = weight_BHW1.sum((1, 2))
    return total_BD / (count_B1 + (count_B1 == 0))
