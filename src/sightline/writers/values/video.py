"""Moving pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.writers.arrays import fetch, freeze, num_bytes
from sightline.writers.values.base import Value

MIN_FPS, MAX_FPS = 0.01, 50.0


@dataclass(frozen=True, slots=True)
class Video(Value):
    """A clip.

    Args:
        frames: An array whose first axis counts frames, or a sequence of arrays and PIL images; for
            a writer a uint8 array of shape (frames, height, width, channels) with 1, 3 or 4
            channels.
        fps: Frames a second, at most 50.
        layout: Axes of one frame: "HW", "HWC" or "CHW"; None to go by the shape.
        caption: A line below; for a writer already drawn.
    """

    frames: Any
    fps: float = 4
    layout: str | None = None
    caption: str | None = None

    def __post_init__(self) -> None:
        if not MIN_FPS <= self.fps <= MAX_FPS:
            raise ValueError(
                f"expected {MIN_FPS} to {MAX_FPS:.0f} frames a second, got {self.fps}; a GIF plays "
                "no faster, so leave out frames"
            )

    def frozen(self) -> Video:
        """The same, of memory that the caller cannot write to."""
        return Video(freeze(self.frames), self.fps, self.layout, self.caption)

    def on_host(self) -> Video:
        """The same as 8-bit pixels.

        Returns:
            A clip of one array.

        Raises:
            ValueError: If frames differ in size.
        """
        from sightline.writers.grid import compose
        from sightline.writers.pixels import to_pixels

        captions = None if self.caption is None else (self.caption,)
        frames = [
            compose([to_pixels(frame, self.layout)], captions) for frame in fetch(self.frames)
        ]
        shapes = {frame.shape for frame in frames}
        if len(shapes) > 1:
            raise ValueError(
                f"expected frames of one size, got {', '.join(map(str, sorted(shapes)))}; resize "
                "them before logging"
            )
        return Video(np.stack(frames), self.fps, "HWC", self.caption)

    @property
    def nbytes(self) -> int:
        """Memory that it holds while it waits."""
        return num_bytes(self.frames)
