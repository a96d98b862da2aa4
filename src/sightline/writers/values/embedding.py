"""Points in a space of many dimensions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.writers.arrays import fetch, freeze, num_bytes
from sightline.writers.frameworks import to_numpy
from sightline.writers.values.base import Value

LABEL = "label"
EMPTY = "(empty)"


@dataclass(frozen=True, slots=True)
class Embedding(Value):
    """Points in a space of many dimensions, such as the representations of a validation set.

    Args:
        vectors: Array of shape (points, dimensions); for a writer float32 and finite.
        metadata: What is known of each point: values by name of the column, or a sequence of
            labels, or None; for a writer texts by name.
        images: A picture of each point, or None; for a writer uint8 arrays of shape (height,
            width, channels) with 1, 3 or 4 channels.
    """

    vectors: Any
    metadata: Any = None
    images: Any = None

    def frozen(self) -> Embedding:
        """The same, of memory that the caller cannot write to."""
        metadata = {name: _frozen_column(column) for name, column in self._columns()}
        images = None if self.images is None else freeze(self.images)
        return Embedding(freeze(self.vectors), metadata or None, images)

    def on_host(self) -> Embedding:
        """The same as 32-bit floats, texts and 8-bit pixels.

        Returns:
            An embedding of NumPy arrays.

        Raises:
            ValueError: If the vectors are not real numbers, or some are not finite: no projection
                could place them.
        """  # noqa: DOC502
        from sightline.writers.pixels import to_pixels

        metadata = {name: tuple(map(_text, _items(column))) for name, column in self._columns()}
        images = None if self.images is None else tuple(map(to_pixels, fetch(self.images)))
        return Embedding(_floats(to_numpy(fetch(self.vectors))), metadata or None, images)

    @property
    def nbytes(self) -> int:
        """Memory that it holds while it waits."""
        return num_bytes((self.vectors, self.images, *(column for _, column in self._columns())))

    def _columns(self) -> list[tuple[str, Any]]:
        if self.metadata is None:
            return []
        if isinstance(self.metadata, Mapping):
            return [(str(name), column) for name, column in self.metadata.items()]
        return [(LABEL, self.metadata)]


def _floats(vectors: NDArray[Any]) -> NDArray[np.float32]:
    if vectors.dtype.kind not in "biuf":
        raise ValueError(
            f"expected real numbers in an embedding, got an array of type {vectors.dtype}; log its "
            "real part or its absolute value"
        )
    with np.errstate(over="ignore"):
        floats = np.ascontiguousarray(vectors, dtype=np.float32)
    is_finite = np.isfinite(floats).all(axis=1)
    if not is_finite.all():
        raise ValueError(
            f"expected finite vectors in an embedding, got {int((~is_finite).sum())} of "
            f"{len(floats)} with NaN or infinity; leave those out, and look at what made them"
        )
    return floats


def _frozen_column(column: Any) -> Any:
    if hasattr(column, "shape"):
        return freeze(column)
    return tuple(freeze(item) if hasattr(item, "shape") else item for item in column)


def _items(column: Any) -> Sequence[Any]:
    if isinstance(column, tuple):
        return [fetch(item) for item in column]
    items: list[Any] = to_numpy(fetch(column)).tolist()
    return items


def _text(item: Any) -> str:
    """A cell: nothing where there is no value, but something visible for a text without letters."""
    if hasattr(item, "tolist"):
        item = item.tolist()
    if item is None or (isinstance(item, float) and math.isnan(item)):
        return ""
    text = str(item)
    return text if text.strip() else EMPTY
