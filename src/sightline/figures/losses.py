"""The loss of each level of a hierarchy, and what each contributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.figures import panels, scales, style
from sightline.figures.points import Floats, points_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARES = "share of the total (%)"
LOSS_PX, SHARES_PX = 260, 150
ONE_LEVEL_TOO_MUCH = 90.0  # %


def plot_hierarchical_losses(
    steps: Any,
    losses_by_level: Mapping[int | str, Any],
    shares: Mapping[int | str, Any] | None = None,
) -> Figure:
    """Plot the loss of every level, and below them the share that each has in the total.

    How to read it: all levels should fall, the coarse ones later. A level that stays flat while the
    others fall learns nothing; a level whose share grows beyond 90% (said in red) drowns the
    others, so lower its weight. Blind spot: levels predict different targets, so that a lower loss
    does not mean a better level.

    Cost: 80 ms on one core for three levels, drawn and encoded.

    Args:
        steps: global optimizer steps, (N,).
        losses_by_level: unweighted loss by level, each (N,) at those steps, or a pair of steps and
            values, or a series of `sightline.read`; `loss/h{l}`.
        shares: weighted share of each level in the total, in %, in the same forms, all at the same
            steps; their sum is 100; `loss/contribution_h{l}`.

    Returns:
        Figure of 660 pixels' width; the losses' axis is logarithmic if all are positive and span a
        factor of 5 or more.

    Raises:
        ValueError: if there is no level, if a curve has another length than the steps, or if shares
            and losses do not have the same levels.
    """
    if not losses_by_level:
        raise ValueError("expected at least one level, got none; pass e.g. {0: losses}")
    if shares is not None and set(shares) != set(losses_by_level):
        raise ValueError(
            f"expected shares of the levels {list(losses_by_level)}, got {list(shares)}; "
            "give each level both, or leave the shares out"
        )
    names = [level_name(level) for level in losses_by_level]
    curves = [
        points_of(losses, level_name(level), steps=steps)
        for level, losses in losses_by_level.items()
    ]
    figure, (upper, *lower) = panels.stack(
        ["loss, unweighted"] if shares is None else ["loss, unweighted", SHARES],
        [LOSS_PX] if shares is None else [LOSS_PX, SHARES_PX],
        legend=names,
    )
    scales.fit(upper.yaxis, np.concatenate([values for _, values in curves]))
    for index, (label, points) in enumerate(zip(names, curves, strict=True)):
        panels.curve(upper, points, index=index, label=label)
    panels.show_legend(upper, names)
    if shares is not None:
        stacked = [
            points_of(shares[level], f"the share of {level_name(level)}", steps=steps)
            for level in losses_by_level
        ]
        _stack_shares(lower[0], *_together(stacked), names)
    return figure


def level_name(level: int | str) -> str:
    """Name a level as all figures do.

    Args:
        level: its number, 0 the finest, or a name of its own.

    Returns:
        The name.

    Example:
        >>> level_name(0), level_name("total")
        ('level 0', 'total')
    """
    return f"level {level}" if isinstance(level, int | np.integer) else level


def _together(shares: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    steps = shares[0][0]
    if any(not np.array_equal(steps, others) for others, _ in shares):
        raise ValueError(
            f"expected the shares of all levels at the same steps, got "
            f"{[len(others) for others, _ in shares]} points; take those of one reading"
        )
    return steps, np.stack([values for _, values in shares])


def _stack_shares(axes: Any, steps: Floats, shares_LN: Floats, names: list[str]) -> None:
    colours = [style.SERIES[level % len(style.SERIES)] for level in range(len(shares_LN))]
    axes.stackplot(
        steps, np.nan_to_num(shares_LN, posinf=0, neginf=0), colors=colours, alpha=0.75, linewidth=0
    )
    axes.set_ylim(0, 100)
    axes.yaxis.set_ticks([0, 50, 100])
    finite = np.isfinite(shares_LN).all(0)
    if finite.any():
        last = shares_LN[:, finite][:, -1]
        level = int(last.argmax())
        if len(last) > 1 and last[level] > ONE_LEVEL_TOO_MUCH:
            warning = f"{panels.shorten(names[level], 16)} has {last[level]:.0f}%"
            panels.name(axes, SHARES, aside=warning, colour=style.ALERT)
