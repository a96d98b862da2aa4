"""Sixteen faults, each planted into a real run from the outside, from a given step on.

A plant is called before the first step. What it changes are the things that a user's bug would
change: a batch, a mask, a schedule, a gradient, a weight of the loss, a moving average. Nothing of
what is measured or logged is touched.

Shape legend: B batch, K blocks, H and W grid cells, C channels, D width.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from sightline.callbacks import Callback, LossMonitor
from sightline.hjepa import HJEPAOutput, HJEPATrainer, Masks
from sightline.hjepa.hierarchy import pool
from sightline.hjepa.pixels import unit_range
from sightline.training.randomness import generator

Plant = Callable[[HJEPATrainer, int], None]
LATE_S = 0.1


class Once(Callback):
    """Does something right before the step that follows `at` finished ones.

    Args:
        at: Finished steps.
        action: What to do.
    """

    def __init__(self, at: int, action: Callable[[], None]) -> None:
        self.at, self.action = at, action

    def on_batch_begin(self, trainer: Any, batch: Any) -> None:
        """Do it, if the time has come."""
        if trainer.step == self.at:
            self.action()


def _once(trainer: HJEPATrainer, at: int, action: Callable[[], None]) -> None:
    trainer.callbacks.callbacks.insert(0, Once(at, action))


# The features.


def full_collapse(trainer: HJEPATrainer, at: int) -> None:
    """The objective also rewards that all images look the same."""
    plain = trainer.compute_loss

    def alike(batch: Any) -> Any:
        loss, metrics = plain(batch)
        if trainer.step >= at:
            loss = loss + 10 * trainer.outputs.context_features_BD.var(dim=0).mean()
        return loss, metrics

    trainer.compute_loss = alike


def dimensional_collapse(trainer: HJEPATrainer, at: int) -> None:
    """Both encoders end in a projection to a twentieth of their width."""
    encoders = trainer.model.context_encoder, trainer.model.target_encoder
    width = encoders[0].width
    few = max(2, width // 20)
    basis_DR, _ = torch.linalg.qr(torch.randn(width, few, generator=generator(0, "subspace")))

    def project(module: Any, args: Any, features: Tensor) -> Tensor | None:
        return features @ basis_DR @ basis_DR.T if trainer.step >= at else None

    for encoder in encoders:
        encoder.norm.register_forward_hook(project)


def level_collapse(trainer: HJEPATrainer, at: int) -> None:
    """The coarsest level averages its targets over the batch."""

    def average(module: Any, args: Any, outputs: HJEPAOutput) -> HJEPAOutput | None:
        if trainer.step < at:
            return None
        *finer, coarsest = outputs.targets
        return outputs._replace(
            targets=[*finer, coarsest.mean(0, keepdim=True).expand_as(coarsest)]
        )

    trainer.model.register_forward_hook(average)


# The target encoder.


def frozen_average(trainer: HJEPATrainer, at: int) -> None:
    """The call that moves the target encoder is lost; the momentum is logged all the same."""
    follow = trainer.after_optimizer_step

    def forget() -> Any:
        kept = {name: w.clone() for name, w in trainer.model.target_encoder.state_dict().items()}
        metrics = follow()
        if trainer.step > at:
            trainer.model.target_encoder.load_state_dict(kept)
        return metrics

    trainer.after_optimizer_step = forget


def stuck_momentum(trainer: HJEPATrainer, at: int) -> None:
    """The schedule of the momentum is no longer stepped."""
    planned = trainer.momentum
    trainer.momentum = lambda step: planned(min(step, at))


def gradients_in_target(trainer: HJEPATrainer, at: int) -> None:
    """The targets keep their gradient, and the optimizer has the target encoder's weights."""
    model, loss_fn = trainer.model, trainer.loss_fn

    def attach() -> None:
        model.target_encoder.requires_grad_(True)
        trainer.optimizer.optimizer.add_param_group({
            "params": list(model.target_encoder.parameters()),
            "weight_decay": 0.0,
        })
        model.encode_targets = lambda images: [
            pool(model.target_encoder(images).unflatten(1, model.grid_size), stride)
            for stride in model.level_strides
        ]
        loss_fn.normalize = _standardized

    _once(trainer, at, attach)


def _standardized(target_BHWD: Tensor) -> Tensor:
    """As the loss does it by default, with the gradient left in."""
    variance_D, mean_D = torch.var_mean(target_BHWD, dim=(0, 1, 2), correction=0)
    return (target_BHWD - mean_D) * torch.rsqrt(variance_D + 1e-5)


# The masks.


