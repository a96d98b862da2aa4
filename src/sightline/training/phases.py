"""How long the device spends in each part of a step, without waiting for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

Clock = Callable[[], float]


class PhaseTimer:
    """Times the phases of those steps that somebody asks about.

    On CUDA a mark is an event in the device's own queue, and the times are read once the device has
    passed it, which is after a later step. On other devices the host's clock is read.

    Args:
        device: Where the model trains.
        clock: Seconds, rising; for devices without events.
    """

    def __init__(self, device: torch.device, *, clock: Clock = time.perf_counter) -> None:
        self.device = device
        self.clock = clock
        self.is_on = False
        self._running: list[tuple[str, Mark, Mark]] = []
        self._times_ms: dict[str, float] = {}

    def start_step(self, *, is_on: bool) -> None:
        """Begin a step.

        Args:
            is_on: Whether it is timed; on other steps a phase costs nothing.
        """
        if is_on:
            self._collect()
            self._running = []
        self.is_on = is_on

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what is done inside; several stretches of one name add up.

        Args:
            name: What the step does there.
        """
        if not self.is_on:
            yield
            return
        begin = self._mark()
        yield
        self._running.append((name, begin, self._mark()))

    @property
    def times_ms(self) -> dict[str, float]:
        """Time by phase of the last timed step that the device has finished; empty before one."""
        self._collect()
        return self._times_ms

    def _mark(self) -> Mark:
        if self.device.type != "cuda":
            return self.clock()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def _collect(self) -> None:
        """Take over the times of the running step, if the device has come to its end."""
        if not self._running or not all(_is_past(end) for _, _, end in self._running):
            return
        times: dict[str, float] = {}
        for name, begin, end in self._running:
            times[name] = times.get(name, 0.0) + _elapsed_ms(begin, end)
        self._times_ms, self._running = times, []


Mark = float | torch.cuda.Event


def _is_past(mark: Mark) -> bool:
    return not isinstance(mark, torch.cuda.Event) or mark.query()


def _elapsed_ms(begin: Mark, end: Mark) -> float:
    if isinstance(begin, torch.cuda.Event):
        assert isinstance(end, torch.cuda.Event)
        return begin.elapsed_time(end)
    assert not isinstance(end, torch.cuda.Event)
    return 1e3 * (end - begin)
