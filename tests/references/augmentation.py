"""A view of an image, point by point in float64: what each pixel of it sees."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sightline.hjepa.augmentation import Views


def seen_from(x: float, y: float, views: Views, number: int) -> tuple[float, float]:
    """The point of the image that a point of its view shows, both in -1 .. 1."""
    x *= float(views.mirror_B[number])
    angle, size = float(views.angle_B[number]), float(views.size_B[number])
    turned_x = (x * math.cos(angle) - y * math.sin(angle)) / size
    turned_y = (x * math.sin(angle) + y * math.cos(angle)) / size
    sheared_x = turned_x + float(views.shear_B[number]) * y
    shifted = (
        sheared_x + float(views.shift_B2[number, 0]),
        turned_y + float(views.shift_B2[number, 1]),
    )
    return tuple(  # the crop
        float(centre) + share * float(place)
        for centre, share, place in zip(
            views.crop_centre_B2[number], views.crop_size_B2[number].tolist(), shifted, strict=True
        )
    )  # type: ignore[return-value]


def view(image_CHW: NDArray[np.float64], views: Views, number: int) -> NDArray[np.float64]:
    """A whole view, bilinear, with the border's pixels repeated outside."""
    _, height, width = image_CHW.shape
    out = np.zeros_like(image_CHW)
    for row in range(height):
        for column in range(width):
            x, y = (2 * column + 1) / width - 1, (2 * row + 1) / height - 1
            seen_x, seen_y = seen_from(x, y, views, number)
            # Pixel centres lie at whole numbers here.
            u = min(max(((seen_x + 1) * width - 1) / 2, 0.0), width - 1.0)
            v = min(max(((seen_y + 1) * height - 1) / 2, 0.0), height - 1.0)
            left, top = min(int(u), width - 2), min(int(v), height - 2)
            a, b = u - left, v - top
            corners = image_CHW[:, top : top + 2, left : left + 2]
            out[:, row, column] = (
                (1 - b) * ((1 - a) * corners[:, 0, 0] + a * corners[:, 0, 1])
                + b * ((1 - a) * corners[:, 1, 0] + a * corners[:, 1, 1])
            )  # fmt: skip
    return out
