"""What monitors of joint-embedding training read from a step's outputs.

Shape legend: B batch, C channels, H and W grid cells, M context patches, D features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

Array = Any


class PackedPatches(Protocol):
    """Chosen patches of each image, padded to a rectangle."""

    @property
    def valid_BM(self) -> Array:
        """Whether a slot holds a patch, bool."""


class BatchMasks(Protocol):
    """The masks of a batch."""

    @property
    def eligible_BHW(self) -> Array:
        """Patches that the context encoder may see, bool."""

    @property
    def context(self) -> PackedPatches:
        """Patches that it saw."""

    @property
    def seen_BHW(self) -> Array:
        """The same as a mask, bool."""

    @property
    def target_BHW(self) -> Array:
        """Patches that are predicted, bool."""


class JointEmbeddingOutput(Protocol):
    """A step of a model that predicts features from features; lists hold an entry a level."""

    @property
    def images_BCHW(self) -> Array:
        """Images as the encoders got them, 0 to 1."""

    @property
    def context_BMD(self) -> Array:
        """Features of the context patches."""

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
