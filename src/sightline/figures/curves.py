"""Curves over the course of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from sightline.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Series: TypeAlias = Mapping[str, tuple[Sequence[float], Sequence[float]]]
"""Steps and values by tag."""


def plot_training_curves(series: Series, *, learning_rate_tag: str = "train/lr") -> Figure:
    """Plot losses over the global optimizer step, with the learning rate below them.

    Args:
        series: steps and values by tag; each loss becomes a curve named by its tag.
        learning_rate_tag: the series that is drawn in the lower panel; without it there is none.

    Returns:
        Figure of 660 pixels' width; the losses' axis is logarithmic if all are positive.

    Raises:
        ValueError: if there is no loss to plot.
    """
    losses = {tag: points for tag, points in series.items() if tag != learning_rate_tag}
    if not losses:
        raise ValueError(
            f"expected at least one loss, got only {list(series)}; pass e.g. loss/total"
        )
    has_rate = learning_rate_tag in series
    figure = style.new_figure(460 if has_rate else 340)
    upper, *lower = figure.subplots(
        2 if has_rate else 1,
        1,
        sharex=True,
        squeeze=False,
        gridspec_kw={
            "height_ratios": [3, 1] if has_rate else [1],
            "left": 0.14,
            "right": 0.97,
            "top": 0.97,
            "bottom": 0.14 if has_rate else 0.18,
            "hspace": 0.12,
        },
    )[:, 0]
    for index, (tag, (steps, values)) in enumerate(losses.items()):
        upper.plot(
            steps, values, label=tag, color=style.SERIES[index % len(style.SERIES)], linewidth=2.5
        )
    if all(value > 0 for _, values in losses.values() for value in values):
        upper.set_yscale("log")
    upper.legend(fontsize=style.SMALL_TYPE_PT, frameon=False)
    _name(upper, "loss")
    for axes in lower:
        axes.plot(*series[learning_rate_tag], color=style.INK, linewidth=2.5)
        axes.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
        axes.yaxis.get_offset_text().set_fontsize(style.SMALL_TYPE_PT)
        _name(axes, "learning rate")
    bottom = lower[0] if has_rate else upper
    bottom.set_xlabel("optimizer step", fontsize=style.SMALL_TYPE_PT, color=style.INK)
    return figure


def _name(axes: Axes, name: str) -> None:
    style.plain(axes)
    axes.set_ylabel(name, fontsize=style.SMALL_TYPE_PT, color=style.INK)