class ChangedMasks:
    """A sampler whose masks are changed from some step on.

    Args:
        trainer: Its sampler is replaced by this one.
        at: Finished steps from which on it changes masks.
        change: From masks to masks.
    """

    def __init__(self, trainer: HJEPATrainer, at: int, change: Callable[[Masks], Masks]) -> None:
        self.trainer, self.at, self.change = trainer, at, change
        self.sampler, trainer.masking_fn = trainer.masking_fn, self

    def __call__(self, batch_size: int, random: torch.Generator) -> Masks:
        """Draw the masks of one batch."""
        masks = self.sampler(batch_size, random)
        return self.change(masks) if self.trainer.step >= self.at else masks


def leak(trainer: HJEPATrainer, at: int) -> None:
    """The last target block is not taken out of the context."""
    ChangedMasks(
        trainer,
        at,
        lambda masks: Masks.of(masks.eligible_BHW | masks.blocks_BKHW[:, -1], masks.blocks_BKHW),
    )


def never_masked_border(trainer: HJEPATrainer, at: int) -> None:
    """Blocks start at the second row: an index is off by one."""

    def shift(masks: Masks) -> Masks:
        blocks_BKHW = masks.blocks_BKHW
        touches_BK = blocks_BKHW[:, :, 0].any(-1)
        lower_BKHW = blocks_BKHW.roll(1, dims=2)
        lower_BKHW[:, :, 0] = False
        blocks_BKHW = torch.where(touches_BK[..., None, None], lower_BKHW, blocks_BKHW)
        free_BHW = (masks.eligible_BHW | masks.target_BHW) & ~blocks_BKHW.any(1)
        return Masks.of(free_BHW, blocks_BKHW)

    ChangedMasks(trainer, at, shift)


def repeated_masks(trainer: HJEPATrainer, at: int) -> None:
    """The generator of the masks is seeded anew at every step."""
    fresh = trainer._random

    def stuck(stream: str) -> torch.Generator:
        return generator(0, stream) if trainer.step >= at and stream == "masks" else fresh(stream)

    trainer._random = stuck


# The step.


def _scaled_rate(trainer: HJEPATrainer, at: int, factor: float) -> None:
    planned = trainer.learning_rate
    trainer.learning_rate = lambda step: planned(step) * (factor if step >= at else 1.0)


def huge_rate(trainer: HJEPATrainer, at: int) -> None:
    """The learning rate is a hundred times what was planned."""
    _scaled_rate(trainer, at, 100.0)


def zero_rate(trainer: HJEPATrainer, at: int) -> None:
    """The learning rate is 0."""
    _scaled_rate(trainer, at, 0.0)


def exploding_gradient(trainer: HJEPATrainer, at: int) -> None:
    """The gradient of the first block doubles every ten steps."""

    def grow(gradient: Tensor | None) -> Tensor | None:
        return None if gradient is None else gradient * 2.0 ** (max(0, trainer.step - at) / 10)

    for weight in trainer.model.context_encoder.blocks[0].parameters():
        weight.register_hook(grow)


def nan_loss(trainer: HJEPATrainer, at: int) -> None:
    """One pixel of one image is not a number."""
    plain = trainer.compute_loss

    def broken(batch: Any) -> Any:
        images = unit_range(batch[0]).clone()
        if trainer.step >= at:
            images[0, 0, 0, 0] = torch.nan
        return plain((images, batch[1]))

    trainer.compute_loss = broken


def dominating_level(trainer: HJEPATrainer, at: int) -> None:
    """The finest level gets a hundred times the weight of the others."""
    monitor = next(one for one in trainer.callbacks if isinstance(one, LossMonitor))

    def weigh() -> None:
        first, *others = trainer.loss_fn.weights
        trainer.loss_fn.weights = monitor.weights = (100 * first, *others)

    _once(trainer, at, weigh)


# The data.


class LateBatches:
    """A loader whose batches come late from some step on, as from a slow disk.

    Args:
        trainer: Its loader is replaced by this one.
        at: Finished steps from which on batches are late.
    """

    def __init__(self, trainer: HJEPATrainer, at: int) -> None:
        self.trainer, self.at = trainer, at
        self.loader, trainer.train_loader = trainer.train_loader, self

    def __iter__(self) -> Iterator[Any]:
        """The batches of an epoch."""
        for batch in self.loader:
            if self.trainer.step >= self.at:
                time.sleep(LATE_S)
            yield batch


def starved_loader(trainer: HJEPATrainer, at: int) -> None:
    """Every batch takes a tenth of a second to arrive."""
    LateBatches(trainer, at)


def wrong_normalisation(trainer: HJEPATrainer, at: int) -> None:
    """Pixels reach the encoders as they are, between 0 and 1."""

    def forget() -> None:
        for encoder in (trainer.model.context_encoder, trainer.model.target_encoder):
            encoder.standardize.mean_C11.zero_()
            encoder.standardize.std_C11.fill_(1.0)

    _once(trainer, at, forget)
