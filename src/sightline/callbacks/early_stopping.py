"""Ends a training that no longer gets better."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any, Literal

from sightline.callbacks.base import Callback, Trainer

log = logging.getLogger(__name__)

NO_PROGRESS = "no progress"  # what the reason of such an end begins with


class EarlyStopping(Callback):
    """Ends the training when a metric has not got better for some evaluations.

    It looks at what an epoch ends with, and so stands behind the callbacks that measure, such as
    `ProbeMonitor`. An epoch without the metric is no evaluation. A value that is no number is not
    better. The end is a regular one: there is a checkpoint, and a resumed run counts on from where
    it was; with no patience left it ends at once, until it is given more.

    Args:
        metric: Name of the metric, as in the logs of an epoch, such as `val/loss`.
        mode: Whether a lower (`min`) or a higher (`max`) value is better.
        patience: Evaluations in a row without a better value after which it ends, 1 or more.
        min_delta: By more than this a value must be better than the best so far, 0 or more.

    Attributes:
        best: The best value so far; None before the first.
        best_step: Finished steps at that time.
        num_without_progress: Evaluations since then.

    Raises:
        ValueError: If the mode is unknown or a number out of range.

    Example:
        >>> EarlyStopping("val/loss", mode="min", patience=0)
        Traceback (most recent call last):
        ValueError: expected a patience of at least 1 evaluation, got 0; 5 is usual
    """

    def __init__(
        self,
        metric: str,
        *,
        mode: Literal["min", "max"],
        patience: int = 5,
        min_delta: float = 0.0,
    ) -> None:
        if mode not in {"min", "max"}:
            raise ValueError(f"expected the mode 'min' or 'max', got {mode!r}; name one of these")
        if patience < 1:
            raise ValueError(
                f"expected a patience of at least 1 evaluation, got {patience}; 5 is usual"
            )
        if not 0 <= min_delta < math.inf:
            raise ValueError(
                f"expected a min_delta of 0 or more, got {min_delta}; what is better follows mode"
            )
        self.metric = metric
        self.mode = mode
        self.patience = patience
        self.min_delta = min_delta
        self.best: float | None = None
        self.best_step = 0
        self.num_without_progress = 0

    def on_train_begin(self, trainer: Trainer) -> None:
        """End a run at once that was resumed without patience left."""
        self._stop_if_spent(trainer)

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, Any]) -> None:
        """Look whether the metric got better, if it was measured."""
        is_last = epoch + 1 == trainer.end_epoch
        if self.metric in logs:
            self._compare(float(logs[self.metric]), trainer.step)
            if not is_last:
                self._stop_if_spent(trainer)
        elif is_last and self.best is None and self.num_without_progress == 0:
            log.warning("Early stopping never saw its metric %r.", self.metric)

    def state_dict(self) -> dict[str, Any]:
        """The best value, and how long ago it was."""
        return {
            "best": self.best,
            "best_step": self.best_step,
            "num_without_progress": self.num_without_progress,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Count on from there."""
        self.best = state["best"]
        self.best_step = state["best_step"]
        self.num_without_progress = state["num_without_progress"]

    def _compare(self, value: float, step: int) -> None:
        best, sign = self.best, 1 if self.mode == "max" else -1
        if math.isfinite(value) and (best is None or sign * (value - best) > self.min_delta):
            self.best, self.best_step, self.num_without_progress = value, step, 0
        else:
            self.num_without_progress += 1

    def _stop_if_spent(self, trainer: Trainer) -> None:
        if self.num_without_progress < self.patience:
            return
        best = "never was a number" if self.best is None else f"was best at step {self.best_step}"
        value = "" if self.best is None else f" ({self.best:.4g})"
        trainer.stop(
            f"{NO_PROGRESS}: {self.metric} {best}{value}, "
            f"{self.num_without_progress} evaluations ago"
        )
