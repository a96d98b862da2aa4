"""Which parts a model has, read from the names of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise


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


def neighbours(blocks: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The pairs of blocks that follow each other in a stack.

    Args:
        blocks: What `block_of` makes of parameters' names, in any order; empty ones do not count.

    Yields:
        A block and the next deeper one of the same list.

    Example:
        >>> list(neighbours(["a.10", "a.2", "", "b.0", "a.10"]))
        [('a.2', 'a.10')]
    """
    stacks: dict[str, list[str]] = {}
    for block in dict.fromkeys(filter(None, blocks)):
        stacks.setdefault(block.rpartition(".")[0], []).append(block)
    for members in stacks.values():
        yield from pairwise(sorted(members, key=lambda block: int(block.rpartition(".")[2])))
