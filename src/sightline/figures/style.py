"""One look for all figures: legible at the width of a TensorBoard card, safe for colour-blind eyes.

A card is about 330 pixels wide. Figures are drawn at twice that, with type that is still legible
when the browser halves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline._optional import missing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CARD_WIDTH_PX = 660
DPI = 100
TYPE_PT = 15.0
SMALL_TYPE_PT = 13.0

# M. Okabe and K. Ito, "Color universal design", 2008: told apart with every kind of colour vision.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, "#56B4E9", "#D55E00")
INK, MUTED, FAINT, PAPER = "#222222", "#666666", "#D9D9D9", "#FFFFFF"
ALERT = "#B3261E"  # what is wrong; always with a word or a shape, never by colour alone


def new_figure(height_px: float, *, width_px: float = CARD_WIDTH_PX) -> Figure:
    """Make an empty figure that belongs to no pyplot state and draws without a display.

    Args:
        height_px: height in pixels.
        width_px: width in pixels.

    Returns:
        The figure, with white paper whatever the user's matplotlib defaults are.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        missing("matplotlib", "figures")

    figure = Figure(figsize=(width_px / DPI, height_px / DPI), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    return figure


def bare(axes: Axes) -> None:
    """Take ticks and frame away, for pictures.

    Args:
        axes: axes that show an image.
    """
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def plain(axes: Axes) -> None:
    """Leave a light grid and two thin lines, for curves.

    Args:
        axes: axes that show curves.
    """
    axes.set_facecolor(PAPER)
    axes.grid(True, color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=SMALL_TYPE_PT, colors=MUTED, length=0)
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(FAINT)
