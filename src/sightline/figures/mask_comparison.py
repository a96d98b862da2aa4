"""Masking strategies one beside the other, on the same images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sightline.diagnostics import context_target_overlap, mask_ratio
from sightline.figures import style
from sightline.figures.overlays import draw_regions, require_fit, swatch
from sightline.figures.pixels import Array, as_colours, as_mask
from sightline.figures.sheet import GAP_PX, Box, figure_of, new_sheet, percent, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAME_PX = 34
_PICTURE_PX = 124
_NUMBERS_PX = 252
_NUM_IMAGES = 3
_LEAK = "leaked targets"
_WRONG = style.SERIES[5]


def compare_masking_strategies(
    strategies: Mapping[str, tuple[Array, Array]], images_BCHW: Array
) -> Figure:
    """Show the masks of several strategies on the same three images, with the batch's numbers.

    How to read it: a row is a strategy, a column an image. Orange is predicted, blue is seen,
    hatching is neither. Good strategies predict coherent regions of some size, leave enough context
    to predict them from, and never do both with one patch: `leaked targets`, the share of targets
    that are also seen, must be 0 %. Blind spot: the pictures are three, and the numbers are means
    over the batch. It costs about 105 ms for three strategies on one core.

    Args:
        strategies: context and target masks by the strategy's name, each (B, H, W), bool; B and the
            patch grid may differ from one strategy to the next.
        images_BCHW: images, (N, C, H, W) with C 1 or 3; uint8, or floats (stretched if not in
            [0, 1]). The first three are shown.

    Returns:
        Figure, 660 pixels wide; 166 pixels high for each strategy.

    Raises:
        ValueError: if there is no strategy, or masks that do not fit the images.

    Example:
        >>> import numpy as np
        >>> half = np.arange(16).reshape(1, 4, 4) < 8
        >>> image = np.ones((1, 1, 8, 8))
        >>> figure = compare_masking_strategies({"lower half": (half, ~half)}, image)
        >>> [text.get_text() for text in figure.axes[0].texts][:3]
        ['lower half', '50 %', 'predicted']
    """
    if not strategies:
        raise ValueError("expected at least one strategy, got none; pass masks by name")
    pictures = as_colours(images_BCHW[:_NUM_IMAGES])
    row_px = _NAME_PX + _PICTURE_PX + GAP_PX
    sheet = new_sheet(len(strategies) * row_px + GAP_PX)
    for row, (name, (context_BHW, target_BHW)) in enumerate(strategies.items()):
        contexts, targets = as_mask(context_BHW), as_mask(target_BHW)
        require_fit(pictures, contexts[: len(pictures)], targets[: len(pictures)])
        if len(contexts) != len(targets):
            raise ValueError(
                f"expected as many context as target masks for {name!r}, got {len(contexts)} and "
                f"{len(targets)}; pass both of the same batch"
            )
        top = GAP_PX + row * row_px
        room = style.CARD_WIDTH_PX - 2 * GAP_PX
        write(
            sheet,
            GAP_PX,
            top + _NAME_PX / 2 - 2,
            name,
            size=style.TYPE_PT,
            weight="bold",
            max_width=room,
        )
        for column, picture in enumerate(pictures):
            left = GAP_PX + column * (_PICTURE_PX + GAP_PX)
            box = Box(left, top + _NAME_PX, _PICTURE_PX, _PICTURE_PX)
            box = box.around(*picture.shape[:2])
            draw_regions(sheet, box, picture, contexts[column], targets[column])
        numbers = (
            (style.ORANGE, mask_ratio(targets), "predicted"),
            (style.BLUE, mask_ratio(contexts), "seen"),
            (None, mask_ratio(~(contexts | targets)), "neither"),
            (style.PAPER, context_target_overlap(contexts, targets), _LEAK),
        )
        left = style.CARD_WIDTH_PX - _NUMBERS_PX
        for line, (colour, share, what) in enumerate(numbers):
            y = top + _NAME_PX + _PICTURE_PX * (line + 0.5) / len(numbers)
            swatch(sheet, left, y, colour)
            is_wrong = what == _LEAK and bool(share > 0)
            number, word = (_WRONG, _WRONG) if is_wrong else (style.INK, style.MUTED)
            weight = "bold" if is_wrong else "normal"
            write(
                sheet, left + 84, y, percent(float(share)), ha="right", colour=number, weight=weight
            )
            write(sheet, left + 94, y, what, colour=word, weight=weight)
    return figure_of(sheet)
