"""A worker thread between the training loop and a writer."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from sightline.writers.faults import Faults
from sightline.writers.lifetime import OPEN_LOGS
from sightline.writers.protocol import Row, Writer, flush_if_due, fork_of, hand_over, hand_over_rows
from sightline.writers.scalars import fetch_scalars, freeze_scalars
from sightline.writers.values import Scalar, Value
from sightline.writers.waiting import Call, Numbers, Overflow, Waiting

DROPPED = "logging/dropped_calls"
# Calls that the worker takes before it lets the training loop have the interpreter: some 0.5 ms.
CHUNK = 256
INNER_SECS = 5.0


class Background:
    """Lets a worker thread convert and write, so that the caller does neither.

    The caller freezes values, on their device, and appends them to a queue. The worker takes them
    to the host, hands them to the writer and flushes that, so that no value waits longer than
    `flush_secs`; a writer may put off these flushes with a `flush_if_due`, but none that somebody
    waits for. Numbers do not wait behind pictures. An error is kept, reported once on stderr and
    raised at the next flush or close; what comes after it is still written.

    In a forked process, such as a worker of a data loader, the queue of the parent is forgotten.
    What the child logs goes where the writer's `in_fork` says.

    Args:
        writer: Who writes; it is used by the worker alone.
        flush_secs: Longest time that a value waits before it is on its way to disk.
        max_queue: Calls that may wait.
        max_queue_bytes: Memory that waiting images and other arrays may take.
        overflow: What a full queue means: "block" makes the caller wait, "drop_oldest" drops what
            has waited longest and logs the number of calls dropped as `logging/dropped_calls`.
        is_inner: It is handed values by the worker of another one, which are on the host already,
            and whose flushes wait for it 5 s at most: it stands before a server that may not
            answer.

    Raises:
        ValueError: If a limit is not positive, or `overflow` is something else.
    """

    def __init__(
        self,
        writer: Writer,
        *,
        flush_secs: float = 1.0,
        max_queue: int = 16_384,
        max_queue_bytes: int = 512 << 20,
        overflow: Overflow = "block",
        is_inner: bool = False,
    ) -> None:
        if min(flush_secs, max_queue, max_queue_bytes) <= 0:
            raise ValueError(
                f"expected positive limits, got flush_secs={flush_secs}, max_queue={max_queue} and "
                f"max_queue_bytes={max_queue_bytes}; leave out those that you do not need"
            )
        if overflow not in {"block", "drop_oldest"}:
            raise ValueError(
                f"expected overflow block or drop_oldest, got {overflow!r}; use one of these"
            )
        self.supports = writer.supports
        self._writer: Writer | None = writer
        self._parents_writer = writer
        self._flush_secs = flush_secs
        self._limits = (max_queue, max_queue_bytes, overflow)
        self._is_inner = is_inner
        self._closed = False
        self._reset()
        OPEN_LOGS.add(self)

    def _reset(self) -> None:
        self._waiting = Waiting(*self._limits)
        self._drains: deque[threading.Event] = deque()
        self._faults = Faults()
        self._num_dropped_logged = 0
        self._last: tuple[int, float] = (0, 0.0)
        self._worker: threading.Thread | None = None

    # The caller's side.

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        """Queue values as they are now.

        Args:
            values: Value by tag, on any device.
            step: Step of all of them.
            wall_time: When they were logged, in seconds since 1970.

        Raises:
            RuntimeError: If the writer is closed.
        """  # noqa: DOC502  put and _make_ready raise it
        numbers = {tag: value.value for tag, value in values.items() if type(value) is Scalar}
        if numbers:
            self.put(Numbers(freeze_scalars(numbers), step, wall_time))
        others = {tag: value for tag, value in values.items() if type(value) is not Scalar}
        if others:
            if self._worker is None or self._closed:
                self._make_ready()
            frozen = {
                tag: value if self._is_inner else value.frozen() for tag, value in others.items()
            }
            nbytes = sum(value.nbytes for value in frozen.values())
            self._waiting.put_call(Call(frozen, step, wall_time, nbytes))

    def write_rows(self, rows: Sequence[Row]) -> None:
        """Queue many steps of numbers."""
        for row in rows:
            self.put(row)

    def in_fork(self, name: str) -> Background | None:
        """The same before what the writer has for a forked process."""
        forked = fork_of(self._parents_writer, name)
        if forked is None:
            return None
        return Background(
            forked,
            flush_secs=self._flush_secs,
            max_queue=self._limits[0],
            max_queue_bytes=self._limits[1],
            overflow=self._limits[2],
            is_inner=self._is_inner,
        )

    def put(self, numbers: Row | Numbers) -> None:
        """Queue numbers; this is all that a step of training waits for.

        Args:
            numbers: Floats, or what `freeze_scalars` gives.
        """
        if self._worker is None or self._closed:
            self._make_ready()
        self._waiting.put_numbers(numbers)

    def wake(self) -> None:
        """Have what is queued written and flushed now, without waiting for it."""
        self._waiting.ring()

    def drain(self) -> None:
        """Wait until everything is written; what went wrong is kept for the next flush or close."""
        if self._closed or self._worker is None:
            return
        done = threading.Event()
        self._drains.append(done)
        self.wake()
        if self._is_inner:
            done.wait(timeout=INNER_SECS)
            return
        while not done.wait(timeout=1.0):
            assert self._worker.is_alive(), "the worker ends with the process only"

    def flush_if_due(self) -> None:
        """Nothing to do: its own worker flushes as often as it is due."""

    def flush(self) -> None:
        """Wait until everything is written, then raise what went wrong since the last time."""
        self.drain()
        if not self._is_inner:  # whose errors its own report told of, and close raises
            self._faults.raise_kept()

    def close(self) -> None:
        """Write everything, close the writer, then raise what went wrong since the last flush."""
        if not self._closed:
            self._closed = True
            OPEN_LOGS.discard(self)
            if self._worker is not None:
                self.wake()
                self._worker.join()
            elif self._writer is not None:
                self._finish()
        self._faults.raise_kept()

    def close_at_end(self) -> None:
        """Close, as the process ends."""
        self.close()

    def forget(self) -> None:
        """In a forked process: the queue, the writer and the worker are the parent's."""
        self._writer = None
        self._reset()

    def _make_ready(self) -> None:
        """Start the worker; in a forked process open a writer for it first."""
        if self._closed:
            raise RuntimeError("expected an open writer, got one that is closed; open a new one")
        if self._writer is None:
            self._writer = fork_of(self._parents_writer, _name_of_fork())
            if self._writer is None:
                raise RuntimeError(
                    "expected the process that opened the logger, got a fork of it, where its "
                    "writers cannot write; open a logger in the process that logs"
                )
            OPEN_LOGS.add(self)
        self._worker = threading.Thread(target=self._work, name="sightline-writer", daemon=True)
        self._worker.start()

    # The worker's side.

    def _work(self) -> None:
        while not self._closed:
            self._waiting.listen(self._flush_secs / 2)
            self._cycle()
        self._finish()

    def _finish(self) -> None:
        self._cycle()
        assert self._writer is not None
        try:
            self._writer.close()
        except Exception as error:  # noqa: BLE001  raised by close
            self._faults.lost(error)
        else:
            self._faults.freed()

    def _cycle(self) -> None:
        """Write what is queued, then flush, then tell those who wait for it."""
        drains = [self._drains.popleft() for _ in range(len(self._drains))]
        flushed_at = time.monotonic()
        self._write_numbers()
        for _ in range(self._waiting.num_calls):
            call = self._waiting.take_call()
            if call is not None:
                self._attempt(partial(self._write_call, call))
            self._write_numbers()
            if time.monotonic() - flushed_at > self._flush_secs / 4:
                self._flush()
                flushed_at = time.monotonic()
        self._log_drops()
        self._flush(is_awaited=bool(drains))
        for done in drains:
            done.set()

    def _flush(self, *, is_awaited: bool = False) -> None:
        assert self._writer is not None
        try:
            if is_awaited:
                self._writer.flush()
            else:
                flush_if_due(self._writer)
        except Exception as error:  # noqa: BLE001  kept, and raised at the next flush or close
            self._faults.stuck(error)
        else:
            self._faults.freed()

    def _write_numbers(self) -> None:
        """Write the numbers that are queued now, and let the caller in now and then."""
        assert self._writer is not None
        for left in range(self._waiting.num_numbers, 0, -CHUNK):
            taken = self._waiting.take_numbers(min(left, CHUNK))
            rows = [item if type(item) is Row else self._fetched(item) for item in taken]
            self._attempt(partial(hand_over_rows, self._writer, rows))
            if rows:
                self._last = rows[-1].step, rows[-1].wall_time
            time.sleep(0)

    def _fetched(self, numbers: Row | Numbers) -> Row:
        """Numbers of a call as floats; those that cannot be had are left out."""
        assert isinstance(numbers, Numbers)
        by_tag, faults = fetch_scalars(numbers.by_tag)
        for fault in faults:
            self._faults.lost(fault)
        return Row(tuple(by_tag), tuple(by_tag.values()), numbers.step, numbers.wall_time)

    def _write_call(self, call: Call) -> None:
        host: dict[str, Value] = {}
        for tag, value in call.values.items():
            try:
                host[tag] = value if self._is_inner else value.on_host()
            except Exception as error:  # noqa: BLE001  costs no other value
                error.add_note(f"in the value logged as {tag!r}")
                self._faults.lost(error)
        assert self._writer is not None
        hand_over(self._writer, host, step=call.step, wall_time=call.wall_time)

    def _log_drops(self) -> None:
        num_dropped = self._waiting.num_dropped
        if num_dropped > self._num_dropped_logged:
            self._num_dropped_logged = num_dropped
            row = Row((DROPPED,), (float(num_dropped),), *self._last)
            assert self._writer is not None
            self._attempt(partial(hand_over_rows, self._writer, [row]))

    def _attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001  kept, and raised at the next flush or close
            self._faults.lost(error)


def _name_of_fork() -> str:
    """A name that a forked process has again at the next epoch, if it can."""
    data = sys.modules.get("torch.utils.data")
    worker = data.get_worker_info() if data is not None else None
    return f"worker{worker.id}" if worker is not None else f"fork{os.getpid()}"
