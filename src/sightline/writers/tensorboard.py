"""Native TensorBoard files, without TensorBoard."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from sightline import events
from sightline.events import Event, EventFile, ScalarEncoder, SessionStatus
from sightline.writers.values import Histogram, Image, Scalar, Text, Value


class TensorBoard:
    """Writes one event file into a run's directory; a run that continues gets a further one.

    A run that continues after `resume_step` first takes back what an earlier session wrote past it.
    A run directory that holds event files and is opened without `resume_step` keeps them: a
    restart is noted at the first step that is written, from which TensorBoard shows the new values.

    Args:
        run_dir: The run's directory; it is created.
        describe: Markdown for a tag, or None: what TensorBoard shows behind the info icon.
        resume_step: Last step that stays, where the run continues.
        clock: Seconds since 1970.

    Raises:
        OSError: If the directory cannot be written.
    """

    supports: frozenset[type] = frozenset({Scalar, Image, Histogram, Text})

    def __init__(
        self,
        run_dir: str | Path,
        *,
        describe: Callable[[str], str | None] | None = None,
        resume_step: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._describe = describe or (lambda tag: None)
        self._scalars = ScalarEncoder(describe)
        self._kinds: dict[str, type] = {}
        run_dir = Path(run_dir)
        now = clock()
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
            is_new = not events.event_files(run_dir)
            if resume_step is not None:
                events.truncate_run(run_dir, resume_step)
            self._file = EventFile(events.next_event_file(run_dir, now), now)
        except OSError as error:
            raise _explained(error, run_dir) from error
        # The first START of a run is ignored by TensorBoard's Python loader; the next ones count.
        self._has_started = True
        if is_new:
            self._start(0, now)
        elif resume_step is not None:
            self._start(resume_step + 1, now)
        else:
            self._has_started = False
        self._file.flush()

    @property
    def path(self) -> Path:
        """The event file."""
        return self._file.path

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        """Write values as one event; those under an illegal tag, or of another kind, raise.

        Args:
            values: Value by tag, on the host.
            step: Step of all of them.
            wall_time: When they were logged, in seconds since 1970.
        """
        if not self._has_started:
            self._start(step, wall_time)
            self._has_started = True
        scalars: dict[str, float] = {}
        encoded: list[bytes] = []
        faults: list[ValueError] = []
        for tag, value in values.items():
            is_first = tag not in self._kinds
            try:
                self._check(tag, value)
            except ValueError as fault:
                faults.append(fault)
                continue
            if isinstance(value, Scalar):
                scalars[tag] = value.value
            else:
                message = self._message(tag, value)
                encoded.append((message if is_first else replace(message, metadata=None)).encode())
        self._file.add(events.encode_event(self._scalars.encode(scalars), encoded, step, wall_time))
        if faults:
            raise faults[0]

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Flush and close the file."""
        self._file.close()

    def _start(self, step: int, wall_time: float) -> None:
        self._file.add(Event(wall_time, step, session=SessionStatus.START).encode())

    def _check(self, tag: str, value: Value) -> None:
        kind = self._kinds.get(tag)
        if kind is None:
            events.check_tag(tag)
            self._kinds[tag] = type(value)
        elif kind is not type(value):
            raise ValueError(
                f"expected a {kind.__name__.lower()} for {tag!r} as before, got a "
                f"{type(value).__name__.lower()}; use another tag for it"
            )

    def _message(self, tag: str, value: Image | Histogram | Text) -> events.Value:
        description = self._describe(tag) or ""
        if isinstance(value, Image):
            height, width = value.pixels.shape[:2]
            png = events.encode_png(value.pixels)
            return events.image_value(
                tag, [png], width=width, height=height, description=description
            )
        if isinstance(value, Histogram):
            buckets = events.bucketize(value.values)
            return events.histogram_value(tag, buckets, description=description)
        return events.text_value(tag, value.markdown, description=description)


def _explained(error: OSError, run_dir: Path) -> OSError:
    reason = (error.strerror or str(error)).lower()
    return type(error)(
        f"expected a log directory that can be written, got {run_dir}: {reason}; "
        "choose another one or change its permissions"
    )
