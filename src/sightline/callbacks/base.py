"""The eight moments of a training at which something can be measured, logged or decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Flag, auto
from typing import Any, Protocol

from sightline.logger import MetricsLogger
from sightline.writers import Writer


class Need(Flag):
    """What a trainer keeps or computes for a step only because a callback asks for it."""

    NOTHING = 0
    GRADIENTS = auto()
    WEIGHTS_BEFORE = auto()
    PHASE_TIMES = auto()
    VIEWS = auto()


class Trainer(Protocol):
    """What a callback may ask of any trainer.

    What stands beside a `Need` is there from `on_batch_end` of a step for which a callback had
    that need, and empty otherwise.
    """

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
        """Samples that the current optimizer step took, all micro-batches and processes."""

    @property
    def logger(self) -> MetricsLogger:
        """Where values go."""

    @property
    def outputs(self) -> Any:
        """What the recipe's forward pass produced in the current step."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The trained weights by dotted name, as they stand."""

    @property
    def learning_rates(self) -> Sequence[float]:
        """Learning rate of each parameter group in the current step."""

    @property
    def gradients(self) -> Mapping[str, Any]:
        """`Need.GRADIENTS`: gradients by name, as the optimizer got them, which is clipped."""

    @property
    def weights_before(self) -> Mapping[str, Any]:
        """`Need.WEIGHTS_BEFORE`: copies of `parameters` from before the optimizer step."""

    @property
    def phase_times_ms(self) -> Mapping[str, float]:
        """`Need.PHASE_TIMES`: time by phase, of the last timed step that the device finished."""

    @property
    def views(self) -> Sequence[Any]:
        """`Need.VIEWS`: what is predicted of the images of `outputs` under other masks."""

    @property
    def watching_seconds(self) -> float:
        """Time that the training has spent in callbacks and logging so far."""

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

    @property
    def needs(self) -> Need:
        """What the coming step must keep; asked after `on_batch_begin`."""
        return Need.NOTHING

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

    @property
    def needs(self) -> Need:
        """What any of them needs."""
        needs = Need.NOTHING
        for callback in self.callbacks:
            needs |= callback.needs
        return needs

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
