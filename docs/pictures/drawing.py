"""Panels in which a healthy and a sick run stand side by side, in the style of the figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Patch

from faults import BATCH, WIDTH
from runs import Result
from sightline.catalogue import bands
from sightline.figures import panels, scales, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_PX = 800
LEFT_PX, GAP_PX, RIGHT_PX = 72, 84, 22
LEGEND_PX, TITLE_PX, BOTTOM_PX = 40, 38, 62
HEALTHY: dict[str, Any] = {"color": style.BLUE, "linestyle": "-"}
BAND: dict[str, Any] = {"color": style.GREEN, "alpha": 0.16, "linewidth": 0}
SICK: dict[str, Any] = {"color": style.SERIES[5], "linestyle": (0, (4, 1.2))}


def sheet(
    titles: Sequence[str],
    sick: str,
    *,
    columns: int = 2,
    height_px: float = 210,
    xlabel: str = "optimizer step",
    has_range: bool = True,
) -> tuple[Figure, list[Axes]]:
    """Make panels in rows, with a legend of the two runs above them.

    Args:
        titles: What each panel shows, with its unit.
        sick: What was done to the sick run; no legend if empty.
        columns: Panels in a row.
        height_px: Height of a panel.
        xlabel: Name of the axis of the lowest panels.
        has_range: Whether a healthy range is shaded somewhere.

    Returns:
        The figure and its panels.
    """
    rows = -(-len(titles) // columns)
    top = LEGEND_PX if sick else 6
    below = BOTTOM_PX if xlabel else 12
    height = top + rows * (TITLE_PX + height_px) + below + (rows - 1) * 30
    wide = (WIDTH_PX - LEFT_PX - RIGHT_PX - (columns - 1) * GAP_PX) / columns
    figure = style.new_figure(height, width_px=WIDTH_PX)
    axes = []
    for index, title in enumerate(titles):
        row, column = divmod(index, columns)
        left = LEFT_PX + column * (wide + GAP_PX)
        bottom = height - top - (row + 1) * (TITLE_PX + height_px) - row * 30
        box = (left / WIDTH_PX, bottom / height, wide / WIDTH_PX, height_px / height)
        panel = figure.add_axes(box)
        panels.name(panel, title)
        scales.linear(panel.xaxis, num_ticks=4)
        if index + columns >= len(titles):
            panel.set_xlabel(xlabel, fontsize=style.SMALL_TYPE_PT, color=style.INK)
        axes.append(panel)
    if sick:
        handles: list[Any] = [
            axes[0].plot([], [], label=name, linewidth=2.5, **looks)[0]
            for name, looks in (("healthy", HEALTHY), (f"sick: {sick}", SICK))
        ]
        if has_range:
            handles.append(Patch(label="healthy range", **BAND))
        figure.legend(
            handles=handles, loc="upper left", ncols=3, frameon=False, labelcolor=style.INK,
            bbox_to_anchor=(LEFT_PX / WIDTH_PX, 1 - 4 / height), borderaxespad=0, borderpad=0.2,
            fontsize=style.SMALL_TYPE_PT, columnspacing=1.5, handlelength=1.8,
        )  # fmt: skip
    return figure, axes


def both(
    axes: Axes,
    healthy: Result,
    sick: Result,
    tag: str,
    *,
    times: float = 1.0,
    low: float | None = None,
    high: float = 1.0,
    is_log: bool = False,
) -> None:
    """Draw a tag of both runs, with its healthy range if the catalogue has one.

    Args:
        axes: The panel.
        healthy: The healthy run.
        sick: The sick one.
        tag: Which curve.
        times: What the values are multiplied with.
        low: Lower end of the axis; without it, the values decide.
        high: Upper end, if there is a lower one.
        is_log: Whether the axis between them is logarithmic.
    """
    drawn = []
    for run, looks in ((healthy, HEALTHY), (sick, SICK)):
        steps, values = run[tag]
        drawn.append(times * values)
        panels.curve(axes, (steps, drawn[-1]), **looks)
    if low is None:
        scales.fit(axes.yaxis, np.concatenate(drawn))
    elif is_log:
        scales.logarithmic(axes.yaxis, low, high)
    else:
        axes.set_ylim(low, high)
        scales.linear(axes.yaxis)
    edges = [times * edge for edge in bands([tag], num_samples=BATCH, width=WIDTH).values()]
    if edges:
        shade(axes, *edges)


def shade(axes: Axes, low: float, high: float) -> None:
    """Shade a healthy range, as far as it is in view.

    Args:
        axes: The panel, its limits set.
        low: Lower end.
        high: Upper end.
    """
    bottom, top = axes.get_ylim()
    if low < top and high > bottom:
        axes.axhspan(max(low, bottom), min(high, top), zorder=0.5, **BAND)
    axes.set_ylim(bottom, top)


def note(axes: Axes, x: float, y: float, text: str, **looks: Any) -> None:
    """Write something into a panel.

    Args:
        axes: The panel.
        x: From its left, 0 to 1.
        y: From below, 0 to 1.
        text: What.
        **looks: As matplotlib's text takes them.
    """
    defaults = {"fontsize": 12, "color": style.INK, "transform": axes.transAxes}
    axes.text(x, y, text, **(defaults | looks))


def label(
    axes: Axes, x: float, y: float, text: str, *, colour: str = style.INK, ha: str = "left"
) -> None:
    """Write beside a point.

    Args:
        axes: The panel.
        x: Of the point, in the panel's unit.
        y: The same.
        text: What.
        colour: Of the type.
        ha: left for text on the right of the point, right for text on its left.
    """
    beside = (12 if ha == "left" else -12, -4)
    axes.annotate(
        text, (x, y), xytext=beside, textcoords="offset points", fontsize=12, color=colour, ha=ha
    )
