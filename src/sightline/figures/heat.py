"""Numbers as colours, with the bar that says which colour is which number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sightline.figures import style
from sightline.figures.sheet import GAP_PX, Box, decimal, paste, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

BAR_HEIGHT_PX = 46
"""What a colour bar of 14 pixels and its numbers take."""


def rising() -> Colormap:
    """Return violet over green to yellow, in even steps of lightness for every kind of eyes.

    Returns:
        The colour map (viridis), light grey for NaN.

    Source: van der Walt and Smith 2015, A Better Default Colormap for Matplotlib.
    """
    from matplotlib import colormaps

    return colormaps["viridis"].with_extremes(bad=style.FAINT)


def diverging() -> Colormap:
    """Return blue for what is below 0, white for 0, vermilion for what is above.

    Returns:
        The colour map; light grey for NaN.
    """
    from matplotlib.colors import LinearSegmentedColormap

    ends = (style.BLUE, style.PAPER, style.SERIES[5])
    colours = LinearSegmentedColormap.from_list("sightline_diverging", ends)
    return colours.with_extremes(bad=style.FAINT)


def as_heat(
    values: NDArray[np.floating], colours: Colormap, low: float, high: float
) -> NDArray[np.float32]:
    """Turn numbers into colours.

    Args:
        values: any shape; beyond the ends they get the ends' colours.
        colours: the colour map.
        low: the number of its lowest colour.
        high: the number of its highest colour, above low.

    Returns:
        The shape of the values and (4,) behind it: red, green, blue, opacity in [0, 1].
    """
    return np.asarray(colours((np.ma.masked_invalid(values) - low) / (high - low)), np.float32)


def colour_bar(
    sheet: Axes, box: Box, colours: Colormap, low: float, high: float, name: str, *, below: str = ""
) -> None:
    """Draw a lying colour bar with both ends' numbers below it and its name between them.

    Args:
        sheet: where to.
        box: the bar's place; its numbers lie within 32 pixels below it.
        colours: the colour map.
        low: the number of its lowest colour.
        high: the number of its highest colour.
        name: what the numbers are, with their unit.
        below: written before the lowest number, where what is below it has its colour.
    """
    paste(sheet, box, np.asarray(colours(np.linspace(0, 1, 256)), np.float32)[None])
    y = box.bottom + 17
    ends = (
        write(sheet, box.left, y, below + decimal(low, ".2g"), colour=style.MUTED),
        write(sheet, box.right, y, decimal(high, ".2g"), colour=style.MUTED, ha="right"),
    )
    room = box.width - 2 * max(end.get_window_extent().width for end in ends) - 2 * GAP_PX
    middle = box.left + box.width / 2
    write(sheet, middle, y, name, colour=style.MUTED, ha="center", max_width=room)


def finite_range(*arrays: NDArray[np.floating]) -> tuple[float, float]:
    """Find the smallest and the largest finite number of some arrays.

    Args:
        *arrays: of any shapes.

    Returns:
        Two numbers, the second above the first: where all are equal, a little to either side;
        (0, 1) where none is finite.
    """
    every = np.concatenate([array[np.isfinite(array)] for array in arrays])
    if every.size == 0:
        return 0.0, 1.0
    low, high = float(every.min()), float(every.max())
    if high - low > 1e-9 * max(1.0, abs(low)):
        return low, high
    room = max(0.5, 0.01 * abs(low))
    return low - room, high + room
