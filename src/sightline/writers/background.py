"""A worker thread between the training loop and a writer."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from sightline.writers.host import to_host
from sightline.writers.protocol import Writer, hand_over
from sightline.writers.snapshot import num_bytes, snapshot
from sightline.writers.values import Value


class Call(NamedTuple):
    """What one call of `write` handed in."""

    values: dict[str, Value]
    step: int
    wall_time: float
    num_bytes: int


class Background:
    """Lets a worker thread convert and write, so that the caller does neither.

    The caller freezes values, on their device, and queues them; it waits only where the queue is
    full. The worker takes them to the host, hands them to the writer, and flushes that at least
    every `flush_secs`. An error is kept, reported once on stderr and raised at the next flush or
    close; what comes after it is still written.

    Args:
        writer: Who writes; it is used by the worker alone.
        flush_secs: Longest time that a value waits before it is on its way to disk.
        max_queue: Calls that may wait.
        max_queue_bytes: Memory that waiting images and histograms may take.

    Raises:
        ValueError: If a limit is not positive.
    """

    def __init__(
        self,
        writer: Writer,
        *,
        flush_secs: float = 1.0,
        max_queue: int = 1024,
        max_queue_bytes: int = 512 << 20,
    ) -> None:
        if min(flush_secs, max_queue, max_queue_bytes) <= 0:
            raise ValueError(
                f"expected positive limits, got flush_secs={flush_secs}, max_queue={max_queue} and "
                f"max_queue_bytes={max_queue_bytes}; leave out those that you do not need"
            )
        self.supports = writer.supports
        self._writer = writer
        self._flush_secs = flush_secs
        self._max_queue = max_queue
        self._max_queue_bytes = max_queue_bytes
        self._queue: deque[Call | threading.Event] = deque()
        self._wake = threading.Event()
        self._room = threading.Event()
        self._closed = False
        self._error: Exception | None = None
        self._num_errors = 0
        self._pid = os.getpid()
        self._worker = threading.Thread(target=self._work, name="sightline-writer", daemon=True)
        self._worker.start()
        atexit.register(self._close_at_exit)

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        """Queue values as they are now.

        Args:
            values: Value by tag, on any device.
            step: Step of all of them.
            wall_time: When they were logged, in seconds since 1970.

        Raises:
            RuntimeError: If the writer is closed.
        """
        if self._closed:
            raise RuntimeError("expected an open writer, got one that is closed; open a new one")
        frozen = snapshot(values)
        size = num_bytes(frozen)
        while self._is_full(size):
            self._wait_for_room()
        self._queue.append(Call(frozen, step, wall_time, size))
        if size or len(self._queue) > self._max_queue // 2:
            self._wake.set()

    def drain(self) -> None:
        """Wait until everything is written; what went wrong is kept for the next flush or close."""
        if not self._closed:
            done = threading.Event()
            self._queue.append(done)
            self._wake.set()
            while not done.wait(timeout=1.0):
                self._check_worker()

    def flush(self) -> None:
        """Wait until everything is written, then raise what went wrong since the last time."""
        self.drain()
        self._raise_kept()

    def close(self) -> None:
        """Write everything, close the writer, then raise what went wrong since the last flush."""
        if not self._closed:
            self._closed = True
            atexit.unregister(self._close_at_exit)
            self._wake.set()
            self._worker.join()
        self._raise_kept()

    # The caller's side.

    def _is_full(self, size: int) -> bool:
        if len(self._queue) >= self._max_queue:
            return True
        if not size:
            return False
        waiting = sum(call.num_bytes for call in self._queue.copy() if isinstance(call, Call))
        return waiting > 0 and waiting + size > self._max_queue_bytes

    def _wait_for_room(self) -> None:
        self._room.clear()
        self._wake.set()
        self._room.wait(timeout=0.1)  # it may have been set just before it was cleared
        self._check_worker()

    def _check_worker(self) -> None:
        if not self._worker.is_alive():
            raise RuntimeError(
                "expected a running writer thread, got none, as in a forked process; "
                "open the logger in the process that logs"
            )

    def _raise_kept(self) -> None:
        error, self._error = self._error, None
        num_more, self._num_errors = self._num_errors - 1, 0
        if error is not None:
            if num_more:
                error.add_note(f"and {num_more} more errors while logging")
            raise error

    def _close_at_exit(self) -> None:
        if os.getpid() == self._pid:  # a forked process has the queue, but not the worker
            self.close()

    # The worker's side.

    def _work(self) -> None:
        while not self._closed:
            self._wake.wait(self._flush_secs)
            self._wake.clear()
            self._drain()
        self._drain()
        self._attempt(self._writer.close)

    def _drain(self) -> None:
        """Write what is queued, then flush, then tell those who wait for it."""
        waiting = []
        while self._queue:
            item = self._queue.popleft()
            if isinstance(item, Call):
                self._attempt(partial(self._write, item))
            else:
                waiting.append(item)
            self._room.set()
        self._attempt(self._writer.flush)
        for done in waiting:
            done.set()

    def _write(self, call: Call) -> None:
        host, faults = to_host(call.values)
        for fault in faults:
            self._keep(fault)
        hand_over(self._writer, host, step=call.step, wall_time=call.wall_time)

    def _attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001  kept, and raised at the next flush or close
            self._keep(error)

    def _keep(self, error: Exception) -> None:
        self._num_errors += 1
        if self._error is None:
            self._error = error
            notes = " ".join(getattr(error, "__notes__", ()))
            print(
                f"sightline: logging failed, training goes on: "
                f"{type(error).__name__}: {error} {notes}".rstrip(),
                file=sys.stderr,
            )
