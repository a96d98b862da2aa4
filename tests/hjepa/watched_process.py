"""The command line, with notes of what each process does; the tests start it by torchrun."""

from __future__ import annotations

import copy
import os
import signal
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sightline.cli import main
from sightline.hjepa import HJEPATrainer
from sightline.hjepa.selection import Masks

TWIN_AT = 1  # the step whose gradients are computed a second time, without other processes


class Notes:
    """What one process did."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.masks: list[Tensor] = []
        self.images: list[Tensor] = []
        self.features: list[Tensor] = []
        self.gradients: dict[str, Tensor] = {}
        self.own_gradients: dict[str, Tensor] = {}


notes = Notes()
kill_at = tuple(map(int, os.environ.get("KILL_RANK_AT_STEP", "-1,-1").split(",")))


def compute_loss(self: Any, batch: Any) -> Any:
    if (self.fabric.global_rank, self.step) == kill_at and self.micro_step == 0:
        os.kill(os.getpid(), signal.SIGTERM)
    loss, metrics = original_loss(self, batch)
    masks: Masks = self.outputs.masks
    notes.losses.append(float(loss.detach()))
    notes.masks.append(masks.target_BHW)
    notes.images.append(batch[0])
    if self.step == TWIN_AT and self.config.training.strategy != "fsdp":
        note_own_gradients(self, batch, masks)
    return loss, metrics


def note_own_gradients(self: Any, batch: Any, masks: Masks) -> None:
    twin = copy.deepcopy(self.model)
    images = self.outputs.images_BCHW
    outputs = twin(images, masks, None)
    loss = self.loss_fn(outputs.predictions, outputs.targets, outputs.scored).total
    (loss / self.settings.accumulation_steps).backward()
    for name, weight in twin.named_parameters():
        if weight.grad is not None:
            before = notes.own_gradients.get(name, torch.zeros(()))
            notes.own_gradients[name] = before + weight.grad


def after_optimizer_step(self: Any) -> Any:
    if self.step == TWIN_AT + 1 and self.config.training.strategy != "fsdp":
        notes.gradients = {
            name: weight.grad.clone()
            for name, weight in self.model.named_parameters()
            if weight.grad is not None
        }
    return original_step(self)


def train(self: Any) -> Any:
    summary = original_train(self)
    weights = {name: weight.detach().clone() for name, weight in self.model.state_dict().items()}
    place = Path(os.environ["NOTES"], f"rank{self.fabric.global_rank}.pt")
    place.parent.mkdir(parents=True, exist_ok=True)
    is_whole = self.config.training.strategy != "fsdp"
    summed = {"summary": summary.trained, "step": self.step, "stop": summary.stop_reason}
    torch.save(vars(notes) | summed | {"weights": weights if is_whole else {}}, place)
    return summary


if __name__ == "__main__":
    original_loss, original_step = HJEPATrainer.compute_loss, HJEPATrainer.after_optimizer_step
    original_train = HJEPATrainer.train
    HJEPATrainer.compute_loss = compute_loss  # type: ignore[method-assign]
    HJEPATrainer.after_optimizer_step = after_optimizer_step  # type: ignore[method-assign]
    HJEPATrainer.train = train  # type: ignore[method-assign]
    main()
