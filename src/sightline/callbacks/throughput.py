"""How fast the training runs, what it waits for, and what watching it costs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from sightline.callbacks.base import Need, Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.monitor import Monitor
from sightline.diagnostics import model_flops_utilization


class ThroughputMonitor(Monitor):
    """Logs mean times of the steps since the last reading, by the host's clock.

    No device is waited for. On an accelerator the host runs ahead within a step, but over an
    interval of steps it goes at the device's pace, so the means hold. Put it last in the list, so
    that the wait for data does not contain the other callbacks.

    The times of the phases are of the device, of a single step: on CUDA of the last timed one that
    it has finished, which is the reading before.

    | tag | meaning |
    |---|---|
    | `performance/step_time_ms` | from the end of one step to the end of the next |
    | `performance/data_time_ms` | of that, until the next batch was there |
    | `performance/samples_per_second` | samples over the whole of that time |
    | `performance/logging_overhead_frac` | share of that time spent in callbacks and logging |
    | `performance/forward_time_ms` | forward pass |
    | `performance/backward_time_ms` | backward pass |
    | `performance/optimizer_time_ms` | clipping, optimizer, and what follows it |
    | `performance/forward_backward_ratio` | forward over backward |
    | `performance/gpu_memory_allocated_gb` | memory of torch's tensors on the GPU |
    | `performance/gpu_memory_reserved_gb` | memory that torch holds there |
    | `performance/mfu` | share of the device's peak that the model's own arithmetic reaches |

    Args:
        flops_per_sample: Floating-point operations of a training step for each sample, forward and
            backward; None where they are not known.
        peak_flops: Those that the devices can do in a second; None where that is not known.
        times_data: Whether the loop says when a batch is there; without, there is no
            `performance/data_time_ms`.
        every: Steps between readings, or a cadence.
        clock: Seconds, rising.
    """

    reading_needs: ClassVar[Need] = Need.PHASE_TIMES

    def __init__(
        self,
        *,
        flops_per_sample: float | None = None,
        peak_flops: float | None = None,
        times_data: bool = True,
        every: int | Cadence = 10,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(every=every)
        self.flops_per_sample = flops_per_sample
        self.peak_flops = peak_flops
        self.times_data = times_data
        self.clock = clock
        self._restart(0.0)

    def _restart(self, watching_seconds: float) -> None:
        self._since = self._step_ended = self.clock()
        self._watching_since = watching_seconds
        self._waited = 0.0
        self._num_steps = self._num_samples = 0

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        """Start a new interval: what lies between epochs is not a step."""
        self._restart(trainer.watching_seconds)

    def on_validation_end(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Start a new interval: a validation is not a step."""
        self._restart(trainer.watching_seconds)

    def on_batch_begin(self, trainer: Trainer, batch: Any) -> None:
        """The wait for data is over."""
        self._waited += self.clock() - self._step_ended
        super().on_batch_begin(trainer, batch)

    def on_batch_end(self, trainer: Trainer, batch: Any, logs: Mapping[str, Any]) -> None:
        """Count the step, and log if it is due."""
        self._step_ended = self.clock()
        self._num_steps += 1
        self._num_samples += trainer.samples_per_step
        super().on_batch_end(trainer, batch, logs)

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log the means since the last reading, and begin anew."""
        seconds = self._step_ended - self._since
        watching_seconds = trainer.watching_seconds
        readings = {
            "step_time_ms": 1e3 * seconds / self._num_steps,
            "logging_overhead_frac": (watching_seconds - self._watching_since) / seconds,
        }
        if self.times_data:
            readings["data_time_ms"] = 1e3 * self._waited / self._num_steps
        if self._num_samples:  # some loops do not say
            readings["samples_per_second"] = self._num_samples / seconds
        if self.flops_per_sample is not None and self.peak_flops is not None:
            readings["mfu"] = model_flops_utilization(
                self.flops_per_sample * self._num_samples, seconds, self.peak_flops
            )
        phases = trainer.phase_times_ms
        readings |= {f"{name}_time_ms": duration for name, duration in phases.items()}
        if phases.get("backward"):
            readings["forward_backward_ratio"] = phases["forward"] / phases["backward"]
        readings |= _gpu_memory_gb()
        self.log(trainer, {f"performance/{name}": value for name, value in readings.items()})
        self._restart(watching_seconds)


def _gpu_memory_gb() -> dict[str, float]:
    """What torch holds on the current GPU, if the process has opened one."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return {}
    return {
        "gpu_memory_allocated_gb": torch.cuda.memory_allocated() / 1e9,
        "gpu_memory_reserved_gb": torch.cuda.memory_reserved() / 1e9,
    }
