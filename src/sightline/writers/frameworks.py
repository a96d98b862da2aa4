"""Tells whose an object is, without importing a framework: what is not loaded made nothing."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray


def is_torch(value: object) -> bool:
    """Whether a value is a torch tensor."""
    return _is_a(value, "torch", "Tensor")


def is_jax(value: object) -> bool:
    """Whether a value is a JAX array."""
    return _is_a(value, "jax", "Array")


def is_traced(value: object) -> bool:
    """Whether a value has no number yet: JAX is still tracing the function it is in."""
    return _is_a(value, "jax.core", "Tracer")


def is_picture(value: object) -> bool:
    """Whether a value is a PIL image."""
    return _is_a(value, "PIL.Image", "Image")


def is_figure(value: object) -> bool:
    """Whether a value is a Matplotlib figure."""
    return _is_a(value, "matplotlib.figure", "Figure")


def is_torch_module(value: object) -> bool:
    """Whether a value is a torch module."""
    return _is_a(value, "torch.nn", "Module")


def is_flax_module(value: object) -> bool:
    """Whether a value is a Flax NNX module."""
    return _is_a(value, "flax.nnx", "Module")


def is_flax_parameter(value: object) -> bool:
    """Whether a value is a trainable variable of a Flax NNX module."""
    return _is_a(value, "flax.nnx", "Param")


def _is_a(value: object, module: str, name: str) -> bool:
    # A module that another thread is just importing may lack the class, and then made nothing.
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(value, kind)


def to_numpy(value: Any) -> NDArray[Any]:
    """Bring an array to the host.

    Args:
        value: An array of NumPy, torch or JAX, or what NumPy makes one of.

    Returns:
        The same values; types that NumPy lacks, such as bfloat16, as float32.
    """
    if is_torch(value):
        tensor = value.detach()
        if tensor.is_floating_point() and tensor.itemsize < 4:
            tensor = tensor.float()
        host: NDArray[Any] = tensor.cpu().numpy()
        return host
    host = np.asarray(value)
    # ml_dtypes' floats present themselves as raw bytes.
    return host.astype(np.float32) if host.dtype.kind == "V" else host
