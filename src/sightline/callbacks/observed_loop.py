"""What monitors may ask of a torch loop that is not ours.

An adapter tells what happens in the loop; copies are made on those steps only for which a monitor
asked beforehand.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from sightline.callbacks.base import Callback, CallbackList, Need
from sightline.callbacks.features import PooledFeatures
from sightline.logger import MetricsLogger


class ObservedLoop:
    """A loop of somebody else, as a `Trainer` for monitors.

    `begin_step`, `before_update`, `after_update` and `end_step` are called in this order. With
    `attach`, the optimizers call the two in the middle themselves, as the last thing before and the
    first thing after their steps: learning rates are those of the step even if a scheduler follows,
    and gradients are there even if `zero_grad` follows.

    Args:
        model: A torch module.
        logger: Where values go.
        callbacks: The monitors.
        optimizers: Torch optimizers, or wrappers that have one as their `optimizer`.
        step: Finished optimizer steps.

    Raises:
        TypeError: If the model is not a torch module.
    """

    def __init__(
        self,
        model: Any,
        logger: MetricsLogger,
        callbacks: Iterable[Callback],
        *,
        optimizers: Iterable[Any] = (),
        step: int = 0,
    ) -> None:
        if not hasattr(model, "named_parameters"):
            raise TypeError(
                f"expected a torch module, got {type(model).__name__}; in a JAX loop, log what the "
                "step returns with MetricsLogger.log_metrics"
            )
        self.model = model
        self.logger = logger
        self.callbacks = CallbackList(callbacks)
        self.step = step
        self.epoch = 0
        self.num_epochs = self.end_epoch = 1
        self.steps_per_epoch = self.samples_per_step = 0
        self.optimizers = [getattr(one, "optimizer", one) for one in optimizers]
        self.phase_times_ms: Mapping[str, float] = {}
        self.views: Sequence[Any] = ()
        self._watched_seconds = 0.0
        self._watching_since: float | None = None
        self.stop_reason: str | None = None
        self._needs = Need.NOTHING
        self._hooks: list[Any] = []
        self._forget()

    def _forget(self) -> None:
        self._features: Callable[[], Any] | None = None
        self._rates: list[Any] = []
        self.weights_before: Mapping[str, Any] = {}
        self.gradients: Mapping[str, Any] = {}

    # What monitors ask.

    @property
    def parameters(self) -> dict[str, Any]:
        """The trained weights by dotted name, as they stand."""
        return {name: w for name, w in self.model.named_parameters() if w.requires_grad}

    @property
    def learning_rates(self) -> list[Any]:
        """Learning rate of each parameter group of all optimizers, in the current step."""
        return self._rates or self._current_rates()

    @property
    def outputs(self) -> PooledFeatures | None:
        """The features of the step, if there are any."""
        features = None if self._features is None else self._features()
        return None if features is None else PooledFeatures(features)

    @property
    def watching_seconds(self) -> float:
        """Time that the loop has spent in monitors and logging, up to this moment."""
        since = self._watching_since
        return self._watched_seconds + (0.0 if since is None else time.perf_counter() - since)

    def stop(self, reason: str) -> None:
        """Note that the training should end.

        Args:
            reason: Why; kept as `stop_reason`.
        """
        self.stop_reason = self.stop_reason or reason

    # What an adapter tells.

    def attach(self) -> None:
        """Let the optimizers tell about their steps themselves, until `close`."""
        for optimizer in self.optimizers:
            self._hooks += [
                optimizer.register_step_pre_hook(lambda *_: self.before_update()),
                optimizer.register_step_post_hook(lambda one, *_: self.after_update(one)),
            ]

    def begin(self) -> None:
        """Before the first step."""
        self.callbacks.on_train_begin(self)
        self.callbacks.on_epoch_begin(self, self.epoch)

    def begin_step(self, batch: Any = None) -> None:
        """Let the monitors say what they need of the coming step.

        Args:
            batch: Its batch, where the adapter has it.
        """
        with self._watching():
            self._forget()
            self.callbacks.on_batch_begin(self, batch)
            self._needs = self.callbacks.needs

    def before_update(self) -> None:
        """Keep the weights, if a monitor needs them, and the learning rates."""
        if self._rates:  # another optimizer of the same step came first
            return
        with self._watching():
            self._rates = self._current_rates()
            if Need.WEIGHTS_BEFORE in self._needs and not self.weights_before:
                self.weights_before = _copies(self.parameters)

    def after_update(self, optimizer: Any = None) -> None:
        """Keep the gradients, if a monitor needs them.

        Args:
            optimizer: Whose; None for those of all parameters.
        """
        if Need.GRADIENTS not in self._needs:
            return
        with self._watching():
            gradients = {
                name: weight.grad
                for name, weight in self.parameters.items()
                if weight.grad is not None and not weight.grad.is_sparse
            }
            if optimizer is not None:
                own = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
                named = self.parameters
                gradients = {name: x for name, x in gradients.items() if id(named[name]) in own}
            self.gradients = {**self.gradients, **_copies(gradients)}

    def end_step(
        self,
        metrics: Mapping[str, Any],
        *,
        step: int | None = None,
        batch: Any = None,
        features: Callable[[], Any] | None = None,
        num_samples: int = 0,
        is_logged: bool = False,
    ) -> None:
        """Let the monitors read the step, and forget it.

        Args:
            metrics: Numbers and 0-d tensors by tag.
            step: Number of the finished step; None for the next one.
            batch: Its batch, where the adapter has it.
            features: Gives the features of the step, or None; called only if a monitor reads them.
            num_samples: Samples of the step; 0 where they are not known.
            is_logged: Whether the metrics are logged too.
        """
        with self._watching():
            self.step = self.step + 1 if step is None else step
            self.samples_per_step = num_samples
            self._features = features
            logs = {tag: _detached(value) for tag, value in metrics.items()}
            if is_logged and logs:
                self.logger.log_metrics(logs, step=self.step)
            self.callbacks.on_batch_end(self, batch, logs)
            self._forget()

    def close(self) -> None:
        """After the last step, or when the loop has failed: let go of the optimizers and flush."""
        while self._hooks:
            self._hooks.pop().remove()
        self._forget()
        try:
            self.callbacks.on_train_end(self)
        finally:
            self.logger.drain()

    def _current_rates(self) -> list[Any]:
        groups = (group for optimizer in self.optimizers for group in optimizer.param_groups)
        # A rate that is a tensor is changed in place by its scheduler.
        return [rate.clone() if hasattr(rate := g["lr"], "clone") else rate for g in groups]

    @contextmanager
    def _watching(self) -> Iterator[None]:
        self._watching_since = time.perf_counter()
        try:
            yield
        finally:
            self._watched_seconds, self._watching_since = self.watching_seconds, None


def _copies(tensors: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def _detached(value: Any) -> Any:
    """A value that does not hold a graph alive; a Python number as one of NumPy."""
    if isinstance(value, int | float):
        return np.float64(value)
    return value.detach() if hasattr(value, "detach") else value
