"""What can be logged.

A caller may hand in arrays of NumPy, torch or JAX, on any device. What a writer receives has been
through `to_host`: floats and NumPy arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number.

    Args:
        value: A number or a 0-d array; for a writer a float.
    """

    value: Any


@dataclass(frozen=True, slots=True)
class Image:
    """A picture, or several that are shown as a grid.

    Args:
        pixels: An array, a PIL image, or a sequence of either; an array with one more axis than a
            picture holds several. For a writer one uint8 array of shape (height, width, channels)
            with 1, 3 or 4 channels.
        caption: A line below the picture, or one for each; for a writer one line, already drawn.
        layout: Axes of one picture: "HW", "HWC" or "CHW"; None to go by the shape.
    """

    pixels: Any
    caption: str | tuple[str, ...] | None = None
    layout: str | None = None


@dataclass(frozen=True, slots=True)
class Histogram:
    """How values are distributed.

    Args:
        values: Real numbers in any shape; for a writer a NumPy array.
    """

    values: Any


@dataclass(frozen=True, slots=True)
class Text:
    """A text.

    Args:
        markdown: The text.
    """

    markdown: str


Value: TypeAlias = Scalar | Image | Histogram | Text
