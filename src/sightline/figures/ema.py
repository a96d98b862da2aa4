"""The moving average of a target network: its momentum, and how far it lags behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.figures import panels, scales, style
from sightline.figures.points import points_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOMENTUM, DIVERGENCE = "EMA momentum", "‖context - target‖ / ‖target‖"
MOMENTUM_PX, DIVERGENCE_PX = 200, 160


def plot_ema_momentum(steps: Any, momentum: Any, divergence: Any = None) -> Figure:
    """Plot the momentum of an exponential moving average, and the distance it leaves.

        target <- m target + (1 - m) context

    How to read it: the momentum should rise to its end value without a step; beside it stands the
    number of steps, 1 / (1 - m), over which the target averages at the end. Good is a divergence
    that grows in the warm-up and then falls. A divergence of exactly 0 in two readings in a row
    (said in red) means that the target is no average at all, one that never stops growing that it
    is frozen.

    Cost: 70 ms on one core, drawn and encoded.

    Args:
        steps: global optimizer steps, (N,).
        momentum: m, (N,), in [0, 1]; `train/ema_momentum`.
        divergence: ||context - target|| / ||target|| over all parameters: values of the same steps,
            (N,), or a pair of steps and values, or a series of `sightline.read`, because it is
            usually measured less often; `ema/parameter_divergence`.

    Returns:
        Figure of 660 pixels' width, with a second panel for the divergence if there is one.
    """
    points = points_of(momentum, "momentum", steps=steps)
    has_divergence = divergence is not None
    figure, (upper, *lower) = panels.stack(
        [MOMENTUM, DIVERGENCE][: 1 + has_divergence],
        [MOMENTUM_PX, DIVERGENCE_PX][: 1 + has_divergence],
    )
    panels.curve(upper, points)
    known = points[1][np.isfinite(points[1])]
    if known.size:
        panels.name(upper, MOMENTUM, aside=_horizon(float(known[-1])))
        if known.min() == known.max():  # of a constant, 1 is the landmark
            room = max(1 - known[0], 1e-3)
            upper.set_ylim(known[0] - room, known[0] + room)
    scales.linear(upper.yaxis)
    for axes in lower:
        gaps = points_of(divergence, "divergence", steps=steps)
        panels.curve(axes, gaps, color=style.ORANGE)
        is_zero = gaps[1] == 0
        scales.fit(axes.yaxis, gaps[1])
        if (is_zero[1:] & is_zero[:-1]).any():  # one zero is a target that was just copied
            warning = f"exactly 0 in {np.count_nonzero(is_zero)} readings"
            panels.name(axes, DIVERGENCE, aside=warning, colour=style.ALERT)
    return figure


def _horizon(momentum: float) -> str:
    if momentum >= 1:
        return "the target stands still at the end"
    return f"averages {scales.compact(float(f'{1 / (1 - momentum):.2g}'))} steps at the end"
