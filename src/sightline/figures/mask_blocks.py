"""The target blocks of one image, one by one.

Shape legend: C channels, K target blocks, T frames, H and W rows and columns; of pixels for images,
of patches for masks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sightline.figures import style
from sightline.figures.overlays import (
    Mask,
    Picture,
    draw_patches,
    outline,
    require_fit,
    swatch,
    tint,
)
from sightline.figures.pixels import Array, as_colours, as_mask
from sightline.figures.sheet import TIMES, Box, figure_of, new_sheet, percent, write
from sightline.writers.pixels import rasterize

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Blue is the context's; the last is Okabe and Ito's yellow.
_COLOURS = (style.ORANGE, style.GREEN, style.PURPLE, style.SERIES[5], "#F0E442")
_MAX_LINES = 8
_FRAME_PX = 330
_CAPTION_PX = 36


def visualize_multi_block_masking(
    image_CHW: Array, context_HW: Array, target_blocks_KHW: Array
) -> Figure:
    """Show each target block of an image in a colour and with a number of its own.

    How to read it: the list gives each block's share of the patches, and its rows x columns. Good
    blocks are of about the configured size and shape, lie in different places and overlap little;
    the context (outlined in blue) surrounds them and shares no patch with them. Hatched patches are
    neither seen nor predicted. It costs about 70 ms on one core.

    Args:
        image_CHW: image, (C, H, W), C 1 or 3; uint8, or floats (stretched if not in [0, 1]).
        context_HW: True where a patch is context, (H, W), bool.
        target_blocks_KHW: True inside each block, (K, H, W), bool; a block may be empty.

    Returns:
        Figure of 660 x 410 pixels; the list names the first eight blocks.
    """
    picture, context, blocks = _checked(image_CHW, context_HW, target_blocks_KHW)
    sheet = new_sheet(410)
    _draw_blocks(sheet, Box(8, 8, 394, 394).around(*picture.shape[:2]), picture, context, blocks)

    left, top, line_px = 424, 24, 33
    write(sheet, left + 38, top, "share", colour=style.MUTED)
    write(sheet, left + 108, top, f"rows {TIMES} cols", colour=style.MUTED)
    for index, block in enumerate(blocks[:_MAX_LINES]):
        y = top + (index + 1) * line_px
        _number(sheet, left + 12, y, index)
        rows, columns = (int(np.ptp(where)) + 1 if where.size else 0 for where in block.nonzero())
        write(sheet, left + 38, y, percent(block.mean()))
        write(sheet, left + 108, y, f"{rows} {TIMES} {columns}" if block.any() else "empty")
    y = top + (min(len(blocks), _MAX_LINES) + 1) * line_px
    if len(blocks) > _MAX_LINES:
        write(sheet, left + 38, y, f"and {len(blocks) - _MAX_LINES} more", colour=style.MUTED)
        y += line_px
    neither = ~(context | blocks.any(axis=0))
    for colour, share, name in (
        (style.BLUE, context.mean(), "seen"),
        (None, neither.mean(), "neither"),
    ):
        swatch(sheet, left + 3, y, colour)
        write(sheet, left + 38, y, percent(share))
        write(sheet, left + 108, y, name)
        y += line_px
    return figure_of(sheet)


def animate_masking_process(
    image_CHW: Array, context_HW: Array, targets_KHW: Array, *, frames_per_step: int = 3
) -> NDArray[np.uint8]:
    """Show how the mask of an image comes about: block after block, then the context.

    How to read it: first the image, then its target blocks, each in the colour that it has in
    `visualize_multi_block_masking`, then the context, and last what the encoder gets of all that.
    `logger.log_video(tag, frames)` plays it. It costs about 170 ms for four blocks on one core.

    Args:
        image_CHW: image, (C, H, W), C 1 or 3; uint8, or floats (stretched if not in [0, 1]).
        context_HW: True where a patch is context, (H, W), bool.
        targets_KHW: True inside each block, (K, H, W), bool.
        frames_per_step: how often each step's frame is repeated; 3 are 0.75 s at 4 frames a second.

    Returns:
        Frames, (T, 366, 330, 3), uint8, T = (K + 3) * frames_per_step.

    Raises:
        ValueError: if there is less than one frame a step, or masks that do not fit.
    """
    if frames_per_step < 1:
        raise ValueError(f"expected at least one frame a step, got {frames_per_step}; pass 3 or so")
    picture, context, blocks = _checked(image_CHW, context_HW, targets_KHW)
    nothing = np.zeros_like(context)
    everything = ~nothing
    target = blocks.any(axis=0)
    steps = [_frame(picture, everything, nothing, blocks[:0], "the image")]
    for count in range(1, len(blocks) + 1):
        caption = f"target {count} of {len(blocks)}: {percent(blocks[count - 1].mean())}"
        steps.append(_frame(picture, everything, nothing, blocks[:count], caption))
    caption = f"context: {percent(context.mean())}"
    steps.append(_frame(picture, context | target, context, blocks, caption))
    steps.append(_frame(picture, context, context, blocks[:0], "what the encoder sees"))
    return np.repeat(np.stack(steps), frames_per_step, axis=0)


def _frame(
    picture: Picture, shown: Mask, context: Mask, blocks: Mask, caption: str
) -> NDArray[np.uint8]:
    sheet = new_sheet(_FRAME_PX + _CAPTION_PX, width_px=_FRAME_PX)
    write(sheet, 8, _CAPTION_PX / 2 + 2, caption, size=11.0, weight="bold", max_width=314)
    box = Box(7, _CAPTION_PX + 3, _FRAME_PX - 14, _FRAME_PX - 10).around(*picture.shape[:2])
    _draw_blocks(sheet, box, picture, context, blocks, shown)
    return rasterize(figure_of(sheet))


def _draw_blocks(
    sheet: Axes,
    box: Box,
    picture: Picture,
    context: Mask,
    blocks: Mask,
    shown: Mask | None = None,
) -> None:
    target = blocks.any(axis=0)
    draw_patches(sheet, box, picture, context | target if shown is None else shown)
    outline(sheet, box, context, style.BLUE)
    for index, block in enumerate(blocks):
        tint(sheet, box, block, _COLOURS[index % len(_COLOURS)], 0.5)
    for index, block in enumerate(blocks):
        outline(sheet, box, block, _COLOURS[index % len(_COLOURS)])
        # Where blocks overlap, a number stands in what only its own block covers.
        others = np.delete(blocks, index, axis=0).any(axis=0)
        own = block & ~others if (block & ~others).any() else block
        if own.any():
            row, column = _middle(own)
            _number(
                sheet,
                box.left + (column + 0.5) * box.width / block.shape[1],
                box.top + (row + 0.5) * box.height / block.shape[0],
                index,
            )


def _middle(mask: Mask) -> tuple[int, int]:
    """Return the patch of a mask that lies nearest to the mask's centre."""
    patches = np.argwhere(mask)
    row, column = patches[np.square(patches - patches.mean(axis=0)).sum(axis=1).argmin()]
    return int(row), int(column)


def _number(sheet: Axes, x: float, y: float, index: int) -> None:
    disc = {
        "boxstyle": "circle,pad=0.25",
        "facecolor": style.PAPER,
        "edgecolor": _COLOURS[index % len(_COLOURS)],
        "linewidth": 2.5,
    }
    write(sheet, x, y, str(index + 1), ha="center", weight="bold", bbox=disc)


def _checked(image_CHW: Array, context_HW: Array, blocks_KHW: Array) -> tuple[Picture, Mask, Mask]:
    picture = as_colours(image_CHW[None])
    context, blocks = as_mask(context_HW), as_mask(blocks_KHW)
    if blocks.ndim != 3 or len(blocks) == 0:
        raise ValueError(
            f"expected target blocks of shape (K, H, W), at least one, got {blocks.shape}; "
            "pass one mask for each block"
        )
    require_fit(picture, context[None], blocks[:1])
    return picture[0], context, blocks
