"""Numbers as JSON holds them, which knows finite ones only."""

from __future__ import annotations

import math


def json_number(number: float) -> float | str:
    """A number as JSON has it, or the string that `float` reads.

    Args:
        number: Any.

    Returns:
        The number; "NaN", "Infinity" or "-Infinity" where it is not finite.

    Example:
        >>> [json_number(number) for number in (0.5, float("nan"), float("-inf"))]
        [0.5, 'NaN', '-Infinity']
    """
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
