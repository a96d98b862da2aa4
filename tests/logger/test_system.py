"""The state of the machine, read with psutil and NVIDIA's library.

There is no GPU here: what stands in for NVIDIA's library is a fake of the four calls that are made.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from sightline import MetricsLogger
from sightline.logger import system
from sightline.writers import Memory


def test_processor_memory_and_disk_are_logged_at_the_step(tmp_path: Path) -> None:
    memory = Memory()
    with MetricsLogger("run", tmp_path, writers=[memory]) as logger:
        logger.log_system_metrics(step=7)
    scalars = memory.scalars()
    assert {step for points in scalars.values() for step, _ in points} == {7}
    rss_gb = psutil.Process().memory_info().rss / 1e9
    assert scalars["system/process_rss_gb"][0][1] == pytest.approx(rss_gb, rel=0.2)
    assert 0 <= scalars["system/cpu_percent"][0][1] <= 100
    free_gb = psutil.disk_usage(str(tmp_path)).free / 1e9
    assert scalars["system/disk_free_gb"][0][1] == pytest.approx(free_gb, rel=0.2)


def test_a_folder_that_is_not_there_yet_lies_on_the_disk_of_its_parent(tmp_path: Path) -> None:
    assert system.system_metrics(tmp_path / "not" / "yet")["disk_free_gb"] > 0


class NVMLError(Exception):
    pass


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> Any:
    def temperature(gpu: int, kind: int) -> int:
        if gpu == 1:
            raise NVMLError
        return 61

    fake = SimpleNamespace(
        NVMLError=NVMLError,
        NVML_TEMPERATURE_GPU=0,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetUtilizationRates=lambda gpu: SimpleNamespace(gpu=90 + gpu, memory=40),
        nvmlDeviceGetTemperature=temperature,
        nvmlDeviceGetPowerUsage=lambda gpu: 250_000,
    )
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    system._gpus.cache_clear()
    yield
    system._gpus.cache_clear()


@pytest.mark.usefixtures("two_gpus")
def test_each_gpu_tells_what_it_knows() -> None:
    readings = system.system_metrics()
    assert readings["gpu0_utilization"] == 90.0
    assert readings["gpu1_utilization"] == 91.0
    assert readings["gpu0_temperature_c"] == 61.0
    assert "gpu1_temperature_c" not in readings
    assert readings["gpu1_power_w"] == 250.0


def test_without_a_driver_there_are_no_gpus() -> None:
    system._gpus.cache_clear()
    assert not any(name.startswith("gpu") for name in system.system_metrics())
