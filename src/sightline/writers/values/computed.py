"""A number that is computed where nobody waits for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sightline.writers.arrays import fetch, freeze, num_bytes
from sightline.writers.frameworks import to_numpy
from sightline.writers.values.base import Value
from sightline.writers.values.scalar import Scalar


@dataclass(frozen=True, slots=True)
class Computed(Value):
    """A number that the worker computes on the host; writers receive a `Scalar`.

    Args:
        function: Takes NumPy arrays and returns the number.
        arrays: What it takes: arrays of NumPy, torch or JAX.
    """

    function: Callable[..., float]
    arrays: tuple[Any, ...]

    def frozen(self) -> Computed:
        """The same, of memory that the caller cannot write to."""
        return Computed(self.function, tuple(map(freeze, self.arrays)))

    def on_host(self) -> Scalar:
        """The number.

        Returns:
            What the function makes of the arrays.
        """
        return Scalar(float(self.function(*(to_numpy(fetch(array)) for array in self.arrays))))

    @property
    def nbytes(self) -> int:
        """Memory that the arrays hold while they wait."""
        return sum(map(num_bytes, self.arrays))
