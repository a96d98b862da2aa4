"""The part of a training loop that writes its state down, and stands there again."""

from __future__ import annotations

import logging
import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from sightline.callbacks import CallbackList
from sightline.logger import MetricsLogger
from sightline.training.checkpoint_files import Checkpoint
from sightline.training.checkpoints import CheckpointManager, load_weights
from sightline.training.clipping import GradientClipping
from sightline.training.going_back import GoesBack
from sightline.training.means import SampleMean

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
        fabric: Where it trains.
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
        super().__init__(checkpoints, open_logger)
        self.unwrapped_module = module
        self.optimizer = optimizer
        self.step = 0
        self.first_validation: dict[str, float] = {}
        self.last_validation: dict[str, float] = {}
        self._clipping = clipping
        self._loss = torch.zeros((), device=fabric.device)
        self._epoch_loss = SampleMean(fabric.device)

    @abstractmethod
    def blueprint(self) -> Mapping[str, Any]:
        """What the model can be built again from, in plain values."""

    def save(self, epoch: int, metrics: Mapping[str, Tensor | float]) -> Path | None:
        """Write a checkpoint of everything the next step depends on.

        A state whose last loss was not a number is not kept: the checkpoint before it is what a
        run can go on from.

        Args:
            epoch: The epoch that the last step belonged to.
            metrics: Metrics of that epoch; the checkpoint manager ranks by one of them.

        Returns:
            Where it lies; None if there was nothing worth keeping.
        """
        if not math.isfinite(loss := float(self._loss)):
            log.error("No checkpoint at step %d: the loss is %s.", self.step, loss)
            return None
        # What is logged up to this step is on disk before the checkpoint that continues from it.
        self.logger.drain()
        state = {
            "run_name": self.logger.run_dir.name,
            "blueprint": self.blueprint(),
            "model": self.unwrapped_module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "clipping": self._clipping.state_dict(),
            "epoch_loss": self._epoch_loss.state_dict(),
            "first_validation": self.first_validation,
            "last_validation": self.last_validation,
            "learning_rate_cuts": [list(cut) for cut in self.learning_rate_cuts],
            "callbacks": self.callbacks.state_dict(),
        }
        numbers = {name: float(value) for name, value in metrics.items()}
        return self.checkpoints.save(state, step=self.step, epoch=epoch, metrics=numbers)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Stand where the checkpoint was saved."""
        state = checkpoint.state
        load_weights(self.unwrapped_module, state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._clipping.load_state_dict(state["clipping"])
        self._epoch_loss.load_state_dict(state["epoch_loss"])
        self.first_validation = state["first_validation"]
        self.last_validation = state["last_validation"]
        self.learning_rate_cuts = tuple(
            (int(step), float(factor)) for step, factor in state.get("learning_rate_cuts", ())
        )
        self.callbacks.load_state_dict(state["callbacks"])
        self.step = checkpoint.step
