"""Data to matplotlib figures: object API, no pyplot; matplotlib is imported when one is drawn."""

from sightline.figures.curves import plot_training_curves
from sightline.figures.masks import (
    visualize_context_target_regions,
    visualize_masked_image,
    visualize_masking_strategy,
)

__all__ = [
    "plot_training_curves",
    "visualize_context_target_regions",
    "visualize_masked_image",
    "visualize_masking_strategy",
]
