"""Random views of images: in batches, on the training device.

Shape legend: B batch, C channels, H and W pixels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.hjepa.data_config import AugmentationConfig


def random_affine(
    images_BCHW: Tensor, config: AugmentationConfig, generator: torch.Generator
) -> Tensor:
    """Turn, shift, scale, shear and mirror each image at random; the border's pixels are repeated.

    Args:
        images_BCHW: Images, float.
        config: How far.
        generator: Source of randomness, on the CPU.

    Returns:
        Images of the same shape, bilinearly resampled.
    """
    return affine(images_BCHW, draw_affine(len(images_BCHW), config, generator))


def draw_affine(num_images: int, config: AugmentationConfig, generator: torch.Generator) -> Tensor:
    """Draw how each image is turned, shifted, scaled, sheared and mirrored.

    Args:
        num_images: Images B.
        config: How far.
        generator: Source of randomness, on the CPU.

    Returns:
        Matrices (B, 2, 3) from outgoing to incoming places, on the CPU.
    """

    def draw(reach: float) -> Tensor:
        return (torch.rand(num_images, generator=generator) * 2 - 1) * reach

    angle = draw(math.radians(config.rotation_degrees))
    size = 1 + draw(config.scale)
    shear = draw(config.shear)
    # The sampling grid spans -1 .. 1: a shift by the whole image is a shift by 2.
    right, down = draw(2 * config.translation), draw(2 * config.translation)
    chance_B = torch.rand(num_images, generator=generator)
    mirror = 1 - 2 * (chance_B < 0.5 * config.horizontal_flip).float()

    cos, sin = angle.cos() / size, angle.sin() / size
    return torch.stack(
        [
            torch.stack([cos * mirror, shear - sin, right], dim=1),
            torch.stack([sin * mirror, cos, down], dim=1),
        ],
        dim=1,
    )


def affine(images_BCHW: Tensor, matrix_B23: Tensor) -> Tensor:
    """Move the pixels of each image; the border's pixels are repeated.

    Args:
        images_BCHW: Images, float.
        matrix_B23: From outgoing to incoming places in -1 .. 1, on any device.

    Returns:
        Images of the same shape, bilinearly resampled.
    """
    matrix_B23 = matrix_B23.to(images_BCHW.device, non_blocking=True)
    grid = F.affine_grid(matrix_B23, list(images_BCHW.shape), align_corners=False)
    return F.grid_sample(images_BCHW, grid, padding_mode="border", align_corners=False)
