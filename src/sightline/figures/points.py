"""The points of curves, on the host: steps and values of any array library, few enough to draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

_MOST_POINTS = 2_000


class HasPoints(Protocol):
    """What a series of `sightline.read` has, and anything else with steps and values."""

    @property
    def steps(self) -> Any:
        """Steps, (N,)."""

    @property
    def values(self) -> Any:
        """Values, (N,)."""


Points: TypeAlias = tuple[Any, Any] | HasPoints
"""Steps and values, each (N,): a pair, or a series of `sightline.read`."""
Series: TypeAlias = Mapping[str, Points]
"""Steps and values by tag."""
Floats: TypeAlias = NDArray[np.float64]


def floats(array: Any) -> Floats:
    """Copy numbers of any array library to the host, in a precision that keeps every step apart.

    Args:
        array: array, tensor or sequence, any shape.

    Returns:
        The same values as float64.
    """
    if hasattr(array, "detach"):
        array = array.detach().cpu().double()
    return np.asarray(array).astype(np.float64)


def points_of(points: Any, what: str, *, steps: Any = None) -> tuple[Floats, Floats]:
    """Bring steps and values to the host.

    Args:
        points: a pair or a series; or values alone, at `steps`.
        what: how an error names them.
        steps: where values are that come alone, (N,).

    Returns:
        Steps and values, float64, each (N,).

    Raises:
        ValueError: if they are not two vectors of one length.
    """
    if hasattr(points, "steps"):
        points = (points.steps, points.values)
    elif not isinstance(points, tuple):
        points = (steps, points)
    x, y = (floats(part) for part in points)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(
            f"expected steps and values of one shape (N,) for {what}, got {x.shape} and "
            f"{y.shape}; give each value its step"
        )
    return x, y


def thinned(steps: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Keep the lowest and highest of each bundle of points: what a pixel of a long curve shows.

    Args:
        steps: steps, (N,).
        values: values, (N,); of a bundle, the first that is not finite is kept as well.

    Returns:
        At most about 3,000 of the points, in their order; all of them up to 2,000.

    Example:
        >>> steps = np.arange(100_000.0)
        >>> kept, values = thinned(steps, np.where(steps == 4321, 7.0, 0.0))
        >>> len(kept) < 3_000, values.max(), kept[values.argmax()]
        (True, np.float64(7.0), np.float64(4321.0))
    """
    size = -(-2 * len(values) // _MOST_POINTS)
    if size <= 2:
        return steps, values
    num = len(values) // size
    bundles = values[: num * size].reshape(num, size)
    is_finite = np.isfinite(bundles)
    lowest = np.where(is_finite, bundles, np.inf).argmin(1)
    highest = np.where(is_finite, bundles, -np.inf).argmax(1)
    ends = np.stack([lowest, highest, np.where(is_finite, 0, 1).argmax(1)])
    kept = np.unique((ends + size * np.arange(num)).ravel())
    kept = np.r_[kept, np.arange(num * size, len(values))]
    return steps[kept], values[kept]
