"""Masks over images: what the encoder sees, what it must predict, and both.

Shape legend: B batch, C channels, H and W rows and columns; of pixels for images, of patches for
masks. An image's height and width are whole multiples of its mask's; images and masks that do not
fit are a ValueError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sightline.figures import style
from sightline.figures.pixels import Array, as_colours, on_host

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Mask = NDArray[np.bool_]
Picture = NDArray[np.float32]

_CELL_PX = 132
_LABEL_PX = 124
_GAP_PX = 8


def visualize_masking_strategy(
    images_BCHW: Array, context_BHW: Array, target_BHW: Array, *, max_images: int = 4
) -> Figure:
    """Show the masks of a few images, one a column: image, context, target, and both together.

    How to read it: blue is what the encoder sees, orange what it must predict, hatching what it
    never gets. Masks should differ from column to column, and no patch may be blue and orange.

    Args:
        images_BCHW: images, (B, C, H, W), C 1 or 3; uint8, or floats (stretched if not in [0, 1]).
        context_BHW: True where a patch is context, (B, H, W), bool.
        target_BHW: True where a patch is a target, (B, H, W), bool.
        max_images: how many images to show, from the first.

    Returns:
        Figure for the tag `masking/samples`, 684 pixels wide for four images.
    """
    pictures = as_colours(images_BCHW[:max_images])
    contexts, targets = (on_host(m[:max_images]).astype(bool) for m in (context_BHW, target_BHW))
    _require_fit(pictures, contexts, targets)

    num_images = len(pictures)
    width = _LABEL_PX + num_images * (_CELL_PX + _GAP_PX)
    height = 4 * (_CELL_PX + _GAP_PX) + _GAP_PX
    figure = style.new_figure(height, width_px=width)
    grid = figure.subplots(
        4,
        num_images,
        squeeze=False,
        gridspec_kw={
            "left": _LABEL_PX / width,
            "right": 1 - _GAP_PX / width,
            "top": 1 - _GAP_PX / height,
            "bottom": _GAP_PX / height,
            "wspace": _GAP_PX / _CELL_PX,
            "hspace": _GAP_PX / _CELL_PX,
        },
    )
    for column, (picture, context, target) in enumerate(
        zip(pictures, contexts, targets, strict=True)
    ):
        everything = np.ones_like(context)
        _draw(grid[0, column], picture, everything)
        _draw(grid[1, column], picture, context)
        _outline(grid[1, column], picture, context, style.BLUE)
        _draw(grid[2, column], picture, target)
        _outline(grid[2, column], picture, target, style.ORANGE)
        _draw_regions(grid[3, column], picture, context, target)
    _label(grid[0, 0], "image", style.INK)
    _label(grid[1, 0], "context", style.BLUE, "is seen")
    _label(grid[2, 0], "target", style.ORANGE, "is predicted")
    _label(grid[3, 0], "both", style.INK, "overlaid")
    return figure


def visualize_masked_image(image_CHW: Array, mask_HW: Array) -> Figure:
    """Show one image with its masked patches taken away.

    Args:
        image_CHW: image, (C, H, W), C 1 or 3; uint8, or floats (stretched if not in [0, 1]).
        mask_HW: True where a patch is masked, (H, W), bool.

    Returns:
        Figure of 330 x 330 pixels.
    """
    mask = on_host(mask_HW).astype(bool)
    picture = as_colours(image_CHW[None])
    _require_fit(picture, mask[None], mask[None])
    figure, axes = _single()
    _draw(axes, picture[0], ~mask)
    return figure


def visualize_context_target_regions(
    image_CHW: Array, context_HW: Array, target_HW: Array
) -> Figure:
    """Show one image with its context outlined in blue and its targets covered in orange.

    Args:
        image_CHW: image, (C, H, W), C 1 or 3; uint8, or floats (stretched if not in [0, 1]).
        context_HW: True where a patch is context, (H, W), bool.
        target_HW: True where a patch is a target, (H, W), bool.

    Returns:
        Figure of 330 x 330 pixels; patches of neither kind are hatched.
    """
    context, target = (on_host(mask).astype(bool) for mask in (context_HW, target_HW))
    picture = as_colours(image_CHW[None])
    _require_fit(picture, context[None], target[None])
    figure, axes = _single()
    _draw_regions(axes, picture[0], context, target)
    return figure


def _draw(axes: Axes, picture: Picture, shown: Mask) -> None:
    """Draw the shown patches of a picture over hatched paper."""
    from matplotlib.patches import Rectangle

    rows, columns = picture.shape[:2]
    paper = Rectangle((0, 0), columns, rows, facecolor="#EDEDED", edgecolor="#BDBDBD", hatch="////")
    paper.set_linewidth(0)
    axes.add_patch(paper)
    alpha = _to_pixels(shown, picture).astype(np.float32)[..., None]
    axes.imshow(
        np.concatenate([picture, alpha], axis=-1),
        extent=(0, columns, rows, 0),
        interpolation="nearest",
        zorder=2,
    )
    style.bare(axes)


def _draw_regions(axes: Axes, picture: Picture, context: Mask, target: Mask) -> None:
    _draw(axes, picture, context | target)
    rows, columns = picture.shape[:2]
    cover = np.zeros((*picture.shape[:2], 4), np.float32)
    cover[_to_pixels(target, picture)] = _rgba(style.ORANGE, 0.85)
    cover[_to_pixels(context & ~target, picture)] = _rgba(style.BLUE, 0.30)
    axes.imshow(cover, extent=(0, columns, rows, 0), interpolation="nearest", zorder=3)
    _outline(axes, picture, context, style.BLUE)
    _outline(axes, picture, target, style.ORANGE)


def _outline(axes: Axes, picture: Picture, mask: Mask, colour: str) -> None:
    """Draw the border between the patches of a mask and all others."""
    from matplotlib.collections import LineCollection

    height, width = (a // b for a, b in zip(picture.shape[:2], mask.shape, strict=True))
    padded = np.pad(mask, 1)
    horizontal = np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])
    vertical = np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])
    lines = [[(x * width, y * height), ((x + 1) * width, y * height)] for y, x in horizontal]
    lines += [[(x * width, y * height), (x * width, (y + 1) * height)] for y, x in vertical]
    width_pt = 3.5 * min(1.0, 8 / max(mask.shape))  # thinner where patches are small
    border = LineCollection(lines, colors=colour, linewidths=width_pt, capstyle="projecting")
    border.set(clip_on=False, zorder=4)
    axes.add_collection(border)


def _label(axes: Axes, name: str, colour: str, what: str = "") -> None:
    """Write a row's name, and below it what the row means, to the left of its first picture."""

    def write(text: str, rise: float, colour: str, size: float, weight: str) -> None:
        axes.annotate(
            text,
            xy=(0, 0.5),
            xycoords="axes fraction",
            xytext=(-10, rise),
            textcoords="offset points",
            ha="right",
            va="center",
            color=colour,
            fontsize=size,
            fontweight=weight,
        )

    write(name, 8 if what else 0, colour, style.TYPE_PT, "bold")
    write(what, -9, style.MUTED, style.SMALL_TYPE_PT, "normal")


