"""How well each patch of an image is predicted, over the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sightline.figures import style
from sightline.figures.heat import BAR_HEIGHT_PX, as_heat, colour_bar, rising
from sightline.figures.overlays import draw_patches, require_fit
from sightline.figures.pixels import Array, as_colours, on_host
from sightline.figures.sheet import GAP_PX, Box, decimal, figure_of, new_sheet, paste, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LARGEST_PX = 220
_NARROW_PX = 110  # too narrow for a word beside the number
_NUMBERS_PX = 34
_OPACITY = 0.85


def plot_similarity_heatmap(
    images_BCHW: Array, cosine_BHW: Array, *, max_images: int = 4
) -> Figure:
    """Show images, and below them how similar prediction and target are at each scored patch.

    Similarities that do not fit the images are a ValueError.

    How to read it: yellow is well predicted, dark violet badly or not at all (cosine 0 and below);
    patches without a score stay a faint grey image. The colours mean the same at every step. Good:
    brightening over the training, with what is hard to guess (edges, details) last. Bad: all yellow
    from the first steps on, which is what collapse looks like, or the same pattern on every image,
    which is a prediction from position alone. It costs about 50 ms for four images on one core.

    Args:
        images_BCHW: images, (B, C, H, W), C 1 or 3; uint8, or floats (stretched if not in [0, 1]).
        cosine_BHW: cosine similarity of each patch's prediction with its target, (B, H, W), in
            [-1, 1]; NaN where a patch is not scored.
        max_images: how many images to show, from the first.

    Returns:
        Figure for the tag `patches/similarity_heatmap`, 660 pixels wide.

    Example:
        >>> cosine = np.array([[[0.5, np.nan], [np.nan, 1.0]]])
        >>> figure = plot_similarity_heatmap(np.ones((1, 1, 4, 4)), cosine)
        >>> figure.axes[0].texts[0].get_text()
        'mean 0.75'
    """
    pictures = as_colours(images_BCHW[:max_images])
    cosines = on_host(cosine_BHW[:max_images]).astype(np.float32)
    require_fit(pictures, cosines)

    room = (style.CARD_WIDTH_PX - GAP_PX) / len(pictures) - GAP_PX
    side = min(_LARGEST_PX, int(room))
    rows, columns = pictures.shape[1:3]
    height = round(side * min(1.0, rows / columns))
    sheet = new_sheet(2 * height + 4 * GAP_PX + _NUMBERS_PX + BAR_HEIGHT_PX)
    first = (style.CARD_WIDTH_PX - len(pictures) * (side + GAP_PX) + GAP_PX) / 2
    for index, (picture, cosine) in enumerate(zip(pictures, cosines, strict=True)):
        left = first + index * (side + GAP_PX)
        above = Box(left, GAP_PX, side, height).around(rows, columns)
        draw_patches(sheet, above, picture, np.ones(cosine.shape, bool))
        below = Box(left, 2 * GAP_PX + height, side, height).around(rows, columns)
        grey = picture.mean(axis=-1, keepdims=True).repeat(3, axis=-1)
        scored = np.isfinite(cosine)
        paste(sheet, below, 0.6 + 0.35 * grey)
        heat = as_heat(cosine, rising(), 0, 1)
        heat[..., 3] = np.where(scored, _OPACITY, 0)
        paste(sheet, below, heat, zorder=3, interpolation="nearest")
        y = below.bottom + _NUMBERS_PX / 2
        write(
            sheet,
            left + side / 2,
            y,
            _mean(cosine[scored], is_narrow=side < _NARROW_PX),
            ha="center",
        )
    bar = Box(GAP_PX, 3 * GAP_PX + 2 * height + _NUMBERS_PX - 4, style.CARD_WIDTH_PX - 16, 14)
    colour_bar(
        sheet,
        bar,
        rising(),
        0,
        1,
        "cosine similarity of prediction and target",
        below="\N{LESS-THAN OR EQUAL TO} ",
    )
    return figure_of(sheet)


def _mean(scores: NDArray[np.float32], *, is_narrow: bool) -> str:
    number = decimal(float(scores.mean())) if scores.size else "n/a"
    return number if is_narrow else f"mean {number}"
