"""Centred features, and how much of what is left can be rounding error."""

from __future__ import annotations

from typing import Any, NamedTuple

from sightline.diagnostics.precision import Array


class Centred(NamedTuple):
    """Features minus their mean row, in units of their largest magnitude.

    Args:
        x_ND: the centred rows; zeros where a feature was not finite, so that no solver raises.
        scale: 0-d array, the largest magnitude before centring; 1 for features of zeros.
        floor: 0-d array, the singular value below which a direction can be rounding error.
        finite: 0-d array of bool, whether all features are finite.
    """

    x_ND: Array
    scale: Array
    floor: Array
    finite: Array


def centre(xp: Any, x_ND: Array, *, subtract_mean: bool = True) -> Centred:
    """Centre features so that neither squares nor equal rows show what is not there.

    Args:
        xp: the array's namespace.
        x_ND: features, shape (N, D), N and D at least 1, floating.
        subtract_mean: False scales and measures the floor only.

    Returns:
        The centred features with their scale and floor.

    Example:
        >>> import numpy as np
        >>> centre(np, np.array([[2.0, 8.0], [4.0, 8.0]])).x_ND.tolist()
        [[-0.125, 0.0], [0.125, 0.0]]
    """
    finite = xp.all(xp.isfinite(x_ND))
    x_ND = xp.where(finite, x_ND, 0.0)  # an SVD of NaN raises in NumPy and torch
    largest = xp.max(xp.abs(x_ND))
    scale = xp.where(largest > 0, largest, 1.0)
    x_ND = x_ND / scale  # squares stay in range
    rounding = xp.finfo(x_ND.dtype).eps * max(x_ND.shape) ** 0.5
    floor = rounding * xp.sqrt(xp.sum(x_ND * x_ND))
    if subtract_mean:
        for _ in range(2):  # the second pass takes away the rounding error of the first mean
            x_ND = x_ND - xp.mean(x_ND, axis=0, keepdims=True)
    return Centred(x_ND, scale, floor, finite)
