"""An event file that is being written."""

from __future__ import annotations

import os
from pathlib import Path

from sightline.events.framing import frame
from sightline.events.messages import FILE_VERSION, Event

MAX_PENDING_BYTES = 64 << 20


class EventFile:
    """Appends events to a new file.

    Bytes that a full disk does not take wait in memory, and a later flush goes on at the very byte
    where the last one ended: no record is torn while the process lives.

    Args:
        path: Where to create the file.
        wall_time: Seconds since 1970.
        max_pending_bytes: How much may wait in memory before an event is refused.

    Raises:
        OSError: If the file cannot be created or written.
    """

    def __init__(
        self, path: Path, wall_time: float, *, max_pending_bytes: int = MAX_PENDING_BYTES
    ) -> None:
        self.path = path
        self._max_pending_bytes = max_pending_bytes
        self._pending = bytearray()
        self._file = path.open("xb", buffering=0)
        self.add(Event(wall_time, file_version=FILE_VERSION).encode())
        self.flush()

    def add(self, event: bytes) -> None:
        """Queue an event for the next flush.

        Where too much waits already and the disk takes none of it, this raises OSError, and the
        event is lost.

        Args:
            event: An encoded event.
        """
        if len(self._pending) > self._max_pending_bytes:
            self.flush()
        self._pending += frame(event)

    def flush(self) -> None:
        """Hand everything to the operating system: from there on it outlives this process.

        Where the disk does not take it, this raises OSError, and a later flush tries again.
        """
        while self._pending:
            num_written = os.write(self._file.fileno(), self._pending)
            del self._pending[:num_written]

    def close(self) -> None:
        """Flush and close, even where the flush fails; a second time does nothing."""
        if self._file.closed:
            return
        try:
            self.flush()
        finally:
            self._file.close()
