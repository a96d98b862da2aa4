"""Signs of collapse: features that no longer differ from one image to the next.

Features are matrices (N, D); any other shape is a ValueError.
"""

from __future__ import annotations

from typing import NamedTuple

from sightline.diagnostics.precision import Array, measuring, require_rows
from sightline.diagnostics.similarity import unit_rows


def std_per_dimension(features_ND: Array) -> Array:
    """Standard deviation over the samples of each dimension of the L2-normalised features.

        std_d = std_n(z_nd / |z_n|)      (population: divided by N)

    How to read it: multiply by sqrt(D), so that no limit depends on the model's width. The ideal is
    then 1 in every dimension (features spread evenly over the sphere); all dimensions near 0 is
    collapse, a few at 0 are dead units. Blind spot: on the sphere the squares of the values add up
    to at most 1, so one dimension's loss shows as another's gain.

    Args:
        features_ND: features, shape (N, D), any real dtype; one row an image.

    Returns:
        Array of shape (D,), in [0, 1]. NaN with fewer than two rows, or where one is not finite.
        A row of zeros counts as the zero vector.

    Example:
        >>> import numpy as np
        >>> z = np.random.default_rng(0).standard_normal((4096, 64))
        >>> round(float(std_per_dimension(z).mean()) * 64**0.5, 2)
        1.0

    Source: the check that X. Chen and K. He, "Exploring simple Siamese representation learning",
    CVPR 2021, use for collapse.
    """
    num_rows, _ = require_rows(features_ND)
    with measuring(features_ND) as (xp, x_ND):
        if num_rows < 2:
            return xp.sum(x_ND, axis=0) * float("nan")
        return xp.std(unit_rows(xp, x_ND), axis=0)


def mean_std(features_ND: Array) -> Array:
    """Mean over the dimensions of `std_per_dimension`.

    Args:
        features_ND: features, shape (N, D), any real dtype.

    Returns:
        0-d array, in [0, 1 / sqrt(D)]: 1 / sqrt(D) is the ideal, below 0.3 / sqrt(D) a warning.
        NaN as in `std_per_dimension`.

    Example:
        >>> import numpy as np
        >>> z = np.vstack([np.eye(4), -np.eye(4)])
        >>> float(mean_std(z)) * 4**0.5
        1.0
    """
    with measuring(std_per_dimension(features_ND)) as (xp, std_D):
        return xp.mean(std_D)


def min_std(features_ND: Array) -> Array:
    """Smallest over the dimensions of `std_per_dimension`: is any unit dead?

    Args:
        features_ND: features, shape (N, D), any real dtype.

    Returns:
        0-d array, in [0, 1 / sqrt(D)]; below 0.03 / sqrt(D) is a warning. NaN as in
        `std_per_dimension`.

    Example:
        >>> import numpy as np
        >>> z = np.array([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0]])    # the last unit never fires
        >>> float(min_std(z))
        0.0
    """
    with measuring(std_per_dimension(features_ND)) as (xp, std_D):
        return xp.min(std_D)


def dead_dimensions(features_ND: Array, *, threshold: float = 0.03) -> Array:
    """Share of the dimensions whose `std_per_dimension` times sqrt(D) is below a threshold.

    How to read it: 0 is healthy, 1 complete collapse. `min_std` says that one dimension is dead,
    this says whether it is the only one. Blind spot: dimensions that all move together are alive
    one by one; `correlation_off_diagonal` and `effective_rank` see those.

    Args:
        features_ND: features, shape (N, D), any real dtype.
        threshold: deviation on the unit sphere times sqrt(D), whose ideal is 1, from which on a
            dimension counts as alive.

    Returns:
        0-d array, in [0, 1]. NaN as in `std_per_dimension`.

    Example:
        >>> import numpy as np
        >>> z = np.array([[1.0, 1.0, 0.0, 0.0], [1.0, -1.0, 0.0, 0.0]])   # one of four moves
        >>> float(dead_dimensions(z))
        0.75
    """
    with measuring(std_per_dimension(features_ND)) as (xp, std_D):
        is_dead_D = std_D * std_D.shape[0] ** 0.5 < threshold
        dead_D = xp.where(is_dead_D, xp.ones_like(std_D), 0.0)
        return xp.mean(xp.where(xp.isnan(std_D), std_D, dead_D))


def feature_std(features_ND: Array) -> Array:
    """Mean over the dimensions of the standard deviation of the features as they are.

    How to read it: it is the scale that the normalised measures ignore. A slow drift is normal; a
    fall towards 0 is collapse, steady growth an encoder that inflates its output.

    Args:
        features_ND: features, shape (N, D), any real dtype.

    Returns:
        0-d array, in the features' own unit, at least 0. NaN with fewer than two rows, or if a
        feature is not finite.

    Example:
        >>> import numpy as np
        >>> float(feature_std(np.array([[1.0, 10.0], [3.0, 16.0]])))
        2.0
    """
    num_rows, _ = require_rows(features_ND)
    with measuring(features_ND) as (xp, x_ND):
        if num_rows < 2:
            return xp.sum(x_ND) * float("nan")
        return xp.mean(xp.std(x_ND, axis=0))


class PairwiseSimilarity(NamedTuple):
    """Cosine similarity between different images: two 0-d arrays, in [-1, 1]."""

    mean: Array
    max: Array


def pairwise_similarity(features_ND: Array) -> PairwiseSimilarity:
    """Mean and largest cosine similarity over all pairs of different rows.

        mean = (|sum_n u_n|^2 - sum_n |u_n|^2) / (N (N - 1)),   u_n = z_n / |z_n|

    How to read it: the mean is near 0 for features spread over the sphere and 1 when all images
    look the same; above 0.5 is a warning. The largest is near 1 as soon as two images are near
    duplicates, so it only alarms on data without any. Blind spot: rows of zeros have similarity 0
    with everything, so an encoder that outputs nothing looks spread; `mean_std` is 0 then.

    Cost: one N x N product, O(N^2 D) time and O(N^2) memory; 4 MB at 1,024 rows.

    Args:
        features_ND: features, shape (N, D), any real dtype; one row an image, no image twice.

    Returns:
        The mean and the largest, each a 0-d array in [-1, 1]. NaN with fewer than two rows, or if
        a feature is not finite.

    Example:
        >>> import numpy as np
        >>> similarity = pairwise_similarity(np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]]))
        >>> round(float(similarity.mean), 4), float(similarity.max)
        (0.3333, 1.0)
    """
    num_rows, _ = require_rows(features_ND)
    with measuring(features_ND) as (xp, x_ND):
        if num_rows < 2:
            undefined = xp.sum(x_ND) * float("nan")
            return PairwiseSimilarity(undefined, undefined)
        u_ND = unit_rows(xp, x_ND)
        cosine_NN = xp.clip(u_ND @ u_ND.T, -1.0, 1.0)
        # Each pair once. Nothing but a lower triangle of ones needs no device argument.
        pairs_NN = xp.tril(xp.ones_like(cosine_NN), k=-1) > 0
        mean = xp.sum(xp.where(pairs_NN, cosine_NN, 0.0)) / (num_rows * (num_rows - 1) / 2)
        largest = xp.max(xp.where(pairs_NN, cosine_NN, -1.0))
        return PairwiseSimilarity(mean, largest)
