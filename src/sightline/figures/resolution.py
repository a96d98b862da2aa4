"""What each level of a hierarchy costs: tokens, arithmetic and memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from sightline.figures import panels, style
from sightline.figures.losses import level_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_PX = 38


class LevelCost(NamedTuple):
    """What one level of a hierarchy costs for one image.

    Args:
        level: its number, 0 the finest, or a name.
        tokens: how many tokens it has.
        flops: floating-point operations of its forward pass.
        memory_bytes: memory of its activations.
    """

    level: int | str
    tokens: float
    flops: float
    memory_bytes: float


def plot_hierarchy_resolution(rows: Sequence[LevelCost]) -> Figure:
    """Show tokens, arithmetic and memory of every level as bars with their numbers.

    How to read it: tokens should shrink from level to level by the factor that you set. The level
    with the longest bars is the one to make cheaper; a coarse level that costs as much as a fine
    one buys nothing with its resolution.

    Cost: 45 ms on one core for three levels, drawn and encoded.

    Args:
        rows: one a level, the finest first; plain tuples (level, tokens, FLOPs, bytes) will do.

    Returns:
        Figure for `hierarchy/resolution`, 660 pixels wide.

    Raises:
        ValueError: if there is no level or a cost is negative.
    """
    costs = [LevelCost(*row) for row in rows]
    if not costs or any(not value >= 0 for cost in costs for value in cost[1:]):
        raise ValueError(
            f"expected at least one level, with costs of 0 or more, got {costs}; "
            "pass LevelCost(level, tokens, flops, memory_bytes)"
        )
    names = [panels.shorten(level_name(cost.level), 16) for cost in costs]
    left = 28 + 11 * max(map(len, names))
    high, pad = ROW_PX * len(names), 14
    height = panels.GAP_PX + panels.TITLE_PX + high + pad
    width = style.CARD_WIDTH_PX
    wide = (width - left - pad) / 3
    figure = style.new_figure(height)
    quantities = {
        "tokens / image": [(cost.tokens, _with_unit(cost.tokens, "")) for cost in costs],
        "FLOPs / image": [(cost.flops, _with_unit(cost.flops, "")) for cost in costs],
        "memory / image": [
            (cost.memory_bytes, _with_unit(cost.memory_bytes, "B")) for cost in costs
        ],
    }
    for place, (title, bars) in enumerate(quantities.items()):
        axes = figure.add_axes((
            (left + place * wide) / width,
            pad / height,
            (wide - pad) / width,
            high / height,
        ))
        _bars(axes, title, bars)
        if place == 0:
            axes.set_yticks(range(len(names)), names)
            axes.tick_params(axis="y", labelcolor=style.INK)
    return figure


def _bars(axes: Axes, title: str, bars: list[tuple[float, str]]) -> None:
    panels.name(axes, title)
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    longest = max(value for value, _ in bars) or 1.0
    axes.barh(
        range(len(bars)), [value / longest for value, _ in bars], color=style.BLUE, height=0.55
    )
    axes.set_xlim(0, 1.9)
    axes.set_ylim(len(bars) - 0.5, -0.5)
    for row, (value, text) in enumerate(bars):
        axes.text(
            value / longest + 0.06, row, text, va="center", fontsize=style.SMALL_TYPE_PT,
            color=style.INK,
        )  # fmt: skip


def _with_unit(value: float, unit: str) -> str:
    for factor, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}".rstrip()
