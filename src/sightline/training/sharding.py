"""A model of which each process holds a part, and what is to be read as a whole all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer


def shard_by(layers: tuple[type[nn.Module], ...]) -> Callable[[nn.Module, DeviceMesh], nn.Module]:
    """How a module is cut up among processes.

    Args:
        layers: The weights that are gathered at once, and dropped after use, are those of one of
            these; what lies in none of them is gathered together.

    Returns:
        What does it, in place, given the processes.
    """

    def shard(module: nn.Module, mesh: DeviceMesh) -> nn.Module:
        for part in module.modules():
            if isinstance(part, layers):
                fully_shard(part, mesh=mesh["data_parallel"])
        # The outermost would stay whole after a forward pass without a backward pass.
        fully_shard(module, mesh=mesh["data_parallel"], reshard_after_forward=True)
        return module

    return shard


def follow_weights(optimizer: Optimizer, before: Mapping[str, Tensor], module: nn.Module) -> None:
    """Point an optimizer to the weights that a module has got in place of its own.

    Args:
        optimizer: Changed in place; it has taken no step yet.
        before: The weights that it is over, by name.
        module: Holds those that took their place.
    """
    names = {id(weight): name for name, weight in before.items()}
    now = dict(module.named_parameters())
    for group in optimizer.param_groups:
        group["params"] = [now[names[id(weight)]] for weight in group["params"]]


def whole(state: Any) -> Any:
    """A state with the parts of all processes put together; each process must ask for it.

    Args:
        state: Nested mappings, lists and tuples.

    Returns:
        The same with whole tensors on the CPU in place of those in parts.
    """
    return apply_to_collection(state, DTensor, lambda part: part.full_tensor().cpu())


def in_parts(tensors: Mapping[str, Tensor], like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Cut tensors up as others of the same names are.

    Args:
        tensors: Whole tensors, the same in each process.
        like: Those that they will take the place of.

    Returns:
        This process's part of each that is in parts, the others as they are.
    """
    return {name: _part(tensor, like.get(name)) for name, tensor in tensors.items()}


def optimizer_state_in_parts(state: Mapping[str, Any], optimizer: Optimizer) -> dict[str, Any]:
    """Cut the state of an optimizer up as its weights are.

    Args:
        state: Its `state_dict`, with whole tensors.
        optimizer: Of the same weights.

    Returns:
        What `load_state_dict` takes.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    return {
        **state,
        "state": {
            number: {
                name: _part(value, weights[int(number)])
                if isinstance(value, Tensor) and value.shape == weights[int(number)].shape
                else value
                for name, value in of_weight.items()
            }
            for number, of_weight in state["state"].items()
        },
    }


@contextmanager
def whole_weights(module: nn.Module) -> Iterator[None]:
    """Inside, each process has all weights and may compute alone; all must enter together.

    Args:
        module: The module, in parts or not.

    Yields:
        Nothing.
    """
    parts = [part for part in module.modules() if isinstance(part, FSDPModule)]
    for part in parts:
        part.set_reshard_after_forward(False, recurse=False)
        part.unshard()
    try:
        yield
    finally:
        for part in parts:
            part.reshard()
            part.set_reshard_after_forward(True, recurse=False)


def _part(tensor: Tensor, like: Tensor | None) -> Tensor:
    if not isinstance(like, DTensor):
        return tensor
    mesh = like.device_mesh
    # Each process has the whole one, so that nothing needs to be sent.
    return distribute_tensor(tensor.to(mesh.device_type), mesh, like.placements, src_data_rank=None)
