"""The Projector tab, which is a page of its own in a frame."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Locator, Page


def open_projector(page: Page, num_points: int) -> Frame:
    """The projector's own page, once its points are placed."""
    page.wait_for_function("() => document.querySelector('plugin-outlet, iframe')")
    page.get_by_text("TensorBoard").first.wait_for()
    for _ in range(100):
        frames = [frame for frame in page.frames if "projector_binary" in frame.url]
        if frames:
            break
        page.wait_for_timeout(200)
    (frame,) = frames
    frame.get_by_text(f"Points: {num_points}").wait_for()
    frame.get_by_text("Total variance described").wait_for()
    return frame


def drawn(canvas: Locator) -> tuple[float, float]:
    """Fractions of the picture that are dark, as thumbnails are, and that have a colour."""
    pixels = np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("RGB")).astype(int)
    dark = pixels.max(axis=2) < 80
    coloured = pixels.max(axis=2) - pixels.min(axis=2) > 60
    return dark.mean(), coloured.mean()
