"""Moments of torch tensors on the host, computed chunk by chunk while a chunk is in cache.

A reduction reads memory faster than it can be had, so that five reductions in turn cost five
passes. Here each chunk is read from memory once and five times from the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from sightline.diagnostics.precision import Array

if TYPE_CHECKING:
    import torch
    from torch import Tensor

CHUNK = 262_144  # values: 1 MB of float32, and as much again for their magnitudes
SMALL = 16_384  # values below which calls cost more than arithmetic


class Moments(NamedTuple):
    """Of all values of some tensors; each a 0-d array.

    Args:
        mean_abs: Mean magnitude.
        max_abs: Largest magnitude.
        std: Standard deviation (population).
        norm: L2 norm.
        num_nonfinite: How many values are infinite or NaN.
    """

    mean_abs: Array
    max_abs: Array
    std: Array
    norm: Array
    num_nonfinite: Array


def cached_moments(tensors: list[Tensor]) -> Moments:
    """Moments of all values of the tensors together.

    Sums are float32 within a chunk and float64 over the chunks.

    Args:
        tensors: Tensors on the host, any shapes and dtypes.

    Returns:
        The moments: float32, or float64 if any tensor is.

    Example:
        >>> import torch
        >>> moments = cached_moments([torch.tensor([3.0, -4.0]), torch.zeros(2)])
        >>> moments.norm.item(), moments.mean_abs.item(), moments.max_abs.item()
        (5.0, 1.75, 4.0)
    """
    import torch

    dtype = torch.float64 if any(x.dtype == torch.float64 for x in tensors) else torch.float32
    buffer = torch.empty(CHUNK, dtype=dtype)
    sums, magnitudes, squares, largest = [], [], [], []
    num_values = 0
    with torch.no_grad():
        for chunk in _chunks(tensors, dtype):
            magnitude = torch.abs(chunk, out=buffer[: len(chunk)])
            sums.append(chunk.sum())
            squares.append(torch.dot(chunk, chunk))
            magnitudes.append(magnitude.sum())
            largest.append(magnitude.amax())
            num_values += len(chunk)
        if not num_values:
            nothing = torch.zeros((), dtype=dtype)
            undefined = nothing + float("nan")
            return Moments(undefined, undefined, undefined, nothing, nothing)
        mean, mean_abs, mean_square = (
            torch.stack(parts).double().sum() / num_values for parts in (sums, magnitudes, squares)
        )
        max_abs = torch.stack(largest).amax()
        num_nonfinite = torch.zeros((), dtype=dtype)
        # These values lie on the host: looking at one waits for nothing.
        if not max_abs.isfinite():
            for chunk in _chunks(tensors, dtype):
                num_nonfinite += chunk.isfinite().logical_not_().sum()
        return Moments(
            mean_abs=mean_abs.to(dtype),
            max_abs=max_abs,
            std=(mean_square - mean * mean).clamp(min=0).sqrt().to(dtype),
            norm=(mean_square * num_values).sqrt().to(dtype),
            num_nonfinite=num_nonfinite,
        )


def _chunks(tensors: list[Tensor], dtype: torch.dtype) -> Iterator[Tensor]:
    import torch

    small = [x.detach().reshape(-1) for x in tensors if x.numel() < SMALL]
    large = [x.detach().reshape(-1) for x in tensors if x.numel() >= SMALL]
    if small:
        large.append(torch.cat([x.to(dtype) for x in small]))
    for x in large:
        for chunk in x.split(CHUNK):
            if len(chunk):
                yield chunk.to(dtype)
