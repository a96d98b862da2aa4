"""Does the target encoder follow the context encoder as planned?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.monitor import Monitor


class EMAMonitor(Monitor):
    """Logs how far apart the trained encoder and its moving average are.

    | tag | meaning |
    |---|---|
    | `ema/parameter_divergence` | norm of the difference over the norm of the average |
    | `ema/momentum_current` | momentum of this step |

    Args:
        divergence: Measures the distance; returns a 0-d array, still on its device.
        every: Steps between readings, or a cadence.
    """

    def __init__(self, divergence: Callable[[], Any], *, every: int | Cadence = 50) -> None:
        super().__init__(every=every)
        self.divergence = divergence

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log the distance and the momentum."""
        trainer.logger.log_metrics(
            {
                "ema/parameter_divergence": self.divergence(),
                "ema/momentum_current": logs["train/ema_momentum"],
            },
            step=trainer.step,
        )
