"""What takes the events of a session, be it a file on a disk or objects of a storage."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sightline.events.event_file import EventFile
from sightline.events.paths import AnyPath
from sightline.events.remote_file import PART_SECS, RemoteEventFile


class EventSink(Protocol):
    """A file of events that grows; `EventFile` and `RemoteEventFile` are such."""

    num_bytes: int
    """How many bytes it has taken."""

    @property
    def path(self) -> AnyPath:
        """Where it lies."""

    def add(self, event: bytes) -> None:
        """Queue an encoded event for the next flush."""

    def add_records(self, records: bytes) -> None:
        """Queue framed events for the next flush."""

    def take_pending(self) -> bytes:
        """What waits in memory, framed, which then is no longer this file's."""

    def is_removed(self) -> bool:
        """Whether somebody removed the file, or its directory, while it is written."""

    def flush(self) -> None:
        """Bring everything to where it outlives this process."""

    def flush_if_due(self) -> None:
        """Flush, unless that is dear and the last time is not long ago."""

    def close(self) -> None:
        """Flush and close, even where the flush fails; a second time does nothing."""


def create_event_file(
    path: AnyPath, wall_time: float, *, part_secs: float = PART_SECS
) -> EventSink:
    """Begin an event file.

    Args:
        path: Where.
        wall_time: Seconds since 1970.
        part_secs: For a remote storage: how long events wait for the next upload.

    Returns:
        A file that is open.

    Raises:
        OSError: If the file cannot be created; a remote storage is not asked yet.
    """  # noqa: DOC502
    if isinstance(path, Path):
        return EventFile(path, wall_time)
    return RemoteEventFile(path, wall_time, part_secs=part_secs)
