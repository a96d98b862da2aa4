"""The order in which training images are served: a function of seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import Sampler

from sightline.training.randomness import generator


class EpochBatches(Sampler[list[int]]):
    """Batches of image numbers, shuffled by a function of the seed and the epoch alone.

    A resumed run asks for its epoch and the batch to start at, and gets what the uninterrupted run
    would have got. Processes that train together shuffle alike, and each takes its part of every
    stretch of `world_size` batches: together they serve what one process would at a batch so many
    times as large.

    Args:
        num_images: Images to draw from, at least one batch for each process.
        batch_size: Images in a batch. The images that fill no whole batch wait for another epoch.
        seed: The run's seed.
        rank: Number of this process, from 0.
        world_size: Processes that share the images.

    Raises:
        ValueError: If there are fewer images than a batch of each process holds.
    """

    def __init__(
        self, num_images: int, batch_size: int, *, seed: int, rank: int = 0, world_size: int = 1
    ) -> None:
        assert 0 <= rank < world_size
        if num_images < batch_size * world_size:
            processes = f" in each of {world_size} processes" if world_size > 1 else ""
            raise ValueError(
                f"expected at least one batch of images, got {num_images} images and "
                f"data.batch_size={batch_size}{processes}: lower the batch size"
            )
        self.num_images, self.batch_size, self.seed = num_images, batch_size, seed
        self.rank, self.world_size = rank, world_size
        self.epoch, self.first_batch = 0, 0

    def start_at(self, epoch: int, first_batch: int = 0) -> None:
        """Choose what the next iteration serves.

        Args:
            epoch: Epoch number, from 0.
            first_batch: Batches of that epoch to leave out.
        """
        self.epoch, self.first_batch = epoch, first_batch

    def __len__(self) -> int:
        """Batches of a whole epoch, the same number in each process."""
        return self.num_images // (self.batch_size * self.world_size)

    def __iter__(self) -> Iterator[list[int]]:
        """The batches of the chosen epoch."""
        shuffle = generator(self.seed, "sampler", self.epoch)
        order = torch.randperm(self.num_images, generator=shuffle).tolist()
        for batch in range(self.first_batch, len(self)):
            first = (batch * self.world_size + self.rank) * self.batch_size
            yield order[first : first + self.batch_size]
