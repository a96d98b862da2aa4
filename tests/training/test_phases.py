"""Phases are timed on the steps that somebody asks about, and on no others.

The path of CUDA's events cannot run here: its marks are replaced by events that a test completes.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
import torch

from sightline.training.phases import PhaseTimer

CPU = torch.device("cpu")


def test_stretches_of_one_phase_add_up() -> None:
    seconds = iter([1.0, 3.0, 4.0, 9.0, 10.0, 11.0])
    timer = PhaseTimer(CPU, clock=lambda: next(seconds))
    timer.start_step(is_on=True)
    for name in ("forward", "backward", "forward"):
        with timer.phase(name):
            pass
    assert timer.times_ms == {"forward": 3000.0, "backward": 5000.0}


def test_a_step_that_nobody_asks_about_reads_no_clock() -> None:
    def fail() -> float:
        raise AssertionError("the clock was read")

    timer = PhaseTimer(CPU, clock=fail)
    timer.start_step(is_on=False)
    with timer.phase("forward"):
        pass
    assert timer.times_ms == {}


class Event:
    """An event of a device that is as far as the test says."""

    clock = count(1)
    done = False

    def __init__(self, enable_timing: bool) -> None: ...

    def record(self) -> None:
        self.at = float(next(self.clock))

    def query(self) -> bool:
        return Event.done

    def elapsed_time(self, end: Any) -> float:
        return end.at - self.at


def test_the_times_of_a_device_are_read_once_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(Event, "done", False)
    timer = PhaseTimer(torch.device("cuda"))
    timer.start_step(is_on=True)
    with timer.phase("forward"):
        pass
    assert timer.times_ms == {}
    Event.done = True
    assert timer.times_ms == {"forward": 1.0}
