"""How far an accuracy is to be trusted."""

from __future__ import annotations

import math


def standard_error(accuracy: float, n: int) -> float:
    """Compute the standard error of an accuracy over independent test samples.

    ``sqrt(a (1 - a) / n)``. It covers the choice of test samples only, not that of the seed.

    Args:
        accuracy: The accuracy, 0 to 1.
        n: The number of test samples, 1 or more.

    Returns:
        The standard error, in the unit of the accuracy.

    Raises:
        ValueError: If the accuracy or the number is out of range.

    Example:
        >>> standard_error(0.8, 400)
        0.02
    """
    if not 0.0 <= accuracy <= 1.0:
        raise ValueError(f"An accuracy must lie between 0 and 1, got {accuracy}; give a share.")
    if n < 1:
        raise ValueError(f"Expected at least 1 test sample, got {n}; give the size of the test.")
    return math.sqrt(accuracy * (1.0 - accuracy) / n)
