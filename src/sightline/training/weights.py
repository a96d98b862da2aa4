"""Weights into a module that they fit, or a sentence that says which one does not."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], what: str = "model") -> None:
    """Load weights into a module of exactly the same structure.

    Args:
        module: The module, changed in place, and only if everything fits.
        tensors: Its weights by name, as from ``state_dict()``.
        what: What the module is, for the message.

    Raises:
        ValueError: If a tensor is missing, unexpected or of another shape; the message names the
            first one.

    Example:
        >>> try:
        ...     load_weights(nn.Linear(4, 2), nn.Linear(4, 3).state_dict())
        ... except ValueError as error:
        ...     print(str(error).split("; ")[0])
        Expected 'weight' of the model to have shape (2, 4), got (3, 4) in the checkpoint
    """
    own = module.state_dict()
    advice = f"use the configuration that the {what} was trained with, or start a new run"
    for name, tensor in own.items():
        shape = tuple(tensor.shape)
        if name not in tensors:
            raise ValueError(
                f"Expected {name!r} of the {what} to have shape {shape}, got no such tensor in "
                f"the checkpoint; {advice}."
            )
        if (got := tuple(tensors[name].shape)) != shape:
            raise ValueError(
                f"Expected {name!r} of the {what} to have shape {shape}, got {got} in the "
                f"checkpoint; {advice}."
            )
    for name, tensor in tensors.items():
        if name not in own:
            raise ValueError(
                f"Expected the tensors of the {what} only, got {name!r} of shape "
                f"{tuple(tensor.shape)} in the checkpoint; {advice}."
            )
    module.load_state_dict(dict(tensors))
