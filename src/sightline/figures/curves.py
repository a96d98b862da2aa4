"""Losses and learning rate over the course of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.figures import panels, scales, style
from sightline.figures.points import Floats, Series, points_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOSS_PX, RATE_PX = 290, 110


def plot_training_curves(
    series: Series, *, validation: Series | None = None, learning_rate_tag: str = "train/lr"
) -> Figure:
    """Plot losses over the global optimizer step, with the learning rate below them.

    How to read it: training and validation should fall together. Good is a gap that stays; a
    validation curve that turns up while its training curve falls is overfitting, and its lowest
    point, which is ringed, is the checkpoint to keep. A jump where the learning rate
    is highest is an instability. A red cross at the bottom is a loss that was not finite. Blind
    spot: a self-supervised loss also falls when the features collapse; see
    `plot_collapse_metrics`.

    Cost: 75 ms on one core for four losses with a learning rate, drawn and encoded; of a long curve
    the lowest and highest value of every pixel are drawn.

    Args:
        series: steps and values by tag, as pairs or series of `sightline.read`; each loss becomes a
            curve named by its tag.
        validation: the same for validation losses, drawn dashed; under the tag of a training loss,
            in its colour.
        learning_rate_tag: the series that is drawn in the lower panel; without it there is none.

    Returns:
        Figure of 660 pixels' width; the losses' axis is logarithmic if all are positive and span a
        factor of 5 or more.

    Raises:
        ValueError: if there is no loss to plot, or steps and values differ in shape.
    """
    losses = {
        tag: points_of(points, tag) for tag, points in series.items() if tag != learning_rate_tag
    }
    held_out = {tag: points_of(points, tag) for tag, points in (validation or {}).items()}
    if not losses and not held_out:
        raise ValueError(
            f"expected at least one loss, got only {list(series)}; pass e.g. loss/total"
        )
    has_rate = learning_rate_tag in series
    is_plain = {tag: tag if tag not in losses else f"{tag} (validation)" for tag in held_out}
    names = [*losses, *is_plain.values()]
    title = "loss"
    if len(names) == 1:
        title, names = panels.shorten(names[0]), []
    figure, (upper, *lower) = panels.stack(
        [title, "learning rate"] if has_rate else [title],
        [LOSS_PX, RATE_PX] if has_rate else [LOSS_PX],
        legend=names,
    )
    everything = [*losses.values(), *held_out.values()]
    scales.fit(upper.yaxis, np.concatenate([values for _, values in everything]))
    colours = {tag: index for index, tag in enumerate(dict.fromkeys([*losses, *held_out]))}
    for tag, points in losses.items():
        panels.curve(upper, points, index=colours[tag], label=tag)
    for tag, points in held_out.items():
        panels.curve(
            upper, points, index=colours[tag], label=is_plain[tag], linestyle=(0, (3, 1.2))
        )
        _ring_lowest(upper, *points)
    panels.show_legend(upper, names)
    for axes in lower:
        rate = points_of(series[learning_rate_tag], learning_rate_tag)
        panels.curve(axes, rate, color=style.INK)
        scales.linear(axes.yaxis, num_ticks=3)
    return figure


def _ring_lowest(axes: Axes, steps: Floats, values: Floats) -> None:
    if not np.isfinite(values).any():
        return
    best = int(np.nanargmin(np.where(np.isfinite(values), values, np.nan)))
    ring: dict[str, Any] = {
        "marker": "o",
        "markersize": 12,
        "markerfacecolor": "none",
        "markeredgewidth": 2,
    }
    axes.plot(steps[best], values[best], color=style.INK, zorder=4, label="_", **ring)
