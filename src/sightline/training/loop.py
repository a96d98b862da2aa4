"""The step loop: from batch to loss to optimizer step to log, on Lightning Fabric.

Everything random in a step is a function of the seed and the step, and everything that a step
depends on is in the checkpoint, so a resumed run takes the steps that an uninterrupted one takes.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from sightline.callbacks import Callback, CallbackList, EverySteps, Need
from sightline.catalogue import bands
from sightline.logger import MetricsLogger
from sightline.training.agreement import mean_over_processes
from sightline.training.checkpoint_files import Checkpoint
from sightline.training.checkpoints import CheckpointManager
from sightline.training.clipping import GradientClipping
from sightline.training.interruption import stop_on_signals
from sightline.training.kept_state import KeepsState
from sightline.training.observed_step import ObservedStep
from sightline.training.optimizers import set_rates
from sightline.training.plan import LoopSettings, ResumableBatches
from sightline.training.sharding import follow_weights, whole_weights
from sightline.training.standing import CountsSteps

Batch = Any
Metrics = dict[str, Tensor | float]


class StepLoop(ObservedStep, CountsSteps, KeepsState, ABC):
    """Trains a module; a recipe says what its loss is and what follows a step.

    Args:
        module: What is trained; its whole state is saved.
        optimizer: Over the module's parameters.
        train_loader: Batches in a resumable order, on the host.
        sampler: The order of `train_loader`.
        learning_rate: Learning rate of the step after `step` finished ones.
        settings: How long and how.
        fabric: Device and precision.
        checkpoints: Where the state goes.
        resume: What to continue from; None for a new run.
        open_logger: Opens the run's logger, given the step it continues after or None. It is called
            last: nothing of an earlier session's log is touched before the checkpoint fits.
        callbacks: What is measured and logged beside the loss, in process 0 alone.
        weight_decay: Weight decay of the step after `step` finished ones, for the optimizer's group
            `decay`; None for what the optimizer was made with.

    Raises:
        ValueError: If the checkpoint does not fit.
        OSError: If checkpoints or logs cannot be written.
    """

    def __init__(
        self,
        module: nn.Module,
        optimizer: Optimizer,
        train_loader: Any,
        sampler: ResumableBatches,
        learning_rate: Callable[[int], float],
        settings: LoopSettings,
        *,
        fabric: Fabric,
        checkpoints: CheckpointManager,
        resume: Checkpoint | None,
        open_logger: Callable[[int | None], MetricsLogger],
        callbacks: Sequence[Callback] = (),
        weight_decay: Callable[[int], float] | None = None,
    ) -> None:
        weights = dict(module.named_parameters())
        self.module = fabric.setup_module(module)
        follow_weights(optimizer, weights, module)
        ObservedStep.__init__(self, module, optimizer, fabric.device)
        clipping = GradientClipping(settings.clip_grad, fabric.device)
        KeepsState.__init__(self, module, optimizer, clipping, fabric, checkpoints, open_logger)
        self.train_loader = fabric.setup_dataloaders(train_loader, use_distributed_sampler=False)
        self.sampler = sampler
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.settings = settings
        self.callbacks = CallbackList(callbacks if fabric.is_global_zero else ())
        self.micro_step = 0
        self.samples_per_step = 0
        self.share = 1.0  # of the micro-batch in the samples of this process's step
        self._logs_at = EverySteps(settings.log_every)
        if resume is not None:
            self.restore(resume)
        self.logger = open_logger(None if resume is None else resume.step)
        try:
            checkpoints.prepare()
        except OSError:
            self.logger.close()
            raise

    # What a recipe fills in.

    @abstractmethod
    def compute_loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """Objective of one micro-batch, and metrics to log with it; sets `outputs`."""

    @abstractmethod
    def validate(self) -> Metrics:
        """Mean metrics over the validation set, by name without prefix."""

    def begin_step(self, micro_batches: Sequence[Batch]) -> None:
        """What is drawn, counted or set once an optimizer step, before its first micro-batch."""

    def after_optimizer_step(self) -> Metrics:
        """What follows an optimizer step, such as a moving average; metrics to log with it."""
        return {}

    def compute_views(self) -> Sequence[Any]:
        """What is predicted of the images of `outputs` under other masks, where it is asked for."""
        return ()

    # The walk from batch to log.

    def run(self) -> None:
        """Train to the end, or until something asks to stop; both end with a checkpoint."""
        with stop_on_signals(self.stop):
            if self.step == 0:
                self.logger.log_metrics(self._run_validation(), step=0)
            with whole_weights(self.unwrapped_module):
                self.callbacks.on_train_begin(self)
            self.heed_wishes()
            if self.step == 0 and self.settings.save_at_start:
                self.save(0, {})
            try:
                while self.epoch < self.end_epoch and self.stop_reason is None:
                    self._train_epoch(self.epoch)
            except BaseException:
                self.callbacks.on_train_end(self)  # alone: where are the others?
                raise
            with whole_weights(self.unwrapped_module):
                self.callbacks.on_train_end(self)
            self.stop_reason = self.stop_reason or self._stop_wish

    def _train_epoch(self, epoch: int) -> None:
        self.callbacks.on_epoch_begin(self, epoch)
        self.module.train()
        first_step = self.step - epoch * self.steps_per_epoch
        self.sampler.start_at(epoch, first_step * self.settings.accumulation_steps)
        batches = iter(self.train_loader)
        while micro_batches := list(itertools.islice(batches, self.settings.accumulation_steps)):
            self._optimizer_step(micro_batches)
            if self._is_time_to_agree() and self.heed_wishes():
                return
            if self.stop_reason is not None:
                break
        if self.step == (epoch + 1) * self.steps_per_epoch:
            self._finish_epoch(epoch)
        elif self.stop_reason is not None:
            self.save(epoch, {})

    def _is_time_to_agree(self) -> bool:
        """Several processes do not wait for each other's wishes after every step."""
        is_last = self.step % self.steps_per_epoch == 0
        return self.fabric.world_size == 1 or is_last or self._logs_at.is_due(self.step)

    def _optimizer_step(self, micro_batches: Sequence[Batch]) -> None:
        with self.watching():
            self.callbacks.on_batch_begin(self, micro_batches[0])
            self.begin_observing(self.callbacks.needs)
        is_logged = self._logs_at.is_due(self.step + 1)
        rates = {"lr": self.learning_rate(self.step) * self.learning_rate_factor}
        if self.weight_decay is not None:
            rates["weight_decay"] = self.weight_decay(self.step)
        set_rates(self.optimizer, **rates)
        # Not after the step, so that callbacks can still read the gradients then.
        self.optimizer.zero_grad()
        loss, metrics = self._accumulate_gradients(micro_batches)
        with self.phases.phase("optimizer"):
            measure = is_logged or Need.GRADIENTS in self.needs
            metrics |= self._clipping(self.fabric, self.module, self.optimizer, measure=measure)
            self.optimizer.step()
            self.step += 1
            metrics |= self.after_optimizer_step()
        self._loss = loss
        metrics |= {
            "train/loss": loss,
            **{f"train/{name}": rate for name, rate in rates.items()},
            "epoch": self.step / self.steps_per_epoch,
        }
        if is_logged:
            metrics = mean_over_processes(self.fabric, metrics)
        with self.watching():
            if is_logged:
                self.logger.log_metrics({**metrics, **bands(metrics)}, step=self.step)
            if Need.VIEWS in self.needs:
                self.views = self.compute_views()
            self.callbacks.on_batch_end(self, micro_batches[-1], metrics)
            self.end_observing()

    def _accumulate_gradients(self, micro_batches: Sequence[Batch]) -> tuple[Tensor, Metrics]:
        """Gradients of the mean loss over the samples; metrics are means over them too."""
        sizes = [len(batch[0]) for batch in micro_batches]
        self.samples_per_step = sum(sizes) * self.fabric.world_size
        means: Metrics = {}
        mean_loss = torch.zeros((), device=self.fabric.device)
        with self.phases.phase("forward"):
            self.begin_step(micro_batches)
        for self.micro_step, batch in enumerate(micro_batches):
            share = self.share = sizes[self.micro_step] / sum(sizes)
            is_last = self.micro_step + 1 == len(micro_batches)
            with self.fabric.no_backward_sync(self.module, enabled=not is_last):
                with self.phases.phase("forward"):
                    loss, metrics = self.compute_loss(batch)
                with self.phases.phase("backward"):
                    self.fabric.backward(loss * share)
            mean_loss += loss.detach() * share
            for name, value in metrics.items():
                value = value.detach() if isinstance(value, Tensor) else value
                means[name] = means.get(name, 0.0) + value * share
        self._epoch_loss.add(mean_loss, sum(sizes))
        return mean_loss, means

    def _finish_epoch(self, epoch: int) -> None:
        logs = mean_over_processes(self.fabric, {"train_epoch/loss": self._epoch_loss.take()})
        every = self.settings.validate_every_epochs
        if (epoch + 1) % every == 0 or epoch + 1 == self.num_epochs:
            logs |= self._run_validation()
        self.logger.log_metrics(dict(logs), step=self.step)
        with whole_weights(self.unwrapped_module):
            self.callbacks.on_epoch_end(self, epoch, logs)
        if self.heed_wishes():
            return
        ends_here = epoch + 1 == self.end_epoch or self.stop_reason is not None
        if ends_here or self.checkpoints.should_save(epoch + 1):
            self.save(epoch, logs)

    def _run_validation(self) -> Metrics:
        self.callbacks.on_validation_begin(self)
        self.module.eval()
        with torch.no_grad():
            self.last_validation = {name: float(value) for name, value in self.validate().items()}
        self.first_validation = self.first_validation or self.last_validation
        logs: Metrics = {f"val/{name}": value for name, value in self.last_validation.items()}
        self.module.train()
        self.callbacks.on_validation_end(self, logs)
        return logs
