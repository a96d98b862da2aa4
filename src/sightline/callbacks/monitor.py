"""A callback that reads something of a step now and then, and says beforehand what it will need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sightline.callbacks.base import Callback, Need, Trainer
from sightline.callbacks.cadence import Cadence, cadence
from sightline.catalogue import bands


class Monitor(Callback):
    """Reads numbers at one cadence and draws figures at another.

    Whether a step is due is decided before the step, so that the trainer keeps and computes what
    `needs` names for that step alone; on all others a monitor costs a comparison.

    Args:
        every: Steps between readings, or a cadence.
        figures_every: Steps between figures, or a cadence; None for no figures.

    Attributes:
        reading_needs: What `read` needs of the step.
        drawing_needs: What `draw` needs of it.
    """

    reading_needs: ClassVar[Need] = Need.NOTHING
    drawing_needs: ClassVar[Need] = Need.NOTHING

    def __init__(
        self, *, every: int | Cadence = 50, figures_every: int | Cadence | None = None
    ) -> None:
        self.every = cadence(every)
        self.figures_every = None if figures_every is None else cadence(figures_every)
        self._reads = self._draws = False

    @property
    def needs(self) -> Need:
        """What the coming step must keep for this monitor."""
        needs = Need.NOTHING
        if self._reads:
            needs |= self.reading_needs
        if self._draws:
            needs |= self.drawing_needs
        return needs

    def on_batch_begin(self, trainer: Trainer, batch: Any) -> None:
        """Decide whether the coming step is due."""
        step = trainer.step + 1
        self._reads = self.every.is_due(step)
        self._draws = self.figures_every is not None and self.figures_every.is_due(step)

    def on_batch_end(self, trainer: Trainer, batch: Any, logs: Mapping[str, Any]) -> None:
        """Read and draw, if it is due."""
        if self._reads:
            self.read(trainer, logs)
        if self._draws:
            self.draw(trainer, logs)

    def log(
        self,
        trainer: Trainer,
        readings: Mapping[str, Any],
        *,
        num_samples: int | None = None,
        width: int | None = None,
    ) -> None:
        """Log numbers at the current step, with the healthy ranges that belong to them.

        Args:
            trainer: The trainer.
            readings: Number or 0-d array by tag.
            num_samples: Rows of the features that they are computed from.
            width: Columns of the same features.
        """
        if readings:
            edges = bands(readings, num_samples=num_samples, width=width)
            trainer.logger.log_metrics({**readings, **edges}, step=trainer.step)

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log numbers and histograms of the step.

        Args:
            trainer: The trainer, with what `reading_needs` names.
            logs: The metrics of the step, still on the device.
        """

    def draw(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log figures of the step.

        Args:
            trainer: The trainer, with what `drawing_needs` names.
            logs: The metrics of the step, still on the device.
        """
