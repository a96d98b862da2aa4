"""Numbers on their way from a training step to a worker, without anybody waiting.

`freeze_scalars` is the caller's half: a number that lies on the host is read there and then; those
on an accelerator are stacked there, which keeps their present values whatever becomes of their
memory, and lets them travel together. `fetch_scalars` is the worker's half.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from sightline.writers.arrays import Frozen
from sightline.writers.frameworks import is_jax, is_torch

# Tensors of these devices can be read without waiting.
HOSTS = frozenset({"cpu"})


@dataclass(frozen=True, slots=True)
class Slot:
    """One number in a stack."""

    stack: Any
    index: int


def freeze_scalars(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Keep numbers as they are now.

    The floating-point numbers of a device travel in one copy, in the widest of their types, and
    integers beside them; neither loses a bit.

    Args:
        numbers: Number or 0-d array of NumPy, torch or JAX by name.

    Returns:
        Numbers and slots of stacks by name, in the same order.
    """
    frozen: dict[str, Any] = {}
    on_torch: defaultdict[Any, list[str]] = defaultdict(list)
    on_jax: defaultdict[Any, list[str]] = defaultdict(list)
    for name, number in numbers.items():
        if is_torch(number):
            number = number.detach()
            if number.device.type in HOSTS:
                number = number.item()
            else:
                on_torch[number.device].append(name)
        elif is_jax(number):
            if not number.is_deleted():
                number = _local(number)
                on_jax[number.sharding, number.dtype.kind in "iub" and number.dtype].append(name)
        elif isinstance(number, np.ndarray):
            number = number[()]
        frozen[name] = number
    for names in on_torch.values():
        _stack(frozen, names, _stacked_tensors)
    for names in on_jax.values():
        _stack(frozen, names, _jitted_stack())
    return frozen


def fetch_scalars(numbers: Mapping[str, Any]) -> tuple[dict[str, float], list[Exception]]:
    """Bring numbers to the host: each stack of tensors in one copy, those of JAX in one call.

    Args:
        numbers: Numbers, 0-d arrays and slots by name.

    Returns:
        Floats by name, and an error for each that cannot be had; it is left out.

    Example:
        >>> fetch_scalars({"loss": np.float16(0.5)})
        ({'loss': 0.5}, [])
    """
    stacks = _fetched({id(n.stack): n.stack for n in numbers.values() if isinstance(n, Slot)})
    host: dict[str, float] = {}
    faults: list[Exception] = []
    for name, number in numbers.items():
        try:
            if isinstance(number, Slot):
                host[name] = float(stacks[id(number.stack)][number.index])
            else:
                host[name] = _number(number)
        except Exception as error:  # noqa: BLE001  the caller of this keeps and raises it
            error.add_note(f"in the value logged as {name!r}")
            faults.append(error)
    return host, faults


def _stack(frozen: dict[str, Any], names: list[str], stacked: Callable[..., Any]) -> None:
    stack = stacked(*(frozen[name] for name in names))
    frozen |= {name: Slot(stack, index) for index, name in enumerate(names)}


def _stacked_tensors(*tensors: Any) -> Frozen:
    import torch

    is_mixed = len({tensor.is_floating_point() for tensor in tensors}) > 1
    if is_mixed and tensors[0].device.type != "mps":  # which has no double precision
        tensors = tuple(tensor if tensor.is_floating_point() else tensor.double()
                        for tensor in tensors)  # fmt: skip
    return Frozen(torch.stack(tensors))


@cache
def _jitted_stack() -> Callable[..., Any]:
    import jax
    import jax.numpy as jnp

    def stack(*numbers: Any) -> Any:
        return jnp.stack([number.astype(jnp.result_type(*numbers)) for number in numbers])

    return jax.jit(stack)


def _local(number: Any) -> Any:
    """This process's copy of a number that several devices hold: it can be read alone."""
    is_shared = len(number.sharding.device_set) > 1
    return number.addressable_data(0) if is_shared else number


def _fetched(stacks: Mapping[int, Any]) -> dict[int, Sequence[float]]:
    fetched: dict[int, Sequence[float]] = {}
    arrays = {}
    for key, stack in stacks.items():
        if isinstance(stack, Frozen):
            fetched[key] = stack.fetch().cpu().double().tolist()
        else:
            arrays[key] = stack
    if arrays:
        import jax

        fetched |= {key: array.tolist() for key, array in jax.device_get(arrays).items()}
    return fetched


def _number(number: Any) -> float:
    if is_jax(number) and number.is_deleted():
        raise ValueError(
            "expected a number, got a JAX array that was donated before it was logged; log an "
            "output of the step that it was donated to"
        )
    return float(number)
