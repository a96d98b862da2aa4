"""What the features of a whole set say of themselves, without labels."""

from __future__ import annotations

import numpy as np

from sightline.diagnostics import (
    alignment,
    clid,
    dead_dimensions,
    feature_std,
    lidar,
    mean_std,
    pairwise_similarity,
    reachable_rank,
    spectral_quality,
    uniformity,
)
from sightline.hjepa.features import FloatArray

MAX_PAIRED = 4096  # images for what compares all pairs, whose matrices then take 64 MB each


def label_free_measures(
    features_ND: FloatArray, views_NVD: FloatArray, *, seed: int = 0
) -> dict[str, float]:
    """Measure features in all the ways that need no labels.

    Uniformity, similarity and CLID compare all pairs of images and are of at most `MAX_PAIRED` of
    them; the others are of all.

    How to read them: each function of that name in `sightline.diagnostics` says so. The ranks stand
    beside `reachable_rank`, the most that features of this shape can show; `spread` is `mean_std`
    in units of its ideal.

    Args:
        features_ND: Features, one row an image, no image twice.
        views_NVD: Features of some images under several masks.
        seed: Chooses the images that are paired.

    Returns:
        The measures by name; NaN where one is not defined.
    """
    num_images, width = features_ND.shape
    order = np.random.default_rng(seed).permutation(num_images)
    paired_ND = features_ND[np.sort(order[:MAX_PAIRED])]
    measures = {
        "reachable_rank": reachable_rank(num_images, width),
        **spectral_quality(features_ND)._asdict(),
        "lidar": lidar(views_NVD),
        "alignment": alignment(views_NVD[:, 0], views_NVD[:, 1]),
        "uniformity": uniformity(paired_ND),
        "mean_similarity": pairwise_similarity(paired_ND).mean,
        "spread": mean_std(features_ND) * width**0.5,
        "dead_dimensions": dead_dimensions(features_ND),
        "feature_std": feature_std(features_ND),
        **clid(paired_ND, seed=seed)._asdict(),
    }
    return {name: float(value) for name, value in measures.items()}
