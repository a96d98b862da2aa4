"""The size of features: where they lie and how long they are.

Features are matrices (N, D); any other shape is a ValueError.
"""

from __future__ import annotations

from typing import NamedTuple

from sightline.diagnostics.precision import Array, measuring, require_rows


class FeatureStatistics(NamedTuple):
    """Statistics of features; each a 0-d array.

    Args:
        mean: Mean of all values.
        std: Standard deviation of all values (population).
        min: Smallest value.
        max: Largest value.
        norm: Mean length of a row.
    """

    mean: Array
    std: Array
    min: Array
    max: Array
    norm: Array


def feature_statistics(features_ND: Array) -> FeatureStatistics:
    """Mean, deviation, range and mean length of features.

    How to read it: steady is good. A length that grows without end, or a range of many deviations,
    comes before overflow in half precision. Blind spot: all of them look healthy when every image
    has the same features; `mean_std` and `pairwise_similarity` tell.

    Args:
        features_ND: Features, shape (N, D), any real dtype.

    Returns:
        The statistics; NaN without rows or if a value is not finite.

    Example:
        >>> import numpy as np
        >>> found = feature_statistics(np.array([[3.0, 4.0], [0.0, -5.0]]))
        >>> [round(float(value), 6) for value in (found.mean, found.max, found.norm)]
        [0.5, 4.0, 5.0]
    """
    num_rows, _ = require_rows(features_ND)
    with measuring(features_ND) as (xp, x_ND):
        if num_rows == 0:
            nothing = xp.sum(x_ND) * float("nan")
            return FeatureStatistics(nothing, nothing, nothing, nothing, nothing)
        largest = xp.max(xp.abs(x_ND))
        finite = xp.where(xp.isfinite(largest), 1.0, float("nan"))
        scale = xp.where(xp.isfinite(largest) & (largest > 0), largest, 1.0)
        x_ND = xp.where(xp.isfinite(x_ND), x_ND, 0.0) / scale  # no square overflows
        length = xp.mean(xp.sqrt(xp.sum(x_ND * x_ND, axis=1)))
        values = (xp.mean(x_ND), xp.std(x_ND), xp.min(x_ND), xp.max(x_ND), length)
        return FeatureStatistics(*(value * scale * finite for value in values))
