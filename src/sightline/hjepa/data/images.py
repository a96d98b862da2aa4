"""Images with their classes, as batches are taken from them.

Shape legend: N images, C channels, H and W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class ImageSet(Dataset[Batch]):
    """Images in memory or mapped from a file, with their classes.

    Args:
        images_NCHW: Pixels, uint8. They may be mapped from a file: read them, but do not write.
        labels_N: Class numbers, int64.
        class_names: What the numbers stand for.
        unreadable: Files that were left out since they cannot be read, with the reason.
    """

    images_NCHW: Tensor
    labels_N: Tensor
    class_names: tuple[str, ...]
    unreadable: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Number of images."""
        return len(self.labels_N)

    def __getitem__(self, index: Sequence[int]) -> Batch:
        """A whole batch at once: pixels and classes of the numbered images."""
        # NumPy copies an image at a time; torch 2.13 gathers byte by byte, 20 times slower.
        pixels = torch.from_numpy(self.images_NCHW.numpy()[index])
        return pixels, self.labels_N[index]
