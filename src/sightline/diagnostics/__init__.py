"""Pure functions, arrays in and numbers out, for NumPy, torch and JAX."""

from sightline.diagnostics.collapse import (
    PairwiseSimilarity,
    feature_std,
    mean_std,
    min_std,
    pairwise_similarity,
    std_per_dimension,
)
from sightline.diagnostics.loss import contributions
from sightline.diagnostics.masking import (
    context_kept_frac,
    context_target_overlap,
    coverage_min_max_ratio,
    mask_ratio,
    patches_per_image,
    repeated_frac,
    times_masked,
)
from sightline.diagnostics.similarity import cosine_similarity
from sightline.diagnostics.spectrum import effective_rank, reachable_rank
from sightline.diagnostics.stability import Trend, trend

__all__ = [
    "PairwiseSimilarity",
    "Trend",
    "context_kept_frac",
    "context_target_overlap",
    "contributions",
    "cosine_similarity",
    "coverage_min_max_ratio",
    "effective_rank",
    "feature_std",
    "mask_ratio",
    "mean_std",
    "min_std",
    "pairwise_similarity",
    "patches_per_image",
    "reachable_rank",
    "repeated_frac",
    "std_per_dimension",
    "times_masked",
    "trend",
]
