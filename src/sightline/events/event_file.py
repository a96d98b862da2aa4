"""An event file that is being written."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from sightline.events.backoff import Backoff
from sightline.events.framing import frame
from sightline.events.messages import FILE_VERSION, Event

MAX_PENDING_BYTES = 256 << 20


class EventFile:
    """Appends events to a new file.

    Bytes that a full or broken disk does not take wait in memory, and a later flush goes on at the
    very byte where the last one ended: no record is torn while the process lives. After a failure
    the disk is left alone for 0.1 s, then for twice as long each time, up to 10 s.

    Args:
        path: Where to create the file.
        wall_time: Seconds since 1970.
        max_pending_bytes: How much may wait in memory before an event is refused.
        monotonic: A clock in seconds that never goes back.

    Raises:
        OSError: If the file cannot be created or written.
    """

    def __init__(
        self,
        path: Path,
        wall_time: float,
        *,
        max_pending_bytes: int = MAX_PENDING_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.num_bytes = 0
        self._max_pending_bytes = max_pending_bytes
        self._pending = bytearray()
        self._backoff = Backoff(monotonic)
        self._file = path.open("xb", buffering=0)
        weakref.finalize(self, self._file.close)  # a log that nobody closed takes no descriptor
        self.add(Event(wall_time, file_version=FILE_VERSION).encode())
        self.flush()

    def add(self, event: bytes) -> None:
        """Queue an event for the next flush.

        Args:
            event: An encoded event.

        Raises:
            OSError: If too much waits already and the disk takes none of it; the event is lost.
        """  # noqa: DOC502
        self.add_records(frame(event))

    def add_records(self, records: bytes) -> None:
        """Queue framed events for the next flush.

        Args:
            records: Whole records.

        Raises:
            OSError: If too much waits already and the disk takes none of it; they are lost.
        """  # noqa: DOC502
        if len(self._pending) > self._max_pending_bytes:
            self.flush()
        self._pending += records
        self.num_bytes += len(records)

    def take_pending(self) -> bytes:
        """What waits in memory, which then is no longer this file's.

        Returns:
            Framed records.
        """
        pending = bytes(self._pending)
        self._pending.clear()
        return pending

    def is_removed(self) -> bool:
        """Whether somebody removed the file, or its directory, while it is written."""
        return not self._file.closed and os.fstat(self._file.fileno()).st_nlink == 0

    def flush(self) -> None:
        """Hand everything to the operating system: from there on it outlives this process.

        Raises:
            OSError: If the disk does not take it; a later flush tries again.
        """  # noqa: DOC502
        self._backoff.hold()
        self._write()

    def flush_if_due(self) -> None:
        """Flush: to the operating system it costs next to nothing, so that it is always due."""
        self.flush()

    def close(self) -> None:
        """Flush and close, even where the flush fails; a second time does nothing."""
        if self._file.closed:
            return
        try:
            self._write()
        finally:
            self._file.close()

    def _write(self) -> None:
        try:
            while self._pending:
                num_written = os.write(self._file.fileno(), self._pending)
                del self._pending[:num_written]
        except OSError as error:
            failure = OSError(error.errno, error.strerror, str(self.path))
            self._backoff.failed(failure)
            raise failure from error
        self._backoff.succeeded()
