"""What the step loop is told before it starts: how long, how, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class ResumableBatches(Protocol):
    """A sampler of batches that can start anywhere."""

    def start_at(self, epoch: int, first_batch: int = 0) -> None:
        """Choose the epoch and the batch that the next iteration starts at."""

    def __len__(self) -> int:
        """Batches of a whole epoch."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How long and how the loop runs.

    Args:
        epochs: Epochs that the schedules are laid out for.
        stop_after_epochs: Epochs after which the run ends early; None for all.
        accumulation_steps: Micro-batches an optimizer step. The last step of an epoch takes what
            is left.
        clip_grad: Largest gradient norm; None for none.
        log_every: Steps between logged scalars.
        validate_every_epochs: Epochs between validations.
        save_at_start: Whether there is a checkpoint from before the first step.
    """

    epochs: int
    stop_after_epochs: int | None = None
    accumulation_steps: int = 1
    clip_grad: float | None = None
    log_every: int = 10
    validate_every_epochs: int = 1
    save_at_start: bool = False

    def steps_per_epoch(self, num_batches: int) -> int:
        """Optimizer steps in an epoch of so many micro-batches.

        Args:
            num_batches: Micro-batches of a whole epoch.

        Returns:
            Steps, the last of which may take fewer micro-batches.

        Example:
            >>> LoopSettings(epochs=1, accumulation_steps=4).steps_per_epoch(11)
            3
        """
        return -(-num_batches // self.accumulation_steps)
