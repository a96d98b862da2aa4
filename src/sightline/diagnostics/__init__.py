"""Pure functions, arrays in and numbers out, for NumPy, torch and JAX."""

from sightline.diagnostics.alignment import alignment, uniformity
from sightline.diagnostics.averages import parameter_divergence, update_magnitude, weight_cosine
from sightline.diagnostics.cka import linear_cka
from sightline.diagnostics.clid import CLID, clid, cluster_learnability, intrinsic_dimension
from sightline.diagnostics.collapse import (
    PairwiseSimilarity,
    dead_dimensions,
    feature_std,
    mean_std,
    min_std,
    pairwise_similarity,
    std_per_dimension,
)
from sightline.diagnostics.covariance import (
    correlation_off_diagonal,
    covariance_off_diagonal,
    variance_hinge,
)
from sightline.diagnostics.features import FeatureStatistics, feature_statistics
from sightline.diagnostics.gradients import (
    ModuleNorms,
    ModuleStatistics,
    clipping_ratio,
    global_norm,
    layer_ratios,
    module_norms,
    module_statistics,
    sample_coordinates,
    share_clipped,
    signal_to_noise,
)
from sightline.diagnostics.gram import gram, gram_distance
from sightline.diagnostics.landscape import LossPlane, filter_normalized_directions, loss_plane
from sightline.diagnostics.lidar import lidar
from sightline.diagnostics.loss import contributions
from sightline.diagnostics.mask_geometry import (
    Blocks,
    block_overlap,
    block_shapes,
    connected_blocks,
    coverage,
)
from sightline.diagnostics.mask_history import (
    mask_hashes,
    remember,
    seen_before,
    share_unchanged,
)
from sightline.diagnostics.masking import (
    context_kept_frac,
    context_target_overlap,
    coverage_min_max_ratio,
    mask_ratio,
    patches_per_image,
    repeated_frac,
    times_masked,
)
from sightline.diagnostics.prediction import (
    Agreement,
    Extremes,
    agreement_by_position,
    hardest_and_easiest,
    prediction_agreement,
)
from sightline.diagnostics.sigreg import sigreg, sigreg_loss
from sightline.diagnostics.similarity import cosine_similarity, pairwise_cosines
from sightline.diagnostics.spectral_decay import alpha_req, participation_ratio, stable_rank
from sightline.diagnostics.spectral_quality import SpectralQuality, spectral_quality
from sightline.diagnostics.spectrum import (
    covariance_eigenvalues,
    effective_rank,
    rank_me,
    reachable_rank,
)
from sightline.diagnostics.spikes import (
    RobustSlope,
    loss_spike,
    robust_slope,
    smoothness,
    spike_score,
    val_train_ratio,
)
from sightline.diagnostics.stability import Trend, trend
from sightline.diagnostics.throughput import (
    data_wait_share,
    forward_backward_ratio,
    model_flops_utilization,
    peak_flops,
)
from sightline.diagnostics.updates import ModuleRatios, update_rms, update_to_weight

__all__ = [
    "CLID",
    "Agreement",
    "Blocks",
    "Extremes",
    "FeatureStatistics",
    "LossPlane",
    "ModuleNorms",
    "ModuleRatios",
    "ModuleStatistics",
    "PairwiseSimilarity",
    "RobustSlope",
    "SpectralQuality",
    "Trend",
    "agreement_by_position",
    "alignment",
    "alpha_req",
    "block_overlap",
    "block_shapes",
    "clid",
    "clipping_ratio",
    "cluster_learnability",
    "connected_blocks",
    "context_kept_frac",
    "context_target_overlap",
    "contributions",
    "correlation_off_diagonal",
    "cosine_similarity",
    "covariance_eigenvalues",
    "covariance_off_diagonal",
    "coverage",
    "coverage_min_max_ratio",
    "data_wait_share",
    "dead_dimensions",
    "effective_rank",
    "feature_statistics",
    "feature_std",
    "filter_normalized_directions",
    "forward_backward_ratio",
    "global_norm",
    "gram",
    "gram_distance",
    "hardest_and_easiest",
    "intrinsic_dimension",
    "layer_ratios",
    "lidar",
    "linear_cka",
    "loss_plane",
    "loss_spike",
    "mask_hashes",
    "mask_ratio",
    "mean_std",
    "min_std",
    "model_flops_utilization",
    "module_norms",
    "module_statistics",
    "pairwise_cosines",
    "pairwise_similarity",
    "parameter_divergence",
    "participation_ratio",
    "patches_per_image",
    "peak_flops",
    "prediction_agreement",
    "rank_me",
    "reachable_rank",
    "remember",
    "repeated_frac",
    "robust_slope",
    "sample_coordinates",
    "seen_before",
    "share_clipped",
    "share_unchanged",
    "signal_to_noise",
    "sigreg",
    "sigreg_loss",
    "smoothness",
    "spectral_quality",
    "spike_score",
    "stable_rank",
    "std_per_dimension",
    "times_masked",
    "trend",
    "uniformity",
    "update_magnitude",
    "update_rms",
    "update_to_weight",
    "val_train_ratio",
    "variance_hinge",
    "weight_cosine",
]
