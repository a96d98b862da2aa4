"""The monitors in PyTorch Lightning; the logger that goes with them is `SightlineLogger`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sightline.callbacks.base import Callback, CallbackList
from sightline.callbacks.cadence import EverySteps
from sightline.callbacks.defaults import default_monitors
from sightline.callbacks.lightning_logger import SightlineLogger
from sightline.callbacks.lightning_package import pl
from sightline.callbacks.observed_loop import ObservedLoop
from sightline.logger import MetricsLogger

__all__ = ["SightlineCallback", "SightlineLogger"]


class SightlineCallback(pl.Callback):
    """Runs monitors in a Lightning `Trainer`, on its global step: finished optimizer steps.

    Accumulated batches are one step. With manual optimization a batch that makes several optimizer
    steps is one reading, at the last of them. Features are `features` of what `training_step`
    returns, or what `features` makes of the module.

    `train/loss` is logged beside the monitors', unless the module logs one by that name. Gradients
    are as the optimizer got them, after clipping.

    Args:
        logger: Where values go; None for the trainer's `SightlineLogger`.
        monitors: Monitors in place of `default_monitors`.
        features: Gives the features of the last batch, (N, D) or (N, T, D), from the module; called
            only on steps on which a monitor reads them.
        every: Steps between readings of gradients, updates and features.
        log_every: Steps between what costs next to nothing: loss, learning rates, times.
        figures_every: Steps between figures; None for none.
        histograms_every: Steps between histograms; None for ten times `every`.
    """

    def __init__(
        self,
        logger: MetricsLogger | None = None,
        *,
        monitors: Iterable[Callback] | None = None,
        features: Callable[[Any], Any] | None = None,
        every: int = 100,
        log_every: int = 10,
        figures_every: int | None = None,
        histograms_every: int | None = None,
    ) -> None:
        self._logger = logger
        self._features = features
        self._monitors = CallbackList(
            default_monitors(
                every=every,
                log_every=log_every,
                histograms_every=histograms_every,
                figures_every=figures_every,
            )
            if monitors is None
            else monitors
        )
        self._logs_at = EverySteps(log_every)
        self._loop: ObservedLoop | None = None
        self._is_begun = False
        self._stride = 1
        self._samples = 0
        self._loss: Any = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Attach to the optimizers."""
        self._loop = loop = ObservedLoop(
            pl_module,
            self._logger or _logger_of(trainer),
            self._monitors,
            optimizers=trainer.optimizers,
            step=trainer.global_step,
        )
        loop.epoch = trainer.current_epoch
        loop.num_epochs = loop.end_epoch = max(trainer.max_epochs or 1, 1)
        batches = trainer.num_training_batches
        if batches != float("inf"):
            loop.steps_per_epoch = -(-int(batches) // trainer.accumulate_grad_batches)
        self._is_begun = False
        loop.begin()
        loop.attach()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell the monitors."""
        if self._loop is not None:
            self._loop.epoch = trainer.current_epoch
            self._loop.callbacks.on_epoch_begin(self._loop, trainer.current_epoch)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell the monitors."""
        if self._loop is not None:
            logs = dict(trainer.callback_metrics)
            self._loop.callbacks.on_epoch_end(self._loop, trainer.current_epoch, logs)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Begin a step with the first of its batches."""
        if self._loop is None or self._is_begun:
            return
        self._is_begun = True
        self._samples, self._loss = 0, None
        # Monitors look one step ahead; the step that they will see is the last one of the batch.
        self._loop.step = trainer.global_step + self._stride - 1
        self._loop.begin_step(batch)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """End a step, if the batch was its last one."""
        if self._loop is None:
            return
        self._samples += _batch_size(batch)
        self._add_loss(outputs, is_automatic=pl_module.automatic_optimization)
        before = self._loop.step - self._stride + 1
        if trainer.global_step == before:
            return
        self._stride, self._is_begun = trainer.global_step - before, False
        features = outputs.get("features") if isinstance(outputs, Mapping) else None
        is_logged = self._logs_at.is_due(trainer.global_step)
        self._loop.end_step(
            {} if self._loss is None else {"train/loss": self._loss},
            step=trainer.global_step,
            batch=batch,
            features=lambda: self._features_of(pl_module) if features is None else features,
            num_samples=self._samples * trainer.world_size,
            is_logged=is_logged and "train/loss" not in trainer.logged_metrics,
        )
        if self._loop.stop_reason is not None:
            trainer.should_stop = True

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell the monitors, but not of the sanity check."""
        if self._loop is not None and not trainer.sanity_checking:
            self._loop.callbacks.on_validation_begin(self._loop)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell the monitors, but not of the sanity check."""
        if self._loop is not None and not trainer.sanity_checking:
            self._loop.callbacks.on_validation_end(self._loop, dict(trainer.callback_metrics))

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Let go of the optimizers."""
        self._close()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Let go of the optimizers."""
        self._close()

    def state_dict(self) -> dict[str, Any]:
        """What the monitors remember, for Lightning's checkpoint."""
        return self._monitors.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with what the monitors remember."""
        self._monitors.load_state_dict(state_dict)

    def _close(self) -> None:
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    def _add_loss(self, outputs: Any, *, is_automatic: bool) -> None:
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if loss is None:
            return
        # Lightning has divided each by the number of batches that it accumulates.
        is_sum = is_automatic and self._loss is not None
        self._loss = self._loss + loss.detach() if is_sum else loss.detach()

    def _features_of(self, module: Any) -> Any:
        return None if self._features is None else self._features(module)


def _logger_of(trainer: pl.Trainer) -> MetricsLogger:
    for logger in trainer.loggers:
        if isinstance(logger, SightlineLogger):
            return logger.experiment
    raise ValueError(
        f"expected a SightlineLogger among the trainer's loggers, got {trainer.loggers}; pass "
        "Trainer(logger=SightlineLogger(...)), or SightlineCallback(logger=MetricsLogger(...))"
    )


def _batch_size(batch: Any) -> int:
    """Length of the first tensor in a batch; 0 where there is none."""
    if hasattr(batch, "shape"):
        return int(batch.shape[0]) if batch.shape else 0
    parts = batch.values() if isinstance(batch, Mapping) else batch
    if not isinstance(batch, Mapping | Sequence) or isinstance(batch, str):
        return 0
    return next((size for part in parts if (size := _batch_size(part))), 0)
