"""Pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sightline.writers.arrays import fetch, freeze, num_bytes
from sightline.writers.values.base import Value


@dataclass(frozen=True, slots=True)
class Image(Value):
    """A picture, or several.

    Args:
        pixels: An array, a PIL image, or a sequence of either; an array with one more axis than a
            picture holds several. For a writer a tuple of uint8 arrays of shape (height, width,
            channels) with 1, 3 or 4 channels, all of one shape.
        caption: A line below the picture, or one for each; for a writer one line, already drawn.
        layout: Axes of one picture: "HW", "HWC" or "CHW"; None to go by the shape.
        is_grid: Several pictures are drawn as one. Otherwise they are samples of one step, which
            TensorBoard shows beside each other.
    """

    pixels: Any
    caption: str | tuple[str, ...] | None = None
    layout: str | None = None
    is_grid: bool = True

    def frozen(self) -> Image:
        """The same, of memory that the caller cannot write to."""
        return Image(freeze(self.pixels), self.caption, self.layout, self.is_grid)

    def on_host(self) -> Image:
        """The same as 8-bit pixels."""
        from sightline.writers.pixels import render

        samples, caption = render(
            fetch(self.pixels), self.caption, self.layout, is_grid=self.is_grid
        )
        return Image(samples, caption, "HWC", self.is_grid)

    @property
    def nbytes(self) -> int:
        """Memory that it holds while it waits."""
        return num_bytes(self.pixels)
