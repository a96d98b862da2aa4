"""How fast the training runs, and how long it waits for data."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from sightline.callbacks.base import Callback, Trainer, is_due


class ThroughputMonitor(Callback):
    """Logs mean times of the steps since the last reading, by the host's clock.

    No device is waited for. On an accelerator the host runs ahead within a step, but over an
    interval of steps it goes at the device's pace, so the means hold. Put it last in the list, so
    that the wait for data does not contain the other callbacks.

    | tag | meaning |
    |---|---|
    | `performance/step_time_ms` | from the end of one step to the end of the next |
    | `performance/data_time_ms` | of that, until the next batch was there |
    | `performance/samples_per_second` | images over the whole of that time |

    Args:
        every_steps: Steps between readings.
        clock: Seconds, rising.
    """

    def __init__(
        self, *, every_steps: int = 10, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.every_steps = every_steps
        self.clock = clock
        self._restart()

    def _restart(self) -> None:
        self._since = self._step_ended = self.clock()
        self._waited = 0.0
        self._num_steps = self._num_samples = 0

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        """Start a new interval: what lies between epochs is not a step."""
        self._restart()

    def on_batch_begin(self, trainer: Trainer, batch: Any) -> None:
        """The wait for data is over."""
        self._waited += self.clock() - self._step_ended

    def on_batch_end(self, trainer: Trainer, batch: Any, logs: Mapping[str, Any]) -> None:
        """Count the step, and log if it is due."""
        self._step_ended = self.clock()
        self._num_steps += 1
        self._num_samples += trainer.samples_per_step
        if not is_due(trainer.step, self.every_steps):
            return
        seconds = self._step_ended - self._since
        trainer.logger.log_metrics(
            {
                "performance/step_time_ms": 1e3 * seconds / self._num_steps,
                "performance/data_time_ms": 1e3 * self._waited / self._num_steps,
                "performance/samples_per_second": self._num_samples / seconds,
            },
            step=trainer.step,
        )
        self._restart()
