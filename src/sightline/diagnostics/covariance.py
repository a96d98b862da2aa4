"""Redundant and flat dimensions: the terms of VICReg, and correlation, which ignores scale.

Features are matrices (N, D); any other shape is a ValueError. These measure and give no gradients.
"""

from __future__ import annotations

from typing import Any

from sightline.diagnostics.centring import centre
from sightline.diagnostics.precision import Array, measuring, require_rows

VARIANCE_EPSILON = 1e-4


def covariance_off_diagonal(features_ND: Array) -> Array:
    """Covariance term of VICReg: the squared covariances between different dimensions.

        1/D sum_{i != j} C_ij^2,   C = 1/(N - 1) sum_n (z_n - m)(z_n - m)^T

    How to read it: 0 when no dimension says what another says. Blind spot: it falls with the fourth
    power of the features' scale, so it is also 0 in collapse; `correlation_off_diagonal` is the
    form without scale.

    Cost: one D x D product, O(N D^2) time and O(D^2) memory; on one CPU core 4 ms at
    512 x 384, 43 ms at 2048 x 768.
    Nothing waits for the device.

    Args:
        features_ND: features, shape (N, D), any real dtype; one row a sample.

    Returns:
        0-d array, at least 0, in the features' unit to the fourth power. NaN with fewer than two
        rows, or if a feature is not finite.

    Example:
        >>> import numpy as np
        >>> x = np.array([[1.0, 1.0], [-1.0, -1.0]])       # C is 2 everywhere
        >>> float(covariance_off_diagonal(x))
        4.0

    Source: A. Bardes, J. Ponce and Y. LeCun, "VICReg: variance-invariance-covariance
    regularization for self-supervised learning", ICLR 2022.
    """
    num_rows, width = require_rows(features_ND)
    with measuring(features_ND) as (xp, x_ND):
        if num_rows < 2:
            return xp.sum(x_ND) * float("nan")
        x_ND, scale, _, finite = centre(xp, x_ND)
        covariance_DD = x_ND.T @ x_ND / (num_rows - 1)
        total = _off_diagonal_squares(xp, covariance_DD) / width
        return xp.where(finite, total * scale**2 * scale**2, float("nan"))


def correlation_off_diagonal(features_ND: Array) -> Array:
    """Root mean square correlation between different dimensions.

        sqrt(1/(D (D - 1)) sum_{i != j} R_ij^2),   R the correlation matrix

    How to read it: 0 is no redundancy, 1 means that every dimension says the same. It ignores the
    scale of every dimension by itself. N samples of independent dimensions show 1 / sqrt(N - 1), so
    nothing below that is evidence. Blind spot: dimensions that never change correlate with nothing
    and lower it; `dead_dimensions` counts them.

    Cost: as `covariance_off_diagonal`.

    Args:
        features_ND: features, shape (N, D), any real dtype; one row a sample.

    Returns:
        0-d array, in [0, 1]; 0 with one dimension. NaN with fewer than two rows, or if a feature is
        not finite.

    Example:
        >>> import numpy as np
        >>> x = np.array([[1.0, 10.0, 0.0], [-1.0, -10.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])
        >>> round(float(correlation_off_diagonal(x)), 4)    # one pair of three: sqrt(1/3)
        0.5774
    """
    num_rows, width = require_rows(features_ND)
    with measuring(features_ND) as (xp, x_ND):
        if num_rows < 2:
            return xp.sum(x_ND) * float("nan")
        # Each dimension has its own scale, so each has its own rounding error.
        finite = xp.all(xp.isfinite(x_ND))
        x_ND = xp.where(finite, x_ND, 0.0)
        largest_D = xp.max(xp.abs(x_ND), axis=0)
        x_ND = x_ND / xp.where(largest_D == 0, 1.0, largest_D)
        floor_D = xp.finfo(x_ND.dtype).eps * num_rows**0.5 * xp.sqrt(xp.sum(x_ND * x_ND, axis=0))
        for _ in range(2):  # the second pass takes away the rounding error of the first mean
            x_ND = x_ND - xp.mean(x_ND, axis=0, keepdims=True)
        length_D = xp.sqrt(xp.sum(x_ND * x_ND, axis=0))
        moves_D = length_D > floor_D
        x_ND = xp.where(moves_D, x_ND, 0.0) / xp.where(moves_D, length_D, 1.0)
        mean_square = _off_diagonal_squares(xp, x_ND.T @ x_ND) / max(width * (width - 1), 1)
        return xp.where(finite, xp.clip(xp.sqrt(mean_square), 0.0, 1.0), float("nan"))


def variance_hinge(features_ND: Array, *, target: float = 1.0) -> Array:
    """Variance term of VICReg: how far the dimensions stay below a target deviation.

        1/D sum_d max(0, target - sqrt(var_d + 1e-4)),   var_d divided by N - 1

    How to read it: 0 when every dimension has at least the target deviation; near the target in
    collapse. Blind spot: it has the features' unit, so for features that nothing holds at a
    deviation of 1 the number says nothing; look at `mean_std`.

    Cost: O(N D).

    Args:
        features_ND: features, shape (N, D), any real dtype; one row a sample.
        target: the deviation from which on a dimension costs nothing, in the features' unit.

    Returns:
        0-d array, in [0, target - 0.01], or 0 if the target is smaller. NaN with fewer than two
        rows, or if a feature is not finite.

    Example:
        >>> import numpy as np
        >>> x = np.array([[3.0, 5.0], [-3.0, 5.0]])        # one dimension moves, one does not
        >>> round(float(variance_hinge(x)), 6)             # (0 + 1 - 0.01) / 2
        0.495

    Source: A. Bardes, J. Ponce and Y. LeCun, "VICReg: variance-invariance-covariance
    regularization for self-supervised learning", ICLR 2022.
    """
    num_rows, _ = require_rows(features_ND)
    with measuring(features_ND) as (xp, x_ND):
        if num_rows < 2:
            return xp.sum(x_ND) * float("nan")
        finite = xp.all(xp.isfinite(x_ND))
        variance_D = xp.var(xp.where(finite, x_ND, 0.0), axis=0, correction=1)
        lack_D = xp.clip(target - xp.sqrt(variance_D + VARIANCE_EPSILON), 0.0, None)
        return xp.where(finite, xp.mean(lack_D), float("nan"))


def _off_diagonal_squares(xp: Any, matrix_DD: Array) -> Array:
    """Sum of the squares off the diagonal of a symmetric matrix."""
    below_DD = xp.tril(matrix_DD, k=-1)
    return 2 * xp.sum(below_DD * below_DD)
