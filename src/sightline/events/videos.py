"""Moving pictures, which TensorBoard shows where it shows images: as GIFs that play."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

NUM_COLOURS = 256
# Pixels by which a palette is chosen: more of them take seconds and gain nothing to be seen.
PALETTE_SAMPLE = 1 << 14
KEEP_FRAME = 1


def encode_gif(frames_THWC: NDArray[np.uint8], fps: float) -> bytes:
    r"""A clip as a GIF that plays for ever.

    All frames share one palette. Grey clips, and those of at most 256 colours, keep every pixel;
    others get the 256 colours that fit the whole clip best, without dithering, which would flicker.
    What is transparent lies on white. Every frame is kept, also one that equals the one before.

    Args:
        frames_THWC: uint8 array of shape (frames, height, width, channels): 1 grey, 3 colours, 4
            with transparency.
        fps: Frames a second, at most 50: browsers slow down what is faster. GIF counts in
            hundredths of a second; a frame is shown for the nearest number of these that keeps the
            clip as a whole in time.

    Returns:
        The GIF file.

    Example:
        >>> encode_gif(np.zeros((2, 3, 4, 1), np.uint8), fps=4)[:6]
        b'GIF89a'
    """
    from PIL import GifImagePlugin, Image

    if frames_THWC.shape[-1] == 4:
        frames_THWC = _on_white(frames_THWC)
    if frames_THWC.shape[-1] == 1:
        pictures = [Image.fromarray(np.ascontiguousarray(one[..., 0])) for one in frames_THWC]
    else:
        pictures = _with_one_palette(frames_THWC)
    # Saving a sequence would join equal frames; its two parts, head and frames, join nothing.
    head, _ = GifImagePlugin.getheader(pictures[0], info={"loop": 0})
    parts = list(head)
    for picture, duration in zip(pictures, frame_durations_ms(len(pictures), fps), strict=True):
        parts += GifImagePlugin.getdata(picture, duration=duration, disposal=KEEP_FRAME)
    return b"".join(bytes(part) for part in parts) + b";"


def frame_durations_ms(num_frames: int, fps: float) -> list[int]:
    """How long each frame is shown.

    Args:
        num_frames: Number of frames.
        fps: Frames a second.

    Returns:
        Multiples of 10 ms, whose sums stay within 5 ms of where each frame ends.

    Example:
        >>> frame_durations_ms(4, fps=30)
        [30, 40, 30, 30]
    """
    ends = [math.floor(100 * index / fps + 0.5) for index in range(num_frames + 1)]
    return [10 * (end - start) for start, end in pairwise(ends)]


def _on_white(frames_THWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    alpha = frames_THWC[..., 3:].astype(np.float32) / 255
    blended = np.rint(frames_THWC[..., :3] * alpha + 255 * (1 - alpha))
    return blended.astype(np.uint8)


def _with_one_palette(frames_THW3: NDArray[np.uint8]) -> list[Picture]:
    from PIL import Image

    codes = frames_THW3.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    if np.unique(codes[0]).size <= NUM_COLOURS:
        colours, index = np.unique(codes, return_inverse=True)
        if colours.size <= NUM_COLOURS:
            palette = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=-1)
            pictures = []
            for one in index.reshape(codes.shape).astype(np.uint8):
                picture = Image.fromarray(one)
                picture.putpalette(palette.astype(np.uint8).tobytes())
                pictures.append(picture)
            return pictures
    pixels = frames_THW3.reshape(-1, 3)
    if len(pixels) > PALETTE_SAMPLE:
        pixels = pixels[np.random.default_rng(0).integers(len(pixels), size=PALETTE_SAMPLE)]
    shared = Image.fromarray(np.ascontiguousarray(pixels[None])).quantize(NUM_COLOURS, kmeans=1)
    return [
        Image.fromarray(np.ascontiguousarray(one)).quantize(
            palette=shared, dither=Image.Dither.NONE
        )
        for one in frames_THW3
    ]
