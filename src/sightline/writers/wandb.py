"""Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from sightline._optional import missing
from sightline.events import RunStatus
from sightline.writers.protocol import Row, raise_all
from sightline.writers.run_ids import RunIdFile
from sightline.writers.values import HParams, RunEnd, Value
from sightline.writers.wandb_media import SHOWN, wandb_items

STEP, WALL_TIME = "global_step", "_timestamp"


class Wandb:
    """Logs to a Weights & Biases run of its own.

    The x axis of every chart is the metric `global_step`, not W&B's own counter, under which a step
    that comes late would be dropped.

    Hyperparameters join the configuration of the run, and a failure is its exit code.

    A run that continues keeps its id, so W&B shows it as one. Nothing can be taken back there: what
    an earlier session logged past `resume_step` stays, and is drawn beside the new values. Offline,
    each session is a directory of its own under one id, which `wandb sync` uploads in their order.

    A call of W&B takes some 0.1 ms, in the worker, however few numbers it holds; numbers of one
    step that arrive together share one.

    Args:
        project: Project of the run.
        entity: User or team; None for the default.
        tags: Tags of the run.
        config: Configuration of the run.
        name: Name of the run.
        directory: Where W&B keeps its files.
        mode: "online", "offline" or "disabled"; None for what the environment says.
        id_file: Where the id of the run is kept, for the next session.
        resume_step: Last step of the session before; the run whose id is kept continues. None for
            a new run.

    Raises:
        RuntimeError: If W&B does not start: without a key or a network, it does so offline only.
    """

    supports: frozenset[type] = SHOWN | {HParams, RunEnd}

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
        id_file: str | Path | None = None,
        resume_step: int | None = None,
    ) -> None:
        try:
            import wandb
        except ModuleNotFoundError:
            missing("wandb", "wandb")
        kept = RunIdFile(id_file)
        run_id = None if resume_step is None else kept.read()
        try:
            self._run = wandb.init(
                project=project,
                entity=entity,
                tags=list(tags),
                config=dict(config or {}),
                name=name,
                dir=directory,
                mode=mode,
                id=run_id,
                resume=None if run_id is None else "allow",
                reinit="create_new",
            )
        except wandb.Error as error:
            raise RuntimeError(
                f"expected Weights & Biases to start, got: {' '.join(str(error).split())}; run "
                '"wandb login", or set WANDB_MODE=offline and upload later with "wandb sync"'
            ) from error
        kept.keep(self._run.id)
        self._run.define_metric("*", step_metric=STEP)
        self._is_open = True
        self._has_failed = False

    @property
    def directory(self) -> Path:
        """Where W&B keeps the files of this run."""
        return Path(self._run.dir).parent

    @property
    def run_id(self) -> str:
        """The id of the run."""
        run_id: str = self._run.id
        return run_id

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        """Log values as one row; what cannot be converted is left out of it, and raises.

        Args:
            values: Value by tag, on the host.
            step: Step of all of them.
            wall_time: When they were logged, in seconds since 1970.
        """
        items: dict[str, Any] = {}
        faults: list[Exception] = []
        for tag, value in values.items():
            try:
                if isinstance(value, HParams):
                    config: Any = self._run.config  # which has types in part
                    config.update(dict(value.hparams), allow_val_change=True)
                elif isinstance(value, RunEnd):
                    self._has_failed = value.status == RunStatus.FAILURE
                else:
                    items |= wandb_items(value, tag)
            except Exception as fault:  # noqa: BLE001  raised below; it costs no other value
                fault.add_note(f"in the value logged as {tag!r}")
                faults.append(fault)
        if items:
            self._run.log({STEP: step, WALL_TIME: wall_time, **items})
        raise_all(faults)

    def write_rows(self, rows: Sequence[Row]) -> None:
        """Log numbers: neighbouring rows of one step as one, unless they repeat a tag.

        Args:
            rows: In the order in which they were logged.
        """
        items: dict[str, float] = {}
        step: int | None = None
        for row in rows:
            if row.step != step or not items.keys().isdisjoint(row.tags):
                if items:
                    self._run.log(items)
                step = row.step
                items = {STEP: step, WALL_TIME: row.wall_time}
            items.update(zip(row.tags, row.numbers, strict=True))
        if items:
            self._run.log(items)

    def in_fork(self, name: str) -> None:
        """Nothing: the run belongs to the process that opened it."""

    def flush(self) -> None:
        """Nothing to do: W&B's own process has the values."""

    def close(self) -> None:
        """Finish the run."""
        if self._is_open:
            self._is_open = False
            self._run.finish(exit_code=int(self._has_failed))
