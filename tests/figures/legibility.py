"""What every figure must be: nothing cut off, no line of type over another, none too small."""

import io

import numpy as np
from PIL import Image

from sightline.figures import style


def pixels(figure):
    png = io.BytesIO()
    figure.savefig(png, format="png")
    return np.asarray(Image.open(png).convert("RGB")).astype(int)


def share_near(picture, colour):
    rgb = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
    return np.mean(np.abs(picture - rgb).max(axis=-1) < 12)


def texts_of(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts if text.get_text()]


def assert_legible(figure):
    figure.canvas.draw()
    texts = []
    for axes in figure.axes:
        texts += axes.texts
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            low, high = sorted(axis.get_view_interval())
            texts += [
                tick.label1
                for tick in axis.get_major_ticks()
                if low <= tick.get_loc() <= high and tick.label1.get_visible()
            ]
    shown = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]
    assert shown
    for text in texts:
        assert text.get_fontsize() >= style.SMALL_TYPE_PT
    for text, box in shown:
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1, text
        assert 0 <= box.y0 < box.y1 <= figure.bbox.y1, text
    for index, (text, box) in enumerate(shown):
        for other_text, other in shown[index + 1 :]:
            width = min(box.x1, other.x1) - max(box.x0, other.x0)
            height = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert width <= 0 or height <= 0, (text, other_text)