def _single() -> tuple[Figure, Axes]:
    side = style.CARD_WIDTH_PX / 2
    figure = style.new_figure(side, width_px=side)
    return figure, figure.add_axes((0.02, 0.02, 0.96, 0.96))


def _to_pixels(mask: Mask, picture: Picture) -> Mask:
    height, width = (a // b for a, b in zip(picture.shape[:2], mask.shape, strict=True))
    return mask.repeat(height, axis=0).repeat(width, axis=1)


def _rgba(colour: str, alpha: float) -> tuple[float, float, float, float]:
    from matplotlib.colors import to_rgba

    return to_rgba(colour, alpha)


def _require_fit(pictures: Picture, contexts: Mask, targets: Mask) -> None:
    if contexts.shape != targets.shape or contexts.ndim != 3 or len(contexts) != len(pictures):
        raise ValueError(
            f"expected one context and one target mask of one shape (H, W) for each of the "
            f"{len(pictures)} images, got {contexts.shape} and {targets.shape}; "
            "reshape flat masks to the patch grid"
        )
    if len(pictures) == 0:
        raise ValueError("expected at least one image, got none; pass a batch that is not empty")
    if any(a % b for a, b in zip(pictures.shape[1:3], contexts.shape[1:], strict=True)):
        raise ValueError(
            f"expected images whose height and width are multiples of the patch grid, got images "
            f"of {pictures.shape[1:3]} and masks of {contexts.shape[1:]}; "
            "pass the masks of this image size"
        )
