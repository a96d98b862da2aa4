"""A monitor decides before the step whether it is due, and says what it will need of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from sightline.callbacks import (
    Cadence,
    CallbackList,
    EverySeconds,
    EverySteps,
    LogSpaced,
    Monitor,
    Need,
)


class Reader(Monitor):
    reading_needs: ClassVar[Need] = Need.GRADIENTS
    drawing_needs: ClassVar[Need] = Need.VIEWS

    def __init__(self, every: int | Cadence, figures_every: int | Cadence | None = None) -> None:
        super().__init__(every=every, figures_every=figures_every)
        self.read_at: list[int] = []
        self.drawn_at: list[int] = []

    def read(self, trainer: Any, logs: Any) -> None:
        self.read_at.append(trainer.step)

    def draw(self, trainer: Any, logs: Any) -> None:
        self.drawn_at.append(trainer.step)


def walk(monitors: CallbackList, num_steps: int) -> list[Need]:
    """What the monitors need of each step."""
    needs = []
    trainer: Any = SimpleNamespace(step=0)
    for _ in range(num_steps):
        monitors.on_batch_begin(trainer, None)
        needs.append(monitors.needs)
        trainer.step += 1
        monitors.on_batch_end(trainer, None, {})
    return needs


def test_a_monitor_reads_and_draws_at_its_cadences() -> None:
    monitor = Reader(3, LogSpaced(1))
    walk(CallbackList([monitor]), 20)
    assert monitor.read_at == [1, 3, 6, 9, 12, 15, 18]
    assert monitor.drawn_at == [1, 10]


def test_a_step_must_keep_only_what_a_due_monitor_needs() -> None:
    needs = walk(CallbackList([Reader(4, 6), Reader(5)]), 8)
    G, N, V = Need.GRADIENTS, Need.NOTHING, Need.VIEWS
    assert needs == [G | V, N, N, G, G, V, N, G]


def test_a_monitor_without_figures_draws_none() -> None:
    monitor = Reader(1)
    walk(CallbackList([monitor]), 3)
    assert (len(monitor.read_at), monitor.drawn_at) == (3, [])


@pytest.mark.parametrize("make", [lambda: EverySteps(0), lambda: LogSpaced(0)])
def test_a_cadence_of_never_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        make()


def test_a_cadence_of_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="positive number of seconds"):
        EverySeconds(0)


def test_log_spacing_hits_every_power_of_ten_once() -> None:
    every = LogSpaced(7)
    due = [step for step in range(1, 100_001) if every.is_due(step)]
    assert {10**power for power in range(6)} <= set(due)
    for power in range(1, 5):
        assert sum(10**power < step <= 10 ** (power + 1) for step in due) == 7


def test_a_missed_second_is_not_caught_up() -> None:
    clock = iter([0.0, 35.0, 36.0, 44.0, 46.0])
    every = EverySeconds(10, clock=lambda: next(clock))
    assert [every.is_due(step) for step in range(1, 6)] == [True, True, False, False, True]
