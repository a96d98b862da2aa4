"""Images that are decoded while the model trains: for sets that no disk holds decoded.

Encoded images are read in a shuffled order that is a function of the seed, the epoch and the
process; threads decode them. To start in the middle, what comes before is read but not decoded.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset

from sightline.hjepa.data.decoding import UnreadableImageError, decode
from sightline.hjepa.data.encoded import How
from sightline.hjepa.data.hub import HubSplit, encoded
from sightline.hjepa.data.images import Batch, ImageSet
from sightline.hjepa.data.threads import map_ahead, num_threads
from sightline.hjepa.data.unreadable import Unreadable
from sightline.training.randomness import generator

ENOUGH_SHARDS = 8  # for each process, so that what they hold is about the same
FIRST_IMAGES = 1000  # the share of unreadable images is not judged by fewer


class StreamedImage(NamedTuple):
    """One image of a stream.

    Args:
        pixels_CHW: Its pixels; why there are none.
        label: Its class.
    """

    pixels_CHW: NDArray[np.uint8] | UnreadableImageError
    label: int


class ImageStream(IterableDataset[Batch]):
    """Batches of training images, decoded on the way.

    An image that cannot be read gives its place to another one of its batch, so that a batch always
    is the same stretch of the stream. A process whose part of an epoch runs short, since its shards
    hold fewer images, draws shards once more.

    Args:
        split: Where the images come from.
        how: How they are decoded.
        sample: Some of them in memory, for what must see images at once: pixel statistics, probes.
        batch_size: Images in a batch.
        buffer_size: Encoded images that the next one is drawn from.
        seed: The run's seed.
        rank: Number of this process, from 0.
        world_size: Processes that share the images.

    Raises:
        ValueError: If there are fewer images than a batch of each process holds.
    """

    def __init__(
        self,
        split: HubSplit,
        how: How,
        sample: ImageSet,
        *,
        batch_size: int,
        buffer_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.split, self.how, self.sample = split, how, sample
        self.batch_size, self.buffer_size = batch_size, buffer_size
        self.seed, self.rank, self.world_size = seed, rank, world_size
        self.epoch, self.first_batch = 0, 0
        if len(self) == 0:
            raise ValueError(
                f"expected at least one batch of images for each process, got "
                f"{split.num_images} images of {split.place}, data.batch_size={batch_size} and "
                f"{world_size} processes: lower the batch size"
            )

    def start_at(self, epoch: int, first_batch: int = 0) -> None:
        """Choose what the next iteration serves.

        Args:
            epoch: Epoch number, from 0.
            first_batch: Batches of that epoch to leave out.
        """
        self.epoch, self.first_batch = epoch, first_batch

    def __len__(self) -> int:
        """Batches of a whole epoch, the same number in each process."""
        return self.split.num_images // (self.batch_size * self.world_size)

    def __iter__(self) -> Iterator[Batch]:
        """The batches of the chosen epoch."""
        first, last = self.first_batch * self.batch_size, len(self) * self.batch_size
        unreadable = Unreadable(self.split.place, self.how.max_unreadable_share, FIRST_IMAGES)
        rows = itertools.islice(self._rows(self.epoch), first, last)
        ahead = 2 * self.batch_size
        with closing(_decoded(rows, self.split, self.how, ahead)) as images:
            for number in range(self.first_batch, len(self)):
                batch = list(itertools.islice(images, self.batch_size))
                yield self._batch(batch, (number - self.first_batch) * self.batch_size, unreadable)
        unreadable.warn()

    def _rows(self, epoch: int) -> Iterator[Any]:
        """This process's rows of an epoch, and of another draw of shards where they run short."""
        for turn in itertools.count():
            row = None
            for row in shuffled_rows(
                self.split,
                self.buffer_size,
                lambda stream, *at, turn=turn: generator(self.seed, stream, epoch, turn, *at),
                rank=self.rank,
                world_size=self.world_size,
            ):
                yield row
            if row is None:
                raise ValueError(f"expected images in {self.split.place}, got none: look there")

    def _batch(self, images: list[StreamedImage], num_before: int, unreadable: Unreadable) -> Batch:
        unreadable.num_images = max(FIRST_IMAGES, num_before + len(images))
        pixels, labels, gaps = [], [], []
        for number, (pixels_CHW, label) in enumerate(images):
            if isinstance(pixels_CHW, UnreadableImageError):
                place = num_before + number
                unreadable.add(place, f"number {place} of epoch {self.epoch}", str(pixels_CHW))
                gaps.append(number)
            else:
                pixels.append(pixels_CHW)
                labels.append(label)
        if not pixels:
            raise ValueError(
                f"expected images in {self.split.place}, got a whole batch that cannot be read "
                f"({images[0].pixels_CHW}); look at column {self.split.image_column!r}"
            )
        for filled, gap in enumerate(gaps):
            pixels.insert(gap, pixels[filled % len(pixels)])
            labels.insert(gap, labels[filled % len(labels)])
        return torch.from_numpy(np.stack(pixels)), torch.tensor(labels)


