"""How the values of each layer are spread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sightline.callbacks.base import Need, Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.monitor import Monitor


class HistogramMonitor(Monitor):
    """Logs histograms of the weights and the gradients of each layer, counted on their device.

    | tag | meaning |
    |---|---|
    | `weights/{layer}` | histogram: the trained weights |
    | `gradients/{layer}` | histogram: their gradients, as the optimizer got them |

    Args:
        every: Steps between readings, or a cadence.
    """

    reading_needs: ClassVar[Need] = Need.GRADIENTS

    def __init__(self, *, every: int | Cadence = 500) -> None:
        super().__init__(every=every)

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log the histograms."""
        logger, step = trainer.logger, trainer.step
        logger.log_model_weights(trainer.parameters, step=step)
        if trainer.gradients:
            logger.log_model_gradients(dict(trainer.gradients), step=step)
