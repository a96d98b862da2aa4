"""Images to train on and to test on, and the loaders that serve them in a reproducible order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from sightline.hjepa.data_config import DataConfig
from sightline.training.randomness import generator

Batch = tuple[Tensor, Tensor]
IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


@dataclass(frozen=True)
class ImageSet(Dataset[Batch]):
    """Images in memory, with their classes.

    Args:
        images_NCHW: Pixels, uint8.
        labels_N: Class numbers, int64.
        class_names: What the numbers stand for.
    """

    images_NCHW: Tensor
    labels_N: Tensor
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.labels_N)

    def __getitem__(self, index: list[int]) -> Batch:
        """A whole batch at once: pixels and classes of the numbered images."""
        return self.images_NCHW[index], self.labels_N[index]


class EpochBatches(Sampler[list[int]]):
    """Batches of image numbers, shuffled by a function of the seed and the epoch alone.

    A resumed run asks for its epoch and the batch to start at, and gets what the uninterrupted run
    would have got.

    Args:
        num_images: Images to draw from, at least one batch.
        batch_size: Images in a batch. The images that fill no whole batch wait for another epoch.
        seed: The run's seed.
        rank: Number of this process; of the batches of all, it gets every `world_size`-th one.
        world_size: Processes that train together.

    Raises:
        ValueError: If there are fewer images than a batch of each process holds.
    """

    def __init__(
        self, num_images: int, batch_size: int, *, seed: int, rank: int = 0, world_size: int = 1
    ) -> None:
        if num_images < batch_size * world_size:
            raise ValueError(
                f"expected at least one batch of images for each of {world_size} processes, got "
                f"{num_images} images and data.batch_size={batch_size}: lower the batch size"
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
        for number in range(self.first_batch, len(self)):
            batch = number * self.world_size + self.rank
            yield order[batch * self.batch_size : (batch + 1) * self.batch_size]


def load_digits() -> tuple[ImageSet, ImageSet]:
    """Handwritten digits: 1,797 real scans of 8 x 8 pixels in ten classes.

    The split is stratified and always the same: 1,437 images to train on and 360 to test on.

    Returns:
        Training and test images, one channel.

    Source: Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits (UCI), as bundled
    with scikit-learn.
    """
    from sklearn.datasets import load_digits as load_scans
    from sklearn.model_selection import train_test_split

    scans = load_scans()
    images = np.rint(scans.images * (255 / 16)).astype(np.uint8)[:, None]
    names = tuple(str(name) for name in scans.target_names)
    halves = train_test_split(
        np.arange(len(images)), test_size=0.2, stratify=scans.target, random_state=0
    )
    train, test = (
        ImageSet(torch.from_numpy(images[half]), torch.from_numpy(scans.target[half]), names)
        for half in halves
    )
    return train, test


def load_folder(
    path: Path, image_size: int, class_names: tuple[str, ...] | None = None
) -> ImageSet:
    """Images in class folders, `path/<class>/<image>`, scaled and centre-cropped to squares.

    Args:
        path: The folder that holds the class folders.
        image_size: Height and width in pixels to bring every image to.
        class_names: The classes to number by; by default the folders found, sorted.

    Returns:
        The images, three channels, in order of their paths.

    Raises:
        FileNotFoundError: If the folder is missing or holds no class folder with an image.
        ValueError: If a file cannot be read as an image or has more than 8 bits a channel, or a
            class is not a known one.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not path.is_dir():
        raise FileNotFoundError(
            f"expected a folder of class folders at {path}, found none: set data.data_path to the "
            f"folder that holds train/ and val/"
        )
    files = sorted(file for file in path.glob("*/*") if file.suffix.lower() in IMAGE_SUFFIXES)
    if not files:
        raise FileNotFoundError(
            f"expected images in class folders such as {path}/cat/1.jpg, found none: put each "
            f"class into a folder of its own"
        )
    found = tuple(sorted({file.parent.name for file in files}))
    names = class_names or found
    if unknown := sorted(set(found) - set(names)):
        raise ValueError(
            f"expected only the classes of the training images, got {unknown[0]!r} in {path}: "
            f"remove that folder or add it to train/"
        )
    images = np.empty((len(files), 3, image_size, image_size), np.uint8)
    for slot, file in zip(images, files, strict=True):
        try:
            with Image.open(file) as image:
                mode = image.mode
                upright = ImageOps.exif_transpose(image).convert("RGB")
                square = ImageOps.fit(upright, (image_size, image_size))
        except (UnidentifiedImageError, OSError, SyntaxError) as error:
            raise ValueError(
                f"expected an image in {file}, but it cannot be read ({error}): remove or repair it"
            ) from error
        if mode.startswith(("I", "F")):  # 16 or 32 bits: the conversion above clips at 255
            raise ValueError(
                f"expected 8 bits a channel in {file}, got Pillow's mode {mode}: scale it to 8 bits"
            )
        slot[:] = np.asarray(square).transpose(2, 0, 1)
    labels = torch.tensor([names.index(file.parent.name) for file in files])
    return ImageSet(torch.from_numpy(images), labels, names)


def load_images(config: DataConfig) -> tuple[ImageSet, ImageSet]:
    """The images that a configuration names.

    Args:
        config: The `data` section.

    Returns:
        Training and test images, uint8.

    Raises:
        ValueError: If `digits` are asked for at another size than theirs.
    """
    if config.data_path is not None:
        train = load_folder(config.data_path / "train", config.image_size)
        return train, load_folder(config.data_path / "val", config.image_size, train.class_names)
    train, test = load_digits()
    if config.image_size != train.images_NCHW.shape[-1]:
        raise ValueError(
            f"expected data.image_size=8 for the digits, got {config.image_size}: use 8, or images "
            f"of your own with data.dataset=folder"
        )
    return train, test


def create_dataloaders(
    config: DataConfig, *, seed: int = 0, rank: int = 0, world_size: int = 1
) -> tuple[DataLoader[Batch], DataLoader[Batch]]:
    """Loaders of the training and the test images of a configuration.

    Args:
        config: The `data` section.
        seed: The run's seed, for the order of the training images.
        rank: Number of this process, which gets training images of its own.
        world_size: Processes that train together.

    Returns:
        Two loaders of (images, labels) batches, uint8 (B, C, H, W) and int64 (B,). The first is
        shuffled, epoch by epoch, and serves whole batches only; the second serves every image once,
        in order.
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
