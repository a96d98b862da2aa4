"""What callbacks may ask of the current step, kept or computed only where one of them did."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sightline.callbacks import Need
from sightline.training.phases import PhaseTimer


class ObservedStep:
    """The part of a training loop that faces its callbacks.

    Args:
        module: What is trained, without any wrapper.
        optimizer: Its optimizer.
        device: Where it trains.
    """

    def __init__(self, module: nn.Module, optimizer: Optimizer, device: torch.device) -> None:
        self._trained = {
            name: weight for name, weight in module.named_parameters() if weight.requires_grad
        }
        self._observed_optimizer = optimizer
        self.needs = Need.NOTHING
        self.phases = PhaseTimer(device)
        self.outputs: Any = None
        self.weights_before: Mapping[str, Tensor] = {}
        self.views: Sequence[Any] = ()
        self._watched_seconds = 0.0
        self._watching_since: float | None = None

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        """The trained weights by dotted name."""
        return self._trained

    @property
    def learning_rates(self) -> list[float]:
        """Learning rate of each parameter group."""
        return [group["lr"] for group in self._observed_optimizer.param_groups]

    @property
    def gradients(self) -> Mapping[str, Tensor]:
        """Gradients by name, clipped; empty unless a callback needs them."""
        if Need.GRADIENTS not in self.needs:
            return {}
        return {
            name: weight.grad for name, weight in self._trained.items() if weight.grad is not None
        }

    @property
    def phase_times_ms(self) -> Mapping[str, float]:
        """Time by phase of the last timed step that the device has finished."""
        return self.phases.times_ms

    def begin_observing(self, needs: Need) -> None:
        """Before a step: what it must keep.

        Args:
            needs: What the callbacks need of it.
        """
        self.needs = needs
        self.phases.start_step(is_on=Need.PHASE_TIMES in needs)
        if Need.WEIGHTS_BEFORE in needs:
            self.weights_before = {
                name: weight.detach().clone() for name, weight in self._trained.items()
            }

    def end_observing(self) -> None:
        """After a step: let go of what was kept."""
        self.outputs, self.weights_before, self.views = None, {}, ()

    @property
    def watching_seconds(self) -> float:
        """Time that the training has spent in callbacks and logging, up to this moment."""
        since = self._watching_since
        return self._watched_seconds + (0.0 if since is None else time.perf_counter() - since)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count the time inside as spent on watching the training."""
        self._watching_since = time.perf_counter()
        yield
        self._watched_seconds, self._watching_since = self.watching_seconds, None
