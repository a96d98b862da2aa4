"""The H-JEPA training: what a step is, and how a run is put together from a configuration."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import seed_everything
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from sightline.callbacks import Callback, Samples
from sightline.events import to_path
from sightline.hjepa.augmentation import affine
from sightline.hjepa.build import (
    create_loss,
    create_masking,
    create_model,
    create_regularizer,
)
from sightline.hjepa.config import HJEPAConfig
from sightline.hjepa.dashboard import create_monitors
from sightline.hjepa.data import (
    Batch,
    create_dataloaders,
    describe_data,
    images_of,
    in_order,
    order_of,
)
from sightline.hjepa.draws import Draws
from sightline.hjepa.evaluation import evaluate_encoder, held_out_samples
from sightline.hjepa.features import bounded
from sightline.hjepa.loss import HierarchicalLoss, LevelLosses
from sightline.hjepa.masks import MultiBlockMasking
from sightline.hjepa.model import HJEPAModel
from sightline.hjepa.model_card import write_model_card
from sightline.hjepa.outputs import View
from sightline.hjepa.pixels import unit_range
from sightline.hjepa.plan import (
    learning_rate_plan,
    level_weights_plan,
    loop_settings,
    momentum_plan,
    weight_decay_plan,
)
from sightline.hjepa.run import checkpoints_of, create_fabric, find_checkpoint, open_logger
from sightline.hjepa.selection import Masks
from sightline.hjepa.summary import HJEPASummary, Scores, summarize
from sightline.training.averaging import ema_update
from sightline.training.kept_state import load_state
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
        callbacks: What is watched; by default the monitors of `hjepa.dashboard`.

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
    ) -> None:
        self.model = model
        self.val_loader = val_loader
        self.loss_fn = loss_fn
        self.masking_fn = masking_fn
        self.regularizer = create_regularizer(config)
        self.config = config
        logging = config.logging
        sampler = order_of(train_loader)
        fabric = create_fabric(device, use_amp=config.training.use_amp)
        self._data_in_words = describe_data(train_loader, val_loader)
        self._probed_train_loader, self._probed_val_loader = (
            in_order(
                bounded(images_of(loader), config.evaluation.max_images, seed=config.seed),
                config.data.batch_size,
            )
            for loader in (train_loader, val_loader)
        )
        settings = loop_settings(config)
        steps_per_epoch = settings.steps_per_epoch(len(sampler))
        learning_rate = learning_rate_plan(config, steps_per_epoch)
        weight_decay = weight_decay_plan(config, steps_per_epoch)
        self.momentum = None if model.shares_encoder else momentum_plan(config, steps_per_epoch)
        self.level_weights = level_weights_plan(config, steps_per_epoch)
        if callbacks is None:
            callbacks = create_monitors(
                config,
                model,
                loss_fn,
                masking_fn,
                self.evaluate,
                device=str(fabric.device),
                steps_per_epoch=steps_per_epoch,
                learning_rate=learning_rate,
                weight_decay=weight_decay,
                momentum=self.momentum,
                samples=self.projected_samples,
            )
        resume = None if resume_checkpoint is None else load_state(resume_checkpoint)
        run_name = (
            new_run_name(to_path(logging.log_dir), logging.experiment_name)
            if resume is None
            else resume.state["run_name"]
        )

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
            weight_decay=weight_decay,
        )

    # From batch to loss.

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
        num_scored_L = self._num_scored_L * (len(images) / self.samples_per_step)
        losses = self._predict(images, masks.to(self.fabric.device), gates, num_scored_L)
        metrics: Metrics = {f"loss/h{level}": loss for level, loss in enumerate(losses.levels)}
        metrics["loss/total"] = losses.total
        if self.regularizer is None:
            return losses.total, metrics
        random = self._random("regularization")
        views = [self.regularizer(view, random) for view in self.outputs.projections]
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

    def compute_views(self) -> list[View]:
        """Predict for the images of the last micro-batch under several masks."""
        images = self.outputs.images_BCHW
        random = self._random("masks of views")
        with self.fabric.autocast():
            return [
                self.model.view(images, self.masking_fn(len(images), random).to(images.device))
                for _ in range(NUM_VIEWS)
            ]

    def _random(self, stream: str) -> torch.Generator:
        """A generator that is a function of the seed, the step and the rank."""
        # The 0 was the micro-batch: with it, a step draws what it drew in earlier versions.
        return generator(self.config.seed, stream, self.step, 0, self.fabric.global_rank)

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
        """Loss over the held-out images, without augmentation, under the same masks each time."""
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
            self._probed_val_loader,
            self.fabric.device,
            probes=self.config.evaluation.probes,
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
        if self.step == 0:
            self.logger.log_text("run/data", self._data_in_words, step=0)
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
        summary = summarize(self, time.perf_counter() - started, log_error)
        write_model_card(self, summary)
        return summary

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
        train_loader, val_loader = create_dataloaders(config.data, seed=config.seed)
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
            device or config.device,
            find_checkpoint(config, resume),
            callbacks=callbacks,
        )
