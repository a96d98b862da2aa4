"""The command line, with notes of what a process does; the tests start several by torchrun."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sightline.cli import main
from sightline.hjepa import HJEPATrainer
from sightline.hjepa.selection import Masks

NOTED_STEP = 1  # finished steps before the one whose gradients are noted
ROLLED_BACK_STEP = int(os.environ.get("ROLL_BACK_AT_STEP", "-1"))
KILLED_RANK, KILLED_STEP = map(int, os.environ.get("KILL_RANK_AT_STEP", "-1,-1").split(","))


class WatchedTrainer(HJEPATrainer):
    """Notes what it does, and is killed or goes back in a chosen step."""

    def begin_step(self, micro_batches: Any) -> None:
        if (self.fabric.global_rank, self.step) == (KILLED_RANK, KILLED_STEP):
            os.kill(os.getpid(), signal.SIGTERM)
        super().begin_step(micro_batches)
        if self.step == NOTED_STEP:
            self.weights = {name: w.clone() for name, w in self.model.state_dict().items()}

    def compute_loss(self, batch: Any) -> Any:
        loss, metrics = super().compute_loss(batch)
        self.losses.append((self.step, float(loss.detach())))
        self.raw_images.append(batch[0])
        if self.step == NOTED_STEP:
            self.batches.append((self.outputs.images_BCHW, self.outputs.masks))
        return loss, metrics

    def after_optimizer_step(self) -> Any:
        is_time = (self.fabric.global_rank, self.step) == (0, ROLLED_BACK_STEP)
        if is_time and not self.learning_rate_cuts:
            self.roll_back(self.step, "a test", factor=0.5, at_most=1)
        if self.step == NOTED_STEP + 1:
            self.noted_gradients = {
                name: weight.grad.clone()
                for name, weight in self.model.named_parameters()
                if weight.grad is not None
            }
        return super().after_optimizer_step()

    def train(self) -> Any:
        self.losses: list[tuple[int, float]] = []
        self.raw_images: list[Tensor] = []
        self.batches: list[tuple[Tensor, Masks]] = []
        self.weights: dict[str, Tensor] = {}
        self.noted_gradients: dict[str, Tensor] = {}
        summary = super().train()
        notes = {
            "losses": self.losses,
            "raw_images": self.raw_images,
            "batches": self.batches,
            "weights": self.weights,
            "gradients": self.noted_gradients,
            "step": self.step,
            "learning_rate_cuts": self.learning_rate_cuts,
            "stop_reason": self.stop_reason,
            "num_callbacks": len(list(self.callbacks)),
            "last_weights": dict(self.model.state_dict()),
        }
        if self.config.training.strategy != "fsdp":  # whose weights are those of no one process
            place = Path(os.environ["NOTES"])
            place.mkdir(parents=True, exist_ok=True)
            torch.save(notes, place / f"{self.fabric.global_rank}.pt")
        return summary


if __name__ == "__main__":
    import sightline.hjepa

    sightline.hjepa.HJEPATrainer = WatchedTrainer  # type: ignore[misc]
    main()
