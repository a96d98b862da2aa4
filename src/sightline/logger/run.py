"""An open run: its current step, its worker, and how it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

from sightline.events import RunStatus, check_tag
from sightline.writers import Background, Fanout, Value, Writer
from sightline.writers.checks import check_step
from sightline.writers.lifetime import OPEN_LOGS
from sightline.writers.waiting import Numbers


class Run:
    """Values go to writers under the current step, through a worker thread.

    Args:
        writers: Where they go.
        preface: Values that are written with the first ones, at their step: only they say where
            this session begins.
        first_step: The current step at the beginning.
        flush_secs: Longest time that a value waits before it is on its way to disk.
        overflow: What a full queue means: "block" or "drop_oldest".
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        writers: Sequence[Writer],
        *,
        preface: Mapping[str, Value],
        first_step: int = 0,
        flush_secs: float = 1.0,
        overflow: Literal["block", "drop_oldest"] = "block",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._writer = Background(Fanout(writers), flush_secs=flush_secs, overflow=overflow)
        self._clock = clock
        self._step = first_step
        self._legal_tags: set[str] = set()
        self._held: dict[str, Any] = {}
        self._preface = dict(preface)
        self._closed = False
        OPEN_LOGS.add(self)

    def drain(self) -> None:
        """Wait until all that was logged is written; what went wrong is kept for flush or close.

        For a training loop that goes on whatever becomes of its log.
        """
        if not self._closed:
            self._write_preface(self._step)
        self._writer.drain()

    def flush(self) -> None:
        """Wait until all that was logged is written, then raise what went wrong."""
        self.drain()
        self._writer.flush()

    def close(self) -> None:
        """Write everything, let go of the files, then raise what went wrong; once is enough."""
        self._close(RunStatus.SUCCESS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._close(RunStatus.SUCCESS if error is None else RunStatus.FAILURE)
        except Exception as fault:
            if error is None:
                raise
            # The error that ended the training must not be hidden behind this one.
            error.add_note(f"while logging: {type(fault).__name__}: {fault}")

    def close_at_end(self) -> None:
        """Close; whether the run is a success nobody knows, so nothing is said of it."""
        self._close(None)

    def forget(self) -> None:
        """In a forked process: what is held back is the parent's."""
        self._held = {}
        self._preface = {}

    def _close(self, status: RunStatus | None) -> None:
        if not self._closed:
            self._release()
            self._write_preface(self._step)
            epilogue = {} if status is None else self._epilogue(status)
            if epilogue:
                self._writer.write(epilogue, step=self._step, wall_time=self._clock())
            self._closed = True
            OPEN_LOGS.discard(self)
        self._writer.close()

    def _epilogue(self, status: RunStatus) -> Mapping[str, Value]:
        """What is written last, once it is known how the run ended."""
        return {}

    def _log(self, values: Mapping[str, Value], step: int | None) -> None:
        for tag in values:
            self._check_tag(tag)
        at = self._go_to(step)
        self._write_preface(at)
        if values:
            self._writer.write(values, step=at, wall_time=self._clock())

    def _go_to(self, step: int | None) -> int:
        """Make a step the current one; what was held back for another is written."""
        if self._closed:
            raise RuntimeError(
                "expected an open logger, got one that is closed; log before close(), or open a "
                "new one with resume_step= to continue the run"
            )
        at = self._step if step is None else check_step(step)
        if at != self._step:
            self._release()
            self._step = at
        return at

    def _release(self) -> None:
        """Write the numbers that were held back for the current step."""
        held, self._held = self._held, {}
        if held:
            self._put(held, self._step)

    def _put(self, frozen: dict[str, Any], step: int) -> None:
        self._write_preface(step)
        self._writer.put(Numbers(frozen, step, self._clock()))

    def _write_preface(self, step: int) -> None:
        if self._preface:
            preface, self._preface = self._preface, {}
            self._writer.write(preface, step=step, wall_time=self._clock())

    def _check_tag(self, tag: Any) -> None:
        if tag not in self._legal_tags:
            check_tag(tag)
            self._legal_tags.add(tag)
