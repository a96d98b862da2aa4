"""What waits for the worker: two queues of bounded length, and a bell.

Numbers have a queue of their own, so that they never wait behind pictures. An append to it is all
that a training step does.
"""

from __future__ import annotations

import threading
from collections import deque
from queue import Empty, SimpleQueue
from typing import Any, Literal, NamedTuple, TypeAlias

from sightline.writers.protocol import Row
from sightline.writers.values import Value

Overflow: TypeAlias = Literal["block", "drop_oldest"]


class Numbers(NamedTuple):
    """Numbers that the worker has to fetch, of one call."""

    by_tag: dict[str, Any]
    step: int
    wall_time: float


class Call(NamedTuple):
    """Values that are not numbers, of one call."""

    values: dict[str, Value]
    step: int
    wall_time: float
    nbytes: int


class Waiting:
    """Calls between the threads that log and the one that writes.

    Any number of threads may put, one takes. A signal handler may put and ring at any moment.

    Args:
        max_calls: Calls that each queue may hold.
        max_bytes: Memory that waiting images and other arrays may take.
        overflow: What a full queue means: the caller waits, or what has waited longest goes.
    """

    def __init__(self, max_calls: int, max_bytes: int, overflow: Overflow) -> None:
        self.num_dropped = 0
        self._max_calls = max_calls
        self._max_bytes = max_bytes
        self._drops = overflow == "drop_oldest"
        self._numbers: deque[Row | Numbers] = deque()
        self._calls: deque[Call] = deque()
        self._nbytes = 0
        self._nbytes_lock = threading.RLock()
        self._room = threading.Event()
        self._bell: SimpleQueue[None] = SimpleQueue()

    def __bool__(self) -> bool:
        return bool(self._numbers or self._calls)

    @property
    def num_calls(self) -> int:
        """Calls that wait, without those of numbers."""
        return len(self._calls)

    @property
    def num_numbers(self) -> int:
        """Calls of numbers that wait."""
        return len(self._numbers)

    def put_numbers(self, numbers: Row | Numbers) -> None:
        """Append numbers, and make room if there is none."""
        queue = self._numbers
        queue.append(numbers)
        if len(queue) * 2 >= self._max_calls:
            if len(queue) * 2 <= self._max_calls + 1:
                self.ring()
            while len(queue) > self._max_calls:
                self._make_room(queue)

    def put_call(self, call: Call) -> None:
        """Append other values, once there is room."""
        while self._is_full(call.nbytes):
            self._make_room(self._calls)
        self._add_bytes(call.nbytes)
        self._calls.append(call)
        if call.nbytes:
            self.ring()

    def take_numbers(self, most: int) -> list[Row | Numbers]:
        """Take what has waited longest, at most so many; the caller may be dropping some."""
        taken: list[Row | Numbers] = []
        try:
            for _ in range(most):
                taken.append(self._numbers.popleft())  # noqa: PERF401  it may end early
        except IndexError:
            pass
        self._room.set()
        return taken

    def take_call(self) -> Call | None:
        """Take the call that has waited longest; None if there is none."""
        try:
            call = self._calls.popleft()
        except IndexError:
            return None
        self._add_bytes(-call.nbytes)
        self._room.set()
        return call

    def ring(self) -> None:
        """Wake the worker."""
        self._bell.put(None)

    def listen(self, seconds: float) -> None:
        """Wait for the bell, at most so long."""
        try:
            self._bell.get(timeout=seconds)
            while True:
                self._bell.get_nowait()
        except Empty:
            return

    def _is_full(self, nbytes: int) -> bool:
        if len(self._calls) >= self._max_calls:
            return True
        return bool(self._calls and nbytes and self._nbytes + nbytes > self._max_bytes)

    def _make_room(self, queue: deque[Any]) -> None:
        if not self._drops:
            self._room.clear()
            self.ring()
            self._room.wait(timeout=0.1)  # it may have been set just before it was cleared
            return
        try:
            dropped = queue.popleft()
        except IndexError:  # the worker was faster
            return
        self.num_dropped += 1
        if isinstance(dropped, Call):
            self._add_bytes(-dropped.nbytes)

    def _add_bytes(self, nbytes: int) -> None:
        if nbytes:
            with self._nbytes_lock:
                self._nbytes += nbytes
