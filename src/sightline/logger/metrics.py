"""The logger: numbers first, because a training loop logs them at every step."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sightline.events import PART_SECS, to_path
from sightline.logger.arrays import LogsArrays
from sightline.logger.experiment import LogsExperiment
from sightline.logger.media import LogsMedia
from sightline.logger.models import LogsModels
from sightline.logger.notes import LogsNotes
from sightline.logger.ranks import process_rank
from sightline.logger.system import LogsSystem
from sightline.writers import Background, Mlflow, Row, TensorBoard, Text, Wandb, Writer
from sightline.writers.checks import MAX_STEP, MIN_STEP, check_scalar
from sightline.writers.means import RunningMeans
from sightline.writers.scalars import freeze_scalars
from sightline.writers.tables import config_table
from sightline.writers.tensorboard import MAX_FILE_BYTES

if TYPE_CHECKING:
    from upath import UPath

FLOATS = frozenset({float, np.float64})
MAX_KEPT_TAGS = 1000
new_tuple = tuple.__new__  # makes a Row in a third of the time that Row itself takes


class MetricsLogger(LogsMedia, LogsArrays, LogsModels, LogsNotes, LogsSystem, LogsExperiment):
    """Logs metrics, images, texts, embeddings and more of a run, at a cost too small to notice.

    Numbers may be Python's or 0-d arrays of NumPy, torch or JAX, of any precision and device. What
    is logged is kept as it is at the moment of the call; a worker thread takes it from the device,
    encodes and writes it. Something that cannot be written is reported once on stderr, training
    goes on, and `flush` or `close` raises the error.

    `step=None` stands for the current step, which is the last one logged to. `log_metrics` without
    a step moves on to the next one.

    Args:
        experiment_name: Name of the run.
        log_dir: Where runs lie; this one's files lie in `log_dir / experiment_name`. A URL such as
            `s3://bucket/logs`, or a `UPath` with options for the storage, will do too.
        config: Written once, as a table under the tag `run/config`.
        use_wandb: Log to Weights & Biases too.
        use_tensorboard: Write TensorBoard's files.
        wandb_project: Project there.
        wandb_entity: User or team there.
        wandb_tags: Tags of the run there.
        use_mlflow: Log to MLflow too.
        mlflow_experiment: Experiment there, created if need be; None for its default.
        mlflow_tracking_uri: Its server or database; None for MLFLOW_TRACKING_URI, or its default.
        writers: Writers in place of TensorBoard, Weights & Biases and MLflow.
        extra_writers: Writers beside them.
        describe: Markdown for a tag, or None; TensorBoard shows it behind the info icon.
        resume_step: The run continues after this step: what an earlier session logged past it goes,
            and the current step is the next one. Weights & Biases and MLflow continue the run whose
            id lies in the run's directory; they take nothing back.
        flush_secs: Longest time that a value waits before it is on its way to disk; to a remote
            storage it waits ten seconds at least, because each upload is an object of its own.
        overflow: What happens when more is logged than can be written: "block" makes the training
            wait, "drop_oldest" drops what has waited longest and logs how many calls that were, as
            `logging/dropped_calls`.
        max_file_bytes: Size at which a further event file begins.
        ranks: Which processes of a distributed training write: "first" is rank 0 alone, "each" is
            all, in runs of their own below that of rank 0 (`rank1`, `rank2`, ...).
        clock: Seconds since 1970.

    Raises:
        OSError: If the log directory cannot be written, or MLflow not be reached.
        RuntimeError: If Weights & Biases does not start.

    Example:
        >>> from sightline.writers import Memory
        >>> memory = Memory()
        >>> with MetricsLogger("demo", "runs", writers=[memory]) as logger:
        ...     for step in range(3):
        ...         logger.log_metrics({"loss": 1 / (1 + step)}, step=step, prefix="train/")
        >>> memory.scalars()["train/loss"][-1]
        (2, 0.3333333333333333)
    """

    def __init__(
        self,
        experiment_name: str,
        log_dir: str | PathLike[str] | UPath,
        config: Mapping[str, Any] | None = None,
        use_wandb: bool = False,
        use_tensorboard: bool = True,
        wandb_project: str | None = None,
        wandb_entity: str | None = None,
        wandb_tags: Sequence[str] = (),
        *,
        use_mlflow: bool = False,
        mlflow_experiment: str | None = None,
        mlflow_tracking_uri: str | None = None,
        writers: Sequence[Writer] | None = None,
        extra_writers: Sequence[Writer] = (),
        describe: Callable[[str], str | None] | None = None,
        resume_step: int | None = None,
        flush_secs: float = 1.0,
        overflow: Literal["block", "drop_oldest"] = "block",
        max_file_bytes: int = MAX_FILE_BYTES,
        ranks: Literal["first", "each"] = "first",
        clock: Callable[[], float] = time.time,
    ) -> None:
        rank = process_rank()
        logs = to_path(log_dir)
        self.run_dir = logs / experiment_name
        if ranks == "each" and rank > 0:
            self.run_dir /= f"rank{rank}"
        self._means = RunningMeans()
        # Tags by prefix and names, of calls that were found to be legal.
        self._tags: defaultdict[str, dict[tuple[str, ...], tuple[str, ...]]] = defaultdict(dict)
        if writers is None and (rank == 0 or ranks == "each"):
            writers = []
            if use_tensorboard:
                writers.append(
                    TensorBoard(
                        self.run_dir,
                        describe=describe,
                        resume_step=resume_step,
                        max_file_bytes=max_file_bytes,
                        part_secs=max(PART_SECS, flush_secs),
                        clock=clock,
                    )
                )
            local_logs = logs if isinstance(logs, Path) else None
            local_run = self.run_dir if isinstance(self.run_dir, Path) else None
            trackers: list[Writer] = []
            if use_wandb:
                if local_logs is not None:
                    local_logs.mkdir(parents=True, exist_ok=True)
                trackers.append(
                    Wandb(
                        project=wandb_project,
                        entity=wandb_entity,
                        tags=wandb_tags,
                        config=config,
                        name=experiment_name,
                        directory=local_logs,
                        id_file=local_run and local_run / "wandb_run_id",
                        resume_step=resume_step,
                    )
                )
            if use_mlflow:
                trackers.append(
                    Mlflow(
                        tracking_uri=mlflow_tracking_uri,
                        experiment=mlflow_experiment,
                        run_name=experiment_name,
                        config=config,
                        id_file=local_run and local_run / "mlflow_run_id",
                        resume_step=resume_step,
                    )
                )
            # Each has a worker of its own: a server that does not answer keeps the files waiting
            # for nothing.
            writers += [
                Background(one, flush_secs=flush_secs, overflow=overflow, is_inner=True)
                for one in trackers
            ]
        super().__init__(
            [*(writers or ()), *extra_writers],
            preface={"run/config": Text(config_table(config))} if config else {},
            first_step=0 if resume_step is None else resume_step + 1,
            flush_secs=flush_secs,
            overflow=overflow,
            clock=clock,
        )

    def log_metrics(
        self,
        metrics: Mapping[str, Any],
        step: int | None = None,
        prefix: str = "",
        commit: bool = True,
    ) -> None:
        """Log numbers under one step.

        Args:
            metrics: Number or 0-d array by name.
            step: Their step; None for the current one.
            prefix: What to put before each name: "train/" makes "loss" into "train/loss".
            commit: Write them, and what was held back for this step. False holds them back until
                the next call that commits, or logs to another step.
        """
        tags = self._tags[prefix].get(tuple(metrics))
        if (
            tags is not None
            and commit
            and type(step) is int
            and MIN_STEP <= step <= MAX_STEP
            and not (self._held or self._preface)
        ):
            floats = tuple(metrics.values())
            if FLOATS.issuperset(map(type, floats)):  # the way of most calls: one append is left
                self._step = step
                self._writer.put(new_tuple(Row, (tags, floats, step, self._clock())))
                return
        numbers: dict[str, Any] = {}
        for name, number in metrics.items():
            tag = prefix + name if prefix else name
            self._check_tag(tag)
            if type(number) not in FLOATS:
                check_scalar(tag, number)
            numbers[tag] = number
        known = self._tags[prefix]
        if len(known) >= MAX_KEPT_TAGS:  # every call has other names
            known.clear()
        known[tuple(metrics)] = tuple(numbers)
        at = self._go_to(step)
        frozen = freeze_scalars(numbers)
        if not commit:
            self._held |= frozen
            return
        held, self._held = self._held, {}
        self._put({**held, **frozen}, at)
        if step is None:
            self._step = at + 1

    def accumulate_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Add numbers to running means, on their device.

        Args:
            metrics: Number or 0-d array by name.
        """
        for name, number in metrics.items():
            check_scalar(name, number)
        self._means.add(metrics)

    def log_accumulated_metrics(self, step: int | None = None, prefix: str = "") -> None:
        """Log the running means, and begin new ones.

        Args:
            step: Their step; None for the current one.
            prefix: What to put before each name.
        """
        self.log_metrics(self._means.take(), step, prefix)
