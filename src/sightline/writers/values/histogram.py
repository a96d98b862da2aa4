"""How values are distributed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.events import Buckets, bucketize
from sightline.writers.arrays import fetch, freeze, num_bytes
from sightline.writers.binning import DeviceBuckets, count_on_device, is_on_accelerator
from sightline.writers.frameworks import to_numpy
from sightline.writers.values.base import Value


@dataclass(frozen=True, slots=True)
class Histogram(Value):
    """How values are distributed.

    Args:
        values: Real numbers in any shape; for a writer `sightline.events.Buckets`.
    """

    values: Any

    def frozen(self) -> Histogram:
        """The same, of memory that the caller cannot write to; counted on an accelerator."""
        if isinstance(self.values, Buckets | DeviceBuckets):
            return self
        if is_on_accelerator(self.values):
            return Histogram(count_on_device(self.values))
        return Histogram(freeze(self.values))

    def on_host(self) -> Histogram:
        """The same, counted in buckets.

        Returns:
            A histogram of `Buckets`.

        Raises:
            ValueError: If the values are not real numbers.
        """
        if isinstance(self.values, Buckets):
            return self
        if isinstance(self.values, DeviceBuckets):
            return Histogram(self.values.on_host())
        array = to_numpy(fetch(self.values))
        if array.dtype.kind not in "biuf":
            raise ValueError(
                f"expected real numbers for a histogram, got an array of type {array.dtype}; "
                "log its absolute value or its parts"
            )
        return Histogram(bucketize(np.asarray(array)))

    @property
    def nbytes(self) -> int:
        """Memory that it holds while it waits."""
        return num_bytes(self.values)
