"""What the machine does while the model trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence, EverySeconds
from sightline.callbacks.monitor import Monitor


class SystemMonitor(Monitor):
    """Logs processor, memory, disk and NVIDIA GPUs now and then.

    | tag | meaning |
    |---|---|
    | `system/cpu_percent` | share of all cores that was busy since the last reading |
    | `system/process_rss_gb` | memory of this process |
    | `system/disk_free_gb` | free space where the run is written; not for remote logs |
    | `system/gpu{i}_utilization` | share of the time that GPU i was busy |
    | `system/gpu{i}_memory_utilization` | share of the time that its memory was busy |
    | `system/gpu{i}_temperature_c` | its temperature |
    | `system/gpu{i}_power_w` | its power |
    | `system/gpu{i}_memory_allocated_gb` | memory of torch's tensors on it |
    | `system/gpu{i}_memory_reserved_gb` | memory that torch holds there |

    Args:
        every: Cadence of the readings, or steps; ten seconds by default.
    """

    def __init__(self, *, every: int | Cadence | None = None) -> None:
        super().__init__(every=EverySeconds(10) if every is None else every)

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log the state of the machine."""
        trainer.logger.log_system_metrics(step=trainer.step)
