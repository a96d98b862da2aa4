"""The part of a training loop that returns to an earlier state of its run."""

from __future__ import annotations

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from lightning_fabric import Fabric

from sightline.logger import MetricsLogger
from sightline.training.agreement import agree
from sightline.training.checkpoint_files import Checkpoint
from sightline.training.checkpoints import CheckpointManager

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Setback:
    """What went wrong, and how to go on from before.

    Args:
        before_step: The first step that must not be in the checkpoint.
        reason: What went wrong.
        factor: What the learning rate is multiplied with from there on.
        at_most: How many setbacks a run may have.
    """

    before_step: int
    reason: str
    factor: float
    at_most: int


class GoesBack(ABC):
    """Takes back steps, with their log and their checkpoints, and goes on more slowly; or stops.

    Any process may wish so; all do it, after the same step.

    Args:
        fabric: Joins the processes.
        checkpoints: Where states are.
        open_logger: Opens the run's logger, given the step it continues after.
    """

    step: int
    logger: MetricsLogger

    def __init__(
        self,
        fabric: Fabric,
        checkpoints: CheckpointManager,
        open_logger: Callable[[int | None], MetricsLogger],
    ) -> None:
        self.fabric = fabric
        self.checkpoints = checkpoints
        self.learning_rate_cuts: tuple[tuple[int, float], ...] = ()
        self.stop_reason: str | None = None
        self._open_logger = open_logger
        self._setback: Setback | None = None
        self._stop_wish: str | None = None

    @abstractmethod
    def restore(self, checkpoint: Checkpoint) -> None:
        """Stand where a checkpoint was saved."""

    @property
    def learning_rate_factor(self) -> float:
        """What the planned learning rate is multiplied with."""
        return math.prod(factor for _, factor in self.learning_rate_cuts)

    def stop(self, reason: str) -> None:
        """End the training after the current step, with a checkpoint.

        One of several processes waits for the next step after which all tell their wishes.

        Args:
            reason: Why; kept as `stop_reason`.
        """
        self._stop_wish = self._stop_wish or reason
        if self.fabric.world_size == 1:
            self.stop_reason = self._stop_wish

    def roll_back(self, before_step: int, reason: str, *, factor: float, at_most: int) -> None:
        """After the current step, return to the last checkpoint from before a step.

        The log is taken back with the weights. Where there is no such checkpoint, or the run has
        gone back often enough, it stops. Of several wishes the one that goes back furthest counts.

        Args:
            before_step: The first step that must not be in the checkpoint.
            reason: Why.
            factor: What the learning rate is multiplied with from there on, above 0.
            at_most: How often in a run.

        Raises:
            ValueError: If the factor is not above 0.
        """
        if not factor > 0:
            raise ValueError(
                f"expected a factor above 0 for the learning rate, got {factor}; 0.5 is usual"
            )
        if self._setback is None or before_step < self._setback.before_step:
            self._setback = Setback(before_step, reason, factor, at_most)

    def heed_wishes(self) -> bool:
        """Stop, or stand where the last good checkpoint was saved, if any process wishes so.

        Each process must ask, after the same steps.

        Returns:
            Whether the run goes on from an earlier step; where it stops, `stop_reason` says so.
        """
        wish = agree(self.fabric, self._setback or self._stop_wish)
        self._setback = None
        if isinstance(wish, Setback):
            return self._go_back(wish)
        if wish is not None:
            self.stop_reason = self.stop_reason or wish
        return False

    def _go_back(self, setback: Setback) -> bool:
        # One looks, since another may already be removing what lies there.
        is_first = self.fabric.is_global_zero
        found = self.checkpoints.before(setback.before_step) if is_first else None
        checkpoint = self.fabric.broadcast(found)
        num_before = len(self.learning_rate_cuts)
        if checkpoint is None:
            self.stop_reason = (
                f"{setback.reason}, and no checkpoint is from before {setback.before_step}"
            )
            return False
        if num_before >= setback.at_most:
            self.stop_reason = (
                f"{setback.reason}, and it happened again after {num_before} rollbacks"
            )
            return False
        try:
            self.logger.close_at_end()
        except (OSError, RuntimeError, ValueError) as error:
            # What broke may not be loggable either, such as vectors of NaN; the training goes on.
            log.warning("The log of the steps that are taken back is not complete: %s", error)
        cuts = self.learning_rate_cuts
        self.restore(self.checkpoints.load(checkpoint))
        self.learning_rate_cuts = (*cuts, (self.step, setback.factor))
        if is_first:
            self.checkpoints.discard_after(self.step)
        self.logger = self._open_logger(self.step)
        told = (
            f"Went back to step {self.step}: {setback.reason}. The learning rate is now "
            f"{self.learning_rate_factor:g} of the planned one."
        )
        log.warning("%s", told)
        self.logger.log_alert(told, step=self.step)
        return True
