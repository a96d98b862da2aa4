"""The plan of a training: learning rate, weight decay and momentum over all its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightline.figures import panels, scales, style
from sightline.figures.points import Floats, Series, points_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANEL_PX = 110


def plot_schedule(schedules: Series, *, warmup_steps: int = 0) -> Figure:
    """Plot planned values over all steps of a training, one small panel each.

    How to read it: what a panel says at its upper right must be what you meant: first value,
    extreme between, and last. The learning rate should end near 0
    and the EMA momentum at 1 or a little below, both at the last step and not before it; a saw
    tooth or a step that you did not plan is a schedule that is called an epoch, and not a step, at
    a time.

    Cost: 90 ms on one core for three panels, drawn and encoded.

    Args:
        schedules: steps and values by name, e.g. "learning rate", "weight decay", "EMA momentum".
        warmup_steps: steps of the warm-up, shaded; 0 if there is none.

    Returns:
        Figure for `learning_rate/schedule`, 660 pixels wide.

    Raises:
        ValueError: if there is no schedule, steps and values differ in shape, or the warm-up is
            negative.
    """
    if not schedules or warmup_steps < 0:
        raise ValueError(
            f"expected at least one schedule and a warm-up of 0 or more steps, got "
            f"{list(schedules)} and {warmup_steps}; pass e.g. {{'learning rate': (steps, values)}}"
        )
    plans = {name: points_of(points, name) for name, points in schedules.items()}
    figure, axes = panels.stack([""] * len(plans), [PANEL_PX] * len(plans))
    for panel, (name, points) in zip(axes, plans.items(), strict=True):
        panels.curve(panel, points)
        panels.name(panel, panels.shorten(name, 24), aside=_ends(points[1]))
        scales.linear(panel.yaxis, num_ticks=3)
        if warmup_steps:
            panel.axvspan(0, warmup_steps, color=style.FAINT, alpha=0.6, linewidth=0, zorder=0.5)
    if warmup_steps:
        axes[-1].set_xlabel("optimizer step (shaded: warm-up)")
    return figure


def _ends(values: Floats) -> str:
    """First value, highest or lowest between if it is beyond both ends, and last."""
    known = values[np.isfinite(values)]
    if not known.size:
        return ""
    first, last = float(known[0]), float(known[-1])
    extremes = [float(known.max()), float(known.min())]
    beyond = [turn for turn in extremes if not min(first, last) <= turn <= max(first, last)]
    turns = [first, *beyond, last] if len(known) > 1 else [first]
    return " → ".join(scales.compact(float(f"{turn:.4g}")) for turn in turns)
