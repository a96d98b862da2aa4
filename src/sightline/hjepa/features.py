"""What the frozen target encoder makes of images.

Shape legend: B batch, N images, K blocks, T patches, C channels, H and W grid rows and columns or
pixels, V views, D width.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from sightline.hjepa.data import Batch, ImageSet, in_order
from sightline.hjepa.hierarchy import level_grids, pool
from sightline.hjepa.masks import MultiBlockMasking
from sightline.hjepa.model import HJEPAModel
from sightline.training.probes.draws import bounded_draw
from sightline.training.randomness import generator

NUM_BLOCKS = 4  # last blocks whose features are kept
MEAN, MAX = 0, 1
T = TypeVar("T")
FloatArray = NDArray[np.float32]
Images = ImageSet | Subset[Batch]


class Track(Protocol):
    """Goes through items and shows how far it has come."""

    def __call__(self, items: Iterable[T], what: str, /) -> Iterable[T]:
        """The items, one by one; `what` says what is done with them."""
        ...


def silently(items: Iterable[T], what: str, /) -> Iterable[T]:
    """The items, and nothing is shown."""
    return items


@dataclass(frozen=True, slots=True)
class FrozenFeatures:
    """Features of every image of a set.

    Args:
        blocks_NKPD: Mean and largest value over the patches, shape (N, K, 2, D), after each of the
            last K blocks, the deepest last, through the final norm.
        levels: Mean and largest value over the cells of each level, shape (N, 2 D): of what the
            predictor is asked for. The mean is that of the patches at every level; the largest
            value is what the cells add.
        labels_N: Class numbers.
    """

    blocks_NKPD: FloatArray
    levels: tuple[FloatArray, ...]
    labels_N: NDArray[np.int64]

    @property
    def mean_ND(self) -> FloatArray:
        """The mean over the patches at the end of the encoder, as `extract_features` has it."""
        return self.blocks_NKPD[:, -1, MEAN]

    @property
    def by_kind(self) -> dict[str, FloatArray]:
        """What a sweep of linear probes reads: {1, 4} last blocks, by {mean, mean and max}."""
        num_blocks = self.blocks_NKPD.shape[1]
        kinds = {}
        for last in dict.fromkeys((1, num_blocks)):
            name = "last block" if last == 1 else f"last {last} blocks"
            blocks_NKPD = self.blocks_NKPD[:, -last:]
            kinds[f"{name}, mean"] = blocks_NKPD[:, :, MEAN].reshape(len(blocks_NKPD), -1)
            kinds[f"{name}, mean and max"] = blocks_NKPD.reshape(len(blocks_NKPD), -1)
        return kinds


def bounded(images: Images, max_images: int | None, *, seed: int) -> Images:
    """At most so many images of a set, from each class as many as from the others.

    Args:
        images: The set.
        max_images: The largest number; None for all.
        seed: Chooses them.

    Returns:
        The set itself, or a part of it in the same order.
    """
    if max_images is None or len(images) <= max_images:
        return images
    rows = bounded_draw(labels_of(images), max_images, seed=seed)
    return Subset(images, rows.tolist())


def labels_of(images: Images) -> NDArray[np.int64]:
    """Class numbers of a set or of a part of one.

    Args:
        images: The set or a part of it.

    Returns:
        Class numbers, shape (N,).
    """
    if isinstance(images, ImageSet):
        return images.labels_N.numpy()
    whole = images.dataset
    assert isinstance(whole, ImageSet | Subset)
    return labels_of(whole)[list(images.indices)]


@torch.no_grad()
def frozen_features(
    model: HJEPAModel,
    loader: DataLoader[Batch],
    device: torch.device,
    *,
    track: Track = silently,
    what: str = "features",
) -> FrozenFeatures:
    """Encode every image that a loader serves, in one pass.

    Memory: 4 (8 + 2 levels) D bytes an image on the host: 21 kB at a width of 384 and three levels.

    Args:
        model: The model; it is put into evaluation mode and back.
        loader: Serves (images, labels).
        device: Where the model is.
        track: Shows how far it has come.
        what: What it says.

    Returns:
        Features of the target encoder.

    Raises:
        ValueError: If images have other channels than the model was trained on, or patches or
            levels do not divide them.
    """  # noqa: DOC502  what it calls raises it
    encoder = model.target_encoder
    depth = len(encoder.blocks)
    last = list(range(max(depth - NUM_BLOCKS, 0) + 1, depth + 1))
    blocks, levels, labels = [], [], []
    with evaluating(model):
        for images, classes in track(loader, what):
            check_channels(model, images)
            grid = encoder.grid_of(*images.shape[-2:])
            level_grids(grid, len(model.level_strides))
            found = encoder(images.to(device), depths=[*last, *model.target_depths])
            blocks.append(torch.stack([_pooled(x_BTD) for x_BTD in found[: len(last)]], 1).cpu())
            levels.append([
                _pooled(pool(x_BTD.unflatten(1, grid), stride).flatten(1, 2)).flatten(1).cpu()
                for x_BTD, stride in zip(found[len(last) :], model.level_strides, strict=True)
            ])
            labels.append(classes.cpu())
    return FrozenFeatures(
        torch.cat(blocks).numpy(),
        tuple(torch.cat(level).numpy() for level in zip(*levels, strict=True)),
        torch.cat(labels).numpy(),
    )


@torch.no_grad()
def masked_views(
    model: HJEPAModel,
    images: Images,
    masking: MultiBlockMasking,
    device: torch.device,
    *,
    batch_size: int,
    num_views: int,
    seed: int,
    track: Track = silently,
) -> FloatArray:
    """Encode images several times, each time without the patches that a mask hides.

    Args:
        model: The model; it is put into evaluation mode and back.
        images: The images, of the size that the masks are for.
        masking: Draws the masks.
        device: Where the model is.
        batch_size: Images at a time.
        num_views: Masks of each image, V.
        seed: Chooses the masks.
        track: Shows how far it has come.

    Returns:
        The target encoder's mean feature of the patches that are seen, shape (N, V, D).
    """
    found = []
    with evaluating(model):
        for number, (images_BCHW, _) in enumerate(
            track(in_order(images, batch_size), "views under masks")
        ):
            random = generator(seed, "masks of views", number)
            on_device_BCHW = images_BCHW.to(device)
            views = []
            for _ in range(num_views):
                keep = masking(len(images_BCHW), random).to(device).context
                valid_BM1 = keep.valid_BM[..., None]
                seen_BMD = model.target_encoder(on_device_BCHW, keep) * valid_BM1
                views.append(seen_BMD.sum(1) / valid_BM1.sum(1))
            found.append(torch.stack(views, 1).cpu())
    return torch.cat(found).numpy()


@contextmanager
def evaluating(model: HJEPAModel) -> Iterator[None]:
    """Put a model into evaluation mode, and back into what it was.

    Args:
        model: The model.

    Yields:
        Nothing.
    """
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def check_channels(model: HJEPAModel, images_BCHW: Tensor) -> None:
    """Say so if images are none for a model.

    Args:
        model: The model.
        images_BCHW: Images.

    Raises:
        ValueError: If they have another number of channels than it was trained on.
    """
    channels = model.context_encoder.patch_embed.in_channels
    if images_BCHW.shape[1] != channels:
        raise ValueError(
            f"expected images of {channels} channels, which the model was trained on, got "
            f"{images_BCHW.shape[1]}: evaluate it on images like those"
        )


def _pooled(x_BTD: Tensor) -> Tensor:
    """Mean and largest value over the tokens, (B, 2, D)."""
    x_BTD = x_BTD.float()
    return torch.stack([x_BTD.mean(1), x_BTD.amax(1)], 1)
