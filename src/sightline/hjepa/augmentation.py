"""Random views of images: in batches, on the training device.

Shape legend: B batch, C channels, H and W pixels, T tries.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.hjepa.data_config import AugmentationConfig

CROP_ASPECTS = (3 / 4, 4 / 3)  # width over height
CROP_TRIES = 10  # after which the whole image is taken


class Views(NamedTuple):
    """How each image of a batch is seen. Images span -1 .. 1 in both directions, y downward.

    Args:
        angle_B: Turn, radians.
        size_B: Factor of its size.
        shear_B: Horizontal shear.
        shift_B2: Shift to the right and down.
        mirror_B: -1 where left and right change places, else 1.
        crop_size_B2: Width and height of the part that is seen, as shares of the image.
        crop_centre_B2: Its centre.
    """

    angle_B: Tensor
    size_B: Tensor
    shear_B: Tensor
    shift_B2: Tensor
    mirror_B: Tensor
    crop_size_B2: Tensor
    crop_centre_B2: Tensor

    def matrix_B23(self) -> Tensor:
        """Matrices from a point of the view to the point of the image that is seen there."""
        cos, sin = self.angle_B.cos() / self.size_B, self.angle_B.sin() / self.size_B
        turn_B22 = torch.stack(
            [
                torch.stack([cos * self.mirror_B, self.shear_B - sin], dim=1),
                torch.stack([sin * self.mirror_B, cos], dim=1),
            ],
            dim=1,
        )
        # The crop comes last: what is turned into it is seen, and not its border.
        turn_B23 = torch.cat([turn_B22, self.shift_B2[..., None]], dim=2)
        matrix_B23 = turn_B23 * self.crop_size_B2[..., None]
        matrix_B23[..., 2] += self.crop_centre_B2
        return matrix_B23


def draw_views(num_images: int, config: AugmentationConfig, generator: torch.Generator) -> Views:
    """Draw how the images of a batch are seen; a setting changes no draw of another.

    Args:
        num_images: Images in the batch.
        config: How far.
        generator: Source of randomness, on the CPU.

    Returns:
        A view of each image, on the CPU.

    Source: the crops are those of Szegedy et al. 2015, Going Deeper with Convolutions: area and
    logarithm of the aspect uniform, drawn again where they do not fit into the image.
    """

    def draw(*shape: int, reach: float = 1.0) -> Tensor:
        return (torch.rand(num_images, *shape, generator=generator) * 2 - 1) * reach

    angle_B = draw(reach=math.radians(config.rotation_degrees))
    size_B = 1 + draw(reach=config.scale)
    shear_B = draw(reach=config.shear)
    # A shift by the whole image is a shift by 2.
    right_B, down_B = draw(reach=2 * config.translation), draw(reach=2 * config.translation)
    mirror_B = 1 - 2 * (draw() < config.horizontal_flip - 1).float()

    low, high = config.crop_scale or (1.0, 1.0)
    area_BT = low + (high - low) * (draw(CROP_TRIES) + 1) / 2
    log_low, log_high = map(math.log, CROP_ASPECTS)
    aspect_BT = (log_low + (log_high - log_low) * (draw(CROP_TRIES) + 1) / 2).exp()
    size_BT2 = torch.stack([(area_BT * aspect_BT).sqrt(), (area_BT / aspect_BT).sqrt()], dim=2)
    fits_BT = (size_BT2 <= 1).all(dim=2)
    first_B = fits_BT.int().argmax(dim=1)
    crop_size_B2 = torch.where(
        fits_BT.any(dim=1, keepdim=True), size_BT2[torch.arange(num_images), first_B], 1.0
    )
    crop_centre_B2 = (1 - crop_size_B2) * draw(2)
    shift_B2 = torch.stack([right_B, down_B], dim=1)
    return Views(angle_B, size_B, shear_B, shift_B2, mirror_B, crop_size_B2, crop_centre_B2)


def draw_affine(
    num_images: int, config: AugmentationConfig, generator: torch.Generator
) -> Tensor | None:
    """Draw how the pixels of each image of a batch are moved.

    Args:
        num_images: Images B.
        config: How far.
        generator: Source of randomness, on the CPU.

    Returns:
        Matrices (B, 2, 3) from places of the view to places of the image, on the CPU; None where
        all is off.
    """
    if not any(config.model_dump().values()):
        return None
    return draw_views(num_images, config, generator).matrix_B23()


def affine(images_BCHW: Tensor, matrix_B23: Tensor | None) -> Tensor:
    """Crop, turn, shift, scale, shear and mirror each image, in one resampling.

    The border's pixels are repeated outside. Nothing is smoothed before: a view that is smaller
    than the image, by `scale`, takes one pixel in so many and may show moiré, and a crop is no
    sharper than the stored image. For crops of fine detail, decode at a larger `image_size`.

    Args:
        images_BCHW: Images, float.
        matrix_B23: From places of the view to places of the image in -1 .. 1, on any device; None
            to leave the images as they are.

    Returns:
        Images of the same shape, bilinearly resampled.
    """
    if matrix_B23 is None:
        return images_BCHW
    matrix_B23 = matrix_B23.to(images_BCHW, non_blocking=True)
    grid = F.affine_grid(matrix_B23, list(images_BCHW.shape), align_corners=False)
    return F.grid_sample(images_BCHW, grid, padding_mode="border", align_corners=False)
