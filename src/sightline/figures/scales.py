"""Axes whose numbers stay short, and which are logarithmic where that says more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axis import Axis

LOG_FROM_RATIO = 5.0
"""Largest over smallest value from which a logarithmic axis says more than a linear one."""


def compact(value: float, _position: object = None) -> str:
    """Write a number in as few characters as its digits allow.

    Args:
        value: any number.

    Returns:
        Text of at most eight characters for numbers of up to four significant digits.

    Example:
        >>> [compact(value) for value in (0, 0.9964, 12_500, 1e6, 0.00025, -3e-9)]
        ['0', '0.9964', '12.5k', '1M', '2.5e-4', '-3e-9']
    """
    size = abs(value)
    if value == 0 or not math.isfinite(value) or 1e-3 <= size < 999.95:
        return f"{value:.6g}"
    for factor, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if 0.99995 * factor <= size < 999.95 * factor:
            return f"{value / factor:.4g}{letter}"
    mantissa, _, exponent = f"{value:.3e}".partition("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def linear(axis: Axis, *, num_ticks: int = 4, integer: bool = False) -> None:
    """Label a linear axis with few short numbers.

    Args:
        axis: `axes.xaxis` or `axes.yaxis`.
        num_ticks: how many intervals there are at most.
        integer: whether only whole numbers are marked.
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(num_ticks, integer=integer, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(compact))


def logarithmic(axis: Axis, low: float, high: float, *, num_ticks: int = 4) -> None:
    """Make an axis logarithmic over a range and label few of its numbers.

    Args:
        axis: `axes.xaxis` or `axes.yaxis`.
        low: lowest value in view, above 0.
        high: highest value in view, above `low`.
        num_ticks: how many numbers there are at most, about.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes = axis.axes
    if axis is axes.xaxis:
        axes.set(xscale="log", xlim=(low, high))
    else:
        axes.set(yscale="log", ylim=(low, high))
    axis.set_major_locator(FixedLocator(_log_ticks(low, high, num_ticks)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(compact))


def fit(axis: Axis, values: NDArray[Any], *, num_ticks: int = 4) -> None:
    """Scale an axis to its values: logarithmic if all are positive and they span a factor of 5.

    Args:
        axis: `axes.xaxis` or `axes.yaxis`.
        values: all values on it, any shape; those that are not finite do not count.
        num_ticks: how many numbers there are at most, about.
    """
    finite = values[np.isfinite(values)]
    if finite.size and finite.min() > 0 and finite.max() >= LOG_FROM_RATIO * finite.min():
        low, high = float(finite.min()), float(finite.max())
        room = (high / low) ** 0.05
        logarithmic(axis, low / room, high * room, num_ticks=num_ticks)
    else:
        linear(axis, num_ticks=num_ticks)


def _log_ticks(low: float, high: float, num_ticks: int) -> list[float]:
    """Round numbers between two: whole decades if they suffice, else parts of them."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    stride = max(1, math.ceil((last - first) / (num_ticks + 1)))
    decades = [10.0**power for power in range(first, last + 1) if power % stride == 0]
    inside = [tick for tick in decades if low <= tick <= high]
    if len(inside) >= 3 or last - first > 3:
        return inside
    for multiples in ((1, 2, 5), (1, 2, 3, 5, 7)):
        finer = [m * 10.0**power for power in range(first, last + 1) for m in multiples]
        inside = [tick for tick in finer if low <= tick <= high]
        if len(inside) >= 3:
            break
    return inside if len(inside) <= num_ticks + 1 else inside[:: math.ceil(len(inside) / num_ticks)]
