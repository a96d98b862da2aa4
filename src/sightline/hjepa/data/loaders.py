"""Loaders that serve images in a reproducible order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch.utils.data import DataLoader, Subset

from sightline.hjepa.data.images import Batch, ImageSet
from sightline.hjepa.data.order import EpochBatches
from sightline.hjepa.data.sources import load_images, open_splits
from sightline.hjepa.data.stream import ImageStream, sample_images
from sightline.hjepa.data.threads import one_ahead
from sightline.hjepa.data_config import DataConfig
from sightline.training.plan import ResumableBatches

Loaders = tuple[DataLoader[Batch], DataLoader[Batch]]


class LoaderAhead(DataLoader[Batch]):
    """A loader whose next batch is made, and pinned where there is CUDA, while one is in use."""

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        """The batches, in the same order."""
        start = None
        if self.pin_memory:  # a new thread would pin for the first device, and so wake it up
            start = partial(torch.cuda.set_device, torch.cuda.current_device())
        return one_ahead(super().__iter__(), start=start)


def create_dataloaders(
    config: DataConfig, *, seed: int = 0, rank: int = 0, world_size: int = 1
) -> Loaders:
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
    has_cuda = torch.cuda.is_available()
    place = {"seed": seed, "rank": rank, "world_size": world_size}
    if config.streaming:
        split, held_out, how = open_splits(config)
        buffer_size = config.shuffle_buffer
        stream = ImageStream(
            split,
            how,
            sample_images(split, how, config.max_probe_images, buffer_size),
            batch_size=config.batch_size,
            buffer_size=buffer_size,
            **place,
        )
        test = sample_images(held_out, how, config.max_val_images, buffer_size)
        train_loader = LoaderAhead(stream, batch_size=None, pin_memory=has_cuda)
        return train_loader, in_order(test, config.batch_size)
    train, test = load_images(config)
    shuffled = EpochBatches(len(train), config.batch_size, **place)
    # The samplers number whole batches, so that a batch is one indexing and not B of them. On a CPU
    # that is done before a thread has woken up.
    if has_cuda:
        ahead = LoaderAhead(train, sampler=shuffled, batch_size=None, pin_memory=True)
        return ahead, in_order(test, config.batch_size)
    return DataLoader(train, sampler=shuffled, batch_size=None), in_order(test, config.batch_size)


def order_of(loader: DataLoader[Batch]) -> ResumableBatches:
    """What chooses the epoch and the batch that a loader starts at.

    Args:
        loader: As `create_dataloaders` makes the first one.

    Returns:
        Its sampler, or the stream itself.
    """
    order = loader.dataset if isinstance(loader.dataset, ImageStream) else loader.sampler
    assert isinstance(order, EpochBatches | ImageStream)
    return order


def images_of(loader: DataLoader[Batch]) -> ImageSet:
    """The images behind a loader; of a stream some.

    Args:
        loader: As `create_dataloaders` makes them.

    Returns:
        Its data set.

    Raises:
        TypeError: If the loader serves something else.
    """
    dataset = loader.dataset
    if isinstance(dataset, ImageStream):
        return dataset.sample
    if not isinstance(dataset, ImageSet):
        raise TypeError(
            f"expected a loader over an ImageSet, got one over a {type(dataset).__name__}: "
            f"wrap the images into sightline.hjepa.ImageSet"
        )
    return dataset


def in_order(images: ImageSet | Subset[Batch], batch_size: int) -> DataLoader[Batch]:
    """A loader that serves every image once, in order.

    Args:
        images: What to serve.
        batch_size: Images in a batch; the last may be smaller.

    Returns:
        The loader.
    """
    batches = torch.arange(len(images)).split(batch_size)
    return DataLoader(images, sampler=[batch.tolist() for batch in batches], batch_size=None)
