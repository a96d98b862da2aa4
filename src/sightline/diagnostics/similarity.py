"""Cosine similarity, safe for rows of zeros and for magnitudes near the ends of float32."""

from __future__ import annotations

from typing import Any

from array_api_compat import device

from sightline.diagnostics.precision import Array, measuring, require_rows


def unit_rows(xp: Any, x_ND: Array) -> Array:
    """Scale each row (last axis) to length 1; a row of zeros stays zero.

    Rows are divided by their largest magnitude first, so that no square over- or underflows.

    Args:
        xp: the array's namespace.
        x_ND: rows, shape (..., D), floating.

    Returns:
        Rows of length 1 or 0, same shape and dtype.

    Example:
        >>> import numpy as np
        >>> unit_rows(np, np.array([[3e30, 4e30], [0.0, 0.0]], np.float32)).round(6).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    x_ND = xp.where(xp.isfinite(x_ND), x_ND, float("nan"))  # NumPy warns of inf / inf
    largest = xp.max(xp.abs(x_ND), axis=-1, keepdims=True)
    x_ND = x_ND / xp.where(largest == 0, 1.0, largest)
    length = xp.sqrt(xp.sum(x_ND * x_ND, axis=-1, keepdims=True))
    return x_ND / xp.where(length == 0, 1.0, length)


def cosine_similarity(a_ND: Array, b_ND: Array) -> Array:
    """Cosine of the angle between each row of a and the same row of b.

        cos = a . b / (|a| |b|)

    How to read it: 1 is the same direction, 0 none in common, -1 opposite. For predictions against
    targets it should rise. Blind spot: it is also 1 when predictor and targets have both collapsed
    onto one vector, so read it beside `effective_rank`. It ignores lengths.

    Args:
        a_ND: vectors, shape (..., D), any real dtype.
        b_ND: vectors, same shape.

    Returns:
        Array of shape (...), in [-1, 1]; 0 where either row is all zeros, NaN where one is not
        finite.

    Raises:
        ValueError: if the shapes differ or there is no last axis to compare along.

    Example:
        >>> import numpy as np
        >>> a, b = np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([[5.0, 0.0], [0.0, 2.0]])
        >>> cosine_similarity(a, b).round(4).tolist()
        [1.0, 0.7071]
    """
    if tuple(a_ND.shape) != tuple(b_ND.shape) or len(a_ND.shape) == 0 or a_ND.shape[-1] == 0:
        raise ValueError(
            f"expected two arrays of one shape (..., D), got {tuple(a_ND.shape)} and "
            f"{tuple(b_ND.shape)}; select the same rows of both"
        )
    with measuring(a_ND, b_ND) as (xp, a, b):
        cosine_N = xp.sum(unit_rows(xp, a) * unit_rows(xp, b), axis=-1)
        return xp.clip(cosine_N, -1.0, 1.0)


def pairwise_cosines(features_ND: Array) -> Array:
    """Cosines between all pairs of different rows, each pair once, for a histogram.

    How to read it: a hump around 0 is healthy; a second hump near 1 is groups of images that look
    the same to the model, which the mean of `pairwise_similarity` hides. Blind spot: rows of zeros
    have cosine 0 with everything.

    Cost: one N x N product, O(N^2 D) time and O(N^2) memory; the shape follows from N alone, so
    nothing waits for the device. 523,776 values at 1,024 rows.

    Args:
        features_ND: features, shape (N, D), any real dtype; one row an image, no image twice.

    Returns:
        Array of shape (N (N - 1) / 2,), in [-1, 1], ordered by how far apart the two rows stand.
        A row that is not finite gives NaN with every other row.

    Example:
        >>> import numpy as np
        >>> pairwise_cosines(np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]])).tolist()
        [0.0, 0.0, 1.0]
    """
    num_rows, _ = require_rows(features_ND)
    with measuring(features_ND) as (xp, x_ND):
        if num_rows < 2:
            return xp.reshape(x_ND, (-1,))[:0]
        u_ND = unit_rows(xp, x_ND)
        cosine_NN = xp.clip(u_ND @ u_ND.T, -1.0, 1.0)
        # Pair p is a row and the one that stands p // N + 1 behind it, around the corner too. A
        # mask of the triangle would make the shape depend on values, and so wait for the device.
        pair_P = xp.arange(num_rows * (num_rows - 1) // 2, device=device(x_ND))
        first_P = pair_P % num_rows
        second_P = (first_P + pair_P // num_rows + 1) % num_rows
        return xp.take(xp.reshape(cosine_NN, (-1,)), first_P * num_rows + second_P)
