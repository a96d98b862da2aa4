"""What an H-JEPA run came to, for those who started it."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING

from sightline.callbacks import ProbeMonitor
from sightline.hjepa.data import images_of
from sightline.training.probes import standard_error

if TYPE_CHECKING:
    from upath import UPath

    from sightline.hjepa.trainer import HJEPATrainer

Scores = dict[str, float]
ACCURACIES = {
    "knn_accuracy": "kNN accuracy",
    "linear_probe_accuracy": "linear probe, all labels",
    "few_label_accuracy": "linear probe, 5 labels a class",
}


@dataclass(frozen=True, slots=True)
class HJEPASummary:
    """What a run came to.

    Args:
        untrained: Held-out losses and probe scores before the first step, by name.
        trained: The same after the last.
        num_images: Held-out images that the scores are of.
        num_steps: Optimizer steps in all.
        seconds: Time spent in this session.
        run_dir: Where the logs are.
        stop_reason: Why the run ended early; None if it did not.
        log_error: What could not be logged; None if all was.
    """

    untrained: Scores
    trained: Scores
    num_images: int
    num_steps: int
    seconds: float
    run_dir: Path | UPath
    stop_reason: str | None
    log_error: str | None

    def table(self) -> list[tuple[str, str, str]]:
        """The scores in words.

        Returns:
            Name, untrained and trained for each; accuracies with their standard error.
        """
        losses = sorted(name for name in self.trained if name.startswith("loss_h"))
        labels = {name: f"loss, level {name.removeprefix('loss_h')}" for name in losses}
        labels |= {"effective_rank": "effective rank"} | ACCURACIES
        return [
            (label, self._cell(name, self.untrained), self._cell(name, self.trained))
            for name, label in labels.items()
            if name in self.trained  # not a probe that evaluation.probes leaves out
        ]

    def _cell(self, name: str, scores: Scores) -> str:
        value = scores.get(name, nan)  # nothing was probed
        if name in ACCURACIES and isfinite(value):
            return f"{value:.3f} ± {standard_error(value, self.num_images):.3f}"
        return f"{value:.1f}" if name == "effective_rank" else f"{value:.3f}"


def summarize(trainer: HJEPATrainer, seconds: float, log_error: str | None) -> HJEPASummary:
    """Put together what a run came to.

    Args:
        trainer: It has trained.
        seconds: How long it took.
        log_error: What could not be logged; None if all was.

    Returns:
        Scores before and after, and how the run ended.
    """
    probes = [callback for callback in trainer.callbacks if isinstance(callback, ProbeMonitor)]
    return HJEPASummary(
        untrained={**trainer.first_validation, **(probes[0].untrained if probes else {})},
        trained={**trainer.last_validation, **(probes[0].latest if probes else {})},
        num_images=min(len(images_of(trainer.val_loader)), trainer.config.evaluation.max_images),
        num_steps=trainer.step,
        seconds=seconds,
        run_dir=trainer.logger.run_dir,
        stop_reason=trainer.stop_reason,
        log_error=log_error,
    )
