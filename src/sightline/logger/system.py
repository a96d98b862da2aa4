"""What the machine does while the model trains: processor, memory, disk and NVIDIA GPUs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from sightline._optional import missing
from sightline.logger.run import Run
from sightline.writers import Scalar, Value

GB = 1e9


class LogsSystem(Run):
    """The part of a logger that takes the state of the machine."""

    def log_system_metrics(self, step: int | None = None) -> None:
        """Log what the machine does at this moment, as scalars `system/*`.

        The share of the processor is the mean since the last call in this process. A disk that is
        remote, and what a GPU does not tell, are left out. Takes about 0.2 ms, and 1 ms a GPU; no
        device is waited for.

        Args:
            step: Their step; None for the current one.
        """
        run_dir = getattr(self, "run_dir", None)
        readings = system_metrics(run_dir if isinstance(run_dir, Path) else None)
        values: dict[str, Value] = {f"system/{name}": Scalar(x) for name, x in readings.items()}
        self._log(values, step)


def system_metrics(folder: Path | None = None) -> dict[str, float]:
    """Read the state of the machine.

    Args:
        folder: Where on the disk that is reported; None for no disk.

    Returns:
        Readings by name, their unit as suffix: `cpu_percent`, `process_rss_gb`, `disk_free_gb` and
        `gpu{i}_*`.
    """
    process, psutil = _process()
    readings = {
        "cpu_percent": psutil.cpu_percent(),
        "process_rss_gb": process.memory_info().rss / GB,
    }
    if folder is not None:
        while not folder.exists():
            folder = folder.parent
        readings["disk_free_gb"] = psutil.disk_usage(str(folder)).free / GB
    for index, gpu in enumerate(_gpus()):
        readings |= {f"gpu{index}_{name}": value for name, value in _gpu_metrics(gpu).items()}
        readings |= {f"gpu{index}_{name}": value for name, value in _torch_memory(index).items()}
    return readings


@cache
def _process() -> tuple[Any, Any]:
    try:
        import psutil
    except ModuleNotFoundError:
        missing("psutil", "system")
    psutil.cpu_percent()  # the first call of a process has nothing to compare with
    return psutil.Process(), psutil


@cache
def _gpus() -> tuple[Any, ...]:
    """NVIDIA's handles; none where its driver or its library is not installed."""
    try:
        import pynvml
    except ModuleNotFoundError:
        return ()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    return tuple(map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount())))


def _gpu_metrics(gpu: Any) -> dict[str, float]:
    import pynvml

    readings: dict[str, Callable[[], float]] = {
        "utilization": lambda: pynvml.nvmlDeviceGetUtilizationRates(gpu).gpu,
        "memory_utilization": lambda: pynvml.nvmlDeviceGetUtilizationRates(gpu).memory,
        "temperature_c": lambda: pynvml.nvmlDeviceGetTemperature(gpu, pynvml.NVML_TEMPERATURE_GPU),
        "power_w": lambda: pynvml.nvmlDeviceGetPowerUsage(gpu) / 1e3,
    }
    found = {}
    for name, reading in readings.items():
        try:
            found[name] = float(reading())
        except pynvml.NVMLError:  # a virtual or partitioned GPU does not tell everything
            continue
    return found


def _torch_memory(index: int) -> dict[str, float]:
    """What torch's allocator holds on a GPU, if this process has opened it."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized() or index >= torch.cuda.device_count():
        return {}
    return {
        "memory_allocated_gb": torch.cuda.memory_allocated(index) / GB,
        "memory_reserved_gb": torch.cuda.memory_reserved(index) / GB,
    }
