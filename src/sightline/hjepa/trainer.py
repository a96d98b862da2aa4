"""The H-JEPA training: what a step is, and how a run is put together from a configuration."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric, seed_everything
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from sightline.callbacks import Callback, Samples
from sightline.events import to_path
from sightline.hjepa.augmentation import random_affine
from sightline.hjepa.block import stochastic_depth
from sightline.hjepa.build import (
    create_loss,
    create_masking,
    create_model,
    create_regularizer,
    images_of,
)
from sightline.hjepa.config import HJEPAConfig
from sightline.hjepa.dashboard import create_monitors
from sightline.hjepa.data import Batch, EpochBatches, create_dataloaders, in_order
from sightline.hjepa.evaluation import evaluate_encoder, held_out_samples
from sightline.hjepa.loss import HierarchicalLoss, LevelLosses
from sightline.hjepa.masks import MultiBlockMasking
from sightline.hjepa.model import HJEPAModel
from sightline.hjepa.outputs import View
from sightline.hjepa.pixels import unit_range
from sightline.hjepa.plan import learning_rate_plan, loop_settings, momentum_plan
from sightline.hjepa.run import (
    checkpoints_of,
    compile_blocks,
    fabric_of,
    find_checkpoint,
    open_logger,
)
from sightline.hjepa.selection import Masks
from sightline.hjepa.summary import HJEPASummary, Scores, summarize
from sightline.training.agreement import of_all_processes
from sightline.training.averaging import ema_update
from sightline.training.checkpoints import CheckpointManager
from sightline.training.loop import Metrics, StepLoop
from sightline.training.optimizers import create_optimizer
from sightline.training.randomness import generator
from sightline.training.runs import new_run_name

NUM_VIEWS = 4  # masks of an image that make up its class for LiDAR


class HJEPATrainer(StepLoop):
    """Trains an H-JEPA model and watches it learn.

    Args:
        model: The model.
        train_loader: Training images, as `create_dataloaders` makes it.
        val_loader: Held-out images, likewise.
        optimizer: Over the model's parameters, as `create_optimizer` makes it.
        loss_fn: The objective.
        masking_fn: Draws the masks of a batch.
        config: The whole configuration.
        device: Where to train: cpu, cuda, cuda:1, mps or auto.
        resume_checkpoint: A checkpoint to continue from; its run is continued.
        callbacks: What is watched, in process 0; by default the monitors of `hjepa.dashboard`.
        fabric: What the loaders were made for, in place of a device.

    Raises:
        ValueError: If the checkpoint does not fit the model.
        OSError: If the run's folder cannot be written.
    """

    def __init__(
        self,
        model: HJEPAModel,
        train_loader: DataLoader[Batch],
        val_loader: DataLoader[Batch],
        optimizer: Optimizer,
        loss_fn: HierarchicalLoss,
        masking_fn: MultiBlockMasking,
        config: HJEPAConfig,
        device: str | torch.device = "auto",
        resume_checkpoint: Path | None = None,
        *,
        callbacks: Sequence[Callback] | None = None,
        fabric: Fabric | None = None,
    ) -> None:
        fabric = fabric or fabric_of(config, device)
        self.model = model
        self.val_loader = val_loader
        self.loss_fn = loss_fn
        self.masking_fn = masking_fn
        self.regularizer = create_regularizer(config)
        self.config = config
        logging = config.logging
        sampler = train_loader.sampler
        assert isinstance(sampler, EpochBatches)
        self._probed_train_loader = in_order(images_of(train_loader), config.data.batch_size)
        settings = loop_settings(config)
        steps_per_epoch = settings.steps_per_epoch(len(sampler))
        learning_rate = learning_rate_plan(config, steps_per_epoch)
        self.momentum = None if model.shares_encoder else momentum_plan(config, steps_per_epoch)
        if callbacks is None and fabric.is_global_zero:
            callbacks = create_monitors(
                config,
                model,
                loss_fn,
                masking_fn,
                self.evaluate,
                fabric=fabric,
                steps_per_epoch=steps_per_epoch,
                learning_rate=learning_rate,
                momentum=self.momentum,
                samples=self.projected_samples,
            )
        resume = None if resume_checkpoint is None else CheckpointManager.load(resume_checkpoint)
        run_name = (
            fabric.broadcast(new_run_name(to_path(logging.log_dir), logging.experiment_name))
            if resume is None
            else resume.state["run_name"]
        )
        callbacks = callbacks or ()
        if config.training.compile:
            compile_blocks(model)
        checkpoints = checkpoints_of(config, run_name)
        if resume is None and checkpoints.latest() is not None:
            raise ValueError(
                f"expected no checkpoints of another run in {checkpoints.checkpoint_dir}, found "
                f"some: continue that run with --resume auto, or set another checkpoint_dir"
            )
        super().__init__(
            model,
            optimizer,
            train_loader,
            sampler,
            learning_rate,
            settings,
            fabric=fabric,
            checkpoints=checkpoints,
            resume=resume,
            open_logger=partial(open_logger, config, run_name, callbacks),
            callbacks=callbacks,
        )

    # From batch to loss.

    def compute_loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """Mask, predict and score one micro-batch."""
        images = random_affine(
            unit_range(batch[0]), self.config.data.augmentation, self._random("augmentation")
        )
        masks = self.masking_fn(len(images), self._random("masks")).to(self.fabric.device)
        losses = self._predict(images, masks, self._gates(len(images)))
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

    def _gates(self, num_images: int) -> Tensor | None:
        model, random = self.config.model, self._random("stochastic depth")
        gates = stochastic_depth(model.depth, model.drop_path_rate, num_images, random)
        return None if gates is None else gates.to(self.fabric.device, non_blocking=True)

    def _predict(self, images: Tensor, masks: Masks, gates: Tensor | None = None) -> LevelLosses:
        self.outputs = self.module(images, masks, gates)
        losses: LevelLosses = self.loss_fn(
            self.outputs.predictions, self.outputs.targets, self.outputs.scored
        )
        return losses

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
        """A generator that is a function of the seed, the step, the micro-batch and the rank."""
        rank = self.fabric.global_rank if rank is None else rank
        return generator(self.config.seed, stream, self.step, self.micro_step, rank)

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

    def blueprint(self) -> Mapping[str, Any]:
        """The whole configuration."""
        return self.config.model_dump(mode="json")

    # What it has learned.

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

    def evaluate(self) -> Scores:
        """Probe the frozen target encoder, as `evaluate_encoder` does."""
        return evaluate_encoder(
            self.model,
            self._probed_train_loader,
            self.val_loader,
            self.fabric.device,
            seed=self.config.seed,
        )

    def projected_samples(self) -> Samples:
        """Features, classes and pictures of some held-out images, for the Projector."""
        return held_out_samples(self.model, self.val_loader, self.fabric.device)

    def train(self) -> HJEPASummary:
        """Train to the end, or until something asks to stop.

        Returns:
            What the run came to.
        """
        started = time.perf_counter()
        log_error = None
        try:
            self.run()
        except BaseException as error:
            # The run ends as failed, and what could not be logged becomes a note of the error.
            self.logger.__exit__(type(error), error, error.__traceback__)
            raise
        try:
            self.logger.close()
        except (OSError, RuntimeError, ValueError) as error:
            # The worker has told so at once; what was trained is worth more than its log.
            log_error = str(error)
        return summarize(self, time.perf_counter() - started, log_error)

    @classmethod
    def from_config(
        cls,
        config: HJEPAConfig,
        *,
        device: str | None = None,
        resume: str | None = None,
        callbacks: Sequence[Callback] | None = None,
    ) -> HJEPATrainer:
        """Put a run together from its configuration.

        Args:
            config: The whole configuration.
            device: Where to train, instead of what the configuration says.
            resume: A checkpoint or a run's folder to continue from, or `auto` for the last run of
                this name, if there is one.
            callbacks: What is watched; by default the monitors of `hjepa.dashboard`.

        Returns:
            The trainer, ready to `train()`.
        """
        # First, so that bad data or a bad checkpoint is told before anything is written.
        fabric = fabric_of(config, device)
        train_loader, val_loader = create_dataloaders(
            config.data,
            seed=config.seed,
            rank=fabric.global_rank,
            world_size=fabric.world_size,
        )
        seed_everything(config.seed, verbose=False)
        model = create_model(config, images_of(train_loader))
        plan = config.training
        return cls(
            model,
            train_loader,
            val_loader,
            create_optimizer(
                model, name=plan.optimizer, lr=plan.lr, weight_decay=plan.weight_decay
            ),
            create_loss(config),
            create_masking(config, model.grid_size),
            config,
            resume_checkpoint=fabric.broadcast(
                find_checkpoint(config, resume) if fabric.is_global_zero else None
            ),
            callbacks=callbacks,
            fabric=fabric,
        )
