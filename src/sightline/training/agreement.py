"""What one process learns becomes what all know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor

T = TypeVar("T")


def agree(fabric: Fabric, wish: T) -> T | None:
    """What the first process that wishes anything wishes; each process must ask.

    Where there are several processes, the host waits here for the device.

    Args:
        fabric: Joins the processes.
        wish: Of this process; None for no wish.

    Returns:
        The same in each process; None if none has a wish.
    """
    if fabric.world_size == 1:
        return wish
    nobody = fabric.world_size
    mine = torch.tensor(nobody if wish is None else fabric.global_rank, device=fabric.device)
    reduced = fabric.all_reduce(mine, reduce_op="min")
    assert isinstance(reduced, Tensor)
    first = int(reduced)
    return None if first == nobody else fabric.broadcast(wish, src=first)


def mean_over_processes(
    fabric: Fabric, metrics: Mapping[str, Tensor | float]
) -> dict[str, Tensor | float]:
    """The mean of each tensor over the processes, in one message; each process must ask.

    Args:
        fabric: Joins the processes.
        metrics: 0-d tensors on the device, by the same names in each process; numbers are the same
            in all and stay as they are.

    Returns:
        Their means, still on the device.
    """
    tensors = {name: value for name, value in metrics.items() if isinstance(value, Tensor)}
    if fabric.world_size == 1 or not tensors:
        return dict(metrics)
    stacked = torch.stack([value.detach().float() for value in tensors.values()])
    means = fabric.all_reduce(stacked, reduce_op="mean")
    assert isinstance(means, Tensor)
    return {**metrics, **dict(zip(tensors, means.unbind(), strict=True))}


def of_all_processes(fabric: Fabric, x: Tensor) -> Tensor:
    """Tensors of all processes, in the order of their numbers; each process must ask.

    For a loss that is computed of all of them in each process alike. Gradients reach this process's
    own tensor, as many times as there are processes: the mean over processes, which becomes the
    gradient of a weight, is then that of the one loss.

    Args:
        fabric: Joins the processes.
        x: Of this process, of the same shape in each.

    Returns:
        One dimension more, in front: the processes.
    """
    size = fabric.world_size
    if size == 1:
        return x[None]
    own = torch.stack([
        x if rank == fabric.global_rank else torch.zeros_like(x) for rank in range(size)
    ])
    values = fabric.all_reduce(own.detach().clone(), reduce_op="sum")
    assert isinstance(values, Tensor)
    return values + size * (own - own.detach())
