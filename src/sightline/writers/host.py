"""The worker's half of a value's way: from a device to numbers that can be written.

This is the one place where values leave a device.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sightline.writers.frameworks import is_jax, is_torch, to_numpy
from sightline.writers.pixels import render
from sightline.writers.snapshot import Frozen, Slot
from sightline.writers.values import Histogram, Image, Scalar, Value


def to_host(values: Mapping[str, Value]) -> tuple[dict[str, Value], list[Exception]]:
    """Bring values to the host: each stack of torch scalars in one copy, JAX scalars in one call.

    Args:
        values: Value by tag, as logged or frozen.

    Returns:
        The values as writers take them, and an error for each that cannot be: it is left out, and
        keeps none of the others from being written.

    Example:
        >>> to_host({"loss": Scalar(np.float16(0.5))})
        ({'loss': Scalar(value=0.5)}, [])
    """
    host: dict[str, Value] = {}
    faults: list[Exception] = []
    numbers = _fetch_scalars(values)
    for tag, value in values.items():
        try:
            if type(value) is Scalar:
                is_plain = type(value.value) is float
                host[tag] = value if is_plain else Scalar(_number(numbers.get(tag, value.value)))
            elif type(value) is Histogram:
                host[tag] = Histogram(_real(_fetch(value.values)))
            elif type(value) is Image:
                host[tag] = render(Image(_fetch(value.pixels), value.caption, value.layout))
            else:
                host[tag] = value
        except Exception as error:  # noqa: BLE001  the caller of this keeps and raises it
            error.add_note(f"in the value logged as {tag!r}")
            faults.append(error)
    return host, faults


def _fetch_scalars(values: Mapping[str, Value]) -> dict[str, Any]:
    """The scalars that are on a device, as numbers; one that is gone stays out."""
    numbers: dict[str, Any] = {}
    stacks: dict[int, list[float]] = {}
    on_jax: dict[str, Any] = {}
    for tag, value in values.items():
        number = value.value if type(value) is Scalar else None
        if number is None or type(number) is float:
            continue
        if isinstance(number, Slot):
            stack = number.stack
            if id(stack) not in stacks:
                stacks[id(stack)] = stack.fetch().cpu().double().tolist()
            numbers[tag] = stacks[id(stack)][number.index]
        elif is_jax(number) and not number.is_deleted():
            on_jax[tag] = number
    if on_jax:
        import jax

        numbers |= jax.device_get(on_jax)
    return numbers


def _number(number: Any) -> float:
    if is_jax(number):
        raise ValueError(
            "expected a number, got a JAX array that was donated before it was read; log a copy "
            "of it, or make it an output of the step that it is donated to"
        )
    return float(number)


def _fetch(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(map(_fetch, value))
    if isinstance(value, Frozen):
        return to_numpy(value.fetch())
    return to_numpy(value) if is_torch(value) or is_jax(value) else value


def _real(values: Any) -> Any:
    array = to_numpy(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"expected real numbers for a histogram, got an array of type {array.dtype}; "
            "log its absolute value or its parts"
        )
    return np.asarray(array)
