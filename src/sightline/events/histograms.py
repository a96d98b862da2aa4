"""Many numbers as a few counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

NUM_BUCKETS = 64


@dataclass(frozen=True, slots=True)
class Buckets:
    """How often values fall between edges.

    Args:
        rows: float64 array of shape (k, 3): left edge, right edge, count. A value on an inner edge
            belongs to the bucket on its right.
        num_nan: Values that are no number; they are in no bucket.
        num_inf: Infinite values; they are in no bucket.
    """

    rows: NDArray[np.float64]
    num_nan: int = 0
    num_inf: int = 0


def bucketize(values: ArrayLike, num_buckets: int = NUM_BUCKETS) -> Buckets:
    """Count values in buckets of equal width between the smallest and the largest finite one.

    The counts add up to the number of finite values. Where all are equal, they lie in the last of
    `num_buckets` buckets without width; where none is finite, all rows are zero. Both are what
    TensorBoard's own writer does.

    Args:
        values: Real numbers, any shape.
        num_buckets: Number of buckets, at least 1.

    Returns:
        The buckets, and how many values were not finite.

    Example:
        >>> bucketize([0.0, 1.0, 1.0, 4.0, float("nan")], num_buckets=2)
        Buckets(rows=array([[0., 2., 3.],
               [2., 4., 1.]]), num_nan=1, num_inf=0)
    """
    flat = np.asarray(values, dtype=np.float64).ravel()
    is_finite = np.isfinite(flat)
    num_nan = int(np.isnan(flat).sum())
    num_inf = int(flat.size - is_finite.sum()) - num_nan
    finite = flat if num_nan == num_inf == 0 else flat[is_finite]
    rows = np.zeros((num_buckets, 3))
    if finite.size:
        edges = _edges(finite.min(), finite.max(), num_buckets)
        rows[:, 0], rows[:, 1] = edges[:-1], edges[1:]
        bucket = np.searchsorted(edges, finite, side="right") - 1
        rows[:, 2] = np.bincount(np.minimum(bucket, num_buckets - 1), minlength=num_buckets)
    return Buckets(rows, num_nan, num_inf)


def _edges(low: np.float64, high: np.float64, num_buckets: int) -> NDArray[np.float64]:
    # A weighted mean cannot overflow, where high - low can.
    share = np.linspace(0.0, 1.0, num_buckets + 1)
    edges = low * (1 - share) + high * share
    edges[0], edges[-1] = low, high
    return np.clip(edges, low, high)
