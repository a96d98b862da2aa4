"""The modules of a model as the nodes of a graph, read off without running it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sightline.events import GraphNode
from sightline.writers.frameworks import is_flax_module, is_flax_parameter, is_torch_module

# Slashes make scopes, and in an input a colon names an output and a caret an order.
SAFE = str.maketrans("/:^", "∕∶ˆ")  # noqa: RUF001


class Parameter(NamedTuple):
    """What can be told of a parameter without looking at its numbers."""

    shape: tuple[int, ...] | None
    dtype: str

    @property
    def size(self) -> int:
        """How many numbers it holds; 0 while that is not known."""
        return 0 if self.shape is None else math.prod(self.shape)

    def __str__(self) -> str:
        shape = "no shape yet" if self.shape is None else " x ".join(map(str, self.shape))
        return f"{shape or 'scalar'} {self.dtype}"


class Framework(NamedTuple):
    """How a framework keeps modules and parameters: pairs of name and object, as registered."""

    children: Callable[[Any], Iterator[tuple[str, Any]]]
    parameters: Callable[[Any], Iterator[tuple[str, Any]]]


def module_nodes(model: Any) -> tuple[GraphNode, ...]:
    """A node for each module of a model, in the order in which they were registered.

    Modules without submodules are chained: each has the one before as input, which is the way of
    the data where modules are registered in the order of their use. Modules with submodules are
    scopes; what is known of one stands inside, in a node without edges that bears the name of its
    class in brackets: the same in all scopes that are alike, which TensorBoard draws in one colour
    where they hold no further scopes. A module or parameter that is used in several places appears
    where it was registered first, and is counted once.

    Nothing runs, no device is waited for, and the nodes hold nothing of the model.

    Args:
        model: A torch module or a Flax NNX module.

    Returns:
        The nodes: class, number of parameters, shape and type of each parameter.

    Raises:
        TypeError: If the model is neither.
    """
    if is_torch_module(model):
        framework = Framework(_torch_children, _torch_parameters)
    elif is_flax_module(model):
        framework = Framework(_flax_children, _flax_parameters)
    else:
        raise TypeError(
            f"expected a torch module or a Flax NNX module, got {type(model).__name__}; pass the "
            "model itself, not its parameters"
        )
    walk = _Walk(framework)
    walk.visit(model, "")
    return tuple(walk.nodes)


class _Walk:
    """Goes through a model once, and remembers what it has seen by identity."""

    def __init__(self, framework: Framework) -> None:
        self.nodes: list[GraphNode] = []
        self._framework = framework
        self._last_leaf: str | None = None
        self._taken: set[str] = set()
        self._sizes: dict[int, dict[int, int]] = {}
        self._places: dict[int, str] = {}

    def visit(self, module: Any, path: str) -> dict[int, int]:
        """Add the nodes of a module, and give the size of each parameter in it by identity."""
        kind = type(module)
        sizes = self._sizes[id(module)] = {}
        self._places[id(module)] = path or kind.__name__
        attributes = {"class": f"{kind.__module__}.{kind.__qualname__}"}
        for own_name, parameter in self._framework.parameters(module):
            described = _describe(parameter)
            place = _join(path, own_name)
            first = self._places.setdefault(id(parameter), place)
            shared = "" if first == place else f", shared with {first}"
            attributes[_key(own_name)] = f"{described}{shared}"
            sizes[id(parameter)] = described.size
        children = list(self._framework.children(module))
        inputs: tuple[str, ...] = ()
        if children:
            name = self._free(path, f"({kind.__name__})")
        else:
            name = path or kind.__name__
            inputs = (self._last_leaf,) if self._last_leaf is not None else ()
            self._last_leaf = name
        index = len(self.nodes)
        self.nodes.append(GraphNode(name, kind.__name__, inputs))
        for child_name, child in children:
            if id(child) in self._sizes:
                attributes[_key(child_name)] = f"shared with {self._places[id(child)]}"
                sizes |= self._sizes[id(child)]
            else:
                sizes |= self.visit(child, self._free(path, child_name))
        attributes["parameters"] = f"{sum(sizes.values()):,}"
        self.nodes[index] = GraphNode(name, kind.__name__, inputs, attributes)
        return sizes

    def _free(self, path: str, name: str) -> str:
        """A name in a scope that no other node or scope has."""
        found = _join(path, name.translate(SAFE))
        while found in self._taken:
            found += "'"
        self._taken.add(found)
        return found


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _key(name: str) -> str:
    """A name that is none of those that every node has."""
    return f"{name} " if name in {"class", "parameters"} else name


def _describe(parameter: Any) -> Parameter:
    try:
        shape = tuple(map(int, parameter.shape))
    except RuntimeError:  # torch's lazy modules learn their shapes from the first batch
        return Parameter(None, str(parameter.dtype).removeprefix("torch."))
    return Parameter(shape, str(parameter.dtype).removeprefix("torch."))


def _torch_children(module: Any) -> Iterator[tuple[str, Any]]:
    # named_children leaves out what is registered twice in one module.
    return ((name, child) for name, child in module._modules.items() if child is not None)


def _torch_parameters(module: Any) -> Iterator[tuple[str, Any]]:
    return ((name, one) for name, one in module._parameters.items() if one is not None)


def _flax_children(module: Any) -> Iterator[tuple[str, Any]]:
    for name, value in vars(module).items():
        if is_flax_module(value):
            yield name, value
        elif isinstance(value, list | tuple | dict):  # as before Flax had lists of its own
            items = value.items() if isinstance(value, dict) else enumerate(value)
            yield from ((f"{name}.{key}", item) for key, item in items if is_flax_module(item))


def _flax_parameters(module: Any) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in vars(module).items() if is_flax_parameter(value))
