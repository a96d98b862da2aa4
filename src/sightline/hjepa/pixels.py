"""From stored pixels to what an encoder expects.

Shape legend: B batch, C channels, H and W pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

MAX_MEASURED = 50_000  # images: the mean of a channel is certain to a thousandth by then
CHUNK_PIXELS = 1 << 20  # of a channel, measured at a time


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
        """Measure the training images, a few at a time, so that they need not fit into memory.

        Args:
            images_BCHW: All of them, uint8, or float in 0 .. 1. Of more than `MAX_MEASURED` every
                second, third or so is measured.

        Returns:
            The module that standardises them.
        """
        images_BCHW = images_BCHW[:: -(-len(images_BCHW) // MAX_MEASURED) or 1]
        C, H, W = images_BCHW.shape[1:]
        first_C = unit_range(images_BCHW[0]).double().mean(dim=(1, 2))
        sum_C, square_C = torch.zeros(2, C, dtype=torch.float64, device=images_BCHW.device)
        for part_BCHW in images_BCHW.split(-(-CHUNK_PIXELS // (H * W))):
            # About a value near the mean, so that the difference of squares loses no digits.
            x_BCHW = unit_range(part_BCHW).double() - first_C[:, None, None]
            sum_C += x_BCHW.sum(dim=(0, 2, 3))
            square_C += x_BCHW.square().sum(dim=(0, 2, 3))
        num_pixels = len(images_BCHW) * H * W
        shift_C = sum_C / num_pixels
        variance_C = (square_C / num_pixels - shift_C.square()).clamp(min=0)
        return cls((first_C + shift_C).float(), variance_C.sqrt().clamp(min=1e-3).float())

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Standardise images.

        Args:
            images_BCHW: Images, uint8, or float in 0 .. 1.

        Returns:
            Images of the same shape, float.
        """
        return (unit_range(images_BCHW) - self.mean_C11) / self.std_C11
