"""Histograms counted where the values are: an accelerator sends 132 numbers and not millions.

The values are sorted on their device, and the edges looked up among them. That needs no atomic
operation, is deterministic, and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from sightline.events import Buckets
from sightline.events.histograms import NUM_BUCKETS
from sightline.writers.arrays import Frozen, fetch
from sightline.writers.frameworks import is_jax, is_torch
from sightline.writers.scalars import HOSTS

NUM_EDGES = NUM_BUCKETS + 1


@dataclass(frozen=True, slots=True)
class DeviceBuckets:
    """Counts that are still on a device.

    Args:
        edges: 65 floats.
        counts: 67 integers: how many values lie below each edge, or at the last, how many are NaN
            and how many are infinite.
    """

    edges: Any
    counts: Any

    @property
    def nbytes(self) -> int:
        """A kilobyte, which is nothing."""
        return 0

    def on_host(self) -> Buckets:
        """Wait for the counts.

        Returns:
            The buckets.
        """
        edges, counts = (np.asarray(array) for array in fetch((self.edges, self.counts)))
        rows = np.zeros((NUM_BUCKETS, 3))
        if np.isfinite(edges).all():  # otherwise there is no finite value
            rows[:, 0], rows[:, 1], rows[:, 2] = edges[:-1], edges[1:], np.diff(counts[:NUM_EDGES])
        return Buckets(rows, num_nan=int(counts[-2]), num_inf=int(counts[-1]))


def is_on_accelerator(values: Any) -> bool:
    """Whether values are an array that has elements, on a device that is not the host."""
    if is_torch(values):
        return values.device.type not in HOSTS and values.numel() > 0
    if is_jax(values):
        platforms = {device.platform for device in values.sharding.device_set}
        return not platforms <= HOSTS and values.size > 0
    return False


def count_on_device(values: Any) -> DeviceBuckets:
    """Count values where they are.

    Args:
        values: Array of torch or JAX, real, of any shape, not empty.

    Returns:
        The counts, which the device may still be at work on.

    Raises:
        ValueError: If another process holds a part of the values.
    """
    if is_torch(values):
        edges, counts = _count_with_torch(values.detach())
        return DeviceBuckets(Frozen(edges), Frozen(counts))
    if not values.is_fully_addressable:
        raise ValueError(
            "expected values that this process holds, got a JAX array spread over several; log "
            "jax.experimental.multihost_utils.process_allgather(values) or a part of them"
        )
    return DeviceBuckets(*_count_with_jax()(values))


def _count_with_torch(values: Any) -> tuple[Any, Any]:
    import torch

    flat = values.reshape(-1)
    if not flat.is_floating_point():
        flat = flat.to(torch.float32 if flat.device.type == "mps" else torch.float64)
    elif flat.itemsize < 4:
        flat = flat.float()
    is_finite = torch.isfinite(flat)
    finite_first = torch.where(is_finite, flat, torch.inf)
    low = finite_first.amin()
    high = torch.where(is_finite, flat, -torch.inf).amax()
    share = torch.linspace(0, 1, NUM_EDGES, dtype=flat.dtype, device=flat.device)
    edges = torch.clamp(low * (1 - share) + high * share, low, high)
    ordered = finite_first.sort().values
    below = torch.searchsorted(ordered, edges[:-1], side="left")
    up_to_the_last = torch.searchsorted(ordered, high.reshape(1), side="right")
    odd = torch.stack((flat.isnan().sum(), flat.isinf().sum()))
    return edges, torch.cat((below, up_to_the_last, odd))


@cache
def _count_with_jax() -> Callable[[Any], tuple[Any, Any]]:
    import jax
    import jax.numpy as jnp

    def count(values: Any) -> tuple[Any, Any]:
        flat = values.reshape(-1)
        flat = flat.astype(jnp.promote_types(flat.dtype, jnp.float32))
        is_finite = jnp.isfinite(flat)
        finite_first = jnp.where(is_finite, flat, jnp.inf)
        low = finite_first.min()
        high = jnp.where(is_finite, flat, -jnp.inf).max()
        share = jnp.linspace(0, 1, NUM_EDGES, dtype=flat.dtype)
        edges = jnp.clip(low * (1 - share) + high * share, low, high)
        ordered = jnp.sort(finite_first)
        below = jnp.searchsorted(ordered, edges, side="left")
        below = below.at[-1].set(jnp.searchsorted(ordered, high, side="right"))
        odd = jnp.stack((jnp.isnan(flat).sum(), jnp.isinf(flat).sum()))
        return edges, jnp.concatenate((below, odd))

    return jax.jit(count)