def sample_images(split: HubSplit, how: How, max_images: int, buffer_size: int) -> ImageSet:
    """Decode some images of a split into memory, always the same ones.

    Args:
        split: Where they come from.
        how: How they are decoded.
        max_images: At most so many.
        buffer_size: Encoded images that the next one is drawn from.

    Returns:
        The images that can be read.

    Raises:
        ValueError: If too many cannot be read.
    """  # noqa: DOC502  what it calls raises it
    num_images = min(max_images, split.num_images)
    pixels_NCHW = np.empty((num_images, *how.shape_CHW), np.uint8)
    labels: list[int] = []
    unreadable = Unreadable(split.place, how.max_unreadable_share, num_images)
    rows = shuffled_rows(split, buffer_size, lambda stream, *at: generator(0, stream, *at))
    some = itertools.islice(rows, num_images)
    for number, (pixels, label) in enumerate(_decoded(some, split, how, 8)):
        if isinstance(pixels, UnreadableImageError):
            unreadable.add(number, f"number {number} of the sample", str(pixels))
        else:
            pixels_NCHW[len(labels)] = pixels
            labels.append(label)
    unreadable.warn()
    images_NCHW = torch.from_numpy(pixels_NCHW[: len(labels)])
    return ImageSet(images_NCHW, torch.tensor(labels), split.class_names, tuple(unreadable.names))


def shuffled_rows(
    split: HubSplit,
    buffer_size: int,
    random: Callable[..., torch.Generator],
    *,
    rank: int = 0,
    world_size: int = 1,
) -> Iterator[Any]:
    """Rows of a split in random order: its shards shuffled, and the rows in a buffer.

    Args:
        split: Where they come from.
        buffer_size: Rows that the next one is drawn from.
        random: Makes the generator of a named stream.
        rank: Number of this process, from 0.
        world_size: Processes that share the rows.

    Returns:
        This process's rows. It reads shards of its own where there are enough of them, and every
        `world_size`-th row of all of them where there are not.
    """
    rows = split.rows.reshard() if hasattr(split.rows, "reshard") else split.rows
    num_shards = rows.num_shards
    order = torch.randperm(num_shards, generator=random("shards")).tolist()
    has_own = num_shards % world_size == 0 or num_shards >= ENOUGH_SHARDS * world_size
    if has_own:
        order = order[rank::world_size]
    each = itertools.chain.from_iterable(rows.shard(num_shards, shard) for shard in order)
    own = each if has_own else itertools.islice(each, rank, None, world_size)
    return _shuffled(own, buffer_size, random("shuffle buffer", rank))


def _shuffled(rows: Iterable[Any], buffer_size: int, random: torch.Generator) -> Iterator[Any]:
    buffer: list[Any] = []
    for row in rows:
        if len(buffer) < buffer_size:
            buffer.append(row)
            continue
        place = int(torch.randint(buffer_size, (), generator=random))
        yield buffer[place]
        buffer[place] = row
    for place in torch.randperm(len(buffer), generator=random).tolist():
        yield buffer[place]


def _decoded(
    rows: Iterator[Any], split: HubSplit, how: How, num_ahead: int
) -> Generator[StreamedImage, None, None]:
    def one(row: Any) -> StreamedImage:
        label = split.label(row[split.label_column])
        try:
            pixels = decode(encoded(row[split.image_column]), how.image_size, how.channels)
        except UnreadableImageError as error:
            return StreamedImage(error, label)
        return StreamedImage(pixels, label)

    workers = num_threads(how.num_workers)
    return map_ahead(one, rows, num_threads=workers, num_ahead=max(num_ahead, 2 * workers))
