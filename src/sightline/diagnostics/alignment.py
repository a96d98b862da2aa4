"""Alignment and uniformity: views of one image close together, images far apart.

Both are on the unit sphere: rows are scaled to length 1 first.
"""

from __future__ import annotations

from sightline.diagnostics.precision import Array, measuring, require_rows
from sightline.diagnostics.similarity import unit_rows


def alignment(a_ND: Array, b_ND: Array) -> Array:
    """Mean squared distance between two views of the same image, on the unit sphere.

        alignment = mean_n |u_n - v_n|^2 = 2 - 2 mean_n cos(a_n, b_n)

    with u and v the rows of a and b at length 1.

    How to read it: lower is better; 0 is the same feature for both views, 2 none in common. Blind
    spot: an encoder that maps everything to one point has 0. Only beside `uniformity` does it mean
    anything.

    Cost: O(N D).

    Args:
        a_ND: features of one view, shape (N, D), any real dtype.
        b_ND: features of the other view of the same images, in the same order, same shape.

    Returns:
        0-d array, in [0, 4]. A row of zeros counts as the zero vector. NaN without rows, or if a
        feature is not finite.

    Raises:
        ValueError: if the shapes differ or are not (N, D).

    Example:
        >>> import numpy as np
        >>> a, b = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[3.0, 0.0], [1.0, 0.0]])
        >>> float(alignment(a, b))       # one pair equal, one at right angles
        1.0

    Source: T. Wang and P. Isola, "Understanding contrastive representation learning through
    alignment and uniformity on the hypersphere", ICML 2020.
    """
    num_rows, _ = require_rows(a_ND)
    if tuple(a_ND.shape) != tuple(b_ND.shape):
        raise ValueError(
            f"expected two views of one shape (N, D), got {tuple(a_ND.shape)} and "
            f"{tuple(b_ND.shape)}; select the same images of both"
        )
    with measuring(a_ND, b_ND) as (xp, a_ND, b_ND):
        if num_rows == 0:
            return xp.sum(a_ND) * float("nan")
        difference_ND = unit_rows(xp, a_ND) - unit_rows(xp, b_ND)
        return xp.mean(xp.sum(difference_ND * difference_ND, axis=1))


def uniformity(features_ND: Array) -> Array:
    """How evenly features cover the unit sphere, over all pairs of different rows.

        uniformity = log mean_{i<j} exp(-2 |u_i - u_j|^2) = log mean_{i<j} exp(4 cos_ij - 4)

    How to read it: lower is better. 0 is collapse onto one point, and an even cover of a sphere of
    D dimensions has about -4 + 8 / D; much below that only a handful of points can get. Blind spot:
    the exponential weighs near pairs most, so some duplicates in the data lift it; and it ignores
    lengths.

    Cost: one N x N product, O(N^2 D) time and O(N^2) memory; on one CPU core 4 ms at
    512 x 384, 0.15 s at 2048 x 768, and 16 MB for each N x N matrix there.

    Args:
        features_ND: features, shape (N, D), any real dtype; one row an image, no image twice.

    Returns:
        0-d array, in [-8, 0]. Rows of zeros count as the zero vector, at distance 0 from one
        another. NaN with fewer than two rows, or if a feature is not finite.

    Example:
        >>> import numpy as np
        >>> float(uniformity(np.array([[1.0, 0.0], [-5.0, 0.0]])))     # opposite: -2 x 4
        -8.0
        >>> float(uniformity(np.ones((10, 3)))).__abs__() < 1e-6
        True

    Source: T. Wang and P. Isola, "Understanding contrastive representation learning through
    alignment and uniformity on the hypersphere", ICML 2020.
    """
    num_rows, _ = require_rows(features_ND)
    with measuring(features_ND) as (xp, x_ND):
        if num_rows < 2:
            return xp.sum(x_ND) * float("nan")
        u_ND = unit_rows(xp, x_ND)
        # Lengths are 1, or 0 for a row of zeros: |u - v|^2 = |u|^2 + |v|^2 - 2 u.v
        square_N = xp.sum(u_ND * u_ND, axis=1)
        distance_NN = square_N[:, None] + square_N[None, :] - 2 * (u_ND @ u_ND.T)
        closeness_NN = xp.exp(-2 * xp.clip(distance_NN, 0.0, 4.0))
        total = xp.sum(xp.tril(closeness_NN, k=-1))
        return xp.log(total / (num_rows * (num_rows - 1) / 2))
