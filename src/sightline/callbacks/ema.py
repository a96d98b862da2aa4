"""Does the target encoder follow the context encoder as planned?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from array_api_compat import array_namespace

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.monitor import Monitor
from sightline.diagnostics import (
    global_norm,
    parameter_divergence,
    update_magnitude,
    weight_cosine,
)

Weights = Mapping[str, Any]


class EMAMonitor(Monitor):
    """Logs how far apart the trained encoder and its moving average are, and how the average moves.

    It keeps a copy of the average of the last reading.

    | tag | meaning |
    |---|---|
    | `ema/parameter_divergence` | norm of the difference over the norm of the average |
    | `ema/update_magnitude` | relative change of the average since the last reading |
    | `ema/target_weight_stability` | cosine of the average with itself at the last reading |
    | `ema/target_gradient_norm` | norm of the gradients in the average; 0 where it has none |

    Args:
        weights: Gives the weights of the average and of the trained encoder, by the same names.
        gradients: Gives the gradients of the average's weights, those that there are; None where
            it cannot have any, and no `ema/target_gradient_norm` is logged.
        every: Steps between readings, or a cadence.
    """

    def __init__(
        self,
        weights: Callable[[], tuple[Weights, Weights]],
        *,
        gradients: Callable[[], Weights] | None = None,
        every: int | Cadence = 50,
    ) -> None:
        super().__init__(every=every)
        self.weights = weights
        self.gradients = gradients
        self._before: dict[str, Any] = {}

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log the distance, and the way since the last reading."""
        average, trained = self.weights()
        readings = {
            "ema/parameter_divergence": parameter_divergence(average, trained),
        }
        if self._before:
            readings["ema/update_magnitude"] = update_magnitude(self._before, average)
            readings["ema/target_weight_stability"] = weight_cosine(self._before, average)
        if self.gradients is not None:
            gradients = self.gradients()
            readings["ema/target_gradient_norm"] = global_norm(gradients) if gradients else 0.0
        self.log(trainer, readings)
        self._before = {
            name: array_namespace(weight).asarray(weight, copy=True)
            for name, weight in average.items()
        }

    def state_dict(self) -> dict[str, Any]:
        """The average at the last reading."""
        return self._before

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Compare the next reading with it."""
        self._before = dict(state)
