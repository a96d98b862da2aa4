"""Arrays between a caller who may change them and a worker who reads them later.

`freeze` is the caller's half and waits for no device; `fetch` is the worker's, and the one place
where arrays leave a device.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.writers.frameworks import is_jax, is_picture, is_torch, to_numpy


class Frozen:
    """A tensor that nobody else writes to.

    Args:
        tensor: The tensor.
    """

    __slots__ = ("_ready", "_tensor")

    def __init__(self, tensor: Any) -> None:
        self._tensor = tensor
        self._ready = None
        if tensor.is_cuda:
            import torch

            # The worker copies on a stream of its own, which must wait for the caller's.
            self._ready = torch.cuda.Event()
            self._ready.record(torch.cuda.current_stream(tensor.device))

    @property
    def nbytes(self) -> int:
        """Its size."""
        size: int = self._tensor.nbytes
        return size

    def fetch(self) -> Any:
        """Wait until it is computed, and give it.

        Returns:
            The tensor.
        """
        if self._ready is not None:
            self._ready.synchronize()
        return self._tensor


def freeze(value: Any) -> Any:
    """Keep arrays as they are now.

    Args:
        value: An array of NumPy, torch or JAX, a PIL image, nested numbers, or a sequence of these.

    Returns:
        The same in memory that the caller cannot write to, on the same device; what is frozen
        already stays as it is.
    """
    if isinstance(value, Frozen):
        return value
    if isinstance(value, list | tuple):
        return tuple(map(freeze, value))
    if is_torch(value):
        return Frozen(value.detach().clone())
    if is_jax(value) or is_picture(value):  # a JAX array may be donated, and is gone then
        return value.copy()
    return np.array(value)


def fetch(value: Any) -> Any:
    """Bring arrays to the host.

    Args:
        value: What `freeze` gave, or what it takes.

    Returns:
        NumPy arrays in place of tensors and JAX arrays; anything else as it is.
    """
    if isinstance(value, list | tuple):
        return tuple(map(fetch, value))
    if isinstance(value, Frozen):
        return to_numpy(value.fetch())
    return to_numpy(value) if is_torch(value) or is_jax(value) else value


def num_bytes(value: Any) -> int:
    """How much memory frozen arrays hold.

    Args:
        value: What `freeze` gave.

    Returns:
        A number of bytes.
    """
    if isinstance(value, tuple):
        return sum(map(num_bytes, value))
    if is_picture(value):
        return int(value.width * value.height * len(value.getbands()))
    return int(getattr(value, "nbytes", 0))
