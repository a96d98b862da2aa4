"""From stored pixels to what an encoder expects.

Shape legend: B batch, C channels, H and W pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def unit_range(images_BCHW: Tensor) -> Tensor:
    """Bring 8-bit pixels to 0 .. 1; floats are there already.

    Args:
        images_BCHW: Images, uint8, or float in 0 .. 1.

    Returns:
        Images of the same shape and device, float.
    """
    return images_BCHW if images_BCHW.is_floating_point() else images_BCHW.float() / 255


class Standardize(nn.Module):
    """Brings images to mean 0 and deviation 1 over the training set, channel by channel.

    The two numbers are saved with the encoder's weights, so that features of new images need
    nothing but the encoder.

    Args:
        mean_C: Mean of each channel in 0 .. 1.
        std_C: Deviation of each channel, positive.
    """

    mean_C11: Tensor
    std_C11: Tensor

    def __init__(self, mean_C: Tensor, std_C: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean_C11", mean_C[:, None, None])
        self.register_buffer("std_C11", std_C[:, None, None])

    @classmethod
    def fit(cls, images_BCHW: Tensor) -> Standardize:
        """Measure the training images.

        Args:
            images_BCHW: All of them, uint8, or float in 0 .. 1.

        Returns:
            The module that standardises them.
        """
        variance_C, mean_C = torch.var_mean(unit_range(images_BCHW), dim=(0, 2, 3), correction=0)
        return cls(mean_C, variance_C.sqrt().clamp(min=1e-3))

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Standardise images.

        Args:
            images_BCHW: Images, uint8, or float in 0 .. 1.

        Returns:
            Images of the same shape, float.
        """
        return (unit_range(images_BCHW) - self.mean_C11) / self.std_C11
