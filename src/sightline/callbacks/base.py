"""The eight moments of a training at which something can be measured, logged or decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from sightline.logger import MetricsLogger
from sightline.writers import Writer


class Trainer(Protocol):
    """What a callback may ask of any trainer."""

    @property
    def step(self) -> int:
        """Finished optimizer steps: the x axis of everything that is logged."""

    @property
    def epoch(self) -> int:
        """Number of the current epoch, from 0."""

    @property
    def num_epochs(self) -> int:
        """Epochs that the schedules are laid out for."""

    @property
    def end_epoch(self) -> int:
        """Epochs after which this run ends; fewer where it was told to stop early."""

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in an epoch."""

    @property
    def samples_per_step(self) -> int:
        """Samples that the current optimizer step took, all micro-batches together."""

    @property
    def logger(self) -> MetricsLogger:
        """Where values go."""

    @property
    def outputs(self) -> Any:
        """What the recipe's forward pass produced in the current step."""

    def stop(self, reason: str) -> None:
        """End the training after the current step, whole and resumable."""


class Callback:
    """Does nothing at any of the eight moments; override those that matter.

    A callback that must see values on the host, such as a progress bar or a health rule, also
    offers a `writer`. It is handed every logged value by the logger's worker thread, so that the
    training thread never waits for a device. A callback with a memory that a resumed run needs
    returns it from `state_dict`: tensors and JSON values, by name.
    """

    writer: Writer | None = None

    def on_train_begin(self, trainer: Trainer) -> None:
        """Before the first step of a new or resumed run."""

    def on_train_end(self, trainer: Trainer) -> None:
        """After the last step, also when the training was stopped or failed."""

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        """Before the first step of an epoch, and where a resumed run enters one."""

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, Any]) -> None:
        """After the last step of an epoch; `logs` holds its mean metrics, and more may be added.

        Checkpoints are ranked by what is in it in the end.
        """

    def on_batch_begin(self, trainer: Trainer, batch: Any) -> None:
        """When the batch of an optimizer step is there (the first of its micro-batches)."""

    def on_batch_end(self, trainer: Trainer, batch: Any, logs: Mapping[str, Any]) -> None:
        """After the optimizer step; `logs` holds its metrics, still on the device."""

    def on_validation_begin(self, trainer: Trainer) -> None:
        """Before a pass over the validation set."""

    def on_validation_end(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """After a pass over the validation set; `logs` holds its mean metrics."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must be told; nothing by default."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` returned."""


class CallbackList(Callback):
    """Several callbacks as one, called in order.

    Args:
        callbacks: The callbacks; their order is the order of the calls.
    """

    def __init__(self, callbacks: Iterable[Callback] = ()) -> None:
        self.callbacks = list(callbacks)

    def __iter__(self) -> Iterator[Callback]:
        """The callbacks, in order."""
        return iter(self.callbacks)

    def on_train_begin(self, trainer: Trainer) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_train_begin(trainer)

    def on_train_end(self, trainer: Trainer) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_train_end(trainer)

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_epoch_begin(trainer, epoch)

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, Any]) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_epoch_end(trainer, epoch, logs)

    def on_batch_begin(self, trainer: Trainer, batch: Any) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_batch_begin(trainer, batch)

    def on_batch_end(self, trainer: Trainer, batch: Any, logs: Mapping[str, Any]) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_batch_end(trainer, batch, logs)

    def on_validation_begin(self, trainer: Trainer) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_validation_begin(trainer)

    def on_validation_end(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_validation_end(trainer, logs)

    def state_dict(self) -> dict[str, Any]:
        """The memories of all that have one, by position and class name."""
        states = {name: callback.state_dict() for name, callback in self._named()}
        return {name: state for name, state in states.items() if state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Hand each its memory; one that is new since then starts without."""
        for name, callback in self._named():
            if name in state:
                callback.load_state_dict(state[name])

    def _named(self) -> Iterator[tuple[str, Callback]]:
        seen: dict[str, int] = {}
        for callback in self.callbacks:
            name = type(callback).__name__
            seen[name] = seen.get(name, 0) + 1
            yield f"{name}-{seen[name]}", callback


def is_due(step: int, every_steps: int) -> bool:
    """Whether something that happens every so many steps happens at this one; the first always.

    Args:
        step: Finished optimizer steps, from 1.
        every_steps: Distance in steps, at least 1.

    Returns:
        True at step 1 and at every multiple.

    Example:
        >>> [step for step in range(1, 31) if is_due(step, 10)]
        [1, 10, 20, 30]
    """
    return step == 1 or step % every_steps == 0
