"""Throughput is measured between logged steps, by a clock that is passed in."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sightline.callbacks import ThroughputMonitor


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Recorder:
    def __init__(self) -> None:
        self.rows: list[tuple[int, dict[str, float]]] = []

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        self.rows.append((step, metrics))


def run(
    monitor: ThroughputMonitor, clock: Clock, num_steps: int, *, samples_per_step: int = 32
) -> Recorder:
    recorder = Recorder()
    trainer: Any = SimpleNamespace(
        step=0,
        samples_per_step=samples_per_step,
        logger=recorder,
        watching_seconds=0.0,
        phase_times_ms={"forward": 200.0, "backward": 400.0, "optimizer": 50.0},
    )
    monitor.on_epoch_begin(trainer, 0)
    for _ in range(num_steps):
        clock.now += 0.25  # waiting for data
        monitor.on_batch_begin(trainer, None)
        clock.now += 0.75
        trainer.step += 1
        monitor.on_batch_end(trainer, None, {})
        trainer.watching_seconds += 0.125
    return recorder


def test_times_are_means_over_the_interval() -> None:
    clock = Clock()
    rows = run(ThroughputMonitor(every=4, clock=clock), clock, 8).rows
    assert [step for step, _ in rows] == [1, 4, 8]
    assert rows[-1][1] == {
        "performance/step_time_ms": 1000.0,
        "performance/data_time_ms": 250.0,
        "performance/samples_per_second": 32.0,
        "performance/logging_overhead_frac": 0.125,
        "healthy/performance/logging_overhead_frac/low": 0.0,
        "healthy/performance/logging_overhead_frac/high": 0.02,
        "performance/forward_time_ms": 200.0,
        "performance/backward_time_ms": 400.0,
        "performance/optimizer_time_ms": 50.0,
        "performance/forward_backward_ratio": 0.5,
    }


def test_what_lies_between_epochs_is_not_a_step() -> None:
    clock = Clock()
    monitor = ThroughputMonitor(every=2, clock=clock)
    run(monitor, clock, 2)
    clock.now += 100.0
    assert run(monitor, clock, 2).rows[-1][1]["performance/step_time_ms"] == 1000.0


def test_a_validation_is_not_a_step() -> None:
    clock = Clock()
    monitor = ThroughputMonitor(every=2, clock=clock)
    run(monitor, clock, 2)
    clock.now += 100.0
    trainer: Any = SimpleNamespace(watching_seconds=0.0)
    monitor.on_validation_end(trainer, {})
    assert monitor._since == clock.now


def test_what_a_loop_does_not_say_is_left_out() -> None:
    clock = Clock()
    monitor = ThroughputMonitor(every=4, clock=clock, times_data=False)
    [_, (_, metrics)] = run(monitor, clock, 4, samples_per_step=0).rows
    assert metrics["performance/step_time_ms"] == 1000.0
    assert not {"performance/data_time_ms", "performance/samples_per_second"} & set(metrics)
