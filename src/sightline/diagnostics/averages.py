"""How a moving average of weights follows the weights that train.

A mapping without tensors, or two that differ in names or shapes, is a ValueError.
"""

from __future__ import annotations

from collections.abc import Mapping

from sightline.diagnostics.modules import differences, in_pairs, norm, quotient
from sightline.diagnostics.precision import Array, measuring


def parameter_divergence(average: Mapping[str, Array], trained: Mapping[str, Array]) -> Array:
    """How far the trained weights have moved away from their average.

        |trained - average| / |average|,    over all weights as one vector

    How to read it: a healthy run holds a small and slowly falling value. A value that grows after
    the warm-up says that the weights outrun the momentum; exactly 0 that the average is a copy, or
    that neither moves. Blind spot: it does not say whether the direction is a good one.

    Args:
        average: Averaged weights by name.
        trained: Trained weights, of the same names and shapes.

    Returns:
        0-d array, at least 0; infinite from an average of zeros, NaN if both are zeros.

    Example:
        >>> import numpy as np
        >>> float(parameter_divergence({"w": np.array([3.0, 4.0])}, {"w": np.array([3.0, 5.0])}))
        0.2
    """
    return _relative_change(average, trained)


def update_magnitude(before: Mapping[str, Array], now: Mapping[str, Array]) -> Array:
    """Relative change of the averaged weights since the last reading.

        |now - before| / |before|

    How to read it: it falls as the momentum nears 1. 0 while the momentum is below 1 says that the
    average is not updated. Blind spot: it grows with the steps between readings, so compare runs at
    one cadence.

    Args:
        before: Averaged weights at the last reading, by name; a copy.
        now: The same weights now.

    Returns:
        0-d array, at least 0; infinite from zeros, NaN if both are zeros.

    Example:
        >>> import numpy as np
        >>> float(update_magnitude({"w": np.array([0.0, 2.0])}, {"w": np.array([1.0, 2.0])}))
        0.5
    """
    return _relative_change(before, now)


def weight_cosine(before: Mapping[str, Array], now: Mapping[str, Array]) -> Array:
    """Cosine between the averaged weights now and at the last reading.

    How to read it: above 0.99 from one reading to the next, and rising to 1. A dip is a sudden
    turn: a wrong load, a momentum that fell, a spike in the loss. Blind spot: near 1 it hides in
    its last digits what `update_magnitude` shows.

    Args:
        before: Averaged weights at the last reading, by name; a copy.
        now: The same weights now.

    Returns:
        0-d array, in [-1, 1]; 0 if either is all zeros, NaN if a weight is not finite.

    Example:
        >>> import numpy as np
        >>> float(weight_cosine({"w": np.array([1.0, 0.0])}, {"w": np.array([3.0, 4.0])}).round(6))
        0.6
    """
    pairs = in_pairs(before, now)
    with measuring(*(x for pair in pairs.values() for x in pair)) as (xp, *arrays):
        old, new = arrays[::2], arrays[1::2]
        product = sum(xp.sum(x * y) for x, y in zip(old, new, strict=True))
        lengths = norm(xp, old) * norm(xp, new)
        return xp.clip(product / xp.where(lengths == 0, 1.0, lengths), -1.0, 1.0)


def _relative_change(start: Mapping[str, Array], end: Mapping[str, Array]) -> Array:
    pairs = in_pairs(start, end)
    with measuring(*(x for pair in pairs.values() for x in pair)) as (xp, *arrays):
        distance = norm(xp, differences(arrays[1::2], arrays[::2]))
        return quotient(xp, distance, norm(xp, arrays[::2]))
