"""Panels in which a healthy and a sick run stand side by side, in the style of the figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from faults import BATCH, WIDTH
from sightline.catalogue import bands
from sightline.figures import panels, scales, style
from sightline.figures.heat import rising

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Points = tuple[NDArray[np.float64], NDArray[np.float64]]

WIDTH_PX = 800
LEGEND_PX, TITLE_PX, BOTTOM_PX, MARGIN_PX = 40, 38, 62, 6
TICK_PT = 6.0  # from an axis to its numbers, so that those of a corner keep apart
HEALTHY: dict[str, Any] = {"color": style.BLUE, "linestyle": "-"}
BAND: dict[str, Any] = {"color": style.GREEN, "alpha": 0.16, "linewidth": 0}
SICK: dict[str, Any] = {"color": style.SERIES[5], "linestyle": (0, (4, 1.2))}


class Run(Protocol):
    """Anything with steps and values by tag."""

    def __getitem__(self, tag: str, /) -> Points:
        """Steps and values of a tag."""


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
        height_px: Height of a panel, about: what surrounds it takes the room that it needs.
        xlabel: Name of the axis of the lowest panels.
        has_range: Whether a healthy range is shaded somewhere.

    Returns:
        The figure and its panels.
    """
    rows = -(-len(titles) // columns)
    around_px = (LEGEND_PX if sick else 0) + (BOTTOM_PX if xlabel else 0)
    height = around_px + rows * (TITLE_PX + height_px) + 2 * MARGIN_PX
    figure = style.new_figure(height, width_px=WIDTH_PX)
    pad = MARGIN_PX / style.DPI
    figure.set_layout_engine("constrained", w_pad=pad, h_pad=pad, wspace=0.06, hspace=0.02)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for index, (panel, title) in enumerate(zip(axes, titles, strict=True)):
        panels.name(panel, title)
        panel.tick_params(pad=TICK_PT)
        scales.linear(panel.xaxis, num_ticks=4)
        if index + columns >= len(titles):
            panel.set_xlabel(xlabel, fontsize=style.SMALL_TYPE_PT, color=style.INK)
    if sick:
        key(figure, f"sick: {sick}", has_range=has_range)
    return figure, axes


def key(figure: Figure, sick: str, *, has_range: bool = True) -> None:
    """Say above the panels which curve is which: in one row, or in as many as the width asks for.

    Args:
        figure: Whose panels show both runs.
        sick: Name of the sick run.
        has_range: Whether a healthy range is shaded somewhere.

    Raises:
        ValueError: If a name is wider than the paper.
    """
    handles: list[Any] = [
        Line2D([], [], label=name, linewidth=2.5, **looks)
        for name, looks in (("healthy", HEALTHY), (sick, SICK))
    ]
    if has_range:
        handles.append(Patch(label="healthy range", **BAND))
    for columns in range(len(handles), 0, -1):
        legend = figure.legend(
            handles=handles, loc="outside upper left", ncols=columns, frameon=False,
            labelcolor=style.INK, fontsize=style.SMALL_TYPE_PT, columnspacing=1.5,
            handlelength=1.8, borderpad=0.2,
        )  # fmt: skip
        if legend.get_window_extent().width <= WIDTH_PX - 2 * MARGIN_PX:
            return
        legend.remove()
    raise ValueError(f"expected a name that fits into {WIDTH_PX} pixels, got {sick!r}; shorten it")


def both(
    axes: Axes,
    healthy: Run,
    sick: Run,
    tag: str,
    *,
    times: float = 1.0,
    low: float | None = None,
    high: float = 1.0,
    is_log: bool = False,
    until: float = np.inf,
) -> None:
    """Draw a tag of both runs, with its healthy range if the catalogue has one, and print its ends.

    Args:
        axes: The panel.
        healthy: The healthy run.
        sick: The sick one.
        tag: Which curve.
        times: What the values are multiplied with.
        low: Lower end of the axis; without it, the values decide.
        high: Upper end, if there is a lower one.
        is_log: Whether the axis between them is logarithmic; values of 0 are left out.
        until: Last step that is drawn, where the runs are not of one length.
    """
    drawn = []
    for name, run, looks in (("healthy", healthy, HEALTHY), ("sick", sick, SICK)):
        steps, values = run[tag]
        is_shown = (steps <= until) & ((values > 0) if is_log else True)
        points = steps[is_shown], times * values[is_shown]
        panels.curve(axes, points, **looks)
        drawn.append(points[1])
        tell(tag, name, *points)
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


def tell(what: str, name: str, steps: Any, values: Any) -> None:
    """Print how a curve ends and what it ranges over, for the words below the picture.

    Args:
        what: What is measured.
        name: Of which run.
        steps: Steps, (N,).
        values: Values, (N,).
    """
    end = f"{values[-1]:.4g} at step {int(steps[-1])}"
    low, high = np.argmin(values), np.argmax(values)
    span = f"{values[low]:.4g} at {int(steps[low])} to {values[high]:.4g} at {int(steps[high])}"
    print(f"  {what}, {name}: {end}; {span}")


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
    axes: Axes,
    x: float,
    y: float,
    text: str,
    *,
    colour: str = style.INK,
    ha: str = "left",
    above_pt: float = -4,
) -> None:
    """Write beside a point.

    Args:
        axes: The panel.
        x: Of the point, in the panel's unit.
        y: The same.
        text: What.
        colour: Of the type.
        ha: left for text on the right of the point, right for text on its left.
        above_pt: How far the line of the text is above the point.
    """
    beside = (12 if ha == "left" else -12, above_pt)
    axes.annotate(
        text, (x, y), xytext=beside, textcoords="offset points", fontsize=12, color=colour, ha=ha
    )


def bar(axes: Sequence[Axes], low: float, high: float, name: str) -> None:
    """Stand a bar of `rising` colours on the right of some panels.

    Args:
        axes: The panels.
        low: The number of the lowest colour.
        high: The number of the highest.
        name: What the numbers are.
    """
    colours = ScalarMappable(Normalize(low, high), rising())
    made = axes[0].figure.colorbar(colours, ax=axes, fraction=0.05, pad=0.02, aspect=16)
    made.set_label(name, fontsize=style.SMALL_TYPE_PT, color=style.INK)
    style.plain(made.ax)
    made.outline.set_visible(False)
    made.ax.grid(False)
    scales.linear(made.ax.yaxis)
