"""A training state as two things that cannot run code: named tensors, and JSON for the rest.

A state is what ``state_dict()`` methods return, nested in any way. JSON alone would turn integer
keys into text, tuples into lists and NaN into a syntax error, so such places are marked by a
mapping with one key that begins with ``$``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor

Json: TypeAlias = dict[str, Any] | list[Any] | str | int | float | bool | None

_NOT_IN_SAFETENSORS = {torch.complex32, torch.complex128}


def pack_state(state: Any) -> tuple[Json, dict[str, Tensor]]:
    """Split a state into JSON and named tensors.

    A tensor that stands in several places, such as a tied weight, is stored once and comes back as
    one. Views that share memory in another way are stored apart.

    Args:
        state: Mappings, lists and tuples, in any nesting, of tensors, numbers, text, booleans and
            None. Keys are text or integers. Anything else is a TypeError that names the place.

    Returns:
        The JSON tree, and the tensors by name, which are on the CPU, contiguous and do not share
        memory with each other. A name is the path to the tensor, joined by ``/``.

    Example:
        >>> tree, tensors = pack_state({"lr": 0.1, "moments": {0: torch.zeros(2)}})
        >>> tree
        {'lr': 0.1, 'moments': {'$items': [[0, {'$tensor': 'moments/0'}]]}}
        >>> list(tensors)
        ['moments/0']
    """
    packer = _Packer()
    return packer.pack(state, ()), packer.tensors


def unpack_state(tree: Json, tensors: Mapping[str, Tensor]) -> Any:
    """Put together what `pack_state` split.

    Args:
        tree: The JSON tree.
        tensors: The tensors by name.

    Returns:
        The state, with its integer keys, tuples and special numbers.

    Raises:
        ValueError: If the tree has an unknown mark or names a tensor that is not there.

    Example:
        >>> state = {"betas": (0.9, 0.95), "steps": {0: float("inf")}}
        >>> unpack_state(*pack_state(state)) == state
        True
    """
    if isinstance(tree, list):
        return [unpack_state(item, tensors) for item in tree]
    if not isinstance(tree, dict):
        return tree
    mark = next((key for key in tree if key.startswith("$")), None)
    if mark is None:
        return {key: unpack_state(value, tensors) for key, value in tree.items()}
    content = tree[mark]
    if mark == "$tensor" and content in tensors:
        return tensors[content]
    if mark == "$float":
        return float(content)
    if mark == "$tuple":
        return tuple(unpack_state(item, tensors) for item in content)
    if mark == "$items":
        return {key: unpack_state(value, tensors) for key, value in content}
    raise ValueError(f"Expected a packed state, got {tree}; it was not written by this package.")


class _Packer:
    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._names: dict[tuple[Any, ...], str] = {}
        self._memories: set[int] = set()

    def pack(self, value: Any, path: tuple[str, ...]) -> Json:
        if isinstance(value, Tensor):
            return {"$tensor": self._store(value.detach(), path)}
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else {"$float": str(float(value))}
        if isinstance(value, list):
            return self._pack_items(value, path)
        if isinstance(value, tuple):
            return {"$tuple": self._pack_items(value, path)}
        if isinstance(value, Mapping) and all(type(key) in {str, int} for key in value):
            items = {key: self.pack(inner, (*path, str(key))) for key, inner in value.items()}
            if any(isinstance(key, int) or key.startswith("$") for key in items):
                return {"$items": [list(item) for item in items.items()]}
            return items
        raise TypeError(
            "Expected tensors, plain scalars, lists, tuples, and mappings with text or integer "
            f"keys in the state, got {type(value).__name__} at {'/'.join(path)!r}; convert it "
            "before saving."
        )

    def _pack_items(self, items: Iterable[Any], path: tuple[str, ...]) -> list[Json]:
        return [self.pack(item, (*path, str(index))) for index, item in enumerate(items)]

    def _store(self, tensor: Tensor, path: tuple[str, ...]) -> str:
        name = "/".join(path) or "state"
        if tensor.layout != torch.strided or tensor.dtype in _NOT_IN_SAFETENSORS:
            raise TypeError(
                f"Expected dense tensors of a dtype that safetensors has, got {tensor.layout} of "
                f"{tensor.dtype} at {name!r}; convert it before saving."
            )
        memory = tensor.untyped_storage().data_ptr()
        place = (memory, tensor.storage_offset(), tensor.shape, tensor.stride())
        same = (*place, tensor.dtype, tensor.device)
        if same in self._names:
            return self._names[same]
        while name in self.tensors:  # the keys 0 and "0" of one mapping
            name += "'"
        self._names[same] = name
        self.tensors[name] = self._on_its_own(tensor, memory)
        return name

    def _on_its_own(self, tensor: Tensor, memory: int) -> Tensor:
        if tensor.device.type != "cpu":
            return tensor.contiguous().cpu()
        whole = tensor.untyped_storage().nbytes() == tensor.nbytes
        if whole and tensor.is_contiguous() and memory not in self._memories:
            self._memories.add(memory)
            return tensor
        return tensor.clone(memory_format=torch.contiguous_format)
