"""Thumbnails of points, drawn into one picture as the projector cuts it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MAX_THUMBNAIL_SIZE = 64
MAX_SPRITE_SIZE = 8192  # the projector refuses larger ones


def draw_sprite(
    pictures_HWC: Sequence[NDArray[np.uint8]],
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Lay out thumbnails row by row, in as many columns as rows.

    They are scaled down, all by one factor, so that none is larger than 64 pixels and the sprite
    no larger than 8192; none is scaled up. Smaller ones stand in the middle of their cell.

    Args:
        pictures_HWC: uint8 arrays of shape (height, width, channels), channels 1, 3 or 4.

    Returns:
        uint8 array of shape (height, width, channels), and width and height of a cell, in pixels.

    Example:
        >>> sprite, size = draw_sprite([np.zeros((32, 48, 1), np.uint8)] * 5)
        >>> sprite.shape, size
        ((64, 144, 1), (48, 32))
    """
    num_columns = math.ceil(math.sqrt(len(pictures_HWC)))
    num_rows = math.ceil(len(pictures_HWC) / num_columns)
    largest = max(max(picture.shape[:2]) for picture in pictures_HWC)
    scale = min(1.0, min(MAX_THUMBNAIL_SIZE, MAX_SPRITE_SIZE // num_columns) / largest)
    num_channels = max(picture.shape[-1] for picture in pictures_HWC)
    thumbnails = [_thumbnail(picture, scale, num_channels) for picture in pictures_HWC]
    height = max(thumbnail.shape[0] for thumbnail in thumbnails)
    width = max(thumbnail.shape[1] for thumbnail in thumbnails)
    cells = np.zeros((num_rows * num_columns, height, width, num_channels), np.uint8)
    for cell, thumbnail in zip(cells, thumbnails, strict=False):
        top = (height - thumbnail.shape[0]) // 2
        left = (width - thumbnail.shape[1]) // 2
        cell[top : top + thumbnail.shape[0], left : left + thumbnail.shape[1]] = thumbnail
    grid = cells.reshape(num_rows, num_columns, height, width, num_channels).swapaxes(1, 2)
    return grid.reshape(num_rows * height, num_columns * width, num_channels), (width, height)


def _thumbnail(picture: NDArray[np.uint8], scale: float, num_channels: int) -> NDArray[np.uint8]:
    height, width, own_channels = picture.shape
    if scale == 1.0 and own_channels == num_channels:
        return picture
    from PIL import Image

    squeezed = picture[..., 0] if own_channels == 1 else picture
    drawn = Image.fromarray(np.ascontiguousarray(squeezed))
    drawn = drawn.convert({1: "L", 3: "RGB", 4: "RGBA"}[num_channels])
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        drawn = drawn.resize(size, Image.Resampling.BILINEAR)
    pixels = np.asarray(drawn)
    return pixels[..., None] if pixels.ndim == 2 else pixels
