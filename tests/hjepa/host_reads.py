"""Where the host would wait for a device, found on a machine that has none."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import sightline
from sightline.hjepa.selection import Masks

SOURCES = str(Path(sightline.__file__).parent)
# The shape of the result, or the result itself, depends on values.
READ_VALUES = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2", "bincount"}
TO_HOST = {Tensor.cpu, Tensor.numpy, Tensor.tolist, Tensor.__array__}


class HostReads:
    """Finds reads of tensors that stand for those on a device, and of all computed from them.

    Only the thread that opens it is watched: what the logger's worker reads is its business. Blind
    spots are what a real device alone can show: solvers that wait for it, and blocking copies to
    it.
    """

    def __init__(self) -> None:
        self.found: list[str] = []
        # The storages are kept, so that no other one gets the address of one that is gone.
        self._on_device: dict[int, Any] = {}
        self._modes = (_Calls(self), _Operations(self))

    def put_on_device(self, tensors: Iterable[Tensor]) -> None:
        """From here on, reading these is a wait."""
        for tensor in tensors:
            storage = tensor.untyped_storage()
            self._on_device[storage._cdata] = storage

    def put_masks_on_device(self, masks: Masks) -> None:
        """The same of what `Masks.to` moves."""
        for selection in (masks.context, masks.target):
            self.put_on_device([selection.place_T, *selection.ragged])
        self.put_on_device([masks.eligible_BHW, masks.target_BHW])

    def is_on_device(self, tensors: Any) -> bool:
        """Whether any of nested tensors is one of those, or was computed from one."""
        return any(
            isinstance(leaf, Tensor) and leaf.untyped_storage()._cdata in self._on_device
            for leaf in tree_leaves(tensors)
        )

    def note(self, what: str) -> None:
        """Keep what was read, and the line of ours that did it."""
        ours = [frame for frame in traceback.extract_stack() if frame.filename.startswith(SOURCES)]
        where = f"{Path(ours[-1].filename).name}:{ours[-1].name}" if ours else "elsewhere"
        self.found.append(f"{what} in {where}")

    def __enter__(self) -> HostReads:
        for mode in self._modes:
            mode.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        for mode in reversed(self._modes):
            mode.__exit__(*error)


class _Calls(TorchFunctionMode):
    """Calls that do nothing on a host, and wait on a device."""

    def __init__(self, reads: HostReads) -> None:
        super().__init__()
        self.reads = reads

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in TO_HOST and self.reads.is_on_device(args[0]):
            self.reads.note(func.__name__)
        return func(*args, **(kwargs or {}))


class _Operations(TorchDispatchMode):
    """Operations that need values, and what is computed from what."""

    def __init__(self, reads: HostReads) -> None:
        super().__init__()
        self.reads = reads

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if self.reads.is_on_device((args, kwargs)):
            name = func.overloadpacket.__name__
            if name in READ_VALUES or (name == "index" and _has_mask(args[1])):
                self.reads.note(name)
            self.reads.put_on_device(x for x in tree_leaves(result) if isinstance(x, Tensor))
        return result


def _has_mask(indices: Sequence[Tensor | None]) -> bool:
    return any(index is not None and index.dtype == torch.bool for index in indices)
