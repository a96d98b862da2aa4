"""Size, shape and place of the target blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sightline.figures import style
from sightline.figures.heat import as_heat, colour_bar, rising
from sightline.figures.overlays import draw_regions, require_fit, swatch
from sightline.figures.pixels import Array, as_colours, as_mask, on_host
from sightline.figures.sheet import Box, chart, figure_of, new_sheet, paste, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_BARS = 14


def plot_mask_geometry(
    block_areas: Array,
    aspect_ratios: Array,
    coverage_HW: Array,
    images_BCHW: Array,
    context_BHW: Array,
    target_BHW: Array,
) -> Figure:
    """Show how large target blocks are, of which shape, where they lie, and four masked images.

    How to read it: areas and aspect ratios should fill the configured ranges and end at their ends.
    Coverage is how often a position was predicted, over the mean of all positions: blocks that fit
    the grid lie more often in its middle, so a smooth hill is good; a dark row or column at an edge
    is the usual fault of an excluded upper end. A position that was never predicted is crossed out.
    Blind spot: coverage of few images is noise. It costs about 100 ms on one core.

    Args:
        block_areas: area of each target block, in patches, any shape; NaN is left out.
        aspect_ratios: height over width of each block, any shape; NaN and 0 are left out.
        coverage_HW: how often each position was a target, (H, W), at least 0; counts or shares.
        images_BCHW: images, (B, C, H, W), C 1 or 3; uint8, or floats (stretched if not in [0, 1]);
            the first four are shown.
        context_BHW: True where a patch is context, (B, H, W), bool.
        target_BHW: True where a patch is a target, (B, H, W), bool.

    Returns:
        Figure of 660 x 466 pixels for the tag `masking/geometry_analysis`.

    Raises:
        ValueError: if the coverage is not a grid, or masks do not fit the images.
    """
    coverage = on_host(coverage_HW).astype(float)
    if coverage.ndim != 2 or coverage.size == 0:
        raise ValueError(
            f"expected a coverage of shape (H, W), got {coverage.shape}; "
            "sum the target masks over the images"
        )
    pictures = as_colours(images_BCHW[:4])
    contexts, targets = as_mask(context_BHW[:4]), as_mask(target_BHW[:4])
    require_fit(pictures, contexts, targets)

    sheet = new_sheet(466)
    areas, ratios = _finite(block_areas), _finite(aspect_ratios)
    area_box, ratio_box = Box(64, 42, 150, 152), Box(276, 42, 150, 152)
    _histogram(sheet, area_box, "block area", "patches", areas)
    _histogram(
        sheet, ratio_box, "aspect ratio", "height / width", ratios[ratios > 0], logarithmic=True
    )
    write(sheet, 14, 118, "blocks", rotation=90, ha="center", colour=style.MUTED)
    _heat_map(sheet, Box(486, 42, 152, 152), coverage)

    for column, (picture, context, target) in enumerate(
        zip(pictures, contexts, targets, strict=True)
    ):
        box = Box(8 + 163 * column, 268, 155, 155).around(*picture.shape[:2])
        draw_regions(sheet, box, picture, context, target)
    legend = ((style.ORANGE, "predicted"), (style.BLUE, "seen"), (None, "neither"))
    for column, (colour, meaning) in enumerate(legend):
        swatch(sheet, 8 + 163 * column, 446, colour)
        write(sheet, 34 + 163 * column, 446, meaning, colour=style.MUTED)
    return figure_of(sheet)


def _histogram(
    sheet: Axes,
    box: Box,
    name: str,
    unit: str,
    values: NDArray[np.float64],
    *,
    logarithmic: bool = False,
) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

    write(sheet, box.left, box.top - 20, name, weight="bold")
    write(sheet, box.left + box.width / 2, box.bottom + 50, unit, ha="center", colour=style.MUTED)
    axes = chart(sheet, box, num_ticks=3)
    if values.size == 0:
        axes.set(xticks=[], yticks=[])
        text = axes.text(0.5, 0.5, "no blocks", ha="center", transform=axes.transAxes)
        text.set(fontsize=style.SMALL_TYPE_PT, color=style.MUTED)
        return
    low, high = float(values.min()), float(values.max())
    edges: NDArray[np.floating]
    if logarithmic:
        low, high = min(low / 1.1, 0.5), max(high * 1.1, 2.0)
        edges = np.geomspace(low, high, _MAX_BARS + 1)
        axes.set_xscale("log")
        ends = 2.0 ** np.floor(np.log2([1 / low, high]))
        axes.xaxis.set_major_locator(FixedLocator([1 / ends[0], 1.0, ends[1]]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:.2g}"))
    else:
        # Whole patches, so that no bar is empty by arithmetic alone.
        width = (high - low) // _MAX_BARS + 1
        num_bars = max(3, int((high - low) // width) + 1)
        start = low - 0.5 - (width if high == low else 0)
        edges = start + width * np.arange(num_bars + 1)
        axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    counts, _ = np.histogram(values, edges)
    axes.stairs(counts, edges, fill=True, color=style.ORANGE)
    axes.set_ylim(bottom=0)


def _heat_map(sheet: Axes, box: Box, coverage: NDArray[np.float64]) -> None:
    grid = box.around(*coverage.shape)
    mean = coverage[np.isfinite(coverage)].mean() if np.isfinite(coverage).any() else np.nan
    relative = coverage / mean if mean > 0 else coverage * 0
    high = max(1.0, float(np.nanmax(relative, initial=0.0)))
    write(sheet, grid.left, box.top - 20, "coverage / mean", weight="bold")
    heat = as_heat(relative, rising(), 0, high)
    paste(sheet, grid, heat, interpolation="nearest")
    rows, columns = np.nonzero(coverage == 0)
    height, width = grid.height / coverage.shape[0], grid.width / coverage.shape[1]
    sheet.plot(
        grid.left + (columns + 0.5) * width,
        grid.top + (rows + 0.5) * height,
        linestyle="none",
        marker="x",
        color=style.PAPER,
        markersize=min(9.0, 0.4 * min(height, width)),
        zorder=4,
    )
    bar = Box(box.left, box.bottom + 12, box.width, 14)
    colour_bar(sheet, bar, rising(), 0, high, "")


def _finite(values: Array) -> NDArray[np.float64]:
    flat = on_host(values).astype(np.float64).ravel()
    return flat[np.isfinite(flat)]
