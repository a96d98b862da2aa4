"""A model whose weights and gradients are logged now and then, without a line in the loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Log = Callable[[str, Any], None]


class WatchedModel:
    """Hooks on the parameters of a torch module.

    Args:
        model: A torch module.
        log: Takes a tag and an array.
        every: Backward passes from one reading to the next.
    """

    def __init__(self, model: Any, log: Log, every: int) -> None:
        self._log = log
        self._every = every
        self._num_backward = 0
        self._seen: set[str] = set()
        self._hooks = [
            parameter.register_post_accumulate_grad_hook(self._hook(name))
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        ]

    def remove(self) -> None:
        """Let go of the model."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    def _hook(self, name: str) -> Callable[[Any], None]:
        """What happens whenever the gradient of a parameter is complete."""

        def hook(parameter: Any) -> None:
            if name in self._seen:  # so this is the next backward pass
                self._seen.clear()
                self._num_backward += 1
            self._seen.add(name)
            if self._num_backward % self._every == 0:
                self._log(f"weights/{name}", parameter)
                self._log(f"gradients/{name}", parameter.grad)

        return hook
