"""A figure that is drawn where nobody waits for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sightline.writers.arrays import fetch, freeze, num_bytes
from sightline.writers.frameworks import to_numpy
from sightline.writers.values.base import Value
from sightline.writers.values.image import Image


@dataclass(frozen=True, slots=True)
class Drawing(Value):
    """A figure that the worker draws on the host; writers receive an `Image`.

    Args:
        function: Takes NumPy arrays and returns a Matplotlib figure that is no part of pyplot.
        arrays: What it takes: arrays of NumPy, torch or JAX.
        caption: A line below the picture.
    """

    function: Callable[..., Any]
    arrays: tuple[Any, ...]
    caption: str | None = None

    def frozen(self) -> Drawing:
        """The same, of memory that the caller cannot write to."""
        return Drawing(self.function, tuple(map(freeze, self.arrays)), self.caption)

    def on_host(self) -> Image:
        """The picture.

        Returns:
            What the function draws of the arrays, as 8-bit pixels.
        """
        from sightline.writers.pixels import rasterize

        figure = self.function(*(to_numpy(fetch(array)) for array in self.arrays))
        return Image((rasterize(figure),), self.caption).on_host()

    @property
    def nbytes(self) -> int:
        """Memory that the arrays hold while they wait."""
        return sum(map(num_bytes, self.arrays))
