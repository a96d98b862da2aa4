"""What monitors read from the outputs of a step.

Shape legend: B batch, C channels, H and W grid cells, K target blocks, D features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

Array = Any


class FeatureOutput(Protocol):
    """A step of any model that makes features of images, or of other samples."""

    @property
    def target_features_BD(self) -> Array:
        """One feature vector a sample: those that are used in the end."""

    @property
    def context_features_BD(self) -> Array | None:
        """One feature vector a sample, of the trained encoder, if there are two encoders."""


class BatchMasks(Protocol):
    """The masks of a batch."""

    @property
    def eligible_BHW(self) -> Array:
        """Patches that the context encoder may see, bool."""

    @property
    def seen_BHW(self) -> Array:
        """Patches that it saw, bool."""

    @property
    def target_BHW(self) -> Array:
        """Patches that are predicted, bool."""

    @property
    def blocks_BKHW(self) -> Array:
        """The blocks that make up the target, bool, on the host; those that are not used empty."""


class JointEmbeddingOutput(FeatureOutput, Protocol):
    """A step of a model that predicts features from features; lists hold an entry a level."""

    @property
    def images_BCHW(self) -> Array:
        """Images as the encoders got them, 0 to 1."""

    @property
    def predictions(self) -> Sequence[Array]:
        """(B, H, W, D) each."""

    @property
    def targets(self) -> Sequence[Array]:
        """(B, H, W, D) each."""

    @property
    def scored(self) -> Sequence[Array]:
        """(B, H, W) bool each: where a prediction counts."""

    @property
    def masks(self) -> BatchMasks:
        """The masks."""


class PredictedView(Protocol):
    """What was predicted of the images of a step under other masks."""

    @property
    def predictions(self) -> Sequence[Array]:
        """(B, H, W, D) each."""

    @property
    def scored(self) -> Sequence[Array]:
        """(B, H, W) bool each: where a prediction counts."""


def middle_cell(features_BHWD: Array) -> Array:
    """Features of the cell in the middle of a level's grid: one row an image, (B, D).

    Where levels are means of finer ones, the mean over a level's cells is the same for all levels;
    a cell is not.

    Args:
        features_BHWD: Features of a level.

    Returns:
        The features of row H // 2 and column W // 2.
    """
    _, rows, columns, _ = features_BHWD.shape
    return features_BHWD[:, rows // 2, columns // 2]
