"""The H-JEPA training: how a run is put together from a configuration, and what it measures."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric, seed_everything
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from sightline.callbacks import Callback, Samples
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
from sightline.hjepa.evaluation import evaluate_encoder, held_out_samples
from sightline.hjepa.features import bounded
from sightline.hjepa.loss import HierarchicalLoss
from sightline.hjepa.masks import MultiBlockMasking
from sightline.hjepa.model import HJEPAModel
from sightline.hjepa.model_card import write_model_card
from sightline.hjepa.plan import (
    learning_rate_plan,
    level_weights_plan,
    loop_settings,
    momentum_plan,
    weight_decay_plan,
)
from sightline.hjepa.run import (
    checkpoints_of,
    compile_blocks,
    fabric_of,
    find_checkpoint,
    new_name,
    open_logger,
)
from sightline.hjepa.step import HJEPAStep
from sightline.hjepa.summary import HJEPASummary, Scores, summarize
from sightline.training.kept_state import load_state
from sightline.training.optimizers import create_optimizer
from sightline.training.sharding import whole_weights


class HJEPATrainer(HJEPAStep):
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
        sampler = order_of(train_loader)
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
                weight_decay=weight_decay,
                momentum=self.momentum,
                samples=self.projected_samples,
            )
        resume = None if resume_checkpoint is None else load_state(resume_checkpoint)
        run_name = new_name(config, fabric) if resume is None else resume.state["run_name"]
        callbacks = callbacks or ()
        if config.training.compile:
            compile_blocks(model)
        super().__init__(
            model,
            optimizer,
            train_loader,
            sampler,
            learning_rate,
            settings,
            fabric=fabric,
            checkpoints=checkpoints_of(config, run_name),
            resume=resume,
            open_logger=partial(open_logger, config, run_name, callbacks),
            callbacks=callbacks,
            weight_decay=weight_decay,
        )

    def blueprint(self) -> Mapping[str, Any]:
        """The whole configuration."""
        return self.config.model_dump(mode="json")

    # What it has learned.

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
        with whole_weights(self.model):
            if self.fabric.is_global_zero:
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
