"""Whether features collapse: their spread, their rank and their likeness over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.figures import panels, scales, style
from sightline.figures.points import points_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_PX = 130
LOW_SPREAD, LOW_RANK_FRAC, HIGH_SIMILARITY = 0.3, 0.1, 0.5


def plot_collapse_metrics(
    steps: Any, std: Any, rank: Any, similarity: Any, *, width: int, num_samples: int
) -> Figure:
    """Plot spread, effective rank and similarity of the features, with what is too low shaded.

    How to read it: a healthy run leaves the shaded bands early and stays out. All three in the
    bands is complete collapse: every image has the same feature. Spread and similarity fine but
    rank in its band is dimensional collapse: the features use a few directions only. Blind spot:
    features that are spread out may still be noise; a probe tells.

    Cost: 95 ms on one core, drawn and encoded.

    Args:
        steps: global optimizer steps, (N,). Each of the next three is (N,) at those steps, or a
            pair of steps and values, or a series of `sightline.read`.
        std: mean deviation a dimension of features on the unit sphere, (N,), in [0, 1/sqrt(D)], as
            `sightline.diagnostics.mean_std` gives it; `collapse/mean_std_per_dim`.
        rank: effective rank, (N,), in directions; `collapse/effective_rank`.
        similarity: mean cosine between different images, (N,), in [-1, 1];
            `collapse/mean_similarity`.
        width: dimensions D of the features; the spread is drawn times sqrt(D), whose ideal is 1.
        num_samples: rows of the batch that was measured; it limits the rank to min(rows - 1, D).

    Returns:
        Figure of 660 pixels' width with three panels.

    Raises:
        ValueError: if a curve has another length than the steps, or D or the batch are too small.
    """
    if width < 1 or num_samples < 2:
        raise ValueError(
            f"expected at least one dimension and two samples, got {width} and {num_samples}; "
            "pass the shape of the features"
        )
    reachable = min(num_samples - 1, width)
    spread = points_of(std, "std", steps=steps)
    ranks = points_of(rank, "rank", steps=steps)
    likeness = points_of(similarity, "similarity", steps=steps)
    figure, (upper, middle, lower) = panels.stack(["", "", ""], [PANEL_PX] * 3)
    panels.curve(upper, (spread[0], spread[1] * width**0.5))
    upper.set_ylim(0, 1.1)
    panels.warn_band(upper, 0, LOW_SPREAD)
    _name(upper, "spread (std times √D; 1 is ideal)", "shaded: too low")

    panels.curve(middle, ranks)
    highest = np.nanmax(ranks[1], initial=reachable, where=np.isfinite(ranks[1]))
    middle.set_ylim(0, 1.1 * highest)
    middle.axhline(reachable, color=style.MUTED, linewidth=1.5, linestyle=(0, (4, 2)))
    panels.warn_band(middle, 0, LOW_RANK_FRAC * reachable)
    _name(middle, f"effective rank (of {reachable} directions)", "shaded: too low")

    panels.curve(lower, likeness)
    lowest = np.nanmin(likeness[1], initial=0.0, where=np.isfinite(likeness[1]))
    lower.set_ylim(1.1 * lowest - 0.05, 1.05)
    panels.warn_band(lower, HIGH_SIMILARITY, 1.05)
    _name(lower, "mean cosine between images", "shaded: all alike")
    for axes in (upper, middle, lower):
        scales.linear(axes.yaxis, num_ticks=4)
    return figure


def _name(axes: Axes, title: str, warning: str) -> None:
    panels.name(axes, title, aside=warning, colour=style.ALERT)
