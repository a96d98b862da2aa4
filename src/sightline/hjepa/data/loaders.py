"""Loaders that serve images in a reproducible order."""

from __future__ import annotations

import torch
from torch.utils.data import DataLoader

from sightline.hjepa.data.images import Batch, ImageSet
from sightline.hjepa.data.order import EpochBatches
from sightline.hjepa.data.sources import load_images
from sightline.hjepa.data_config import DataConfig


def create_dataloaders(
    config: DataConfig, *, seed: int = 0, rank: int = 0, world_size: int = 1
) -> tuple[DataLoader[Batch], DataLoader[Batch]]:
    """Loaders of the training and the test images of a configuration.

    Args:
        config: The `data` section.
        seed: The run's seed, for the order of the training images.
        rank: Number of this process, from 0.
        world_size: Processes that share the training images.

    Returns:
        Two loaders of (images, labels) batches, uint8 (B, C, H, W) and int64 (B,). The first is
        shuffled, epoch by epoch, and serves whole batches of this process's part only; the second
        serves every held-out image once, in order, in each process.
    """
    train, test = load_images(config)
    shuffled = EpochBatches(
        len(train), config.batch_size, seed=seed, rank=rank, world_size=world_size
    )
    # The samplers number whole batches, so that a batch is one indexing and not B of them.
    return DataLoader(train, sampler=shuffled, batch_size=None), in_order(test, config.batch_size)


def in_order(images: ImageSet, batch_size: int) -> DataLoader[Batch]:
    """A loader that serves every image once, in order.

    Args:
        images: What to serve.
        batch_size: Images in a batch; the last may be smaller.

    Returns:
        The loader.
    """
    batches = torch.arange(len(images)).split(batch_size)
    return DataLoader(images, sampler=[batch.tolist() for batch in batches], batch_size=None)
