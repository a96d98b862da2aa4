"""What frozen features are worth while the encoder trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sightline.callbacks.base import Callback, Trainer

Scores = dict[str, float]


class ProbeMonitor(Callback):
    """Measures the encoder on held-out data: untrained, every so many epochs, and at the end.

    | tag | meaning |
    |---|---|
    | `eval/{name}` | each score that `measure` returns |
    | `eval/random_encoder_accuracy` | its `linear_probe_accuracy` before the first step |

    Args:
        measure: Returns scores by name.
        every_epochs: Epochs between measurements.

    Attributes:
        untrained: Scores before the first step.
        latest: Scores of the last measurement.
    """

    def __init__(self, measure: Callable[[], Scores], *, every_epochs: int = 10) -> None:
        self.measure = measure
        self.every_epochs = every_epochs
        self.untrained: Scores = {}
        self.latest: Scores = {}
        self._latest_step = -1

    def on_train_begin(self, trainer: Trainer) -> None:
        """Measure the untrained encoder."""
        if trainer.step == 0:
            self._measure(trainer)
            self.untrained = self.latest
            self._log(trainer)
            accuracy = self.untrained.get("linear_probe_accuracy")
            if accuracy is not None:
                trainer.logger.log_metrics({"eval/random_encoder_accuracy": accuracy}, step=0)

    def on_epoch_end(self, trainer: Trainer, epoch: int, logs: dict[str, Any]) -> None:
        """Measure, if it is due, and let checkpoints be ranked by it."""
        if (epoch + 1) % self.every_epochs == 0 or epoch + 1 == trainer.num_epochs:
            self._measure(trainer)
            self._log(trainer)
            logs.update({f"eval/{name}": score for name, score in self.latest.items()})

    def on_train_end(self, trainer: Trainer) -> None:
        """Measure what the last measurement has not seen; it is not a point of the curve."""
        if self._latest_step != trainer.step:
            self._measure(trainer)

    def _measure(self, trainer: Trainer) -> None:
        self.latest, self._latest_step = self.measure(), trainer.step

    def _log(self, trainer: Trainer) -> None:
        trainer.logger.log_metrics(self.latest, step=trainer.step, prefix="eval/")

    def state_dict(self) -> dict[str, Any]:
        """The scores of the untrained and of the last measured encoder."""
        return {
            "untrained": self.untrained,
            "latest": self.latest,
            "latest_step": self._latest_step,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up the scores of the run so far."""
        self.untrained, self.latest = state["untrained"], state["latest"]
        self._latest_step = state["latest_step"]
