"""The part of a training loop that writes its state down, and stands there again."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from sightline.callbacks import CallbackList
from sightline.logger import MetricsLogger
from sightline.training.agreement import mean_over_processes, of_all_processes
from sightline.training.checkpoint_files import Checkpoint
from sightline.training.checkpoints import CheckpointManager
from sightline.training.clipping import GradientClipping
from sightline.training.going_back import GoesBack
from sightline.training.means import SampleMean
from sightline.training.sharding import in_parts, optimizer_state_in_parts, whole
from sightline.training.weights import load_weights

log = logging.getLogger(__name__)


NEEDED = (
    "run_name",
    "model",
    "optimizer",
    "clipping",
    "epoch_loss",
    "first_validation",
    "last_validation",
    "callbacks",
)


def load_state(path: Path) -> Checkpoint:
    """Read a checkpoint that a training is to continue from.

    Args:
        path: Its directory.

    Returns:
        What it holds, all parts of a training's state among it.

    Raises:
        ValueError: If it is damaged, or is not the state of a training.
    """
    checkpoint = CheckpointManager.load(path)
    state = checkpoint.state
    missing = [name for name in NEEDED if not isinstance(state, dict) or name not in state]
    if missing:
        raise ValueError(
            f"Expected the state of a training at '{path}', got one without {missing[0]!r}; resume "
            "from a checkpoint that sightline train saved."
        )
    name = state["run_name"]
    if not isinstance(name, str) or name in {"", ".."} or Path(name).name != name:
        raise ValueError(
            f"Expected the name of a run's folder in the checkpoint at '{path}', got {name!r}; "
            "resume from a checkpoint that sightline train saved."
        )
    return checkpoint


class KeepsState(GoesBack):
    """Saves everything that the next step depends on.

    Args:
        module: What is trained, without any wrapper.
        optimizer: Its optimizer.
        clipping: Cuts its gradients.
        fabric: Where it trains; process 0 alone writes.
        checkpoints: Where states are.
        open_logger: Opens the run's logger, given the step it continues after.
    """

    callbacks: CallbackList

    def __init__(
        self,
        module: nn.Module,
        optimizer: Optimizer,
        clipping: GradientClipping,
        fabric: Fabric,
        checkpoints: CheckpointManager,
        open_logger: Callable[[int | None], MetricsLogger],
    ) -> None:
        super().__init__(fabric, checkpoints, open_logger)
        self.unwrapped_module = module
        self.optimizer: Optimizer = fabric.setup_optimizers(optimizer)  # type: ignore[assignment]
        self.step = 0
        self.first_validation: dict[str, float] = {}
        self.last_validation: dict[str, float] = {}
        self._clipping = clipping
        self._loss = torch.zeros((), device=fabric.device)
        self._epoch_loss = SampleMean(fabric.device)

    def blueprint(self) -> Mapping[str, Any]:
        """What the model can be built again from, in plain values; kept in each checkpoint."""
        return {}

    def save(self, epoch: int, metrics: Mapping[str, Tensor | float]) -> Path | None:
        """Write a checkpoint of everything the next step depends on.

        A state whose last loss was not a number is not kept: the checkpoint before it is what a
        run can go on from. Each process must come here; the first one writes whole tensors, so that
        any number of processes can go on from them.

        Args:
            epoch: The epoch that the last step belonged to.
            metrics: Metrics of that epoch; the checkpoint manager ranks by one of them.

        Returns:
            Where it lies; None if there was nothing worth keeping, and in the other processes.
        """
        if not math.isfinite(loss := self._mean_loss()):
            log.error("No checkpoint at step %d: the loss is %s.", self.step, loss)
            return None
        # What is logged up to this step is on disk before the checkpoint that continues from it.
        self.logger.drain()
        epoch_loss = self._epoch_loss.state_dict()
        epoch_loss["sum"] = of_all_processes(self.fabric, epoch_loss["sum"])
        state = whole({
            "run_name": self.logger.run_dir.name,
            "blueprint": self.blueprint(),
            "model": self.unwrapped_module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "clipping": self._clipping.state_dict(),
            "epoch_loss": epoch_loss,
            "precision": self.fabric.strategy.precision.state_dict(),
            "first_validation": self.first_validation,
            "last_validation": self.last_validation,
            "learning_rate_cuts": [list(cut) for cut in self.learning_rate_cuts],
            "callbacks": self.callbacks.state_dict(),
        })
        if not self.fabric.is_global_zero:
            return None
        numbers = {name: float(value) for name, value in metrics.items()}
        return self.checkpoints.save(state, step=self.step, epoch=epoch, metrics=numbers)

    def _mean_loss(self) -> float:
        return float(mean_over_processes(self.fabric, {"loss": self._loss})["loss"])

    def restore(self, checkpoint: Checkpoint) -> None:
        """Stand where the checkpoint was saved."""
        state = checkpoint.state
        own = self.unwrapped_module.state_dict()
        load_weights(self.unwrapped_module, in_parts(state["model"], own))
        self.optimizer.load_state_dict(optimizer_state_in_parts(state["optimizer"], self.optimizer))
        if state.get("precision"):
            self.fabric.strategy.precision.load_state_dict(state["precision"])
        self._clipping.load_state_dict(state["clipping"])
        sums = state["epoch_loss"]["sum"]
        is_alike = len(sums) == self.fabric.world_size
        own_sum = sums[self.fabric.global_rank] if is_alike else sums.mean()
        self._epoch_loss.load_state_dict({**state["epoch_loss"], "sum": own_sum})
        self.first_validation = state["first_validation"]
        self.last_validation = state["last_validation"]
        self.learning_rate_cuts = tuple(
            (int(step), float(factor)) for step, factor in state.get("learning_rate_cuts", ())
        )
        self.callbacks.load_state_dict(state["callbacks"])
        self.step = checkpoint.step
