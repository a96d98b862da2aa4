"""Native TensorBoard files, without TensorBoard."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from sightline import events
from sightline.events import Event, GraphNode, ScalarEncoder, SessionStatus
from sightline.writers.projector import Projector
from sightline.writers.protocol import Row, raise_all
from sightline.writers.summaries import summaries
from sightline.writers.values import KINDS, Embedding, Graph, HParams, RunEnd, Scalar, Value

if TYPE_CHECKING:
    from upath import UPath

MAX_FILE_BYTES = 1 << 30
ONCE_A_RUN = (events.HPARAMS_TAG, events.RUN_END_TAG)


class TensorBoard:
    """Writes event files into a run's directory; a run that continues gets a further one.

    A run that continues after `resume_step` first takes back what an earlier session wrote past it.
    A run directory that holds event files and is opened without `resume_step` keeps them: a
    restart is noted at the first step that is written, from which TensorBoard shows the new values.
    Hyperparameters take the place of those that an earlier session logged, in its files too.

    A file that has grown to its limit is followed by another one, and so is a file that somebody
    removed while it was written.

    In a remote storage a session is many objects, of `part_secs` each, because an object cannot
    grow. `flush` and `close` bring to the storage what still waits; `flush_if_due` does so once
    `part_secs` have passed, and a process that is killed loses what was written since.

    Args:
        run_dir: The run's directory; it is created. For a remote storage a URL such as
            `s3://bucket/logs/run`, or a `UPath`.
        describe: Markdown for a tag, or None: what TensorBoard shows behind the info icon.
        resume_step: Last step that stays, where the run continues.
        max_file_bytes: Size at which the next file begins.
        part_secs: For a remote storage: how long events wait for the next upload.
        clock: Seconds since 1970.

    Raises:
        OSError: If the directory cannot be written.
    """

    supports: frozenset[type] = frozenset(KINDS)

    def __init__(
        self,
        run_dir: str | PathLike[str] | UPath,
        *,
        describe: Callable[[str], str | None] | None = None,
        resume_step: int | None = None,
        max_file_bytes: int = MAX_FILE_BYTES,
        part_secs: float = events.PART_SECS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._describe = describe
        self._max_file_bytes = max_file_bytes
        self._part_secs = part_secs
        self._clock = clock
        self._kinds: dict[str, type] = {}
        self._metadata: dict[str, events.Metadata] = {}
        self._run_dir = events.to_path(run_dir)
        self._lost: OSError | None = None
        self._graph: tuple[int, bytes] | None = None
        try:
            events.make_directory(self._run_dir)
            is_new = not events.event_files(self._run_dir)
            if resume_step is not None:
                events.truncate_run(self._run_dir, resume_step)
            self._projector = Projector(self._run_dir, resume_step)
            self._begin_file()
            # The first START of a run is ignored by TensorBoard's Python loader; the next count.
            self._has_started = True
            if is_new:
                self._start(0, clock())
            elif resume_step is not None:
                self._start(resume_step + 1, clock())
            else:
                self._has_started = False
            self._file.flush()
        except OSError as error:
            raise _explained(error, self._run_dir) from error

    @property
    def path(self) -> Path | UPath:
        """The event file that is written now; what its objects are called in a remote storage."""
        return self._file.path

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        """Write values as one event; those under an illegal tag, or of another kind, raise.

        Args:
            values: Value by tag, on the host.
            step: Step of all of them.
            wall_time: When they were logged, in seconds since 1970.
        """
        values = self._without_lone_end(values)
        if not values:
            return
        self._start_if_new(step, wall_time)
        scalars: dict[str, float] = {}
        encoded: list[bytes] = []
        faults: list[Exception] = []
        for tag, value in values.items():
            try:
                self._check(tag, value)
                match value:
                    case Scalar(number):
                        scalars[tag] = number
                    case Embedding():
                        self._projector.write(tag, value, step)
                    case Graph(nodes):
                        self._write_graph(nodes, step, wall_time)
                    case _:
                        encoded += self._encoded(tag, value)
            except Exception as fault:  # noqa: BLE001  raised below; it costs no other value
                faults.append(fault)
        if scalars or encoded:
            message = self._scalars.encode(scalars)
            self._file.add(events.encode_event(message, encoded, step, wall_time))
        self._raise(faults)

    def write_rows(self, rows: Sequence[Row]) -> None:
        """Write many steps of numbers.

        Args:
            rows: In the order in which they were logged.
        """
        faults: list[Exception] = []
        for tags, group in groupby(rows, attrgetter("tags")):
            alike = list(group)
            while alike and not self._are_known(tags):
                first = alike.pop(0)
                values = dict(zip(tags, map(Scalar, first.numbers), strict=True))
                try:
                    self.write(values, step=first.step, wall_time=first.wall_time)
                except Exception as fault:  # noqa: BLE001  raised below
                    faults.append(fault)
            if alike:
                _, numbers, steps, wall_times = zip(*alike, strict=True)
                self._start_if_new(steps[0], wall_times[0])
                records = self._scalars.encode_rows(tags, numbers, steps, wall_times)
                self._file.add_records(records)
        self._raise(faults)

    def in_fork(self, name: str) -> TensorBoard:
        """A run of its own, in a directory below, for a forked process."""
        return TensorBoard(
            self._run_dir / name,
            describe=self._describe,
            max_file_bytes=self._max_file_bytes,
            part_secs=self._part_secs,
            clock=self._clock,
        )

    def flush(self) -> None:
        """Hand everything to the operating system, or to the remote storage.

        A file that is full or gone gets a successor.
        """
        if self._file.is_removed():
            self._replace_removed_file()
        self._file.flush()
        if self._file.num_bytes >= self._max_file_bytes:
            full = self._file
            self._begin_file()  # where that fails, the full file grows on until it succeeds
            full.close()

    def flush_if_due(self) -> None:
        """Flush, to a remote storage only once `part_secs` have passed or a file is full."""
        if self._file.is_removed() or self._file.num_bytes >= self._max_file_bytes:
            self.flush()
        else:
            self._file.flush_if_due()

    def close(self) -> None:
        """Flush and close the file."""
        self._file.close()
        self._raise([])

    def _begin_file(self) -> None:
        now = self._clock()
        path = events.next_event_file(self._run_dir, now)
        self._file = events.create_event_file(path, now, part_secs=self._part_secs)
        # Each file describes its tags, so that it can be read without those before it.
        self._scalars = ScalarEncoder(self._describe)
        self._described: set[str] = set()

    def _without_lone_end(self, values: Mapping[str, Value]) -> Mapping[str, Value]:
        """The values, without the end of a run whose settings this session did not write."""
        # The HParams page would have no row for it, or one of an earlier session, which said its.
        if RunEnd not in map(type, values.values()):
            return values
        if HParams in {*map(type, values.values()), *self._kinds.values()}:
            return values
        return {tag: value for tag, value in values.items() if not isinstance(value, RunEnd)}

    def _start_if_new(self, step: int, wall_time: float) -> None:
        if not self._has_started:
            self._start(step, wall_time)
            self._has_started = True

    def _replace_removed_file(self) -> None:
        removed = self._file
        events.make_directory(self._run_dir)
        self._begin_file()
        # What waits was written for a file that had described its tags.
        waiting = events.adopt_in_records(removed.take_pending(), self._metadata_by_tag())
        self._file.add_records(waiting)
        removed.close()
        self._lost = FileNotFoundError(
            f"expected {removed.path} to stay, got it removed while it was written; logging goes "
            "on in a new file, and what was in this one is gone"
        )

    def _metadata_by_tag(self) -> dict[str, bytes]:
        scalars = (tag for tag, kind in self._kinds.items() if kind is Scalar)
        of_scalars = {tag: self._scalars.metadata(tag) for tag in scalars}
        known = {**self._metadata, **of_scalars}
        return {tag: metadata.encode() for tag, metadata in known.items() if metadata}

    def _start(self, step: int, wall_time: float) -> None:
        self._file.add(Event(wall_time, step, session=SessionStatus.START).encode())

    def _are_known(self, tags: Sequence[str]) -> bool:
        """Whether all are tags of numbers that this file has described."""
        return all(self._kinds.get(tag) is Scalar and self._scalars.has(tag) for tag in tags)

    def _check(self, tag: str, value: Value) -> None:
        kind = self._kinds.get(tag)
        if kind is None:
            events.check_tag(tag)
            self._kinds[tag] = type(value)
            if isinstance(value, HParams):  # those of an earlier session, and how that ended
                events.withdraw(self._run_dir, ONCE_A_RUN, but_not_from=self._file.path)
        elif kind is not type(value):
            raise ValueError(
                f"expected a {kind.__name__.lower()} for {tag!r} as before, got a "
                f"{type(value).__name__.lower()}; use another tag for it"
            )

    def _write_graph(self, nodes: Sequence[GraphNode], step: int, wall_time: float) -> None:
        """Write the run's graph; where there are several, both loaders show the latest step's."""
        graph = events.encode_graph(nodes)
        if self._graph is not None:
            last_step, last = self._graph
            if graph == last:
                return
            if step <= last_step:
                raise ValueError(
                    f"expected a graph after step {last_step}, where the run has another one, got "
                    f"one at step {step}; log it at a later step to replace that, or in another run"
                )
        self._graph = (step, graph)
        self._file.add(Event(wall_time, step, graph_def=graph).encode())

    def _encoded(self, tag: str, value: Value) -> list[bytes]:
        description = (self._describe(tag) if self._describe else None) or ""
        encoded = []
        for message in summaries(value, tag, description):
            if message.metadata is not None:
                self._metadata[message.tag] = message.metadata
            if message.tag in self._described:
                message = replace(message, metadata=None)
            self._described.add(message.tag)
            encoded.append(message.encode())
        return encoded

    def _raise(self, faults: list[Exception]) -> None:
        lost, self._lost = self._lost, None
        raise_all([lost, *faults] if lost else faults)


def _explained(error: OSError, run_dir: Path | UPath) -> OSError:
    reason = error.strerror or str(error)
    reason = reason[:1].lower() + reason[1:]
    return type(error)(
        f"expected a log directory that can be written, got {run_dir}: {reason}; "
        "choose another one or change its permissions"
    )
