"""How the levels share the loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from array_api_compat import array_namespace, device

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.monitor import Monitor
from sightline.diagnostics import contributions


class LossMonitor(Monitor):
    """Logs what each level has of a loss that is a weighted sum over levels.

    | tag | meaning |
    |---|---|
    | `loss/unweighted` | mean of the levels' losses |
    | `loss/weight_h{l}` | weight of level l in this step |
    | `loss/contribution_h{l}` | weighted share of level l in percent; the shares add up to 100 |

    Args:
        weights: Weight of each level in the loss, the finest first; or, where they change, what
            tells those in force.
        every: Steps between readings, or a cadence.
    """

    def __init__(
        self,
        weights: Sequence[float] | Callable[[], Sequence[float]],
        *,
        every: int | Cadence = 10,
    ) -> None:
        super().__init__(every=every)
        self.weights = weights

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log the shares of this step."""
        weights = list(self.weights() if callable(self.weights) else self.weights)
        losses = [logs[f"loss/h{level}"] for level in range(len(weights))]
        xp = array_namespace(*losses)
        losses_L = xp.stack(losses)
        weights_L = xp.asarray(weights, dtype=losses_L.dtype, device=device(losses_L))
        shares_L = contributions(losses_L, weights_L)
        shares = {f"loss/contribution_h{level}": shares_L[level] for level in range(len(losses))}
        in_force = {f"loss/weight_h{level}": weight for level, weight in enumerate(weights)}
        self.log(trainer, {"loss/unweighted": xp.mean(losses_L), **in_force, **shares})
