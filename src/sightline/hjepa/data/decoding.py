"""From an image file to a square of pixels."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DECODING = 1  # to be raised when a file comes to decode to other pixels: caches are made anew then
FINEST = 3  # a JPEG may be decoded at a fraction of its size, down to so many times what is asked


class UnreadableImageError(ValueError):
    """A file that Pillow cannot read, or not without loss; the message says why."""


@cache
def image_suffixes() -> frozenset[str]:
    """Endings of the names of files that the installed Pillow can decode.

    Returns:
        Suffixes with their dot, in lower case.
    """
    from PIL import Image
    from PIL.ImageFile import StubImageFile

    Image.init()
    no_decoder = {
        name
        for name, (opens, _) in Image.OPEN.items()
        if isinstance(opens, type) and issubclass(opens, StubImageFile)
    } | {"MPEG"}  # recognised, never decoded
    return frozenset(
        suffix.lower()
        for suffix, name in Image.registered_extensions().items()
        if name in Image.OPEN and name not in no_decoder
    )


def decode(source: Path | bytes, image_size: int, channels: int = 3) -> NDArray[np.uint8]:
    """Read an image, turn it upright, scale it and crop its middle to a square.

    Args:
        source: A file, or what is in one.
        image_size: Height and width in pixels to bring the image to.
        channels: 3 for colour; 1 for grey.

    Returns:
        Pixels of shape (channels, image_size, image_size).

    Raises:
        UnreadableImageError: If it is no image, is damaged, or has more than 8 bits a channel.
    """
    from PIL import Image, ImageOps

    # What Pillow's decoders raise on damaged files of its many formats.
    damage = (
        *(OSError, EOFError, RuntimeError, SyntaxError, ValueError, ArithmeticError, LookupError),
        *(struct.error, zlib.error, Image.DecompressionBombError),
    )
    try:
        with Image.open(BytesIO(source) if isinstance(source, bytes) else source) as image:
            mode = image.mode
            image.draft(None, (FINEST * image_size, FINEST * image_size))
            upright = ImageOps.exif_transpose(image).convert("RGB" if channels == 3 else "L")
            square = ImageOps.fit(upright, (image_size, image_size))
    except damage as error:
        raise UnreadableImageError(str(error) or type(error).__name__) from error
    if mode.startswith(("I", "F")):  # 16 or 32 bits: the conversion above clips at 255
        raise UnreadableImageError(f"more than 8 bits a channel, Pillow's mode {mode}")
    pixels = np.asarray(square).reshape(image_size, image_size, channels)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
