"""Does the target encoder follow the context encoder as planned?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sightline.callbacks.base import Callback, Trainer, is_due


class EMAMonitor(Callback):
    """Logs how far apart the trained encoder and its moving average are.

    | tag | meaning |
    |---|---|
    | `ema/parameter_divergence` | norm of the difference over the norm of the average |
    | `ema/momentum_current` | momentum of this step |

    Args:
        divergence: Measures the distance; returns a 0-d array, still on its device.
        every_steps: Steps between readings.
    """

    def __init__(self, divergence: Callable[[], Any], *, every_steps: int = 50) -> None:
        self.divergence = divergence
        self.every_steps = every_steps

    def on_batch_end(self, trainer: Trainer, batch: Any, logs: Mapping[str, Any]) -> None:
        """Read and log, if it is due."""
        if is_due(trainer.step, self.every_steps):
            trainer.logger.log_metrics(
                {
                    "ema/parameter_divergence": self.divergence(),
                    "ema/momentum_current": logs["train/ema_momentum"],
                },
                step=trainer.step,
            )
