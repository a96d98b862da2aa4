"""Images with their classes, as batches are taken from them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.utils.data import Dataset

Batch = tuple[Tensor, Tensor]


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
