"""Means of numbers that stay on their device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sightline.writers.frameworks import is_jax, is_torch


class RunningMeans:
    """Sums numbers where they are, without waiting for them.

    Sums are of double precision where the device has it, and of at least single precision
    otherwise: a mean of many bfloat16 losses is not cut to three digits.

    Example:
        >>> means = RunningMeans()
        >>> means.add({"loss": 1.0})
        >>> means.add({"loss": 2.0, "accuracy": 0.5})
        >>> means.take()
        {'loss': 1.5, 'accuracy': 0.5}
    """

    def __init__(self) -> None:
        self._sums: dict[str, Any] = {}
        self._counts: dict[str, int] = {}

    def add(self, numbers: Mapping[str, Any]) -> None:
        """Add numbers to the sums.

        Args:
            numbers: Number or 0-d array by name.
        """
        for name, number in numbers.items():
            wide = _widened(number)
            self._sums[name] = self._sums[name] + wide if name in self._sums else wide
            self._counts[name] = self._counts.get(name, 0) + 1

    def take(self) -> dict[str, Any]:
        """Give the means, and begin anew.

        Returns:
            Mean by name, each over as many numbers as were added under it.
        """
        means = {name: total / self._counts[name] for name, total in self._sums.items()}
        self._sums.clear()
        self._counts.clear()
        return means


def _widened(number: Any) -> Any:
    """A copy of the number in the widest type that its device has."""
    if is_torch(number):
        import torch

        has_double = number.device.type != "mps"
        return number.detach().to(torch.float64 if has_double else torch.float32, copy=True)
    if is_jax(number):
        import jax.numpy as jnp

        return number.astype(jnp.promote_types(number.dtype, jnp.float32))
    return float(number)
