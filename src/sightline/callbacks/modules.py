"""Which parts a model has, read from the names of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def module_of(names: Iterable[str]) -> Callable[[str], str]:
    """How to tell the module of a parameter.

    Args:
        names: Names of all parameters.

    Returns:
        A function that gives the first part of a name that is not the same for all.

    Example:
        >>> of = module_of(["model.encoder.weight", "model.head.weight"])
        >>> of("model.head.weight")
        'head'
    """
    parts = [name.split(".") for name in names]
    depth = 0
    while all(len(one) > depth + 2 for one in parts) and len({one[depth] for one in parts}) == 1:
        depth += 1
    return lambda name: name.split(".")[depth]


def block_of(name: str) -> str:
    """The numbered block that a parameter belongs to.

    Args:
        name: Name of a parameter.

    Returns:
        The name up to its first number; empty where there is none.

    Example:
        >>> block_of("encoder.blocks.3.norm.weight"), block_of("head.weight")
        ('encoder.blocks.3', '')
    """
    parts = name.split(".")
    for index, part in enumerate(parts):
        if part.isdigit():
            return ".".join(parts[: index + 1])
    return ""
