"""How masks vary over the images of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sightline.figures import style
from sightline.figures.pixels import Array, as_mask
from sightline.figures.sheet import Box, chart, figure_of, new_sheet, percent, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_BARS = 16


def plot_masking_statistics(target_BHW: Array, context_BHW: Array) -> Figure:
    """Show over the images of a batch how many patches are predicted, seen, neither, and both.

    How to read it: each panel counts images. Good: `predicted` and `seen` spread over the ranges
    that the configuration implies, `neither` stays small, and `both` is a single bar
    at 0 %. Bad: one bar in each panel (all images have the same mask), `seen` near 0 % (nothing to
    predict from), or any image right of 0 % in the last panel, which is a leak.
    It costs about 90 ms on one core.

    Args:
        target_BHW: True where a patch is a target, (B, H, W), bool.
        context_BHW: True where a patch is context, same shape.

    Returns:
        Figure of 660 x 452 pixels.

    Raises:
        ValueError: if the masks are not of one shape (B, H, W), or there is none.

    Example:
        >>> half = np.arange(16).reshape(1, 4, 4) < 8
        >>> figure = plot_masking_statistics(half, ~half)
        >>> [text.get_text() for text in figure.axes[0].texts if "mean" in text.get_text()]
        ['mean 50 %', 'mean 50 %', 'mean 0 %', 'mean 0 %']
    """
    targets, contexts = as_mask(target_BHW), as_mask(context_BHW)
    if targets.shape != contexts.shape or targets.ndim != 3 or targets.size == 0:
        raise ValueError(
            f"expected target and context masks of one shape (B, H, W), at least one, got "
            f"{targets.shape} and {contexts.shape}; reshape flat ones to the patch grid"
        )
    panels = (
        ("predicted", targets, style.ORANGE),
        ("seen", contexts, style.BLUE),
        ("neither", ~(targets | contexts), style.MUTED),
        ("both", targets & contexts, style.SERIES[5]),
    )
    sheet = new_sheet(452)
    for index, (name, masks, colour) in enumerate(panels):
        row, column = divmod(index, 2)
        box = Box(66 + 325 * column, 40 + 216 * row, 250, 132)
        write(sheet, box.left, box.top - 20, name, weight="bold")
        shares = masks.mean(axis=(1, 2))
        mean = f"mean {percent(float(shares.mean()))}"
        write(sheet, box.right, box.top - 20, mean, ha="right", colour=style.MUTED)
        axes = chart(sheet, box)
        _bars(axes, masks.sum(axis=(1, 2)), masks[0].size, colour)
        if column == 0:
            write(
                sheet, 14, box.top + box.height / 2, "images", rotation=90, ha="center",
                colour=style.MUTED,
            )  # fmt: skip
    write(sheet, 353, 433, "% of the patches", ha="center", colour=style.MUTED)
    return figure_of(sheet)


def _bars(axes: Axes, counts: NDArray[np.int64], num_patches: int, colour: str) -> None:
    """Draw bars of whole numbers of patches each, so that none is empty by arithmetic alone."""
    low, high = int(counts.min()), int(counts.max())
    width = (high - low) // _MAX_BARS + 1
    num_images = np.bincount((counts - low) // width)
    edges = low - 0.5 + width * np.arange(len(num_images) + 1)
    scale = 100 / num_patches
    axes.stairs(num_images, edges * scale, fill=True, color=colour)
    # A mask that never changes is one thin bar, not a wall.
    room = max(0.0, (10 - (edges[-1] - edges[0]) * scale) / 2)
    left = max(edges[0] * scale - room, -0.5 * scale)
    axes.set_xlim(left - 0.5, max(edges[-1] * scale + room, left + 10) + 0.5)
    axes.set_ylim(bottom=0)
    low_percent, high_percent = axes.get_xlim()
    ticks = axes.get_xticks()
    axes.set_xticks(ticks[(ticks >= max(0.0, low_percent)) & (ticks <= min(100.0, high_percent))])
