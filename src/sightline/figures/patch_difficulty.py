"""Which patches are hard to predict, and which are easy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sightline.figures import style
from sightline.figures.overlays import Picture, outline, require_fit
from sightline.figures.pixels import Array, as_colours, on_host
from sightline.figures.sheet import GAP_PX, Box, decimal, figure_of, new_sheet, paste, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABEL_PX = 112
_CELL_PX = 100
_ROW_PX = 146
_NUM_PATCHES = 5


def plot_patch_difficulty(images_BCHW: Array, cosine_BHW: Array, *, surround: int = 2) -> Figure:
    """Show the five target patches that are predicted worst and the five predicted best.

    Each is outlined within its surround, with its cosine similarity below; each image gives its
    worst and its best patch before any gives a second one.

    How to read it: good is when the hard patches are those that nobody could guess (lettering, a
    small object) and the easy ones those that follow from what lies around them (sky, floor). Bad:
    hard and easy patches that look alike, or easy patches that are all background while the hard
    ones are all object, for then the features may hold background alone. Blind spot: a single batch
    has few of either. It costs about 40 ms on one core.

    Args:
        images_BCHW: images, (B, C, H, W), C 1 or 3; uint8, or floats (stretched if not in [0, 1]).
        cosine_BHW: cosine similarity of each patch's prediction with its target, (B, H, W), in
            [-1, 1]; NaN where a patch is no target.
        surround: how many patches to show on each side, 0 or more; at an image's edge, the more on
            the other side.

    Returns:
        Figure of 660 x 308 pixels for the tag `prediction/most_difficult_patches`.

    Raises:
        ValueError: if the similarities do not fit the images, or the surround is negative.

    Example:
        >>> cosine = np.full((1, 2, 2), np.nan)
        >>> cosine[0, 1] = -0.5, 0.25
        >>> figure = plot_patch_difficulty(np.ones((1, 1, 8, 8)), cosine)
        >>> [text.get_text() for text in figure.axes[0].texts][:4]
        ['hardest', 'cosine', '−0.50', '0.25']
    """
    if surround < 0:
        raise ValueError(f"expected a surround of 0 patches or more, got {surround}; pass e.g. 2")
    pictures = as_colours(images_BCHW)
    cosines = on_host(cosine_BHW).astype(np.float32)
    require_fit(pictures, cosines)

    sheet = new_sheet(2 * _ROW_PX + 2 * GAP_PX)
    for row, (name, sign, colour) in enumerate((
        ("hardest", 1, style.SERIES[5]),
        ("easiest", -1, style.BLUE),
    )):
        top = GAP_PX + row * _ROW_PX
        x, y = _LABEL_PX - 14, top + _CELL_PX / 2
        write(sheet, x, y, name, ha="right", weight="bold", size=style.TYPE_PT, colour=colour)
        write(sheet, _LABEL_PX - 14, top + _CELL_PX + 18, "cosine", ha="right", colour=style.MUTED)
        places = _lowest(sign * cosines)
        if not len(places):
            write(sheet, _LABEL_PX, top + _CELL_PX / 2, "no patch has a score", colour=style.MUTED)
        for column, (image, *place) in enumerate(places):
            box = Box(_LABEL_PX + column * (_CELL_PX + GAP_PX), top, _CELL_PX, _CELL_PX)
            grid = cosines.shape[1:]
            _draw_patch(sheet, box, pictures[image], grid, tuple(place), surround, colour)
            cosine = decimal(cosines[image, *place])
            write(sheet, box.left + _CELL_PX / 2, box.bottom + 18, cosine, ha="center")
    return figure_of(sheet)


def _lowest(values_BHW: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return (image, row, column) of the lowest values, each image's lowest before any second."""
    flat = values_BHW.reshape(len(values_BHW), -1)
    flat = np.where(np.isfinite(flat), flat, np.inf)
    order = np.argsort(flat, axis=1, kind="stable")[:, :_NUM_PATCHES]
    lowest = np.take_along_axis(flat, order, axis=1)
    rank_in_image = np.broadcast_to(np.arange(lowest.shape[1]), lowest.shape)
    chosen = np.lexsort((lowest.ravel(), rank_in_image.ravel(), np.isinf(lowest).ravel()))
    chosen = chosen[:_NUM_PATCHES]
    chosen = chosen[np.argsort(lowest.ravel()[chosen], kind="stable")]
    chosen = chosen[np.isfinite(lowest.ravel()[chosen])]
    image = chosen // lowest.shape[1]
    row, column = np.unravel_index(order.ravel()[chosen], values_BHW.shape[1:])
    return np.stack([image, row, column], axis=1)


def _draw_patch(
    sheet: Axes,
    box: Box,
    picture: Picture,
    grid: tuple[int, ...],
    place: tuple[int, ...],
    surround: int,
    colour: str,
) -> None:
    size = tuple(min(2 * surround + 1, extent) for extent in grid)
    start = tuple(
        int(np.clip(at - surround, 0, extent - length))
        for at, extent, length in zip(place, grid, size, strict=True)
    )
    height, width = (a // b for a, b in zip(picture.shape[:2], grid, strict=True))
    rows = slice(start[0] * height, (start[0] + size[0]) * height)
    columns = slice(start[1] * width, (start[1] + size[1]) * width)
    crop = picture[rows, columns]
    box = box.around(*crop.shape[:2])
    paste(sheet, box, crop)
    marked = np.zeros(size, bool)
    marked[place[0] - start[0], place[1] - start[1]] = True
    outline(sheet, box, marked, colour)
