"""Many numbers as a few counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

NUM_BUCKETS = 64
BLOCK = 1 << 15
CLOSE = 1e-9  # of a bucket's width


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
    flat = np.asarray(values).ravel()
    if flat.dtype not in {np.float32, np.float64}:
        flat = flat.astype(np.float64)
    num_nan = num_inf = 0
    rows = np.zeros((num_buckets, 3))
    if flat.size and not (np.isfinite(flat.min()) and np.isfinite(flat.max())):
        is_finite = np.isfinite(flat)
        num_nan = int(np.isnan(flat).sum())
        num_inf = int(flat.size - is_finite.sum()) - num_nan
        flat = flat[is_finite]
    if flat.size:
        edges = _edges(np.float64(flat.min()), np.float64(flat.max()), num_buckets)
        rows[:, 0], rows[:, 1] = edges[:-1], edges[1:]
        rows[:, 2] = _counts(flat, edges)
    return Buckets(rows, num_nan, num_inf)


def _counts(values: NDArray[Any], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    num_buckets = len(edges) - 1
    with np.errstate(all="ignore"):
        scale = num_buckets / (edges[-1] - edges[0])
    if not 0 < scale < np.inf:  # all values are equal, or their range is no 64-bit float
        return _searched(values, edges)
    counts = np.zeros(num_buckets, np.int64)
    # A block stays in the processor's cache, and so do these, which are made once.
    places, nearests = np.empty((2, min(BLOCK, values.size)))
    buckets = np.empty(places.size, np.intp)
    for start in range(0, values.size, BLOCK):
        block = values[start : start + BLOCK]
        place, nearest, bucket = (one[: block.size] for one in (places, nearests, buckets))
        np.subtract(block, edges[0], out=place)
        place *= scale
        np.copyto(bucket, place, casting="unsafe")
        np.minimum(bucket, num_buckets - 1, out=bucket)
        # So close to an edge, rounding may have put a value on its wrong side.
        np.rint(place, out=nearest)
        place -= nearest
        is_close = np.abs(place, out=place) < CLOSE
        is_close &= (block > edges[0]) & (block < edges[-1])
        if is_close.any():
            counts += _searched(block[is_close], edges)
            bucket = bucket[~is_close]
        counts += np.bincount(bucket, minlength=num_buckets)
    return counts


def _searched(values: NDArray[Any], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    bucket = np.searchsorted(edges, values, side="right") - 1
    num_buckets = len(edges) - 1
    return np.bincount(np.minimum(bucket, num_buckets - 1), minlength=num_buckets)


def _edges(low: np.float64, high: np.float64, num_buckets: int) -> NDArray[np.float64]:
    # A weighted mean cannot overflow, where high - low can.
    share = np.linspace(0.0, 1.0, num_buckets + 1)
    edges = low * (1 - share) + high * share
    edges[0], edges[-1] = low, high
    return np.clip(edges, low, high)
