"""What a step of the H-JEPA training is: from batch to loss, and to the moving average."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from sightline.hjepa.augmentation import affine
from sightline.hjepa.config import HJEPAConfig
from sightline.hjepa.data import Batch
from sightline.hjepa.draws import Draws
from sightline.hjepa.loss import HierarchicalLoss, LevelLosses
from sightline.hjepa.masks import MultiBlockMasking
from sightline.hjepa.model import HJEPAModel
from sightline.hjepa.outputs import View
from sightline.hjepa.pixels import unit_range
from sightline.hjepa.regularization import Regularizer
from sightline.hjepa.selection import Masks
from sightline.training.agreement import of_all_processes
from sightline.training.averaging import ema_update
from sightline.training.loop import Metrics, StepLoop
from sightline.training.randomness import generator
from sightline.training.schedules import HierarchicalScheduler, Schedule

NUM_VIEWS = 4  # masks of an image that make up its class for LiDAR


class HJEPAStep(StepLoop):
    """Trains an H-JEPA model, however the run was put together.

    Attributes:
        model: The model, without any wrapper.
        val_loader: Held-out images.
        loss_fn: The objective.
        masking_fn: Draws the masks of a batch.
        regularizer: What keeps features apart beside the prediction; None for nothing.
        config: The whole configuration.
        momentum: The momentum of the target encoder, by step; None without a moving average.
        level_weights: The weights of the levels, by step.
    """

    model: HJEPAModel
    val_loader: DataLoader[Batch]
    loss_fn: HierarchicalLoss
    masking_fn: MultiBlockMasking
    regularizer: Regularizer | None
    config: HJEPAConfig
    momentum: Schedule | None
    level_weights: HierarchicalScheduler

    def begin_step(self, micro_batches: Sequence[Batch]) -> None:
        """Draw for all images, and count the cells to score, whichever micro-batch they are in."""
        self.loss_fn.weights = self.level_weights(self.step)
        sizes = [len(images) for images, _ in micro_batches]
        draws = Draws.of_step(sum(sizes), self.config, self.masking_fn, self._random)
        self._draws = draws.split(sizes)
        here_L = draws.count_scored(self.model.level_strides)
        here_L = here_L.to(self.fabric.device, non_blocking=True)
        # Processes average their gradients, each of which is to count its cells alike.
        everywhere_L = self.fabric.all_reduce(here_L, reduce_op="mean")
        assert isinstance(everywhere_L, Tensor)
        self._num_scored_L = everywhere_L

    def compute_loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """Mask, predict and score one micro-batch."""
        affine_B23, masks, gates = self._draws[self.micro_step]
        images = affine(unit_range(batch[0]), affine_B23)
        if gates is not None:
            gates = gates.to(self.fabric.device, non_blocking=True)
        num_scored_L = self._num_scored_L * self.share
        losses = self._predict(images, masks.to(self.fabric.device), gates, num_scored_L)
        metrics: Metrics = {f"loss/h{level}": loss for level, loss in enumerate(losses.levels)}
        metrics["loss/total"] = losses.total
        if self.regularizer is None:
            return losses.total, metrics
        random = self._random("regularization", rank=0)
        # Of the images of all processes, seen from the same directions.
        clouds = [of_all_processes(self.fabric, view) for view in self.outputs.projections]
        views = [self.regularizer(cloud.flatten(0, 1), random) for cloud in clouds]
        regularization = torch.stack(views).mean()
        metrics["loss/regularization"] = regularization
        return losses.total + self.config.loss.regularization.weight * regularization, metrics

    def _predict(
        self,
        images: Tensor,
        masks: Masks,
        gates: Tensor | None = None,
        num_scored_L: Tensor | None = None,
    ) -> LevelLosses:
        self.outputs = self.module(images, masks, gates)
        losses: LevelLosses = self.loss_fn(
            self.outputs.predictions, self.outputs.targets, self.outputs.scored, num_scored_L
        )
        return losses

    def validate(self) -> Metrics:
        """Loss over the held-out images, without augmentation, under the same masks each time.

        Each process goes through all of them, so that it is the same for any number of processes.

        Returns:
            Their mean, in all and by level.
        """
        sums: dict[str, Tensor] = defaultdict(lambda: torch.zeros((), device=self.fabric.device))
        num_images = 0
        for number, (images, _) in enumerate(self.val_loader):
            images = unit_range(images.to(self.fabric.device))
            random = generator(self.config.seed, "validation masks", number)
            losses = self._predict(images, self.masking_fn(len(images), random).to(images.device))
            sums["loss"] += losses.total * len(images)
            for level, loss in enumerate(losses.levels):
                sums[f"loss_h{level}"] += loss * len(images)
            num_images += len(images)
        return {name: value / num_images for name, value in sums.items()}

    def compute_views(self) -> list[View]:
        """Predict for the images of the last micro-batch under several masks."""
        images = self.outputs.images_BCHW
        random = self._random("masks of views")
        with self.fabric.autocast():
            return [
                self.model.view(images, self.masking_fn(len(images), random).to(images.device))
                for _ in range(NUM_VIEWS)
            ]

    def _random(self, stream: str, rank: int | None = None) -> torch.Generator:
        """A generator that is a function of the seed, the step and the rank."""
        rank = self.fabric.global_rank if rank is None else rank
        # The 0 was the micro-batch: with it, a step draws what it drew in earlier versions.
        return generator(self.config.seed, stream, self.step, 0, rank)

    def after_optimizer_step(self) -> Metrics:
        """Move the target encoder after the context encoder, unless they are one."""
        if self.momentum is None:
            return {}
        momentum = self.momentum(self.step - 1)
        ema_update(self.model.target_encoder, self.model.context_encoder, momentum)
        return {
            "train/ema_momentum": momentum,
            "ema/momentum_current": momentum,
            "ema/momentum_target": self.config.model.ema.momentum_end,
        }
