"""How much is watched: three sets of cadences, each held to a share of the training's time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Preset: TypeAlias = Literal["economy", "standard", "full"]


@dataclass(frozen=True, slots=True)
class Cadences:
    """Steps between readings, by what a reading costs.

    Args:
        readings: Numbers of the batch at hand: a few operations on features or masks.
        gradients: A copy of the weights and two passes over weights and gradients.
        quality: Forward passes under other masks, and several decompositions.
        histograms: Counting every weight and every gradient.
        figures: Drawing.
    """

    readings: int
    gradients: int
    quality: int
    histograms: int
    figures: int


PRESETS: dict[Preset, Cadences] = {
    # at most 0.5% of the time of a step, for models from ViT-Tiny at 224 pixels on
    "economy": Cadences(readings=200, gradients=500, quality=2000, histograms=5000, figures=2000),
    # at most 2%
    "standard": Cadences(readings=50, gradients=100, quality=500, histograms=1000, figures=500),
    # whatever it costs: for debugging
    "full": Cadences(readings=10, gradients=10, quality=100, histograms=200, figures=100),
}
