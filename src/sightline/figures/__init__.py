"""Data to matplotlib figures: object API, no pyplot; matplotlib is imported when one is drawn."""

from sightline.figures.collapse import plot_collapse_metrics
from sightline.figures.curves import plot_training_curves
from sightline.figures.ema import plot_ema_momentum
from sightline.figures.embedding import plot_embedding
from sightline.figures.gradient_flow import visualize_gradient_flow
from sightline.figures.gram import plot_gram_triptych
from sightline.figures.loss_landscape import visualize_loss_landscape
from sightline.figures.losses import plot_hierarchical_losses
from sightline.figures.mask_blocks import animate_masking_process, visualize_multi_block_masking
from sightline.figures.mask_comparison import compare_masking_strategies
from sightline.figures.mask_geometry import plot_mask_geometry
from sightline.figures.mask_statistics import plot_masking_statistics
from sightline.figures.masks import (
    visualize_context_target_regions,
    visualize_masked_image,
    visualize_masking_strategy,
)
from sightline.figures.patch_difficulty import plot_patch_difficulty
from sightline.figures.patch_similarity import plot_similarity_heatmap
from sightline.figures.resolution import LevelCost, plot_hierarchy_resolution
from sightline.figures.schedule import plot_schedule
from sightline.figures.spectrum import plot_spectrum

__all__ = [
    "LevelCost",
    "animate_masking_process",
    "compare_masking_strategies",
    "plot_collapse_metrics",
    "plot_ema_momentum",
    "plot_embedding",
    "plot_gram_triptych",
    "plot_hierarchical_losses",
    "plot_hierarchy_resolution",
    "plot_mask_geometry",
    "plot_masking_statistics",
    "plot_patch_difficulty",
    "plot_schedule",
    "plot_similarity_heatmap",
    "plot_spectrum",
    "plot_training_curves",
    "visualize_context_target_regions",
    "visualize_gradient_flow",
    "visualize_loss_landscape",
    "visualize_masked_image",
    "visualize_masking_strategy",
    "visualize_multi_block_masking",
]
