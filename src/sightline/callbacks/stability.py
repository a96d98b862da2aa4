"""Does the loss go down smoothly, and does it do so on data that is not trained on?"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.monitor import Monitor
from sightline.catalogue import bands
from sightline.diagnostics import (
    RobustSlope,
    loss_spike,
    robust_slope,
    smoothness,
    val_train_ratio,
)

WINDOW = 50  # steps
MIN_STEPS = 10


class StabilityMonitor(Monitor):
    """Logs how the loss of the last 50 steps behaves.

    The losses are kept on their device, and the worker makes the numbers of them: the training
    waits for nothing.

    | tag | meaning |
    |---|---|
    | `stability/loss_smoothness` | standard deviation |
    | `stability/loss_max_spike` | largest over median |
    | `stability/loss_trend_slope` | slope for each 1,000 steps |
    | `stability/loss_trend_slope_error` | its standard error |
    | `stability/val_train_loss_ratio` | loss of the validation over that of the epoch before it |

    Args:
        every: Steps between readings, or a cadence.
    """

    def __init__(self, *, every: int | Cadence = 10) -> None:
        super().__init__(every=every)
        self._losses: deque[Any] = deque(maxlen=WINDOW)

    def on_batch_end(self, trainer: Trainer, batch: Any, logs: Mapping[str, Any]) -> None:
        """Keep the loss of the step, where it is known, and read if it is due."""
        if "train/loss" in logs:
            self._losses.append(logs["train/loss"])
        super().on_batch_end(trainer, batch, logs)

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log the state of the window, once it has enough steps."""
        if len(self._losses) < MIN_STEPS:
            return
        losses_K = _stacked(self._losses)
        for name, measure in MEASURES.items():
            trainer.logger.log_computed(f"stability/{name}", measure, losses_K, step=trainer.step)
        self.log(trainer, bands(f"stability/{name}" for name in MEASURES))

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, Any]) -> None:
        """Compare the validation of this epoch with its training."""
        if "val/loss" in logs and "train_epoch/loss" in logs:
            trainer.logger.log_computed(
                "stability/val_train_loss_ratio",
                val_train_ratio,
                np.asarray(logs["val/loss"]),
                logs["train_epoch/loss"],
                step=trainer.step,
            )
            self.log(trainer, bands(["stability/val_train_loss_ratio"]))

    def state_dict(self) -> dict[str, Any]:
        """The losses of the last steps."""
        return {"losses": _stacked(self._losses)} if self._losses else {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with the window."""
        self._losses.extend(state["losses"])


def _slope(losses_K: NDArray[np.generic]) -> RobustSlope:
    """The slope of losses of consecutive steps; NaN where there are too few that are finite."""
    undefined = RobustSlope(math.nan, math.nan)
    return robust_slope(np.arange(len(losses_K)), losses_K) or undefined


MEASURES: dict[str, Callable[[NDArray[np.generic]], float]] = {
    "loss_smoothness": smoothness,
    "loss_max_spike": loss_spike,
    "loss_trend_slope": lambda losses_K: _slope(losses_K).slope,
    "loss_trend_slope_error": lambda losses_K: _slope(losses_K).error,
}


def _stacked(losses: deque[Any]) -> Any:
    return array_namespace(*losses).stack(list(losses))
