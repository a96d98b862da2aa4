"""Which learning rate is in force, and which was planned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.monitor import Monitor


class LearningRateMonitor(Monitor):
    """Logs the learning rates of the parameter groups, and the plan at the start.

    | tag | meaning |
    |---|---|
    | `learning_rate/base_lr` | learning rate of the first parameter group |
    | `learning_rate/param_group_{i}` | learning rate of group i |
    | `learning_rate/warmup_stage` | 1 in the warm-up, 0 after it |
    | `learning_rate/schedule` | image: what is planned for the whole run |

    Args:
        warmup_steps: Steps of the warm-up; None where they are not known, and no
            `learning_rate/warmup_stage` is logged.
        schedules: Steps and planned values by name; drawn once, at the start of a run.
        every: Steps between readings, or a cadence.
    """

    def __init__(
        self,
        *,
        warmup_steps: int | None = 0,
        schedules: Mapping[str, tuple[Any, Any]] | None = None,
        every: int | Cadence = 10,
    ) -> None:
        super().__init__(every=every)
        self.warmup_steps = warmup_steps
        self.schedules = schedules

    def on_train_begin(self, trainer: Trainer) -> None:
        """Draw the plan of a new run."""
        if trainer.step == 0 and self.schedules:
            from sightline.figures import plot_schedule

            figure = plot_schedule(self.schedules, warmup_steps=self.warmup_steps or 0)
            trainer.logger.log_image("learning_rate/schedule", figure, step=0)

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log the learning rates."""
        rates = trainer.learning_rates
        readings: dict[str, Any] = {f"param_group_{index}": x for index, x in enumerate(rates)}
        if rates:
            readings["base_lr"] = rates[0]
        if self.warmup_steps is not None:
            readings["warmup_stage"] = float(trainer.step <= self.warmup_steps)
        self.log(trainer, {f"learning_rate/{name}": value for name, value in readings.items()})
