"""How far a run is, how long it will take, and where it says so."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TextIO


class ProgressTracker:
    """Counts optimizer steps and estimates the time that is left.

    The estimate is the mean pace of this session's steps after the first one, which may compile
    kernels or fill caches; what happens between steps, such as validation, is part of the pace.

    Args:
        total_epochs: The number of epochs of the whole training, 1 or more.
        steps_per_epoch: The number of optimizer steps in an epoch, 1 or more.
        start_step: The number of steps that earlier sessions finished.
        clock: Gives the time in seconds, from any origin.

    Raises:
        ValueError: If a count is out of range.

    Example:
        >>> seconds = iter([0.0, 9.0, 10.0, 11.0])
        >>> tracker = ProgressTracker(2, 50, clock=lambda: next(seconds))
        >>> for _ in range(3):
        ...     tracker.step()
        >>> print(tracker.get_eta())
        0:01:37
    """

    def __init__(
        self,
        total_epochs: int,
        steps_per_epoch: int,
        *,
        start_step: int = 0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        counts = (
            ("total_epochs", total_epochs, 1),
            ("steps_per_epoch", steps_per_epoch, 1),
            ("start_step", start_step, 0),
        )
        for name, count, least in counts:
            if count < least:
                raise ValueError(
                    f"{name} must be at least {least}, got {count}; set it to a count of that size."
                )
        self.total_steps = total_epochs * steps_per_epoch
        self.steps_per_epoch = steps_per_epoch
        self.step_count = start_step
        self._start_step = start_step
        self._clock = clock
        self._start_time = self._epoch_time = self._last_time = clock()
        self._first_time = self._start_time

    @property
    def epoch(self) -> int:
        """The number of finished epochs."""
        return self.step_count // self.steps_per_epoch

    @property
    def fraction(self) -> float:
        """The part of the training that is done, 0 to 1, earlier sessions included."""
        return min(self.step_count / self.total_steps, 1.0)

    def start_epoch(self) -> None:
        """Start the clock of an epoch."""
        self._epoch_time = self._clock()

    def step(self) -> None:
        """Count one finished optimizer step."""
        self._last_time = self._clock()
        self.step_count += 1
        if self.step_count - self._start_step == 1:
            self._first_time = self._last_time

    def get_seconds_per_step(self) -> float | None:
        """Measure the pace of this session.

        Returns:
            Seconds for each step, or None before the first one is finished.
        """
        num_steps = self.step_count - self._start_step
        if num_steps == 0:
            return None
        if num_steps == 1:
            return self._first_time - self._start_time
        return (self._last_time - self._first_time) / (num_steps - 1)

    def get_eta(self, epoch: int | None = None, step: int | None = None) -> timedelta | None:
        """Estimate the time from a point of the training to its end.

        Args:
            epoch: The number of finished epochs of that point. Without it, the point is where the
                tracker stands.
            step: The number of finished steps within that epoch, 0 without one.

        Returns:
            The time left, in whole seconds, or None before the first step is finished.
        """
        pace = self.get_seconds_per_step()
        if pace is None:
            return None
        done = self.step_count if epoch is None else epoch * self.steps_per_epoch + (step or 0)
        return timedelta(seconds=round(max(self.total_steps - done, 0) * pace))

    def get_elapsed_time(self) -> timedelta:
        """Measure the time since this session began.

        Returns:
            The elapsed time, in whole seconds.
        """
        return timedelta(seconds=round(self._clock() - self._start_time))

    def get_epoch_time(self) -> timedelta:
        """Measure the time since this epoch began.

        Returns:
            The elapsed time, in whole seconds.
        """
        return timedelta(seconds=round(self._clock() - self._epoch_time))


def setup_logging(log_file: str | Path | None = None, level: int = logging.INFO) -> logging.Logger:
    """Send the package's messages to standard error and, if wanted, to a file.

    Calling it again replaces what the last call set up, so no line is written twice.

    Args:
        log_file: A file to append to; missing folders are made.
        level: The least severe level that is shown.

    Returns:
        The logger named ``"sightline"``.

    Example:
        >>> setup_logging() is setup_logging()
        True
    """
    logger = logging.getLogger("sightline")
    handlers: list[logging.Handler] = [_StandardError()]
    if log_file is not None:
        Path(log_file).parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(log_file, encoding="utf-8"))
    for old in [handler for handler in logger.handlers if handler.name == "sightline"]:
        logger.removeHandler(old)
        old.close()
    for handler in handlers:
        handler.set_name("sightline")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False  # a configured root logger would print each line again
    return logger


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what is standard error now: a progress bar may have put itself in front."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr
