"""A figure laid out in pixels from its upper left corner, like a page.

Pictures of one figure share one sheet, because every further Axes costs five times what a picture
does. Only charts get an Axes of their own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sightline.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

GAP_PX = 8
TIMES = "\N{MULTIPLICATION SIGN}"


class Box(NamedTuple):
    """A rectangle on a sheet, in pixels.

    Args:
        left: distance from the sheet's left edge.
        top: distance from the sheet's upper edge.
        width: extent to the right.
        height: extent downwards.
    """

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Distance of the right edge from the sheet's left edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Distance of the lower edge from the sheet's upper edge."""
        return self.top + self.height

    def around(self, rows: int, columns: int) -> Box:
        """Return the largest box of a picture's proportions in the middle of this one.

        Args:
            rows: the picture's height, in its own pixels.
            columns: its width.

        Returns:
            A box of whole pixels' position, so that the picture's edges are sharp.
        """
        scale = min(self.width / columns, self.height / rows)
        width, height = round(columns * scale), round(rows * scale)
        left = math.floor(self.left + (self.width - width) / 2)
        return Box(left, math.floor(self.top + (self.height - height) / 2), width, height)


def new_sheet(height_px: float, *, width_px: float = style.CARD_WIDTH_PX) -> Axes:
    """Make a figure whose only Axes is measured in pixels, y downwards.

    Args:
        height_px: height in pixels.
        width_px: width in pixels.

    Returns:
        The Axes without ticks and frame; its figure is `sheet.figure`.
    """
    sheet = style.new_figure(height_px, width_px=width_px).add_axes((0, 0, 1, 1))
    sheet.set(xlim=(0, width_px), ylim=(height_px, 0), autoscale_on=False)
    sheet.set_axis_off()
    return sheet


def figure_of(sheet: Axes) -> Figure:
    """Return the figure of a sheet, as its own type.

    Args:
        sheet: what `new_sheet` made.

    Returns:
        The figure, never a subfigure.
    """
    figure = sheet.get_figure(root=True)
    assert figure is not None
    return figure


def paste(
    sheet: Axes,
    box: Box,
    colours: NDArray[np.float32],
    *,
    zorder: float = 2,
    interpolation: str | None = None,
) -> None:
    """Put colours on a sheet.

    Args:
        sheet: where to.
        box: which part it fills.
        colours: (H, W, 3) or (H, W, 4), in [0, 1].
        zorder: what is higher lies above.
        interpolation: matplotlib's; "nearest" for what has cells rather than pixels. By default
            photographs are smooth, and small images keep their pixels.
    """
    if interpolation is None:
        enlarged = box.width / colours.shape[1]
        interpolation = "bilinear" if 3 < enlarged < 6 else "antialiased"
    sheet.imshow(
        colours,
        extent=(box.left, box.right, box.bottom, box.top),
        aspect="auto",
        interpolation=interpolation,
        zorder=zorder,
    )


def write(
    sheet: Axes,
    x: float,
    y: float,
    text: str,
    *,
    max_width: float = math.inf,
    size: float = style.SMALL_TYPE_PT,
    colour: str = style.INK,
    ha: str = "left",
    va: str = "center_baseline",
    **kwargs: Any,
) -> Text:
    """Write a line on a sheet, cut with an ellipsis where it would be too long.

    Args:
        sheet: where to.
        x: pixels from the left.
        y: pixels from above.
        text: one line.
        max_width: pixels that it may take.
        size: type size in points.
        colour: of the type.
        ha: which end of the line is at x.
        va: which part of the line is at y.
        **kwargs: further properties of matplotlib's Text.

    Returns:
        The text.
    """
    line = sheet.text(x, y, text, ha=ha, va=va, color=colour, zorder=5, parse_math=False, **kwargs)
    line.set_fontsize(size)
    while math.isfinite(max_width) and line.get_window_extent().width > max_width and len(text) > 1:
        text = text[:-1]
        line.set_text(f"{text.rstrip()}…")
    return line


def chart(sheet: Axes, box: Box, *, num_ticks: int = 4) -> Axes:
    """Open a chart with axes of its own on a sheet.

    Args:
        sheet: where to.
        box: the area between the axes; tick labels lie outside, about 50 pixels at the left and 30
            below.
        num_ticks: most intervals on either axis.

    Returns:
        Its Axes, in the house's look.
    """
    from matplotlib.ticker import MaxNLocator

    figure = figure_of(sheet)
    width, height = figure.bbox.width, figure.bbox.height
    axes = figure.add_axes((
        box.left / width,
        1 - box.bottom / height,
        box.width / width,
        box.height / height,
    ))
    style.plain(axes)
    axes.tick_params(axis="x", pad=8)  # clear of the other axis' zero
    axes.xaxis.set_major_locator(MaxNLocator(num_ticks))
    axes.yaxis.set_major_locator(MaxNLocator(num_ticks, integer=True))
    return axes


def percent(share: float) -> str:
    """Write a share so that what is small does not read as nothing.

    Args:
        share: usually in [0, 1]; NaN becomes n/a.

    Returns:
        Percents without needless digits.

    Example:
        >>> percent(0.364), percent(0.0004), percent(0.0), percent(float("nan"))
        ('36 %', '0.04 %', '0 %', 'n/a')
    """
    if math.isnan(share):
        return "n/a"
    return f"{100 * share:.2g} %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def decimal(value: float, spec: str = ".2f") -> str:
    r"""Write a number with a true minus sign, which is as wide as a digit.

    Args:
        value: any number.
        spec: Python's format.

    Returns:
        The number.

    Example:
        >>> decimal(-0.5) == "\N{MINUS SIGN}0.50", decimal(0.5, ".2g")
        (True, '0.5')
    """
    return f"{value:{spec}}".replace("-", "\N{MINUS SIGN}")
