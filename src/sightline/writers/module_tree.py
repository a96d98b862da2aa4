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
    scopes; what is known of one stands in a node of its name, without edges. A module or parameter
    that is used in several places appears where it was registered first, and is counted once.

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
    walk.visit(model, walk.place(model, type(model).__name__), prefix="")
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

    def place(self, module: Any, name: str, prefix: str = "") -> str:
        """Find a name in a scope that no other node has, and remember it as the module's."""
        path = prefix + name.translate(SAFE)
        while path in self._taken:
            path += "'"
        self._taken.add(path)
        self._places[id(module)] = path
        return path

    def visit(self, module: Any, name: str, prefix: str) -> dict[int, int]:
        """Add the nodes of a module, and give the size of each parameter in it by identity."""
        sizes: dict[int, int] = {}
        self._sizes[id(module)] = sizes
        attributes = {"class": f"{type(module).__module__}.{type(module).__qualname__}"}
        for own_name, parameter in self._framework.parameters(module):
            known = _describe(parameter)
            sizes[id(parameter)] = known.size
            first = self._places.setdefault(id(parameter), f"{name}/{own_name}")
            shared = f", shared with {first}" if first != f"{name}/{own_name}" else ""
            attributes[_safe_key(own_name)] = f"{known}{shared}"
        children = list(self._framework.children(module))
        inputs = (self._last_leaf,) if self._last_leaf is not None and not children else ()
        index = len(self.nodes)
        self.nodes.append(GraphNode(name, type(module).__name__, inputs))
        if not children:
            self._last_leaf = name
        for child_name, child in children:
            if id(child) in self._sizes:
                attributes[_safe_key(child_name)] = f"shared with {self._places[id(child)]}"
                sizes |= self._sizes[id(child)]
                continue
            path = self.place(child, child_name, prefix)
            sizes |= self.visit(child, path, f"{path}/")
        attributes["parameters"] = f"{sum(sizes.values()):,}"
        self.nodes[index] = GraphNode(name, type(module).__name__, inputs, attributes)
        return sizes


def _safe_key(name: str) -> str:
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
