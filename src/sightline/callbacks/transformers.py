"""The monitors in the `Trainer` of Hugging Face transformers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any

from sightline._optional import missing
from sightline.callbacks.base import Callback, CallbackList
from sightline.callbacks.defaults import default_monitors
from sightline.callbacks.observed_loop import ObservedLoop
from sightline.logger import MetricsLogger

try:
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
except ModuleNotFoundError:
    missing("transformers", "transformers")


class SightlineTrainerCallback(TrainerCallback):
    """Runs monitors in a Hugging Face `Trainer`, and logs what it logs under the same names.

    All is on the global step: finished optimizer steps, of several accumulated batches each.
    Gradients are as the optimizer got them, after clipping. The loss is what `Trainer` logs, a mean
    over `logging_steps`; what is made of the losses of single steps is left out, for a callback
    does not see them. `performance/samples_per_second` counts full batches.

    `Trainer` tells no callback that it has failed: put `with MetricsLogger(...)` around `train()`,
    so that the run is closed as a failed one. What monitors remember of earlier steps is not in its
    checkpoints; a resumed run collects it anew.

    Args:
        logger: Where values go.
        monitors: Monitors in place of `default_monitors`.
        features: Gives the features of the last batch, (N, D) or (N, T, D), from the model; called
            only on steps on which a monitor reads them.
        every: Steps between readings of gradients, updates and features.
        log_every: Steps between what costs next to nothing: learning rates, times.
        figures_every: Steps between figures; None for none.
        histograms_every: Steps between histograms; None for ten times `every`.
    """

    def __init__(
        self,
        logger: MetricsLogger,
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
        self._loop: ObservedLoop | None = None
        self._epoch_logged_at: int | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Take the model and its optimizer."""
        self._loop = loop = ObservedLoop(
            given["model"],
            self._logger,
            self._monitors,
            optimizers=[given["optimizer"]],
            step=state.global_step,
        )
        loop.epoch = int(state.epoch or 0)
        loop.num_epochs = loop.end_epoch = max(state.num_train_epochs, 1)
        loop.steps_per_epoch = -(-state.max_steps // loop.num_epochs)
        loop.begin()

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Tell the monitors."""
        if self._loop is not None:
            self._loop.epoch = int(state.epoch or 0)
            self._loop.callbacks.on_epoch_begin(self._loop, self._loop.epoch)

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Tell the monitors."""
        if self._loop is not None:
            self._loop.callbacks.on_epoch_end(self._loop, self._loop.epoch, {})

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Begin a step with the first of its batches."""
        if self._loop is not None:
            self._loop.begin_step()

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Keep the weights, if a monitor needs them."""
        if self._loop is not None:
            self._loop.before_update()

    def on_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Keep the gradients, if a monitor needs them."""
        if self._loop is not None:
            self._loop.after_update()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """End a step."""
        if self._loop is None:
            return
        batches = args.gradient_accumulation_steps * args.world_size
        self._loop.end_step(
            {},
            step=state.global_step,
            features=lambda: None if self._features is None else self._features(given["model"]),
            num_samples=args.train_batch_size * batches,
        )
        if self._loop.stop_reason is not None:
            control.should_training_stop = True

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Tell the monitors, which do not count the time as that of a step."""
        if self._loop is not None:
            self._loop.callbacks.on_validation_end(self._loop, given.get("metrics") or {})

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **given: Any,
    ) -> None:
        """Log the numbers that `Trainer` logs."""
        numbers = {
            name: float(value) for name, value in (logs or {}).items() if isinstance(value, Real)
        }
        # The epoch comes with every call, and one step may have several.
        if self._epoch_logged_at == state.global_step:
            numbers.pop("epoch", None)
        self._epoch_logged_at = state.global_step
        if numbers:
            self._logger.log_metrics(numbers, step=state.global_step)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Let go of the model."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None
