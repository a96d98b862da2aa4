"""How many directions the features use: their singular values and the entropy of these.

Features are matrices (N, D); any other shape is a ValueError. What a spectrum's decay says is in
`spectral_decay`, and all measures at the price of one in `spectral_quality`.
"""

from __future__ import annotations

from typing import Any

from sightline.diagnostics.centring import centre
from sightline.diagnostics.precision import Array, measuring, require_rows

RANK_ME_EPSILON = 1e-7


def singular_values(xp: Any, x_ND: Array, *, centred: bool) -> tuple[Array, Array]:
    """Singular values of features, those below rounding error set to zero.

    Args:
        xp: the array's namespace.
        x_ND: features, shape (N, D), float32 or float64.
        centred: whether the mean row is taken away first.

    Returns:
        The singular values, descending, shape (K,), K = min(N, D) but at least 1, in units of the
        features' largest magnitude; and that magnitude, 0-d. NaN if a feature is not finite, and
        with too few rows: two where they are centred, else one.

    Example:
        >>> import numpy as np
        >>> s, scale = singular_values(np, np.array([[0.0, 8.0], [6.0, 0.0]]), centred=False)
        >>> s.tolist(), float(scale)
        ([1.0, 0.75], 8.0)
    """
    if x_ND.shape[0] < (2 if centred else 1):
        undefined = xp.sum(x_ND, axis=0)[:1] * float("nan")
        return undefined, undefined[0]
    x_ND, scale, floor, finite = centre(xp, x_ND, subtract_mean=centred)
    s_K = xp.linalg.svdvals(x_ND)
    s_K = xp.where(s_K > floor, s_K, 0.0)
    return xp.where(finite, s_K, float("nan")), scale


def entropy_rank(xp: Any, weights_K: Array, epsilon: float = 0.0) -> Array:
    """Exponential of the entropy of weights, as a number of directions.

        exp(-sum_i p_i log p_i),   p_i = w_i / sum_j w_j + epsilon

    Args:
        xp: the array's namespace.
        weights_K: weights, shape (K,), at least 0.
        epsilon: added to each share, without dividing by the sum again.

    Returns:
        0-d array; 0 if all weights are 0, NaN if one is.

    Example:
        >>> import numpy as np
        >>> round(float(entropy_rank(np, np.array([3.0, 3.0, 0.0]))), 6)
        2.0
    """
    total = xp.sum(weights_K)
    p_K = weights_K / xp.where(total == 0, 1.0, total) + epsilon
    entropy = -xp.sum(p_K * xp.log(xp.where(p_K == 0, 1.0, p_K)))
    return xp.where(total == 0, 0.0, xp.exp(entropy))


def covariance_eigenvalues(features_ND: Array) -> Array:
    """Eigenvalues of the covariance of the features, largest first.

        lambda_i = s_i^2 / (N - 1)

    with s the singular values of the features minus their mean row.

    How to read it: drawn against their index on two logarithmic axes, a straight gentle slope is
    healthy; a cliff is dimensional collapse, and its place the number of directions that are left.
    Blind spot: N samples show at most N - 1 directions, so a cliff there says nothing; and noise of
    few samples tilts even an even spread.

    Cost: one SVD without vectors, as in `effective_rank`.

    Args:
        features_ND: features, shape (N, D), any real dtype; one row a sample.

    Returns:
        Array of shape (min(N, D),), at least one value, descending, in the features' unit squared;
        0 for directions that do not rise above rounding error. NaN if a feature is not finite, or
        with fewer than two rows.

    Example:
        >>> import numpy as np
        >>> x = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> covariance_eigenvalues(x).round(6).tolist()
        [6.0, 0.666667]
    """
    num_rows, _ = require_rows(features_ND)
    with measuring(features_ND) as (xp, x_ND):
        s_K, scale = singular_values(xp, x_ND, centred=True)
        return (s_K * (scale / max(num_rows - 1, 1) ** 0.5)) ** 2


