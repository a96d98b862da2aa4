"""The monitors in a plain torch loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from sightline.callbacks.base import Callback
from sightline.callbacks.cadence import EverySteps
from sightline.callbacks.defaults import default_monitors
from sightline.callbacks.features import PooledFeatures
from sightline.callbacks.observed_loop import ObservedLoop
from sightline.logger import MetricsLogger


def watch(
    model: Any,
    logger: MetricsLogger,
    *,
    every: int = 100,
    figures_every: int | None = None,
    histograms_every: int | None = None,
    log_every: int = 10,
    optimizer: Any = None,
    monitors: Iterable[Callback] | None = None,
    start_step: int = 0,
) -> Watch:
    """Watch a model in a training loop of your own.

        with sightline.watch(model, logger, optimizer=optimizer) as w:
            for x, y in batches:
                ...
                loss.backward()
                optimizer.step()
                w.step(loss=loss, features=features)

    A step is due at step 1 and at every multiple of a distance. Before a due one the weights are
    copied, after it the gradients, so that both may be zeroed or changed before `step` is called;
    on all others nothing is copied, computed or waited for.

    Without an optimizer the weights are those of the `step` before, the gradients those that are
    there at `step`, so that it must be called before `zero_grad`, and learning rates are not known.

    The logger is yours: it is flushed at the end of the block, and closed by you. A `with` block of
    the logger around this one writes down that the run failed if the loop raises.

    Args:
        model: A torch module; wrapped or compiled ones will do.
        logger: Where values go.
        every: Steps between readings of gradients, updates and features.
        figures_every: Steps between figures, which need matplotlib; None for none.
        histograms_every: Steps between histograms of weights and gradients; None for ten times
            `every`.
        log_every: Steps between what costs next to nothing: your metrics, learning rates, times.
        optimizer: The torch optimizer, or a sequence of them.
        monitors: Monitors in place of `default_monitors`; the distances above, but for
            `log_every`, then mean nothing.
        start_step: Finished steps of a run that is resumed.

    Returns:
        A context manager to be told about each step.
    """
    if monitors is None:
        monitors = default_monitors(
            every=every,
            log_every=log_every,
            histograms_every=histograms_every,
            figures_every=figures_every,
            times_data=False,
        )
    optimizers = optimizer if isinstance(optimizer, Sequence) else [optimizer]
    return Watch(
        ObservedLoop(
            model,
            logger,
            monitors,
            optimizers=[one for one in optimizers if one is not None],
            step=start_step,
        ),
        log_every=log_every,
    )


class Watch:
    """What `watch` returns.

    Args:
        loop: The loop as the monitors see it.
        log_every: Steps from one logging of the metrics to the next.
    """

    def __init__(self, loop: ObservedLoop, *, log_every: int) -> None:
        self._loop = loop
        self._logs_at = EverySteps(log_every)
        self._is_open = False

    @property
    def num_steps(self) -> int:
        """Finished optimizer steps."""
        return self._loop.step

    @property
    def stop_reason(self) -> str | None:
        """Why a monitor wants the training to end; None as long as none does."""
        return self._loop.stop_reason

    def __enter__(self) -> Self:
        self._loop.begin()
        self._loop.attach()
        self._is_open = True
        self._begin_step()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_open = False
        self._loop.close()

    def step(
        self, *, loss: Any = None, features: Any = None, num_samples: int = 0, **metrics: Any
    ) -> None:
        """Tell that an optimizer step is done; called once after each.

        Args:
            loss: Loss of the step, a number or a 0-d tensor; logged as `train/loss`.
            features: Tensor of shape (N, D), or (N, T, D), of which the mean over T is taken.
            num_samples: Samples that the step took, for `performance/samples_per_second`.
            **metrics: Numbers or 0-d tensors, logged as `train/<name>`; a name with a slash is
                taken as it is.
        """
        self._require_open()
        if features is not None:
            PooledFeatures(features)  # a wrong shape is told at the first step, not at a due one
        if not self._loop.optimizers:
            self._loop.after_update()
        if loss is not None:
            metrics = {"loss": loss, **metrics}
        self._loop.end_step(
            _tagged(metrics, "train/"),
            features=lambda: features,
            num_samples=num_samples,
            is_logged=self._logs_at.is_due(self._loop.step + 1),
        )
        self._begin_step()

    def validation(self, **metrics: Any) -> None:
        """Log what a validation gave, after it; its time is not counted as that of a step.

        Args:
            **metrics: Numbers or 0-d tensors, logged as `val/<name>` at the current step.
        """
        self._require_open()
        logs = _tagged(metrics, "val/")
        self._loop.logger.log_metrics(logs, step=self._loop.step)
        self._loop.callbacks.on_validation_end(self._loop, logs)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must be told, for your checkpoint: tensors and plain values."""
        return {"step": self._loop.step, "monitors": self._loop.callbacks.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called; before the first step.

        Args:
            state: What it returned.
        """
        self._loop.step = state["step"]
        self._loop.callbacks.load_state_dict(state["monitors"])
        if self._is_open:
            self._begin_step()

    def _begin_step(self) -> None:
        self._loop.begin_step()
        if not self._loop.optimizers:
            self._loop.before_update()

    def _require_open(self) -> None:
        if not self._is_open:
            raise RuntimeError(
                "expected an open block, got a call outside of it; use "
                "`with sightline.watch(...) as w:` around the loop"
            )


def _tagged(metrics: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name if "/" in name else prefix + name: value for name, value in metrics.items()}
