"""Panels of curves, one above the other, over one axis of steps.

All measures are in pixels, so that type never outgrows its margin whatever the number of panels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.figures import scales, style
from sightline.figures.points import Floats, thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT_PX, RIGHT_PX, BOTTOM_PX = 88, 30, 66
TITLE_PX, LEGEND_ROW_PX, GAP_PX = 36, 28, 12
_LETTER_PX, _KEY_PX = 11.0, 68.0
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)))


def stack(
    titles: Sequence[str],
    heights_px: Sequence[float],
    *,
    legend: Sequence[str] = (),
    xlabel: str = "optimizer step",
) -> tuple[Figure, list[Axes]]:
    """Make panels one above the other that share the axis of steps.

    Args:
        titles: what each panel shows, with its unit.
        heights_px: height of each panel.
        legend: the names that `show_legend` will show; room is left for them at the top.
        xlabel: name of the shared axis.

    Returns:
        The figure and its panels, from the top.
    """
    top = GAP_PX + LEGEND_ROW_PX * _legend_shape(legend)[0]
    panels = len(titles) * TITLE_PX + sum(heights_px) + GAP_PX * (len(titles) - 1)
    height = top + panels + BOTTOM_PX
    figure = style.new_figure(height)
    width = style.CARD_WIDTH_PX
    axes: list[Axes] = []
    edge = height - top
    for title, panel_px in zip(titles, heights_px, strict=True):
        edge -= TITLE_PX + panel_px
        box = (LEFT_PX, edge, width - LEFT_PX - RIGHT_PX, panel_px)
        left, bottom, wide, high = box
        panel = figure.add_axes(
            (left / width, bottom / height, wide / width, high / height),
            sharex=axes[0] if axes else None,
        )
        name(panel, title)
        axes.append(panel)
        edge -= GAP_PX
    for panel in axes[:-1]:
        panel.tick_params(labelbottom=False)
    scales.linear(axes[-1].xaxis, num_ticks=5, integer=True)
    axes[-1].set_xlabel(xlabel, fontsize=style.SMALL_TYPE_PT, color=style.INK)
    return figure, axes


def name(axes: Axes, title: str, *, aside: str = "", colour: str = style.MUTED) -> None:
    """Title a panel at its upper left, with something quieter at its upper right.

    Args:
        axes: the panel.
        title: what it shows, with its unit.
        aside: what is worth reading beside it.
        colour: of the aside.
    """
    style.plain(axes)
    size = style.SMALL_TYPE_PT
    if title:
        axes.set_title(title, loc="left", fontsize=size, color=style.INK, pad=8)
    if aside:
        axes.set_title(aside, loc="right", fontsize=size, color=colour, pad=8)


def curve(
    axes: Axes, points: tuple[Floats, Floats], *, index: int = 0, label: str = "", **looks: Any
) -> None:
    """Draw one curve; a value that is not finite leaves a gap and a red cross above the axis.

    Args:
        axes: the panel.
        points: steps and values, each (N,).
        index: which of the curves of this figure it is; picks colour and dashes.
        label: its name in the legend.
        **looks: what matplotlib's `plot` takes, over the defaults.
    """
    steps, values = thinned(*points)
    is_finite = np.isfinite(values)
    before, after = np.r_[False, is_finite[:-1]], np.r_[is_finite[1:], False]
    alone = np.flatnonzero(is_finite & ~before & ~after)
    defaults = {
        "color": style.SERIES[index % len(style.SERIES)],
        "linestyle": _DASHES[index // len(style.SERIES) % len(_DASHES)],
        "linewidth": 2.5,
        "marker": "o" if len(alone) else "",
        "markevery": alone.tolist(),
        "label": shorten(label) if label else "_",
    }
    axes.plot(steps, np.where(is_finite, values, np.nan), **(defaults | looks))
    if not is_finite.all():
        axes.plot(
            steps[~is_finite],
            np.full(np.count_nonzero(~is_finite), 0.04),
            transform=axes.get_xaxis_transform(),
            linestyle="none",
            marker="x",
            color=style.ALERT,
            markersize=8,
            markeredgewidth=2.5,
            clip_on=False,
            label="_",
        )


def warn_band(axes: Axes, low: float, high: float) -> None:
    """Shade a range of values that is a warning, as far as it is in view.

    Args:
        axes: the panel, its limits set.
        low: lower end of the range.
        high: upper end of the range.
    """
    bottom, top = axes.get_ylim()
    low, high = max(low, bottom), min(high, top)
    if low < high:
        axes.axhspan(low, high, color=style.ALERT, alpha=0.13, linewidth=0, zorder=0.5)


def show_legend(axes: Axes, names: Sequence[str]) -> None:
    """Show the names of the curves above the top panel, in the room that `stack` left for them.

    Args:
        axes: the top panel.
        names: the names that `stack` was told.
    """
    if not names:
        return
    figure = axes.get_figure(root=True)
    assert figure is not None
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(
            LEFT_PX / style.CARD_WIDTH_PX,
            1 - 6 / (figure.get_figheight() * style.DPI),
        ),
        bbox_transform=figure.transFigure,
        ncols=_legend_shape(names)[1],
        fontsize=style.SMALL_TYPE_PT,
        labelcolor=style.INK,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        labelspacing=0.45,
        handlelength=1.9,
        handletextpad=0.5,
        columnspacing=1.2,
    )


def shorten(text: str, most: int = 42) -> str:
    """Take the middle out of a name that is too long for the figure.

    Args:
        text: a name.
        most: how many characters fit.

    Returns:
        The name, with its start and its longer end.

    Example:
        >>> shorten("encoder.blocks.11.mlp.fc1.weight", 16)
        'encod…fc1.weight'
    """
    if len(text) <= most:
        return text
    start = (most - 1) // 3
    return f"{text[:start]}…{text[len(text) - (most - 1 - start) :]}"


def _legend_shape(names: Sequence[str]) -> tuple[int, int]:
    """Rows and columns that the names take."""
    if not names:
        return 0, 1
    room = style.CARD_WIDTH_PX - LEFT_PX
    widest = _KEY_PX + _LETTER_PX * max(len(shorten(label)) for label in names)
    columns = max(1, min(len(names), int(room // widest)))
    rows = -(-len(names) // columns)
    return rows, -(-len(names) // rows)
