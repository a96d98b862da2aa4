"""Named tensors, sorted by the module that they belong to.

Parameters and gradients travel as mappings from name to array; leave out what has no gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from array_api_compat import is_torch_array

from sightline.diagnostics.precision import Array

ModuleOf = Callable[[str], str]


def first_component(name: str) -> str:
    """The part of a parameter's name before the first dot: the module it belongs to.

    Args:
        name: Name of a parameter.

    Returns:
        Name of its module.

    Example:
        >>> first_component("encoder.blocks.0.attn.qkv.weight")
        'encoder'
    """
    return name.partition(".")[0]


def by_module(tensors: Mapping[str, Array], module_of: ModuleOf) -> dict[str, list[Array]]:
    """Sort tensors by module; modules stand in the order in which their first tensor stood.

    Args:
        tensors: Arrays by name, any shapes, at least one.
        module_of: Gives the module of a name.

    Returns:
        The arrays of each module.

    Raises:
        ValueError: If there is no tensor.

    Example:
        >>> by_module({"a.w": 1, "b.w": 2, "a.b": 3}, first_component)
        {'a': [1, 3], 'b': [2]}
    """
    if not tensors:
        raise ValueError(
            "expected at least one named tensor, got none; measure after backward() and before "
            "zero_grad(), and pass the parameters that train"
        )
    modules: dict[str, list[Array]] = {}
    for name, tensor in tensors.items():
        modules.setdefault(module_of(name), []).append(tensor)
    return modules


def in_pairs(
    one: Mapping[str, Array], other: Mapping[str, Array]
) -> dict[str, tuple[Array, Array]]:
    """Match two states of the same tensors by name.

    Args:
        one: Arrays by name, at least one.
        other: Arrays of the same names and shapes, in any order.

    Returns:
        Both arrays of each name.

    Raises:
        ValueError: If there is no tensor, or if names or shapes differ.
    """
    by_module(one, first_component)
    unmatched = min(one.keys() ^ other.keys(), default=None)
    if unmatched is not None:
        holder = "first" if unmatched in one else "second"
        raise ValueError(
            f"expected two states of the same tensors, got {unmatched!r} in the {holder} only; "
            "take both from models of one structure"
        )
    for name, tensor in one.items():
        if tuple(tensor.shape) != tuple(other[name].shape):
            raise ValueError(
                f"expected {name!r} to have one shape, got {tuple(tensor.shape)} and "
                f"{tuple(other[name].shape)}; take both from models of one structure"
            )
    return {name: (tensor, other[name]) for name, tensor in one.items()}


def norms(xp: Any, arrays: list[Array]) -> Array:
    """L2 norm of each array; for torch in one fused pass.

    Args:
        xp: The arrays' namespace.
        arrays: T arrays, floating.

    Returns:
        Array of shape (T,).
    """
    if is_torch_array(arrays[0]):
        import torch

        return torch.stack(torch._foreach_norm(arrays))
    return xp.stack([xp.sqrt(xp.sum(x * x)) for x in arrays])


def norm(xp: Any, arrays: list[Array]) -> Array:
    """L2 norm of all values of the arrays as one vector.

    Args:
        xp: The arrays' namespace.
        arrays: Arrays, floating.

    Returns:
        0-d array.
    """
    norms_T = norms(xp, arrays)
    return xp.sqrt(xp.sum(norms_T * norms_T))


def differences(arrays: list[Array], others: list[Array]) -> list[Array]:
    """Each array minus its other; for torch in one fused pass.

    Args:
        arrays: Arrays, floating.
        others: Arrays of the same shapes.

    Returns:
        The differences.
    """
    if is_torch_array(arrays[0]):
        import torch

        return list(torch._foreach_sub(arrays, others))
    return [x - y for x, y in zip(arrays, others, strict=True)]


def quotient(xp: Any, part: Array, whole: Array) -> Array:
    """Part over whole without a warning: x / 0 is infinite and 0 / 0 is NaN.

    Args:
        xp: The arrays' namespace.
        part: At least 0, any shape.
        whole: At least 0, same shape.

    Returns:
        The quotient, same shape.
    """
    is_zero = whole == 0
    undefined = xp.where(part > 0, float("inf"), float("nan"))
    return xp.where(is_zero, undefined, part / xp.where(is_zero, 1.0, whole))
