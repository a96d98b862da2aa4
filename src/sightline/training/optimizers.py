"""Optimizers with weight decay where it belongs: on the matrices that mix features."""

from __future__ import annotations

import re
from typing import Any, get_args

import torch
from torch import nn

from sightline.training.schedule_creation import OptimizerName

# A place or a token is an offset added to the features: to shrink it is to blur it.
_OFFSET_NAME = re.compile(
    r"pos(ition(al)?)?_?(emb(ed(ding)?)?s?|table|encoding)|(mask|cls|class|register)_?tokens?"
)


def create_optimizer(
    model: nn.Module,
    *,
    name: OptimizerName = "adamw",
    lr: float,
    weight_decay: float,
    betas: tuple[float, float] = (0.9, 0.95),
) -> torch.optim.Optimizer:
    """Make an optimizer with two parameter groups, ``"decay"`` and ``"no_decay"``.

    Biases, every other parameter of one dimension or none, the parameters of norms, position
    embeddings and tokens (mask, class, register) are not decayed. Frozen parameters are left out.

    Args:
        model: The model; its trainable parameters are optimised.
        name: ``"adamw"``, ``"adam"`` or ``"sgd"``.
        lr: The learning rate, 0 or more.
        weight_decay: The decay of the group ``"decay"``, 0 or more.
        betas: The decay rates of Adam's two moments. SGD takes the first as its momentum.

    Returns:
        The optimizer. Its groups have a ``"name"``, and a group without parameters is kept, so
        that checkpoints have one layout.

    Raises:
        ValueError: If the name is unknown or nothing is trainable.

    Example:
        >>> optimizer = create_optimizer(nn.Linear(4, 3), lr=1e-3, weight_decay=0.05)
        >>> {g["name"]: (len(g["params"]), g["weight_decay"]) for g in optimizer.param_groups}
        {'decay': (1, 0.05), 'no_decay': (1, 0.0)}
    """
    if name not in get_args(OptimizerName):
        raise ValueError(
            f"The optimizer must be one of {', '.join(get_args(OptimizerName))}, got {name!r}; "
            "name one of these."
        )
    decay, no_decay = split_by_decay(model)
    if not decay and not no_decay:
        raise ValueError(
            "Expected a model with trainable parameters, got none; set requires_grad on some."
        )
    groups: list[dict[str, Any]] = [
        {"name": "decay", "params": list(decay.values()), "weight_decay": weight_decay},
        {"name": "no_decay", "params": list(no_decay.values()), "weight_decay": 0.0},
    ]
    # One kernel for all parameters: 3 to 4 times faster than `foreach`, on CPU as well.
    if name == "adamw":
        return torch.optim.AdamW(groups, lr=lr, betas=betas, fused=True)
    if name == "adam":
        return torch.optim.Adam(groups, lr=lr, betas=betas, fused=True)
    return torch.optim.SGD(groups, lr=lr, momentum=betas[0], fused=True)


def set_rates(
    optimizer: torch.optim.Optimizer, *, lr: float, weight_decay: float | None = None
) -> None:
    """Set what the next step of an optimizer works with.

    Args:
        optimizer: The optimizer, as `create_optimizer` makes it.
        lr: The learning rate of all groups.
        weight_decay: The decay of the group ``"decay"``; None to leave it as it is.

    Example:
        >>> optimizer = create_optimizer(nn.Linear(4, 3), lr=1e-3, weight_decay=0.05)
        >>> set_rates(optimizer, lr=1e-4, weight_decay=0.4)
        >>> [(group["lr"], group["weight_decay"]) for group in optimizer.param_groups]
        [(0.0001, 0.4), (0.0001, 0.0)]
    """
    for group in optimizer.param_groups:
        group["lr"] = lr
        if weight_decay is not None and group.get("name") == "decay":
            group["weight_decay"] = weight_decay


def split_by_decay(
    model: nn.Module,
) -> tuple[dict[str, nn.Parameter], dict[str, nn.Parameter]]:
    """Split the trainable parameters into those that are decayed and those that are not.

    A parameter that is shared under several names is spared if one of its names says so.

    Args:
        model: The model.

    Returns:
        Two mappings from name to parameter: decayed, and not decayed. Together they hold every
        trainable parameter once.

    Example:
        >>> decay, no_decay = split_by_decay(nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3)))
        >>> sorted(decay), sorted(no_decay)
        (['0.weight'], ['0.bias', '1.bias', '1.weight'])
    """
    spared = {
        id(parameter)
        for path, module in model.named_modules(remove_duplicate=False)
        for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False)
        if parameter.ndim <= 1 or _is_norm(module) or _OFFSET_NAME.search(f"{path}.{name}")
    }
    decay: dict[str, nn.Parameter] = {}
    no_decay: dict[str, nn.Parameter] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            (no_decay if id(parameter) in spared else decay)[name] = parameter
    return decay, no_decay


def _is_norm(module: nn.Module) -> bool:
    # Norms have no common base class, but PyTorch's and everyone's own are named alike.
    return re.search(r"Norm(\dd)?$", type(module).__name__) is not None
