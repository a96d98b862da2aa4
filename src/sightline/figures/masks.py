"""Masks over images: what the encoder sees, what it must predict, and both.

Shape legend: B batch, C channels, H and W rows and columns; of pixels for images, of patches for
masks. An image's height and width are whole multiples of its mask's; images and masks that do not
fit are a ValueError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sightline.figures import style
from sightline.figures.overlays import draw_patches, draw_regions, outline, require_fit
from sightline.figures.pixels import Array, as_colours, as_mask
from sightline.figures.sheet import GAP_PX, Box, figure_of, new_sheet, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL_PX = 132
_LABEL_PX = 124


def visualize_masking_strategy(
    images_BCHW: Array, context_BHW: Array, target_BHW: Array, *, max_images: int = 4
) -> Figure:
    """Show the masks of a few images, one a column: image, context, target, and both together.

    How to read it: blue is what the encoder sees, orange what it must predict, hatching what it
    never gets. Masks should differ from column to column, and no patch may be blue and orange.
    It costs about 65 ms for four images of 112 pixels on one core.

    Args:
        images_BCHW: images, (B, C, H, W), C 1 or 3; uint8, or floats (stretched if not in [0, 1]).
        context_BHW: True where a patch is context, (B, H, W), bool.
        target_BHW: True where a patch is a target, (B, H, W), bool.
        max_images: how many images to show, from the first.

    Returns:
        Figure for the tag `masking/samples`, 684 pixels wide for four images.
    """
    pictures = as_colours(images_BCHW[:max_images])
    contexts, targets = as_mask(context_BHW[:max_images]), as_mask(target_BHW[:max_images])
    require_fit(pictures, contexts, targets)

    step = _CELL_PX + GAP_PX
    sheet = new_sheet(4 * step + GAP_PX, width_px=_LABEL_PX + len(pictures) * step)
    for column, (picture, context, target) in enumerate(
        zip(pictures, contexts, targets, strict=True)
    ):
        boxes = [
            Box(_LABEL_PX + column * step, GAP_PX + row * step, _CELL_PX, _CELL_PX).around(
                *picture.shape[:2]
            )
            for row in range(4)
        ]
        draw_patches(sheet, boxes[0], picture, np.ones_like(context))
        draw_patches(sheet, boxes[1], picture, context)
        outline(sheet, boxes[1], context, style.BLUE)
        draw_patches(sheet, boxes[2], picture, target)
        outline(sheet, boxes[2], target, style.ORANGE)
        draw_regions(sheet, boxes[3], picture, context, target)
    _label(sheet, 0, "image", style.INK)
    _label(sheet, 1, "context", style.BLUE, "is seen")
    _label(sheet, 2, "target", style.ORANGE, "is predicted")
    _label(sheet, 3, "both", style.INK, "overlaid")
    return figure_of(sheet)


def visualize_masked_image(image_CHW: Array, mask_HW: Array) -> Figure:
    """Show one image with its masked patches taken away.

    How to read it: what is left should show what the image is about without giving the hatched part
    away. It costs about 12 ms on one core.

    Args:
        image_CHW: image, (C, H, W), C 1 or 3; uint8, or floats (stretched if not in [0, 1]).
        mask_HW: True where a patch is masked, (H, W), bool.

    Returns:
        Figure of 330 x 330 pixels.
    """
    picture, mask = as_colours(image_CHW[None]), as_mask(mask_HW)
    require_fit(picture, mask[None])
    sheet, box = _single()
    draw_patches(sheet, box.around(*picture.shape[1:3]), picture[0], ~mask)
    return figure_of(sheet)


def visualize_context_target_regions(
    image_CHW: Array, context_HW: Array, target_HW: Array
) -> Figure:
    """Show one image with its context outlined in blue and its targets covered in orange.

    How to read it: no patch may be blue and orange. Patches of neither kind are hatched; many of
    them are computing time for nothing. It costs about 15 ms on one core.

    Args:
        image_CHW: image, (C, H, W), C 1 or 3; uint8, or floats (stretched if not in [0, 1]).
        context_HW: True where a patch is context, (H, W), bool.
        target_HW: True where a patch is a target, (H, W), bool.

    Returns:
        Figure of 330 x 330 pixels.
    """
    picture = as_colours(image_CHW[None])
    context, target = as_mask(context_HW), as_mask(target_HW)
    require_fit(picture, context[None], target[None])
    sheet, box = _single()
    draw_regions(sheet, box.around(*picture.shape[1:3]), picture[0], context, target)
    return figure_of(sheet)


def _label(sheet: Axes, row: int, name: str, colour: str, what: str = "") -> None:
    """Write a row's name, and below it what the row means, to the left of its first picture."""
    x, y = _LABEL_PX - 14, GAP_PX + row * (_CELL_PX + GAP_PX) + _CELL_PX / 2
    shift = 11 if what else 0
    write(sheet, x, y - shift, name, ha="right", colour=colour, size=style.TYPE_PT, weight="bold")
    if what:
        write(sheet, x, y + 13, what, ha="right", colour=style.MUTED)


def _single() -> tuple[Axes, Box]:
    side = style.CARD_WIDTH_PX / 2
    return new_sheet(side, width_px=side), Box(7, 7, side - 14, side - 14)
