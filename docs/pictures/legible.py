"""Which words of a figure cannot be read."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from matplotlib.text import Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def cut_off(figure: Figure) -> list[str]:
    """Find the words that the edge of the paper cuts.

    Args:
        figure: A finished figure.

    Returns:
        What they say.
    """
    paper = figure.bbox.padded(0.5)
    boxes = {text: text.get_window_extent() for text in words(figure)}
    return [
        text.get_text()
        for text, box in boxes.items()
        if not (paper.contains(box.x0, box.y0) and paper.contains(box.x1, box.y1))
    ]


def crossing(figure: Figure) -> list[tuple[str, str]]:
    """Find the words that lie over one another by more than two pixels a side.

    Args:
        figure: A finished figure.

    Returns:
        What they say, pair by pair.
    """
    boxes = [(text.get_text(), text.get_window_extent().padded(-2)) for text in words(figure)]
    return [(a, b) for (a, one), (b, other) in combinations(boxes, 2) if one.overlaps(other)]


def words(figure: Figure) -> list[Text]:
    """Find all that is written on a figure: not the numbers that lie beyond the ends of an axis.

    Args:
        figure: A finished figure.

    Returns:
        The texts, laid out.
    """
    figure.draw_without_rendering()
    beyond = {
        text
        for panel in figure.axes
        for axis in (panel.xaxis, panel.yaxis)
        for tick in axis.get_major_ticks()
        for text in (tick.label1, tick.label2)
        if not min(ends := axis.get_view_interval()) <= tick.get_loc() <= max(ends)
    }
    every = figure.findobj(Text)
    return [text for text in every if text.get_visible() and text.get_text() and text not in beyond]
