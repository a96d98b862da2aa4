"""Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sightline._optional import missing
from sightline.writers.values import Histogram, Image, Scalar, Text, Value

STEP = "global_step"


class Wandb:
    """Logs to a Weights & Biases run of its own.

    The x axis of every chart is the metric `global_step`, not W&B's own counter, under which a step
    that comes late would be dropped.

    Args:
        project: Project of the run.
        entity: User or team; None for the default.
        tags: Tags of the run.
        config: Configuration of the run.
        name: Name of the run.
        directory: Where W&B keeps its files.
        mode: "online", "offline" or "disabled"; None for what the environment says.
    """

    supports: frozenset[type] = frozenset({Scalar, Image, Histogram, Text})

    def __init__(
        self,
        *,
        project: str | None = None,
        entity: str | None = None,
        tags: Sequence[str] = (),
        config: Mapping[str, Any] | None = None,
        name: str | None = None,
        directory: str | Path | None = None,
        mode: Literal["online", "offline", "disabled"] | None = None,
    ) -> None:
        try:
            import wandb
        except ModuleNotFoundError:
            missing("wandb", "wandb")
        self._wandb = wandb
        self._run = wandb.init(
            project=project,
            entity=entity,
            tags=list(tags),
            config=dict(config or {}),
            name=name,
            dir=directory,
            mode=mode,
            reinit="create_new",
        )
        self._run.define_metric("*", step_metric=STEP)
        self._is_open = True

    @property
    def directory(self) -> Path:
        """Where W&B keeps the files of this run."""
        return Path(self._run.dir).parent

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        """Log values as one row."""
        row = {tag: self._convert(value) for tag, value in values.items()}
        self._run.log({STEP: step, **row})

    def flush(self) -> None:
        """Nothing to do: W&B's own process has the values."""

    def close(self) -> None:
        """Finish the run."""
        if self._is_open:
            self._is_open = False
            self._run.finish()

    def _convert(self, value: Value) -> Any:
        match value:
            case Image(pixels, caption):
                assert not isinstance(caption, tuple)
                samples = [
                    self._wandb.Image(one[..., 0] if one.shape[-1] == 1 else one, caption=caption)
                    for one in pixels
                ]
                return samples[0] if len(samples) == 1 else samples
            case Histogram(values):
                rows = values.rows
                edges = np.append(rows[:, 0], rows[-1, 1])
                return self._wandb.Histogram(np_histogram=(rows[:, 2], edges))
            case Text(markdown):
                return markdown
            case Scalar(number):
                return number
