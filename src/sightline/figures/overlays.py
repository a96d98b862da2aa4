"""Patches marked on pictures: taken away, tinted, outlined.

A picture is (H, W, 3) in [0, 1]; a mask is bool over the grid of its patches. A picture's height
and width are whole multiples of its mask's, which `require_fit` checks for all who draw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sightline.figures import style
from sightline.figures.sheet import Box, paste

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Mask = NDArray[np.bool_]
Picture = NDArray[np.float32]


def draw_patches(sheet: Axes, box: Box, picture: Picture, shown: Mask) -> None:
    """Draw the shown patches of a picture over hatched paper.

    Args:
        sheet: where to.
        box: which part it fills.
        picture: its colours.
        shown: True where the picture is seen.
    """
    if not shown.all():
        draw_paper(sheet, box)
    alpha = to_pixels(shown, picture).astype(np.float32)[..., None]
    paste(sheet, box, np.concatenate([picture, alpha], axis=-1))


def draw_paper(sheet: Axes, box: Box) -> None:
    """Hatch what is not there.

    Args:
        sheet: where to.
        box: which part.
    """
    from matplotlib.patches import Rectangle

    paper = Rectangle((box.left, box.top), box.width, box.height, hatch="////", zorder=1)
    paper.set(facecolor="#EDEDED", edgecolor="#BDBDBD", linewidth=0)
    sheet.add_patch(paper)


def draw_regions(sheet: Axes, box: Box, picture: Picture, context: Mask, target: Mask) -> None:
    """Draw a picture with its context outlined in blue and its targets covered in orange.

    Args:
        sheet: where to.
        box: which part it fills.
        picture: its colours.
        context: True where a patch is context.
        target: True where a patch is a target; patches of neither kind are hatched.
    """
    draw_patches(sheet, box, picture, context | target)
    tint(sheet, box, target, style.ORANGE, 0.85)
    tint(sheet, box, context & ~target, style.BLUE, 0.30)
    outline(sheet, box, context, style.BLUE)
    outline(sheet, box, target, style.ORANGE)


def tint(sheet: Axes, box: Box, mask: Mask, colour: str, alpha: float) -> None:
    """Lay a colour over the patches of a mask.

    Args:
        sheet: where to.
        box: the picture's.
        mask: True where a patch is tinted.
        colour: the tint.
        alpha: its opacity, in [0, 1].
    """
    from matplotlib.colors import to_rgba

    cover = np.zeros((*mask.shape, 4), np.float32)
    cover[mask] = to_rgba(colour, alpha)
    paste(sheet, box, cover, zorder=3, interpolation="nearest")


def outline(sheet: Axes, box: Box, mask: Mask, colour: str) -> None:
    """Draw the border between the patches of a mask and all others.

    Args:
        sheet: where to.
        box: the picture's.
        mask: True inside.
        colour: the border's.
    """
    from matplotlib.collections import LineCollection

    height, width = box.height / mask.shape[0], box.width / mask.shape[1]
    padded = np.pad(mask, 1)
    horizontal = np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])
    vertical = np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])
    lines = [[(x, y), (x + 1, y)] for y, x in horizontal]
    lines += [[(x, y), (x, y + 1)] for y, x in vertical]
    if not lines:
        return
    on_sheet = np.asarray(lines) * (width, height) + (box.left, box.top)
    width_pt = min(3.5, 0.21 * min(width, height))  # thinner where patches are small
    border = LineCollection(
        list(on_sheet),
        colors=colour,
        linewidths=width_pt,
        capstyle="projecting",
        antialiaseds=False,
    )
    border.set(clip_on=False, zorder=4)
    sheet.add_collection(border, autolim=False)


def swatch(sheet: Axes, x: float, y: float, colour: str | None) -> None:
    """Draw a legend's small square, centred at a height.

    Args:
        sheet: where to.
        x: its left edge.
        y: its middle.
        colour: its fill; hatched where None.
    """
    from matplotlib.patches import Rectangle

    box = Box(x, y - 9, 18, 18)
    if colour is None:
        draw_paper(sheet, box)
    else:
        sheet.add_patch(Rectangle(box[:2], *box[2:], facecolor=colour, linewidth=0, zorder=4))


def to_pixels(mask: Mask, picture: Picture) -> Mask:
    """Enlarge a mask over patches to one over pixels.

    Args:
        mask: over the patch grid.
        picture: the picture that the grid divides.

    Returns:
        The same mask, as high and wide as the picture.
    """
    height, width = (a // b for a, b in zip(picture.shape[:2], mask.shape, strict=True))
    return mask.repeat(height, axis=0).repeat(width, axis=1)


def require_fit(pictures: Picture, *grids: NDArray[np.generic]) -> None:
    """Refuse grids over patches that do not belong to the pictures.

    Args:
        pictures: (B, H, W, 3).
        *grids: masks or values over patches, each (B, H, W).

    Raises:
        ValueError: if there is no picture, if a grid is missing or of another shape than the first,
            or if the patches do not divide the pictures.
    """
    shapes = [grid.shape for grid in grids]
    if any(s != shapes[0] or len(s) != 3 or s[0] != len(pictures) for s in shapes):
        raise ValueError(
            f"expected grids over patches of one shape (H, W) for each of the {len(pictures)} "
            f"images, got {' and '.join(map(str, shapes))}; reshape flat ones to the patch grid"
        )
    if len(pictures) == 0:
        raise ValueError("expected at least one image, got none; pass a batch that is not empty")
    if 0 in shapes[0] or any(
        a % b for a, b in zip(pictures.shape[1:3], shapes[0][1:], strict=True)
    ):
        raise ValueError(
            f"expected images whose height and width are multiples of the patch grid, got images "
            f"of {pictures.shape[1:3]} and grids of {shapes[0][1:]}; "
            "pass the grids of this image size"
        )