def effective_rank(features_ND: Array) -> Array:
    """Effective rank of the centred features: how many directions carry their spread.

        erank = exp(-sum_i p_i log p_i),   p_i = s_i / sum_j s_j

    with s the singular values of the features minus their mean row.

    How to read it: the ideal is `reachable_rank(N, D)`, reached when the spread is the same in all
    directions; 1 means that the features lie on a line, 0 that all rows are equal. Compare it with
    the reachable rank, never with D alone: 100 samples cannot show more than 99 directions. Blind
    spot: it ignores scale, so features that shrink evenly keep their rank (`mean_std` ignores scale
    as well; look at `feature_std`).

    Singular values below the rounding error of float32 (or float64) count as zero; without that,
    collapsed features would show the full rank of their rounding noise.

    Cost: one SVD without vectors, O(N D min(N, D)); on one CPU core 0.4 ms at 256 x 64, 16 ms at
    512 x 384, 0.2 s at 2048 x 768. torch's SVD on CUDA waits for the device to report convergence,
    so call it every few hundred steps and not every step.

    Args:
        features_ND: features, shape (N, D), any real dtype; one row a sample.

    Returns:
        0-d array, in directions, between 0 and min(N - 1, D). NaN if a feature is not finite, or
        with fewer than two rows, which show no spread.

    Example:
        Three axes of equal spread and one that is never used:

        >>> import numpy as np
        >>> corners = np.vstack([np.eye(4)[:3], -np.eye(4)[:3]])
        >>> round(float(effective_rank(corners)), 6)
        3.0

    Source: O. Roy and M. Vetterli, "The effective rank: a measure of effective dimensionality",
    EUSIPCO 2007.
    """
    require_rows(features_ND)
    with measuring(features_ND) as (xp, x_ND):
        return entropy_rank(xp, singular_values(xp, x_ND, centred=True)[0])


def rank_me(features_ND: Array) -> Array:
    """RankMe: the entropy rank of the features as they are, mean row included.

        RankMe = exp(-sum_i p_i log p_i),   p_i = s_i / sum_j s_j + 1e-7

    How to read it: among runs that differ in little, the higher one tends to have the better linear
    probe. Blind spot: a mean row that all images share counts as a direction, and a long one hides
    the rest: RankMe near 1 may be a common offset where `effective_rank` is fine. For
    joint-embedding predictive models it orders runs poorly by itself; read it beside `lidar`.

    Cost: as `effective_rank`. Values below rounding error count as zero.

    Args:
        features_ND: features, shape (N, D), any real dtype; one row a sample.

    Returns:
        0-d array, in directions, between 1 and about min(N, D); 0 for features of zeros. NaN if a
        feature is not finite or there is none.

    Example:
        Equal rows have one direction, and no spread:

        >>> import numpy as np
        >>> x = np.tile([1.0, 2.0, 2.0], (50, 1))
        >>> round(float(rank_me(x)), 3), float(effective_rank(x))
        (1.0, 0.0)

    Source: Q. Garrido et al., "RankMe: assessing the downstream performance of pretrained
    self-supervised representations by their rank", ICML 2023.
    """
    require_rows(features_ND)
    with measuring(features_ND) as (xp, x_ND):
        return entropy_rank(xp, singular_values(xp, x_ND, centred=False)[0], RANK_ME_EPSILON)


def reachable_rank(num_samples: int, width: int) -> int:
    """Largest rank that centred features of this shape can show: min(N - 1, D).

    Centring takes one direction away, so N samples span at most N - 1.

    Args:
        num_samples: number of rows N, at least 1.
        width: number of dimensions D, at least 1.

    Returns:
        The rank, in directions.

    Raises:
        ValueError: if either number is below 1.

    Example:
        >>> reachable_rank(100, 384), reachable_rank(2048, 384)
        (99, 384)
    """
    if num_samples < 1 or width < 1:
        raise ValueError(
            f"expected at least one sample and one dimension, got {num_samples} x {width}; "
            "pass the shape of the features"
        )
    return min(num_samples - 1, width)
