"""The precision that diagnostics compute in: float32 or better, whatever the model trains in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeAlias

from array_api_compat import array_namespace, is_jax_array, is_torch_array

Array: TypeAlias = Any
"""An array of any namespace of the array API: NumPy, torch, JAX."""


@contextmanager
def widened(*arrays: Array) -> Iterator[tuple[Any, ...]]:
    """Open a block that computes on arrays in float32 or better, gradients included.

    float64 stays as it is and everything else becomes float32. Inside the block torch does not
    autocast, and JAX does not shorten the operands of a matrix product.

    Args:
        *arrays: arrays of one namespace, any shape and dtype.

    Yields:
        The namespace, then each array as float32 or float64.

    Example:
        >>> import numpy as np
        >>> with widened(np.ones(3, np.float16)) as (xp, x):
        ...     str(x.dtype)
        'float32'
    """
    xp = array_namespace(*arrays)
    with ExitStack() as stack:
        if is_torch_array(arrays[0]):
            torch = sys.modules["torch"]
            device = arrays[0].device.type
            if torch.amp.is_autocast_available(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        elif is_jax_array(arrays[0]):
            stack.enter_context(sys.modules["jax"].default_matmul_precision("highest"))
        yield (
            xp,
            *(
                xp.astype(x, xp.float64 if x.dtype == xp.float64 else xp.float32, copy=False)
                for x in arrays
            ),
        )


@contextmanager
def measuring(*arrays: Array) -> Iterator[tuple[Any, ...]]:
    """Open a block that measures arrays: `widened`, and torch records no gradients.

    Nothing leaves the device.

    Args:
        *arrays: arrays of one namespace, any shape and dtype.

    Yields:
        The namespace, then each array as float32 or float64.

    Example:
        >>> import numpy as np
        >>> with measuring(np.ones(3, np.float16)) as (xp, x):
        ...     str(x.dtype)
        'float32'
    """
    with ExitStack() as stack:
        if is_torch_array(arrays[0]):
            stack.enter_context(sys.modules["torch"].no_grad())
        yield stack.enter_context(widened(*arrays))


def require_rows(features_ND: Array) -> tuple[int, int]:
    """Return (N, D), or say what was handed over instead of a matrix of features.

    Args:
        features_ND: array that should have shape (N, D), D at least 1.

    Returns:
        The number of rows and of dimensions.

    Raises:
        ValueError: if the array is not a matrix, or has no columns.
    """
    shape = tuple(features_ND.shape)
    if len(shape) != 2 or shape[1] == 0:
        raise ValueError(
            f"expected features of shape (N, D) with D >= 1, got {shape}; "
            "pool or flatten tokens first, e.g. tokens_BND.reshape(-1, D)"
        )
    return int(shape[0]), int(shape[1])
