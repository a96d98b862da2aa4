"""How evenly the spread of features is shared between directions.

Features are matrices (N, D) and are centred first; any other shape is a ValueError. Each measure
costs one SVD; `spectral_quality` gives all of them for two.
"""

from __future__ import annotations

from typing import Any

from sightline.diagnostics.precision import Array, measuring, require_rows
from sightline.diagnostics.spectrum import singular_values


def participation_of(xp: Any, s_K: Array) -> Array:
    """Participation ratio of singular values, shape (K,); 0 if all are 0."""
    # In units of the largest, whose fourth power is in range.
    square_K = _relative(xp, s_K) ** 2
    total = xp.sum(square_K * square_K)
    return xp.sum(square_K) ** 2 / xp.where(total == 0, 1.0, total)


def stable_rank_of(xp: Any, s_K: Array) -> Array:
    """Stable rank of singular values, shape (K,); 0 if all are 0."""
    return xp.sum(_relative(xp, s_K) ** 2)


def decay_of(xp: Any, s_K: Array) -> Array:
    """Exponent of the power law through the squares of singular values, descending, shape (K,)."""
    relative_K = _relative(xp, s_K)
    # Which values count is known on the device alone: weights of 0 and 1 instead of a selection.
    weight_K = xp.where(relative_K > 0, xp.ones_like(s_K), 0.0)
    log_index_K = xp.log(xp.cumulative_sum(xp.ones_like(s_K)))
    log_value_K = 2 * xp.log(xp.where(relative_K > 0, relative_K, 1.0))
    count = xp.sum(weight_K)
    x_K = weight_K * (log_index_K - xp.sum(weight_K * log_index_K) / xp.where(count > 0, count, 1))
    squares = xp.sum(x_K * x_K)
    slope = xp.sum(x_K * log_value_K) / xp.where(squares > 0, squares, 1.0)
    return xp.where((count > 1) & xp.isfinite(s_K[0]), -slope, float("nan"))


def _relative(xp: Any, s_K: Array) -> Array:
    """Singular values, largest first, as shares of the largest."""
    return s_K / xp.where(s_K[0] == 0, 1.0, s_K[0])


def participation_ratio(features_ND: Array) -> Array:
    """Participation ratio: how many directions hold the variance.

        PR = (sum_i lambda_i)^2 / sum_i lambda_i^2

    with lambda the eigenvalues of the covariance.

    How to read it: D when the variance is the same in all directions, 1 when one direction holds
    it all. It weighs by variance where `effective_rank` weighs by its root, so it is the smaller of
    the two and answers to the few strongest directions. Blind spot: a long weak tail, which a
    linear probe can use, barely counts.

    Cost: one SVD, as in `effective_rank`.

    Args:
        features_ND: features, shape (N, D), any real dtype; one row a sample.

    Returns:
        0-d array, in directions, between 1 and min(N - 1, D); 0 if all rows are equal. NaN if a
        feature is not finite, or with fewer than two rows.

    Example:
        >>> import numpy as np
        >>> x = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> round(float(participation_ratio(x)), 4)      # (9 + 1)^2 / (81 + 1)
        1.2195

    Source: P. Gao et al., "A theory of multineuronal dimensionality, dynamics and measurement",
    2017.
    """
    require_rows(features_ND)
    with measuring(features_ND) as (xp, x_ND):
        return participation_of(xp, singular_values(xp, x_ND, centred=True)[0])


def stable_rank(features_ND: Array) -> Array:
    """Stable rank of the centred features: total variance over the largest direction's.

        |Z|_F^2 / |Z|_2^2 = sum_i lambda_i / lambda_1

    How to read it: 1 when one direction holds all variance, D when all hold the same. A fall while
    `effective_rank` stays is one direction that outgrows the others. Blind spot: it knows the
    first direction only, and nothing of how the rest share what they have.

    Cost: one SVD, as in `effective_rank`.

    Args:
        features_ND: features, shape (N, D), any real dtype; one row a sample.

    Returns:
        0-d array, in directions, between 1 and min(N - 1, D); 0 if all rows are equal. NaN if a
        feature is not finite, or with fewer than two rows.

    Example:
        >>> import numpy as np
        >>> x = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> round(float(stable_rank(x)), 4)      # (9 + 1) / 9
        1.1111

    Source: M. Rudelson and R. Vershynin, "Sampling from large matrices: an approach through
    geometric functional analysis", JACM 2007.
    """
    require_rows(features_ND)
    with measuring(features_ND) as (xp, x_ND):
        return stable_rank_of(xp, singular_values(xp, x_ND, centred=True)[0])


def alpha_req(features_ND: Array) -> Array:
    """alpha-ReQ: how fast the eigenvalues of the covariance decay.

        log lambda_i = c - alpha log i,   i = 1, 2, ...   (least squares)

    over all eigenvalues that rise above rounding error.

    How to read it: near 1 tends to go with the best linear probes; above about 2 a few directions
    hold everything; near 0 all directions are equal, noise included. Blind spots: the line gives
    every index the same weight, so the many last eigenvalues decide; where N is not far above D
    these are small for want of samples and alpha comes out too large: with N = 2 D, white noise
    shows 0.7 to 0.85. Compare runs at the same N and D, and look whether the spectrum is a line at
    all.

    Cost: one SVD, as in `effective_rank`.

    Args:
        features_ND: features, shape (N, D), any real dtype; one row a sample.

    Returns:
        0-d array, at least 0 up to rounding. NaN if fewer than two eigenvalues count (collapse, or
        features on a line), if a feature is not finite, or with fewer than two rows.

    Example:
        Variances of 1, 1/2, 1/3 and 1/4:

        >>> import numpy as np
        >>> axes = np.diag(np.arange(1.0, 5.0) ** -0.5)
        >>> round(float(alpha_req(np.vstack([axes, -axes]))), 6)
        1.0

    Source: K. K. Agrawal et al., "alpha-ReQ: assessing representation quality in self-supervised
    learning by measuring eigenspectrum decay", NeurIPS 2022.
    """
    require_rows(features_ND)
    with measuring(features_ND) as (xp, x_ND):
        return decay_of(xp, singular_values(xp, x_ND, centred=True)[0])
