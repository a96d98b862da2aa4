"""MLflow tracking."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline._optional import missing
from sightline.events import RunStatus
from sightline.writers.mlflow_artifacts import UPLOADED, Place, upload
from sightline.writers.mlflow_names import mlflow_name
from sightline.writers.mlflow_params import log_params
from sightline.writers.protocol import Row, raise_all
from sightline.writers.run_ids import RunIdFile
from sightline.writers.values import HParams, RunEnd, Scalar, Value

if TYPE_CHECKING:
    from mlflow import MlflowClient

METRICS_A_REQUEST = 1000  # what MLflow takes
MAX_WAITING = 1_000_000  # some 200 MB


class Mlflow:
    """Logs to an MLflow run of its own, beside the run that `mlflow` itself may have active.

    Numbers become metrics; they are gathered until `flush`, and sent a thousand a request. Those
    that could not be sent for want of a connection wait for the next flush. Not a number stays
    what it is; MLflow's databases keep infinity as the largest float. Pictures become MLflow's
    image charts, and hyperparameters parameters. Other values are files, such as
    `texts/<tag>/step_<step>.md`: JSON for histograms, tables and PR curves, GIF for videos, WAV for
    sounds, Wavefront OBJ for meshes.

    What MLflow refuses in a name is written as `_xHHHH_`, the character's number: `top@1` is the
    metric `top_x0040_1`.

    A run that continues keeps its id. Nothing can be taken back there: what an earlier session
    logged past `resume_step` stays, beside the new values.

    A database on this machine takes some 0.1 ms a number, in the worker. A server that does not
    answer is tried again by MLflow itself for four minutes, in which the worker writes nothing
    else; the environment variables MLFLOW_HTTP_REQUEST_MAX_RETRIES and MLFLOW_HTTP_REQUEST_TIMEOUT
    shorten that.

    Args:
        tracking_uri: Server or database; None for MLFLOW_TRACKING_URI, else MLflow's default.
        experiment: Name of an experiment, which is created if need be; None for
            MLFLOW_EXPERIMENT_NAME, else MLflow's default.
        run_name: Name of the run; None for one that MLflow makes up.
        run_id: A run to continue; None for a new one.
        tags: Tags of the run.
        config: Configuration of the run; it becomes parameters, nested names joined by dots.
        artifact_location: Where a new experiment keeps files; None for where the server does.
        id_file: Where the id of the run is kept, for the next session.
        resume_step: Last step of the session before; the run whose id is kept continues. None for
            a new run.

    Raises:
        ConnectionError: If MLflow cannot be reached, or refuses.
    """

    supports: frozenset[type] = UPLOADED | {Scalar, HParams, RunEnd}

    def __init__(
        self,
        *,
        tracking_uri: str | None = None,
        experiment: str | None = None,
        run_name: str | None = None,
        run_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
        artifact_location: str | None = None,
        id_file: str | Path | None = None,
        resume_step: int | None = None,
    ) -> None:
        try:
            from mlflow import MlflowClient
            from mlflow.exceptions import MlflowException
        except ModuleNotFoundError:
            missing("mlflow", "mlflow")
        kept = RunIdFile(id_file)
        if run_id is None and resume_step is not None:
            run_id = kept.read()
        try:
            self._client = MlflowClient(tracking_uri)
            if run_id is None:
                where = _experiment_id(self._client, experiment, artifact_location)
                run = self._client.create_run(where, tags=dict(tags or {}), run_name=run_name)
                run_id = run.info.run_id
            else:
                self._client.update_run(run_id, status="RUNNING")
            self.run_id: str = run_id
            log_params(self._client, self.run_id, config or {})
        except MlflowException as error:
            raise ConnectionError(
                f"expected MLflow at {tracking_uri or 'its default place'}, got: {error}; start "
                "its server, or choose another place with MLFLOW_TRACKING_URI"
            ) from error
        kept.keep(self.run_id)
        self._names: dict[str, str] = {}
        self._waiting: list[tuple[str, float, int, int]] = []
        self._is_stuck = False
        self._lost: list[Exception] = []
        self._is_open = True
        self._has_failed = False

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        """Take numbers, and log anything else now.

        Args:
            values: Value by tag, on the host.
            step: Step of all of them.
            wall_time: When they were logged, in seconds since 1970.
        """
        numbers = {tag: value.value for tag, value in values.items() if isinstance(value, Scalar)}
        place = Place(self._client, self.run_id, step, _milliseconds(wall_time))
        faults: list[Exception] = []
        for tag, value in values.items():
            if tag not in numbers:
                try:
                    if isinstance(value, HParams):
                        log_params(self._client, self.run_id, value.hparams)
                    elif isinstance(value, RunEnd):
                        self._has_failed = value.status == RunStatus.FAILURE
                    else:
                        upload(value, tag, place)
                except Exception as fault:  # noqa: BLE001  raised below; it costs no other value
                    fault.add_note(f"in the value logged as {tag!r}")
                    faults.append(fault)
        self._take([Row(tuple(numbers), tuple(numbers.values()), step, wall_time)], faults)

    def write_rows(self, rows: Sequence[Row]) -> None:
        """Take many steps of numbers.

        Args:
            rows: In the order in which they were logged.
        """
        self._take(rows, [])

    def in_fork(self, name: str) -> None:
        """Nothing: the run belongs to the process that opened it."""

    def flush(self) -> None:
        """Send what waits; without a connection it goes on waiting, and an error says so."""
        from mlflow.exceptions import MlflowException

        while self._waiting:
            batch = self._waiting[:METRICS_A_REQUEST]
            try:
                self._send(batch)
            except MlflowException as error:
                self._is_stuck = _may_pass(error)
                if self._is_stuck:
                    raise ConnectionError(
                        f"expected MLflow to take {len(self._waiting)} numbers, got: {error}; they "
                        "wait until it answers"
                    ) from error
                self._lost.append(error)
            del self._waiting[: len(batch)]
        self._is_stuck = False

    def close(self) -> None:
        """Send what waits, and mark the run as finished, or as failed if that was logged."""
        if self._is_open:
            self._is_open = False
            self.flush()
            self._client.set_terminated(self.run_id, "FAILED" if self._has_failed else "FINISHED")
            self._raise([])

    def _take(self, rows: Sequence[Row], faults: list[Exception]) -> None:
        for tags, numbers, step, wall_time in rows:
            wall_ms = _milliseconds(wall_time)
            for tag, number in zip(tags, numbers, strict=True):
                name = self._names.get(tag)
                if name is None:
                    try:
                        name = self._names[tag] = mlflow_name(tag)
                    except ValueError as fault:
                        faults.append(fault)
                        continue
                self._waiting.append((name, number, wall_ms, step))
        num_over = len(self._waiting) - MAX_WAITING
        if num_over > 0:
            del self._waiting[:num_over]
            faults.append(
                OverflowError(
                    f"expected MLflow to answer before {MAX_WAITING} numbers wait, got {num_over} "
                    "more; the oldest are dropped"
                )
            )
        if len(self._waiting) >= METRICS_A_REQUEST and not self._is_stuck:
            try:
                self.flush()
            except ConnectionError:  # nothing is lost, and the next flush raises it
                assert self._is_stuck
        self._raise(faults)

    def _send(self, batch: Sequence[tuple[str, float, int, int]]) -> None:
        from mlflow.entities import Metric

        self._client.log_batch(self.run_id, metrics=[Metric(*metric) for metric in batch])

    def _raise(self, faults: list[Exception]) -> None:
        lost, self._lost = self._lost, []
        raise_all([*lost, *faults])


def _experiment_id(client: MlflowClient, name: str | None, artifact_location: str | None) -> str:
    from mlflow.exceptions import MlflowException

    name = name or os.environ.get("MLFLOW_EXPERIMENT_NAME")
    if name is None:
        return os.environ.get("MLFLOW_EXPERIMENT_ID", "0")
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            created: str = client.create_experiment(name, artifact_location)
        except MlflowException:  # another process was faster
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
        else:
            return created
    experiment_id: str = found.experiment_id
    return experiment_id


def _may_pass(error: Any) -> bool:
    """Whether the same request may succeed later: it was not refused for what it says."""
    status: int = error.get_http_status_code()
    return status >= 500 or status in {408, 429}


def _milliseconds(wall_time: float) -> int:
    return max(0, round(wall_time * 1000))  # MLflow knows no time before 1970
