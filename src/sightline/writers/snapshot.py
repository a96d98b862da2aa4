"""The caller's half of a value's way: what is logged must not change afterwards.

Nothing here waits for a device. All torch scalars of a call are stacked by device and type, which
keeps their present values and lets them travel together; larger arrays are cloned where they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.writers.frameworks import is_jax, is_picture, is_torch
from sightline.writers.values import Histogram, Image, Scalar, Value


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


@dataclass(frozen=True, slots=True)
class Slot:
    """One scalar in a stack."""

    stack: Frozen
    index: int


def snapshot(values: Mapping[str, Value]) -> dict[str, Value]:
    """Freeze values as they are now.

    JAX arrays do not change, and are held as they are; only a larger one is copied on its device,
    lest a function that it is donated to takes it away.

    Args:
        values: Value by tag.

    Returns:
        The same, of memory that the caller cannot write to. Frozen values stay as they are.
    """
    frozen: dict[str, Value] = {}
    tensors: defaultdict[tuple[Any, Any], list[tuple[str, Any]]] = defaultdict(list)
    for tag, value in values.items():
        if type(value) is Scalar:
            number = value.value
            if type(number) is float:
                pass
            elif is_torch(number):
                tensors[number.device, number.dtype].append((tag, number.detach()))
            elif isinstance(number, np.ndarray):
                value = Scalar(number[()])
        elif type(value) is Histogram:
            value = Histogram(_copy(value.values))
        elif type(value) is Image:
            value = Image(_copy(value.pixels), value.caption, value.layout)
        frozen[tag] = value
    for scalars in tensors.values():
        import torch

        stack = Frozen(torch.stack([tensor for _, tensor in scalars]))
        frozen |= {tag: Scalar(Slot(stack, index)) for index, (tag, _) in enumerate(scalars)}
    return frozen


def _copy(value: Any) -> Any:
    if isinstance(value, Frozen):
        return value
    if isinstance(value, list | tuple):
        return tuple(map(_copy, value))
    if is_torch(value):
        return Frozen(value.detach().clone())
    if is_jax(value) or is_picture(value):
        return value.copy()
    return np.array(value)


def num_bytes(values: Mapping[str, Value]) -> int:
    """How much memory frozen values hold; scalars and texts count as nothing.

    Args:
        values: Value by tag, frozen.

    Returns:
        A number of bytes.
    """
    return sum(
        _size(value.pixels if isinstance(value, Image) else value.values)
        for value in values.values()
        if isinstance(value, Image | Histogram)
    )


def _size(value: Any) -> int:
    if isinstance(value, tuple):
        return sum(map(_size, value))
    if is_picture(value):
        return int(value.width * value.height * len(value.getbands()))
    return int(value.nbytes)
