"""Features of a model that we know nothing else of, as a monitor wants to read them.

Shape legend: N samples, T tokens of each, D features.
"""

from __future__ import annotations

from typing import Any

Array = Any


class PooledFeatures:
    """One feature vector a sample, cut off from the graph; computed when a monitor asks.

    Args:
        features: Array of shape (N, D), or (N, T, D) of which the mean over the tokens is taken.

    Raises:
        ValueError: If it has another number of axes.

    Example:
        >>> import numpy as np
        >>> PooledFeatures(np.array([[[1.0, 0.0], [3.0, 2.0]]])).target_features_BD.tolist()
        [[2.0, 1.0]]
    """

    context_features_BD = None  # there is one encoder

    def __init__(self, features: Array) -> None:
        if len(features.shape) not in (2, 3):
            raise ValueError(
                f"expected features of shape (N, D) or (N, T, D), got {tuple(features.shape)}; "
                "flatten or pool them to one vector a sample, e.g. features.flatten(1)"
            )
        self._features = features

    @property
    def target_features_BD(self) -> Array:
        """The vectors, shape (N, D)."""
        x = self._features.detach() if hasattr(self._features, "detach") else self._features
        return x if len(x.shape) == 2 else x.mean(1)
