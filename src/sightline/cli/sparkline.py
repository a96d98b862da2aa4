"""A curve in one line of text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.-=+*%#"
NOT_FINITE = "!"


def cell_means(values: NDArray[np.float64], num_cells: int) -> NDArray[np.float64]:
    """Means of neighbouring points.

    Args:
        values: Values in order, shape (n,).
        num_cells: How many means at most.

    Returns:
        float64 array of shape (min(n, num_cells),), NaN where a point is not finite.

    Example:
        >>> cell_means(np.array([1.0, 3.0, 5.0, np.inf, 2.0, 2.0]), 3).tolist()
        [2.0, nan, 2.0]
    """
    num_cells = min(len(values), num_cells)
    if num_cells == 0:
        return np.empty(0)
    starts = np.arange(num_cells) * len(values) // num_cells
    counts = np.diff(np.append(starts, len(values)))
    finite = np.where(np.isfinite(values), values, np.nan)
    # Divided before they are added: no sum of large values overflows.
    share = finite / np.repeat(counts, counts)
    return np.add.reduceat(share, starts)


def sparkline(means: NDArray[np.float64], blocks: str = BLOCKS) -> str:
    """Draw means as blocks, from the lowest of them to the highest.

    Args:
        means: As `cell_means` gives them, shape (n,).
        blocks: `BLOCKS`, or `ASCII` for terminals without them.

    Returns:
        A character for each; `!` where it is NaN, and the same middle block throughout for
        a constant.

    Example:
        >>> sparkline(np.array([0.0, 1.0, 2.0, np.nan, 7.0]))
        '▁▂▃!█'
    """
    finite = means[np.isfinite(means)]
    if not len(finite):
        return NOT_FINITE * len(means)
    scale = float(np.abs(finite).max()) or 1.0
    scaled = means / scale
    low, high = float(finite.min()) / scale, float(finite.max()) / scale
    if high > low:
        heights = (scaled - low) / (high - low) * (len(blocks) - 1)
    else:
        heights = np.where(np.isfinite(scaled), (len(blocks) - 1) // 2, np.nan)
    return "".join(
        NOT_FINITE if np.isnan(height) else blocks[round(float(height))] for height in heights
    )
