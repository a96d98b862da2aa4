"""From a Matplotlib figure to pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def rasterize(figure: Figure) -> NDArray[np.uint8]:
    """Draw a figure at its own size, whatever backend it was made for.

    Args:
        figure: The figure; its canvas stays as it was.

    Returns:
        uint8 array of shape (height, width, 3), or 4 where something is transparent.
    """
    from matplotlib.backends import backend_agg

    canvas_before = figure.canvas
    try:
        canvas: Any = backend_agg.FigureCanvasAgg(figure)
        canvas.draw()
        pixels = np.array(canvas.buffer_rgba(), dtype=np.uint8)
    finally:
        figure.set_canvas(canvas_before)
    return pixels if (pixels[..., 3] < 255).any() else np.ascontiguousarray(pixels[..., :3])
