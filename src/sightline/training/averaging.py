"""A model that follows another as an exponential moving average of its weights.

``target <- momentum * target + (1 - momentum) * source``, once for every optimizer step, after it.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from sightline import diagnostics


@torch.no_grad()
def ema_update(target: nn.Module, source: nn.Module, momentum: float) -> None:
    """Move the target's weights a step towards the source's, in one fused pass.

    Floating-point parameters and buffers (such as the running statistics of a batch norm) are
    averaged. Buffers of integers and booleans are counts and flags, and are copied.

    Args:
        target: The averaged model, changed in place.
        source: The trained model, of the same structure. Pass the module itself, not a wrapper for
            distributed training or compilation.
        momentum: The part of the target that stays, 0 to 1. At 1 its averaged weights do not
            change, at 0 they become the source's, both bit for bit.

    Raises:
        ValueError: If the momentum lies outside 0 to 1 or the structures differ.

    Example:
        >>> target, source = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
        >>> for model, value in ((target, 1.0), (source, 2.0)):
        ...     _ = nn.init.constant_(model.weight, value)
        >>> ema_update(target, source, momentum=0.75)
        >>> target.weight.item()
        1.25
    """
    if not 0.0 <= momentum <= 1.0:
        raise ValueError(
            f"The momentum must lie between 0 and 1, got {momentum}; 0.99 to 1 is usual."
        )
    averaged: tuple[list[Tensor], list[Tensor]] = ([], [])
    for pair in _pairs(target, source, buffers=True):
        # Both are cut up among processes in the same way, or not at all.
        mine, theirs = (x.to_local() if isinstance(x, DTensor) else x for x in pair)
        if mine.is_floating_point():
            averaged[0].append(mine)
            averaged[1].append(theirs)
        else:
            mine.copy_(theirs)
    if averaged[0]:
        torch._foreach_lerp_(averaged[0], averaged[1], 1.0 - momentum)


@torch.no_grad()
def parameter_divergence(target: nn.Module, source: nn.Module) -> Tensor:
    """Measure how far the source has moved away from the target.

    `sightline.diagnostics.parameter_divergence`, which says how to read it, for two modules.

    Args:
        target: The averaged model.
        source: The trained model, of the same structure.

    Returns:
        The relative distance, 0 or more, as a 0-d tensor on the device of the parameters; nothing
        waits for the device. It is infinite if the target is all zeros, NaN if both are.

    Raises:
        ValueError: If the structures differ or there are no parameters.

    Example:
        >>> target, source = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
        >>> for model, value in ((target, 4.0), (source, 5.0)):
        ...     _ = nn.init.constant_(model.weight, value)
        >>> parameter_divergence(target, source).item()
        0.25
    """
    if not _pairs(target, source, buffers=False):
        raise ValueError("Expected models with parameters, got none; pass the models themselves.")
    return diagnostics.parameter_divergence(
        dict(target.named_parameters()), dict(source.named_parameters())
    )


def _pairs(target: nn.Module, source: nn.Module, *, buffers: bool) -> list[tuple[Tensor, Tensor]]:
    mine, theirs = _tensors(target, buffers=buffers), _tensors(source, buffers=buffers)
    unmatched = min(mine.keys() ^ theirs.keys(), default=None)
    if unmatched is not None:
        holder = "target" if unmatched in mine else "source"
        raise ValueError(
            f"Expected models of one structure, got {unmatched!r} in the {holder} only; "
            "pass a copy of the unwrapped source as the target."
        )
    for name, tensor in mine.items():
        other = theirs[name]
        if tensor.shape != other.shape or tensor.dtype != other.dtype:
            raise ValueError(
                f"Expected {name!r} to be {_kind(tensor)} as in the target, got {_kind(other)} in "
                "the source; pass a copy of the unwrapped source as the target."
            )
    return [(tensor, theirs[name]) for name, tensor in mine.items()]


def _tensors(model: nn.Module, *, buffers: bool) -> dict[str, Tensor]:
    return dict(itertools.chain(model.named_parameters(), model.named_buffers() if buffers else ()))


def _kind(tensor: Tensor) -> str:
    return f"{tensor.dtype} of shape {tuple(tensor.shape)}"
