"""Images as figures need them: on the host, channels last, three colours, between 0 and 1."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = Any
"""An array of NumPy, torch or JAX."""


def on_host(array: Array) -> NDArray[Any]:
    """Copy an array to the host; torch's gradients, devices and bfloat16 are no obstacle.

    Args:
        array: array or tensor, any shape.

    Returns:
        The same values in NumPy, bfloat16 as float32.
    """
    if hasattr(array, "detach"):
        array = array.detach().cpu()
        if array.is_floating_point():
            array = array.float()
    host = np.asarray(array)
    return host.astype(np.float32) if host.dtype.kind in "fV" else host


def as_mask(mask: Array) -> NDArray[np.bool_]:
    """Bring a mask to the host.

    Args:
        mask: bool, or numbers that are not 0 where it is True; any shape.

    Returns:
        The same mask in NumPy, bool.
    """
    return on_host(mask).astype(bool)


def as_colours(images_BCHW: Array) -> NDArray[np.float32]:
    """Bring a batch of images to float colours.

    uint8 is divided by 255. Floats outside [0, 1], such as standardised images, are stretched so
    that the batch's smallest value is black and its largest white. NaN is shown black.

    Args:
        images_BCHW: images, shape (B, C, H, W) with C 1 or 3, uint8 or floating.

    Returns:
        Array of shape (B, H, W, 3), in [0, 1].

    Raises:
        ValueError: if the array is not a batch of grey or colour images, channels first.

    Example:
        >>> as_colours(np.array([[[[-2.0, 0.0, 2.0]]]]))[0, 0, :, 0].tolist()
        [0.0, 0.5, 1.0]
    """
    host = on_host(images_BCHW)
    if host.ndim != 4 or host.shape[1] not in {1, 3}:
        raise ValueError(
            f"expected images of shape (B, C, H, W) with 1 or 3 channels, got {host.shape}; "
            "move the channels to the second axis, or add a batch axis"
        )
    if host.dtype == np.uint8:
        values = host.astype(np.float32) / 255
    else:
        values = np.nan_to_num(host.astype(np.float32), posinf=1.0, neginf=0.0)
        low, high = float(values.min(initial=0.0)), float(values.max(initial=1.0))
        if low < 0 or high > 1:
            values = (values - low) / (high - low)
    grey_or_colour = np.moveaxis(values, 1, -1)
    return np.broadcast_to(grey_or_colour, (*grey_or_colour.shape[:3], 3))
