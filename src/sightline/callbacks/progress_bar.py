"""How far the run is, on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sightline.callbacks.base import Callback, Trainer
from sightline.writers import Scalar, Value


class ProgressBarCallback(Callback):
    """A bar with epoch, step, loss, learning rate and the time that is left, on stderr.

    Where stderr is not a terminal, it is a line at every tenth of the run. Loss and learning rate
    are the last ones logged, as the logger's worker brought them to the host: showing them costs
    the training nothing.

    Args:
        console: Where to draw.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._scalars = self.writer = LatestScalars()
        self._progress: Progress | None = None

    def on_train_begin(self, trainer: Trainer) -> None:
        """Draw the bar, at the step where a resumed run stands."""
        self._num_steps = trainer.end_epoch * trainer.steps_per_epoch
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}  lr {task.fields[lr]}  ETA"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._task = self._progress.add_task(
            "training",
            total=self._num_steps,
            completed=trainer.step,
            epoch=trainer.epoch + 1,
            epochs=trainer.num_epochs,
            loss="-",
            lr="-",
        )
        self._progress.start()

    def on_batch_end(self, trainer: Trainer, batch: Any, logs: Mapping[str, Any]) -> None:
        """Move on by a step."""
        assert self._progress is not None
        epoch = (trainer.step - 1) // trainer.steps_per_epoch + 1
        loss, lr = (self._scalars.text(tag) for tag in ("train/loss", "train/lr"))
        self._progress.update(self._task, completed=trainer.step, epoch=epoch, loss=loss, lr=lr)
        if not self.console.is_terminal and trainer.step % max(1, self._num_steps // 10) == 0:
            self.console.print(
                f"epoch {epoch}/{trainer.num_epochs}  step {trainer.step}/{self._num_steps}  "
                f"loss {loss}  lr {lr}",
                highlight=False,
            )

    def on_train_end(self, trainer: Trainer) -> None:
        """Leave the bar as it stands."""
        if self._progress is not None:
            self._progress.stop()


class LatestScalars:
    """A writer that remembers the last value of every scalar."""

    supports: frozenset[type] = frozenset({Scalar})

    def __init__(self) -> None:
        self.latest: dict[str, float] = {}

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        """Remember values."""
        for tag, value in values.items():
            assert isinstance(value, Scalar)
            self.latest[tag] = float(value.value)

    def flush(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def text(self, tag: str) -> str:
        """The last value, to three digits.

        Args:
            tag: Which scalar.

        Returns:
            The number, or a dash before the first.
        """
        return f"{self.latest[tag]:.3g}" if tag in self.latest else "-"
