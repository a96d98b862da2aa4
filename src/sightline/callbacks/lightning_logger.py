"""The logger of PyTorch Lightning, on Sightline's own."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any

from sightline.callbacks.lightning_package import pl, rank_zero_experiment
from sightline.logger import MetricsLogger


class SightlineLogger(pl.loggers.Logger):
    """Writes what a LightningModule logs with a `MetricsLogger`, which `experiment` is.

    Names and steps are those that Lightning gives: it counts its own steps from 0, and the monitors
    of `SightlineCallback` count finished optimizer steps, from 1. The log stays open after `fit`,
    for a `test` that follows; `close` it at the end. If `fit` fails, it is closed as a failed run.

    Args:
        experiment_name: Name of the run.
        log_dir: Where runs lie.
        **options: Further arguments of `MetricsLogger`, such as `resume_step`.
    """

    def __init__(self, experiment_name: str, log_dir: str | PathLike[str], **options: Any) -> None:
        super().__init__()
        self._open: Callable[[], MetricsLogger] = lambda: MetricsLogger(
            experiment_name, log_dir, **options
        )
        self._name = experiment_name
        self._log_dir = str(log_dir)
        self._experiment: MetricsLogger | None = None
        self._epoch_logged_at: int | None = None

    @property
    @rank_zero_experiment
    def experiment(self) -> MetricsLogger:
        """The logger, opened at first use; on other ranks than 0 something that takes all calls."""
        if self._experiment is None:
            self._experiment = self._open()
        return self._experiment

    @property
    def name(self) -> str:
        """Name of the run."""
        return self._name

    @property
    def version(self) -> str:
        """Nothing: a run is told by its name."""
        return ""

    @property
    def save_dir(self) -> str:
        """Where runs lie; Lightning puts checkpoints into the run's directory."""
        return self._log_dir

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers.

        Args:
            metrics: Number by name.
            step: Their step as Lightning counts; None for the current one.
        """
        numbers = dict(metrics)
        # Lightning adds the epoch to every call, and one step may have several.
        if step is not None and self._epoch_logged_at == step:
            numbers.pop("epoch", None)
        self._epoch_logged_at = step
        if numbers:
            self.experiment.log_metrics(numbers, step=step)

    def log_hyperparams(
        self, params: Mapping[str, Any] | Namespace | None = None, *args: Any, **kwargs: Any
    ) -> None:
        """Log the settings that a module or a data module has saved.

        Args:
            params: Setting by name.
            *args: Taken for other loggers' sake.
            **kwargs: Taken for other loggers' sake.
        """
        settings = dict(vars(params)) if isinstance(params, Namespace) else dict(params or {})
        if settings:
            self.experiment.log_hparams(settings)

    def log_graph(self, model: Any, input_array: Any = None) -> None:
        """Log the modules of a model.

        Args:
            model: A torch module.
            input_array: Taken for other loggers' sake; nothing is traced.
        """
        self.experiment.log_graph(model)

    def save(self) -> None:
        """Wait until all is written."""
        if self._experiment is not None:
            self._experiment.drain()

    def finalize(self, status: str) -> None:
        """Wait until all is written; a run that has failed is closed.

        Args:
            status: How Lightning says that it ended: "success" or "failed".
        """
        if self._experiment is None:
            return
        if status == "success":
            self._experiment.drain()
            return
        failure = RuntimeError(f"Lightning ended with status {status!r}")
        self._experiment.__exit__(type(failure), failure, None)

    def close(self) -> None:
        """Write everything and let go of the files, then raise what went wrong."""
        if self._experiment is not None:
            self._experiment.close()
