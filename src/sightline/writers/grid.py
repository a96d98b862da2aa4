"""Several pictures as one, with a line of text below each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

GAP = 2
FONT_SIZE = 12
LINE_HEIGHT = 16
BACKGROUND = (255, 255, 255, 255)
INK = (0, 0, 0, 255)


def compose(
    pictures: Sequence[NDArray[np.uint8]], captions: Sequence[str] | None = None
) -> NDArray[np.uint8]:
    """Lay out pictures in rows, in a grid about as wide as it is high.

    One picture without caption stays as it is. Others stand in cells of one size, apart by a white
    gap; none is scaled.

    Args:
        pictures: uint8 arrays of shape (height, width, channels), channels 1, 3 or 4.
        captions: A line for each, or None.

    Returns:
        uint8 array of shape (height, width, channels): grey if all are, with transparency if one
        has it.
    """
    if len(pictures) == 1 and captions is None:
        return pictures[0]
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(FONT_SIZE)
    lines = [caption.replace("\n", " ") for caption in captions or [""] * len(pictures)]
    text_width = max(math.ceil(font.getlength(line)) for line in lines)
    cell_width = max(text_width, *(picture.shape[1] for picture in pictures))
    picture_height = max(picture.shape[0] for picture in pictures)
    cell_height = picture_height + (LINE_HEIGHT if captions is not None else 0)
    num_columns = math.ceil(math.sqrt(len(pictures)))
    num_rows = math.ceil(len(pictures) / num_columns)
    size = (num_columns * (cell_width + GAP) - GAP, num_rows * (cell_height + GAP) - GAP)
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[max(picture.shape[-1] for picture in pictures)]
    num_channels = len(mode)
    grid = Image.new(mode, size, _colour(BACKGROUND, num_channels))
    draw = ImageDraw.Draw(grid)
    for index, (picture, line) in enumerate(zip(pictures, lines, strict=True)):
        row, column = divmod(index, num_columns)
        left, top = column * (cell_width + GAP), row * (cell_height + GAP)
        squeezed = picture[..., 0] if picture.shape[-1] == 1 else picture
        grid.paste(Image.fromarray(np.ascontiguousarray(squeezed)).convert(mode), (left, top))
        ink = _colour(INK, num_channels)
        draw.text((left, top + picture_height), line, fill=ink, font=font)
    pixels = np.asarray(grid)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _colour(rgba: tuple[int, ...], num_channels: int) -> Any:
    return rgba[0] if num_channels == 1 else rgba[:num_channels]
