"""Where a run stands, in steps and in epochs."""

from __future__ import annotations

from sightline.training.plan import LoopSettings, ResumableBatches


class CountsSteps:
    """The part of a training loop that knows where the run stands.

    Attributes:
        step: Finished optimizer steps.
        settings: How long the run is.
        sampler: The order of its batches.
    """

    step: int
    settings: LoopSettings
    sampler: ResumableBatches

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in an epoch."""
        return self.settings.steps_per_epoch(len(self.sampler))

    @property
    def num_epochs(self) -> int:
        """Epochs that the schedules are laid out for."""
        return self.settings.epochs

    @property
    def end_epoch(self) -> int:
        """Epochs after which the run ends."""
        return min(self.num_epochs, self.settings.stop_after_epochs or self.num_epochs)

    @property
    def epoch(self) -> int:
        """Number of the epoch that the next step belongs to, from 0."""
        return self.step // self.steps_per_epoch
